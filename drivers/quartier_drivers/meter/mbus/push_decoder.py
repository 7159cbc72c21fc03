"""Parse answers of M-Bus meters into telegrams (pure)."""

from dataclasses import dataclass, replace

from quartier_drivers.meter.mbus import records
from quartier_drivers.meter.mbus.data_records import RECORDS_CONTINUED, RECORDS_FAULTY, split_records
from quartier_drivers.meter.mbus.header import (
    ABNORMAL,
    LONG_CI,
    LONG_HIGH_FIRST_CI,
    LONG_SIZE,
    NO_HEADER_CI,
    SHORT_CI,
    SHORT_SIZE,
    TelegramHeader,
    decrypt_records,
    parse_long_header,
    parse_short_header,
)
from quartier_drivers.meter.mbus.link_layer import MbusFrame, MbusFramer
from quartier_drivers.meter.mbus.records import make_failure_group, make_groups, make_status_group
from quartier_drivers.meter.telegrams import DecoderCounts, Group, Telegram

# Control information of errors and alarms -> header size (EN 13757-7:2018, Table 2).
_ERRORS = {0x6E: SHORT_SIZE, 0x6F: LONG_SIZE, 0x70: 0}
_ALARMS = {0x71: 0, 0x74: SHORT_SIZE, 0x75: LONG_SIZE}
APPLICATION_BUSY = 8
_FAILURES = (
    "unspecified error",
    "control information not implemented",
    "buffer too long, truncated",
    "too many records",
    "premature end of record",
    "more than 10 DIFE",
    "more than 10 VIFE",
    "reserved",
    "application too busy for readout",
    "too many readouts",
    "access denied",
    "unknown application or profile",
    "unknown command",
    "unknown parameter",
    "receiver unknown",
    "decryption failed",
)


class UnreadableTelegram(Exception):  # noqa: N818 - a judgement of a frame, in words
    """The frame is valid, but its content is no M-Bus telegram."""


@dataclass(frozen=True, slots=True)
class MbusAnswer:
    """The application layer of one good frame.

    ``failure`` is the meter's error in words and ``failure_code`` its number (-1: none).  ``is_continued``:
    the meter continues in the next telegram (DIF 1F).  ``is_secret``: encrypted, and not opened.
    """

    header: TelegramHeader
    groups: tuple[Group, ...]
    address: int = 0
    failure_code: int = -1
    failure: str = ""
    is_continued: bool = False
    is_secret: bool = False
    body: bytes = b""


def parse_answer(frame: MbusFrame, key: bytes = b"", first: int = 0) -> MbusAnswer:
    """Read the answer in ``frame``; records are numbered from ``first``.

    Raises UnreadableTelegram with the reason.
    """
    ci, data = frame.ci, frame.data
    if ci in {LONG_CI, LONG_HIGH_FIRST_CI}:
        _check_size(data, LONG_SIZE)
        header = parse_long_header(data, high_first=ci == LONG_HIGH_FIRST_CI)
        return _parse_reading(frame, header, LONG_SIZE, key, first)
    if ci == SHORT_CI:
        _check_size(data, SHORT_SIZE)
        return _parse_reading(frame, parse_short_header(data), SHORT_SIZE, key, first)
    if ci == NO_HEADER_CI:
        return _parse_reading(frame, TelegramHeader(), 0, key, first)
    if ci in {records.LOW_FIRST, records.HIGH_FIRST}:
        return _parse_fixed(frame)
    if ci in _ERRORS:
        return _parse_failure(frame, _ERRORS[ci])
    if ci in _ALARMS:
        return _parse_alarm(frame, _ALARMS[ci])
    raise UnreadableTelegram(f"control information {ci:02X} is unknown")


def _check_size(data: bytes, size: int) -> None:
    if len(data) < size:
        raise UnreadableTelegram("premature end in the header")


def _parse_head(data: bytes, size: int) -> TelegramHeader:
    _check_size(data, size)
    if size == LONG_SIZE:
        return parse_long_header(data)
    return parse_short_header(data) if size else TelegramHeader()


def _parse_reading(frame: MbusFrame, header: TelegramHeader, size: int, key: bytes, first: int) -> MbusAnswer:
    body = frame.data[size:]
    if header.mode:
        plain = decrypt_records(body, header, key)
        if plain is None:
            why = f"encrypted ({header.mode_text})" + (
                "; the key does not fit" if key else "; no key is given"
            )
            said = (make_failure_group(why, header), make_status_group(header))
            return MbusAnswer(header, said, frame.address, is_secret=True, body=body)
        body = plain
    high_first = frame.ci == LONG_HIGH_FIRST_CI
    rows, how = split_records(body, high_first=high_first)
    if how >= RECORDS_FAULTY:
        raise UnreadableTelegram(_FAULTS[how - RECORDS_FAULTY])
    groups = make_groups(rows, header, high_first=high_first, first=first)
    if size:
        groups.append(make_status_group(header))
    return MbusAnswer(header, tuple(groups), frame.address, is_continued=how == RECORDS_CONTINUED, body=body)


_FAULTS = (
    "premature end in a data information block",
    "premature end in a value information block",
    "premature end in the data of a record",
    "more than 10 DIFE",
    "more than 10 VIFE",
    "reserved special function",
    "reserved length of variable data",
)


def _parse_fixed(frame: MbusFrame) -> MbusAnswer:
    if len(frame.data) != records.FIXED_SIZE:
        raise UnreadableTelegram(f"{len(frame.data)} bytes of fixed data, expected {records.FIXED_SIZE}")
    high_first = frame.ci == records.HIGH_FIRST
    header = records.parse_fixed_header(frame.data, high_first=high_first)
    groups = records.parse_fixed_groups(frame.data, header, high_first=high_first)
    return MbusAnswer(header, tuple(groups), frame.address, body=frame.data)


def _parse_failure(frame: MbusFrame, size: int) -> MbusAnswer:
    header, rest = _parse_head(frame.data, size), frame.data[size:]
    code = rest[0] if rest else 0
    text = _FAILURES[code] if code < len(_FAILURES) else f"error {code:02X}"
    said = f"application error: {text}"
    return MbusAnswer(header, (make_failure_group(said, header),), frame.address, code, said, body=frame.data)


def _parse_alarm(frame: MbusFrame, size: int) -> MbusAnswer:
    header, rest = _parse_head(frame.data, size), frame.data[size:]
    text = f"alarm: {rest.hex(' ').upper()}".strip(": ")
    raised = replace(header, state=header.state | ABNORMAL)
    return MbusAnswer(
        header, (make_failure_group(text, header), make_status_group(raised)), frame.address, body=frame.data
    )


class MbusDecoder:
    """Decodes M-Bus frames: see ``telegrams.Decoder``.  One checksum covers a frame, so it is good or bad.

    Requests of the master, and short frames, are no telegrams and are skipped.  A valid frame that is no
    telegram of EN 13757-3 (records that end too early, an unknown control information) is refused whole.
    Keeps at most 261 bytes.
    """

    def __init__(self, encryption_key: bytes = b"") -> None:
        self._framer = MbusFramer()
        self._key = encryption_key
        self._bad_count = 0
        self.why = ""
        """Why the last frame was refused, or cannot be opened; empty if all is well."""

    @property
    def counts(self) -> DecoderCounts:
        """The counts since the decoder was made."""
        return self._framer.counts

    def feed(self, data: bytes) -> list[Telegram]:
        """Take bytes; return the telegrams that they complete."""
        return self._telegrams(self._framer.feed(data))

    def end(self) -> list[Telegram]:
        """Return the telegrams inside an unfinished frame: no more bytes come."""
        return self._telegrams(self._framer.end())

    def _telegrams(self, frames: list[MbusFrame]) -> list[Telegram]:
        counts, found = self.counts, []
        for frame in frames:
            self._bad_count += frame.bad_count
            if not frame.is_answer:
                continue
            try:
                answer = parse_answer(frame, self._key)
            except UnreadableTelegram as why:
                self._bad_count += 1
                counts.bad_count += 1
                self.why = str(why)
                continue
            self.why = str(answer.groups[0].value) if answer.is_secret else ""
            counts.good_count += 1
            counts.frames_count += 1
            found.append(Telegram(answer.header.serial, answer.groups, self._bad_count, is_proven=True))
            self._bad_count = 0
        return found
