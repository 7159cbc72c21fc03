"""Reads a meter's answer in one M-Bus frame: header and groups, or in words why there are none; pure."""

from dataclasses import dataclass, replace

from quartier_drivers.meter.mbus import fixed
from quartier_drivers.meter.mbus.frame import Frame
from quartier_drivers.meter.mbus.groups import failure, groups_of, status
from quartier_drivers.meter.mbus.header import (
    ABNORMAL,
    LONG,
    LONG_HIGH,
    LONG_SIZE,
    NONE,
    SHORT,
    SHORT_SIZE,
    Header,
    long_header,
    short_header,
)
from quartier_drivers.meter.mbus.secrecy import opened
from quartier_drivers.meter.telegram import Group
from quartier_native.meters import RECORDS_CONTINUED, RECORDS_FAULTY, split_records

# Control information of errors and alarms -> header size (EN 13757-7:2018, Table 2).
_ERRORS = {0x6E: SHORT_SIZE, 0x6F: LONG_SIZE, 0x70: 0}
_ALARMS = {0x71: 0, 0x74: SHORT_SIZE, 0x75: LONG_SIZE}
BUSY = 8
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


class Unreadable(Exception):  # noqa: N818 - a judgement of a frame, in words
    """The frame is valid, but its content is no M-Bus telegram."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The application layer of one good frame.

    ``failure`` is the meter's error in words and ``failure_code`` its number (-1: none).  ``is_continued``:
    the meter continues in the next telegram (DIF 1F).  ``is_secret``: encrypted, and not opened.
    """

    header: Header
    groups: tuple[Group, ...]
    address: int = 0
    failure_code: int = -1
    failure: str = ""
    is_continued: bool = False
    is_secret: bool = False
    body: bytes = b""


def answer_of(frame: Frame, key: bytes = b"", first: int = 0) -> Answer:
    """Read the answer in ``frame``; records are numbered from ``first``.

    Raises Unreadable with the reason.
    """
    ci, data = frame.ci, frame.data
    if ci in {LONG, LONG_HIGH}:
        _long_enough(data, LONG_SIZE)
        header = long_header(data, high_first=ci == LONG_HIGH)
        return _reading(frame, header, LONG_SIZE, key, first)
    if ci == SHORT:
        _long_enough(data, SHORT_SIZE)
        return _reading(frame, short_header(data), SHORT_SIZE, key, first)
    if ci == NONE:
        return _reading(frame, Header(), 0, key, first)
    if ci in {fixed.LOW_FIRST, fixed.HIGH_FIRST}:
        return _fixed(frame)
    if ci in _ERRORS:
        return _failed(frame, _ERRORS[ci])
    if ci in _ALARMS:
        return _alarm(frame, _ALARMS[ci])
    raise Unreadable(f"control information {ci:02X} is unknown")


def _long_enough(data: bytes, size: int) -> None:
    if len(data) < size:
        raise Unreadable("premature end in the header")


def _head(data: bytes, size: int) -> Header:
    _long_enough(data, size)
    if size == LONG_SIZE:
        return long_header(data)
    return short_header(data) if size else Header()


def _reading(frame: Frame, header: Header, size: int, key: bytes, first: int) -> Answer:
    body = frame.data[size:]
    if header.mode:
        plain = opened(body, header, key)
        if plain is None:
            why = f"encrypted ({header.mode_text})" + (
                "; the key does not fit" if key else "; no key is given"
            )
            said = (failure(why, header), status(header))
            return Answer(header, said, frame.address, is_secret=True, body=body)
        body = plain
    high_first = frame.ci == LONG_HIGH
    rows, how = split_records(body, high_first=high_first)
    if how >= RECORDS_FAULTY:
        raise Unreadable(_FAULTS[how - RECORDS_FAULTY])
    groups = groups_of(rows, header, high_first=high_first, first=first)
    if size:
        groups.append(status(header))
    return Answer(header, tuple(groups), frame.address, is_continued=how == RECORDS_CONTINUED, body=body)


_FAULTS = (
    "premature end in a data information block",
    "premature end in a value information block",
    "premature end in the data of a record",
    "more than 10 DIFE",
    "more than 10 VIFE",
    "reserved special function",
    "reserved length of variable data",
)


def _fixed(frame: Frame) -> Answer:
    if len(frame.data) != fixed.SIZE:
        raise Unreadable(f"{len(frame.data)} bytes of fixed data, expected {fixed.SIZE}")
    high_first = frame.ci == fixed.HIGH_FIRST
    header = fixed.fixed_header(frame.data, high_first=high_first)
    groups = fixed.fixed_groups(frame.data, header, high_first=high_first)
    return Answer(header, tuple(groups), frame.address, body=frame.data)


def _failed(frame: Frame, size: int) -> Answer:
    header, rest = _head(frame.data, size), frame.data[size:]
    code = rest[0] if rest else 0
    text = _FAILURES[code] if code < len(_FAILURES) else f"error {code:02X}"
    said = f"application error: {text}"
    return Answer(header, (failure(said, header),), frame.address, code, said, body=frame.data)


def _alarm(frame: Frame, size: int) -> Answer:
    header, rest = _head(frame.data, size), frame.data[size:]
    said = f"alarm: {rest.hex(' ').upper()}".strip(": ")
    raised = replace(header, state=header.state | ABNORMAL)
    return Answer(header, (failure(said, header), status(raised)), frame.address, body=frame.data)
