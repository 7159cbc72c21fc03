"""Splits P1 bytes into telegrams: from ``/`` to ``!`` and a CRC-16 that proves the whole.

A stray ``/`` or ``!`` costs at most the telegram that contains it: every ``/`` before a ``!`` may be the
beginning, and the CRC decides.  Versions 2 and 3 have no CRC.  There a telegram is valid if every line has a
valid form, and on a port also only if the telegram before had the same lines.
"""

import re

from quartier_drivers.meter.p1 import lines
from quartier_drivers.meter.p1.lines import is_well_formed, make_outline
from quartier_drivers.meter.telegrams import Decoder, DecoderCounts, Telegram
from quartier_native import crc16

TELEGRAM_MAX = 16384
"""Size of the longest telegram; DSMR 5 with both messages at their longest has less than 6000 bytes."""
BEGINS_MAX = 8
"""Most ``/`` before one ``!`` that are tried."""

# A telegram ends with a line that begins with ``!``; in the middle of a line it is a character of a text,
# except if noise destroyed the end of the line before.
_END = re.compile(
    rb"!(?:(?<=[\r\n\x8d]!)(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{0,3}(?=[^0-9A-Fa-f]))|[0-9A-Fa-f]{0,4}(?=[\r\n\x8d]))"
)
_END_MAX = 7
"""Bytes from the end of the line before to the byte after the CRC."""
_LAST_END = re.compile(rb"!([0-9A-Fa-f]{0,4})\Z")
_BEGIN = re.compile(rb"[/\xaf]")
_HEAD = re.compile(r"/[!-~][ -~]{3,60}").fullmatch
# What versions 2 and 3 never contain: a version from 4 on, and the time.
_CHECKED = re.compile(r":(?:0\.2\.8\([4-9]|96\.1\.4\([4-9]|1\.0\.0\()").search
_SEALED = b"\xdb\x08"
"""The beginning of an encrypted telegram."""
_LINE_ENDS = (b"", b"\r", b"\n", b"\x8d")

# Seven bits and even parity on a port of eight bits: a byte of odd parity is damaged.
_DAMAGED = 0xFF
_EVEN = bytes(byte & 0x7F if byte.bit_count() % 2 == 0 else _DAMAGED for byte in range(256))


def crc_arc(data: bytes) -> int:
    """Return the CRC-16/ARC (DSMR 5.0.2, chapter 6.2), made from the Modbus CRC.

    Two bytes FF bring the Modbus CRC to 0, from which CRC-16/ARC begins.
    """
    return crc16(b"\xff\xff" + data)


def make_decoder(
    *, encryption_key: bytes = b"", authentication_key: bytes = b"", is_capture: bool = False
) -> Decoder:
    """Make a decoder of plain telegrams, or with an ``encryption_key`` of encrypted ones only.

    Keys have 16 bytes.  ``is_capture``: a telegram without CRC counts by its own form, as a file may contain
    only one. Raises ValueError for a key of another length, and for an authentication key alone: it proves
    nothing.
    """
    if not encryption_key:
        if authentication_key:
            raise ValueError("an authentication_key needs the encryption_key too")
        return P1Decoder(is_capture=is_capture)
    from quartier_drivers.meter.p1.encrypted_decoder import (  # noqa: PLC0415 - few sites need cryptography here
        EncryptedP1Decoder,
    )

    return EncryptedP1Decoder(encryption_key, authentication_key)


class P1Decoder:
    """Decodes plain telegrams of every version, in any chunks.

    Keeps at most ``2 * TELEGRAM_MAX`` bytes besides a chunk. ``is_sealed``: only what a CRC proves counts.
    Without ``is_capture`` a telegram without CRC counts from the second with the same lines on, and never on
    a line that has had a CRC.
    """

    def __init__(self, *, is_sealed: bool = False, is_capture: bool = False) -> None:
        self.counts = DecoderCounts()
        self._is_sealed = is_sealed
        self._is_capture = is_capture
        self._outline: tuple[str, ...] = ()
        self._new_outline: tuple[str, ...] = ()
        self._lines = lines.LineReader()
        self._buffer = bytearray()
        self._searched = 0
        self._dropped_count = 0
        self._rubbish_count = 0
        self._bad_count = 0
        self._is_foreign = False
        self.identity = ""
        """The identification line of the last telegram, without its slash; empty before the first."""

    @property
    def why(self) -> str:
        """The reason why nothing can be decoded, for a person; empty if there is none."""
        is_locked = self._is_foreign and not self.counts.good_count
        return "the telegrams are encrypted: a key file is needed" if is_locked else ""

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        self.counts.bytes_count += len(data)
        buffer = self._buffer
        buffer += data
        self._is_foreign = self._is_foreign or _SEALED in data
        done: list[Telegram] = []
        start = 0
        while end := _END.search(buffer, max(start, self._searched)):
            self._rubbish(end.start() - start)
            body = bytes(buffer[max(start, end.start() + 1 - TELEGRAM_MAX) : end.start() + 1])
            self._close(body, end[0][1:], bytes(buffer[end.end() : end.end() + 1]), done)
            self._dropped_count = self._rubbish_count = 0
            start = end.end()
        del buffer[:start]
        self._rubbish(len(buffer))
        if len(buffer) > 2 * TELEGRAM_MAX:
            self._dropped_count += len(buffer) - TELEGRAM_MAX
            del buffer[: len(buffer) - TELEGRAM_MAX]
        self._searched = max(0, len(buffer) - _END_MAX)
        return done

    def end(self) -> list[Telegram]:
        """Return a telegram whose last line lacks only its end: the line was closed."""
        done: list[Telegram] = []
        end = _LAST_END.search(self._buffer)
        if end:
            self._close(bytes(self._buffer[: end.start() + 1][-TELEGRAM_MAX:]), end[1], b"", done)
        elif _BEGIN.search(self._buffer[-TELEGRAM_MAX:]):
            self._refuse()
        self._buffer.clear()
        self._searched = self._dropped_count = self._rubbish_count = 0
        return done

    def _rubbish(self, bytes_count: int) -> None:
        """Count bytes without an end of a telegram: one resynchronisation per ``TELEGRAM_MAX`` of them."""
        longest_count = (self._dropped_count + bytes_count) // TELEGRAM_MAX
        self.counts.resync_count += longest_count - self._rubbish_count
        self._rubbish_count = longest_count

    def _close(self, body: bytes, crc: bytes, behind: bytes, done: list[Telegram]) -> None:
        """Check what ends with ``!``; ``crc`` is what follows it, in hexadecimal or empty."""
        begins = [found.start() for found in _BEGIN.finditer(body)][-BEGINS_MAX:]
        if not begins:
            self.counts.resync_count += 1
            return
        if crc:
            text = _find_proven(body, begins, int(crc, 16))
        else:
            text = self._find_plain_text(body[begins[-1] :]) if behind in _LINE_ENDS else ""
        head, _, rest = text.partition("\n")
        groups, is_clean = self._lines.read(rest[:-1])
        if not groups or not (crc or (is_clean and is_well_formed(rest[:-1].splitlines()))):
            self._refuse()
            return
        if not crc and not self._is_repeated(rest[:-1].splitlines()):
            self.counts.good_count += 1  # it is sound, and so is the speed of the line; it is only not told
            return
        self._is_sealed |= bool(crc) and not self._is_capture
        self.identity = head.strip().removeprefix("/")
        done.append(Telegram(lines.find_meter_number(groups), tuple(groups), self._bad_count, is_proven=True))
        self._bad_count = 0
        self.counts.good_count += 1
        self.counts.frames_count += 1

    def _is_repeated(self, rows: list[str]) -> bool:
        """Return whether a telegram had the same lines before, which proves one without CRC."""
        lines_now = make_outline(rows)
        if lines_now == self._new_outline or self._is_capture:
            self._outline = lines_now
        self._new_outline = lines_now
        return lines_now == self._outline

    def _find_plain_text(self, body: bytes) -> str:
        """Return the text of a telegram that has no CRC and needs none; empty otherwise."""
        if not body.isascii():
            body = body.translate(_EVEN)
        text = body.decode("latin-1")
        is_whole = _HEAD(text.partition("\n")[0].rstrip("\r")) is not None
        return "" if self._is_sealed or not is_whole or _CHECKED(text) else text

    def _refuse(self) -> None:
        self._bad_count += 1
        self.counts.bad_count += 1
        self.counts.resync_count += 1


def _find_proven(body: bytes, begins: list[int], crc: int) -> str:
    """Return the text from the beginning that the CRC proves; empty if none is proven.

    A capture that passed through a text tool lacks the CR of each line: the CRC proves that too.
    """
    for begin in reversed(begins):
        part = body[begin:]
        if crc_arc(part) == crc or (b"\r" not in part and crc_arc(part.replace(b"\n", b"\r\n")) == crc):
            return part.decode("latin-1")
    return ""
