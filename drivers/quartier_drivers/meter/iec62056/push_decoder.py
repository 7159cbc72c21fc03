"""Decodes IEC 62056-21: the messages of a meter in modes A to D, polled or not; pure.

IEC 62056-21:2002, 6.3.2 (identification), 6.3.3 (acknowledgement), 6.3.4 (data message with block check),
6.4.5 (mode D).  The block check character covers a data message between STX and ETX: it is accepted whole or
not at all.  Without STX, as in modes A and D, a complete message is valid, and data sets with a visibly
damaged character are left out.
"""

import re
from collections.abc import Mapping

from quartier_drivers.meter.iec62056.datasets import (
    DAMAGED_CHARACTER,
    SEVEN_BITS,
    RepeatedForms,
    find_serial,
    make_set_reader,
    parse_groups,
    strip_parity,
)
from quartier_drivers.meter.iec62056.set_reader import (
    CHECK_NONE,
    CHECK_SUM,
    CHECK_XOR,
    compute_block_check,
    is_continued,
)
from quartier_drivers.meter.telegrams import DecoderCounts, Telegram

FRAME_MAX = 32_768
"""The longest data message, in characters."""
IDENTITY_MAX = 96
"""The longest line of identification; the standard has 22 characters."""
NOISE_RESYNC = 512
"""This many characters outside of a message count as one more search for its beginning."""

_STX, _ETX, _BANG, _SLASH = 0x02, 0x03, 0x21, 0x2F
_IDENTITY = re.compile(rb"/([A-Za-z]{3}[ -.0-~]+?) *\r?\n")
_NEVER_IN_IDENTITY = re.compile(rb"[()!*\x02\x03\x7f]|.\x2f", re.DOTALL)
_TOKENS = {  # what to look for: outside, behind an identification, behind STX
    "outside": re.compile(rb"[/\x02]"),
    "open": re.compile(rb"[/\x02\x03!]"),
    "checked": re.compile(rb"[/\x02\x03]"),
}
_IDENTITIES_MAX = 8
_BEFORE_BANG = b"\r\n)"
_BEHIND_BANG = b"\r\n\x03\x000123456789ABCDEFabcdef"  # the digits are a CRC, as P1 has it


CHECKS: Mapping[str, int] = {"xor": CHECK_XOR, "sum": CHECK_SUM, "none": CHECK_NONE}
_HELD_MAX = FRAME_MAX // 2
_PIECE = 4096
"""Bytes taken at once, so that the time per byte of a large chunk does not grow."""


class Iec62056Decoder:
    """A push parser of IEC 62056-21: see ``telegrams.Decoder``.  Keeps ``FRAME_MAX`` characters, twice.

    Messages in the usual form are read whole by the fast reader. ``_held`` is the received part of a message.

    ``bcc``: how the block check character is made: ``"xor"`` (the standard), ``"sum"`` (Kamstrup Multical 41
    and 401: added up), ``"none"`` (not checked).  ``pushes``: meters send by themselves on a port, which
    starts at any byte and loses bytes; lines without block check then count once they are ``RepeatedForms``.
    """

    def __init__(self, bcc: str, *, pushes: bool = False) -> None:
        self._check = CHECKS[bcc]
        self._familiar = RepeatedForms() if pushes else None
        self._sets = make_set_reader()
        self._held = b""
        self._raw = bytearray()
        self._seven = bytearray()
        self._state = "outside"
        self._at = 0
        self._identity = ""
        self._noise_count = 0
        self._reported_count = 0
        self._checked: dict[str, None] = {}
        self._strange = ""
        self._counts = DecoderCounts()

    @property
    def why(self) -> str:
        """The fault of complete messages that are not valid, for a person; empty if there is none."""
        if self._counts.good_count or not self._strange:
            return ""
        return f'its block check is made otherwise: a profile with bcc = "{self._strange}" reads it'

    @property
    def counts(self) -> DecoderCounts:
        """The counts since the decoder was made.

        ``good_count`` and ``bad_count`` count data sets; a message that is refused whole counts once.
        """
        return self._counts

    @property
    def identity(self) -> str:
        """The last identification, without its slash; empty before the first."""
        return self._identity

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        self._counts.bytes_count += len(data)
        telegrams: list[Telegram] = []
        is_more = len(self._held) + len(data) <= _HELD_MAX
        if self._held and is_more and is_continued(data, 0):
            self._held += data
            return telegrams
        for at in range(0, len(data), _PIECE):
            self._take(data[at : at + _PIECE], telegrams)
        return telegrams

    def _take(self, data: bytes, telegrams: list[Telegram]) -> None:
        """Take a piece: usual messages by the fast reader, everything else step by step."""
        if self._held:
            data, self._held = self._held + data, b""
        while data:
            if data[:1] == b"\x02" and not self._raw and self._state != "checked":
                data = self._plain(data, telegrams)
                if not data:
                    return
            self._raw += data
            self._seven += data.translate(SEVEN_BITS)
            data = b""
            while self._step(telegrams):
                if self._state != "checked" and self._raw[:1] == b"\x02":
                    data = bytes(self._raw)
                    self._raw.clear()
                    self._seven.clear()
                    break

    def _plain(self, data: bytes, telegrams: list[Telegram]) -> bytes:
        """Take the data messages of the usual form; return the rest, unless it may become one."""
        counts, bad_count, before_count = self._counts, self._counts.bad_count, len(telegrams)
        at, sets_count = self._sets.messages(
            data, 0, self._check, self._identity, bad_count - self._reported_count, telegrams
        )
        if at:
            counts.resync_count += self._noise_count > IDENTITY_MAX
            self._noise_count = 0
            self._state = "outside"
            self._note_proof()
            self._reported_count = bad_count
            counts.good_count += sets_count
            counts.frames_count += len(telegrams) - before_count
            data = data[at:]
        if data[:1] == b"\x02" and len(data) <= _HELD_MAX and is_continued(data, 1):
            self._held, data = data, b""
        return data

    def end(self) -> list[Telegram]:
        """Finish: a message that ends with its ``!`` is complete, any other is lost."""
        telegrams: list[Telegram] = []
        self._raw += self._held
        self._seven += self._held
        self._held = b""
        while self._step(telegrams):
            pass
        if self._state == "open" and self._seven.rstrip(b"\0").endswith(b"!"):
            self._tell(len(self._seven.rstrip(b"\0")) - 1, telegrams)
        elif self._state != "outside" and b"(" in self._seven:
            self._counts.bad_count += 1
        self._forget(len(self._seven), "outside")
        return telegrams

    def _step(self, telegrams: list[Telegram]) -> bool:
        """Go to the next significant character; return whether there may be more to do."""
        found = _TOKENS[self._state].search(self._seven, self._at)
        if found is None:
            self._at = len(self._seven)
            return self._trim(self._at)
        at = found.start()
        if at > FRAME_MAX and self._state != "outside":
            return self._trim(at)
        byte = self._seven[at]
        if byte == _SLASH:
            return self._slash(at)
        if byte == _STX:
            self._lose(at)
            self._forget(at + 1, "checked", noise_count=at)
            return True
        if len(self._seven) < at + 2:
            self._at = at
            return False
        if byte == _BANG:
            self._end_message(at, telegrams)
        elif self._state == "checked":
            self._etx(at, telegrams)
        else:  # an ETX whose STX was lost: nothing checks what came before it
            self._lose(at)
            self._forget(at + 2, "outside")
        return True

    def _trim(self, size: int) -> bool:
        """Discard up to ``size``, keeping no more than a message can have."""
        if self._state == "outside":
            self._forget(size, "outside")
        elif size > FRAME_MAX:
            self._counts.bad_count += 1
            self._forget(FRAME_MAX, "outside")
            return True
        return False

    def _slash(self, at: int) -> bool:
        """Handle a slash: it begins an identification, or belongs to a unit, a request, or noise."""
        line_end = self._seven.find(b"\n", at, at + IDENTITY_MAX)
        line = bytes(self._seven[at : line_end + 1 if line_end >= 0 else at + IDENTITY_MAX])
        match = None if _NEVER_IN_IDENTITY.search(line) else _IDENTITY.fullmatch(line)
        if match is not None:
            self._lose(at)
            self._identity = match[1].decode("ascii")
            self._forget(at + len(line), "open", noise_count=at)
            return True
        may_be_one = line_end < 0 and len(line) < IDENTITY_MAX and not _NEVER_IN_IDENTITY.search(line)
        if not may_be_one:
            self._at = at + 1
        elif self._state == "outside":
            self._forget(at, "outside")
        else:
            self._at = at
        return not may_be_one

    def _end_message(self, at: int, telegrams: list[Telegram]) -> None:
        """Handle the end of a message without block check, if it is in a valid place."""
        before = self._seven[at - 1] if at else ord("\n")
        if before in _BEFORE_BANG and self._seven[at + 1] in _BEHIND_BANG:
            self._tell(at, telegrams)
            self._forget(at + 1, "outside", noise_count=0)
        else:
            self._at = at + 1

    def _etx(self, at: int, telegrams: list[Telegram]) -> None:
        """Handle the end of a message and its block check, which covers all after STX, ETX included."""
        block = bytes(self._seven[: at + 1])
        is_checked, told = self._check != CHECK_NONE, self._seven[at + 1]
        if is_checked and (
            compute_block_check(block, self._check) != told
            or DAMAGED_CHARACTER in strip_parity(bytes(self._raw[:at]))
        ):
            self._counts.bad_count += 1
            others = (name for name in ("xor", "sum") if compute_block_check(block, CHECKS[name]) == told)
            self._strange = next(others, "")
        else:
            self._note_proof()
            text = block.decode("ascii").rstrip("\x03").rstrip().rstrip("!")
            self._add_telegram(text, telegrams, is_checked=is_checked)
        self._forget(at + 2, "outside", noise_count=0)

    def _note_proof(self) -> None:
        """Record that the last identified meter checks its messages."""
        self._checked.pop(self._identity, None)
        self._checked[self._identity] = None
        while len(self._checked) > _IDENTITIES_MAX:
            del self._checked[next(iter(self._checked))]

    def _tell(self, end: int, telegrams: list[Telegram]) -> None:
        """Accept a complete message without block check; if its meter has a check, it has lost its STX."""
        if self._identity in self._checked:
            self._counts.bad_count += 1
        else:
            block = strip_parity(bytes(self._raw[:end])).decode("ascii")
            self._add_telegram(block, telegrams, is_checked=False)

    def _add_telegram(self, block: str, telegrams: list[Telegram], *, is_checked: bool) -> None:
        if self._familiar is not None and not is_checked:
            block = self._familiar.of(block)
        groups, bad_count = parse_groups(block, is_checked=is_checked, reader=self._sets)
        counts = self._counts
        counts.good_count += len(groups)
        counts.bad_count += bad_count
        if groups:
            meter = find_serial(groups) or self._identity
            telegrams.append(Telegram(meter, tuple(groups), counts.bad_count - self._reported_count))
            self._reported_count = counts.bad_count
            counts.frames_count += 1

    def _lose(self, at: int) -> None:
        """Count an unfinished message as lost: another one begins at ``at``."""
        if self._state != "outside" and b"(" in self._seven[:at]:
            self._counts.bad_count += 1

    def _forget(self, size: int, state: str, noise_count: int | None = None) -> None:
        """Drop the first characters; those outside of a message were noise."""
        if self._state == "outside":
            noise = bytes(self._seven[: size if noise_count is None else noise_count])
            resyncs, self._noise_count = divmod(
                self._noise_count + len(noise.translate(None, b"\r\n\0")), NOISE_RESYNC
            )
            self._counts.resync_count += resyncs
        if state != "outside":
            self._counts.resync_count += self._noise_count > IDENTITY_MAX
            self._noise_count = 0
        del self._raw[:size]
        del self._seven[:size]
        self._state = state
        self._at = 0


def make_decoder(
    *, bcc: str = "xor", speed_max: int = 19200, wake_count: int = 0, is_capture: bool = False
) -> Iec62056Decoder:
    """Make a decoder with the settings of a profile's ``[decoder]`` table; the reader's are ignored.

    ``is_capture``: a message without block check counts at once, because a file may contain only one.
    """
    del speed_max, wake_count
    return Iec62056Decoder(bcc, pushes=not is_capture)
