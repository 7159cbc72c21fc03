"""The link layer of wired M-Bus: frames from bytes in any chunks, and frames to send; pure.

EN 13757-2:2018 clause 5, after EN 60870-5-1 format class FT 1.2: a single character E5, a short frame ``10 C
A CS 16``, a long frame ``68 L L 68 C A CI … CS 16``; CS is the sum of all from C on, modulo 256.
"""

import re
from dataclasses import dataclass, field

from quartier_drivers.meter.telegram import Counts

ACK = 0xE5
_SHORT, _LONG, _STOP = 0x10, 0x68, 0x16
_BEGINS = re.compile(rb"[\x10\x68\xe5]")
_SHORT_SIZE, _AROUND, _LENGTH_MIN = 5, 6, 3
FRAME_MAX = 255 + _AROUND
"""Size of the longest frame, and most bytes that a ``Framer`` keeps between two chunks."""

# Control fields (5.4.4): from the master …
SND_NKE, SND_UD, REQ_UD2, FCB = 0x40, 0x53, 0x5B, 0x20
# … and of an answer with data, whose bits ACD and DFC may be set.
_RSP_UD, _FLAGS = 0x08, 0x30
NETWORK, BROADCAST_ANSWERED, BROADCAST = 253, 254, 255
"""Addresses: the selected meter; all, with answer; all, without answer."""
SELECT, RESET = 0x52, 0x50
"""Control information to a meter: secondary selection, application reset."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame with a valid checksum; ``ci`` is -1 in a short one.

    ``bad_count`` is the number of failed frames between the one before and this one.
    """

    control: int
    address: int
    ci: int = -1
    data: bytes = b""
    bad_count: int = field(default=0, compare=False)

    @property
    def is_answer(self) -> bool:
        """Whether a meter sent it: RSP_UD."""
        return self.ci >= 0 and self.control & ~_FLAGS == _RSP_UD


@dataclass(slots=True)
class Framer:
    """Finds frames, with the same result for any chunking.

    Single characters, which have no check, are left out. A failed frame gives back all but its first byte: a
    good frame may begin inside it.  Time is linear: each beginning costs one check of at most 261 bytes.
    """

    counts: Counts = field(default_factory=Counts)
    _buffer: bytearray = field(default_factory=bytearray)
    _wanted: int = 1
    _is_lost: bool = False
    _bad_count: int = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that they complete."""
        self._buffer += data
        self.counts.bytes_count += len(data)
        return self._frames(last=False) if len(self._buffer) >= self._wanted else []

    def end(self) -> list[Frame]:
        """Return the frames inside an unfinished one: no more bytes come."""
        return self._frames(last=True)

    def _frames(self, *, last: bool) -> list[Frame]:
        buffer, at, found = bytes(self._buffer), 0, []
        self._wanted = 1
        while (begin := _BEGINS.search(buffer, at)) is not None:
            if begin.start() > at:
                self._lose()
            at = begin.start()
            if buffer[at] == ACK:
                at += 1
                continue
            size = _size(buffer, at)
            if size > len(buffer) - at and not last:
                self._wanted = size
                break
            body = _body(buffer, at, size)
            if body is not None:
                found.append(self._made(body))
                self._is_lost = False
                at += size
                continue
            if size > _SHORT_SIZE:
                self._bad_count += 1
                self.counts.bad_count += 1
            self._lose()
            at += 1
        else:
            if at < len(buffer):
                self._lose()
            at = len(buffer)
        del self._buffer[:at]
        return found

    def _made(self, body: bytes) -> Frame:
        bad_count, self._bad_count = self._bad_count, 0
        if len(body) < _LENGTH_MIN:
            return Frame(body[0], body[1], bad_count=bad_count)
        return Frame(body[0], body[1], body[2], body[3:], bad_count)

    def _lose(self) -> None:
        self.counts.resync_count += not self._is_lost
        self._is_lost = True


def _size(buffer: bytes, at: int) -> int:
    """Return the length of the frame at ``at`` as far as known; 0 if none begins there."""
    if buffer[at] == _SHORT:
        return _SHORT_SIZE
    head = buffer[at : at + 4]
    if len(head) > 1 and head[1] < _LENGTH_MIN:
        return 0
    if (len(head) > 2 and head[2] != head[1]) or (len(head) > 3 and head[3] != _LONG):
        return 0
    return head[1] + _AROUND if len(head) == 4 else 4


def _body(buffer: bytes, at: int, size: int) -> bytes | None:
    """Return the bytes under the checksum if the frame is complete and valid; else None."""
    end = at + size - 2
    if not size or end + 2 > len(buffer) or buffer[end + 1] != _STOP:
        return None
    body = buffer[at + (1 if size == _SHORT_SIZE else 4) : end]
    return body if sum(body) & 0xFF == buffer[end] else None


def short(control: int, address: int) -> bytes:
    """Return a short frame to send."""
    return bytes((_SHORT, control, address, (control + address) & 0xFF, _STOP))


def long(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """Return a long frame to send, of at most 252 bytes of data."""
    body = bytes((control, address, ci)) + data
    return bytes((_LONG, len(body), len(body), _LONG)) + body + bytes((sum(body) & 0xFF, _STOP))
