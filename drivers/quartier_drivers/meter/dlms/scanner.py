"""Finds frames of DLMS/COSEM in a stream of bytes, after any noise: HDLC, M-Bus, TCP wrapper; pure.

IEC 62056-46 (HDLC), EN 13757-1 and -4 (M-Bus), IEC 62056-47 (wrapper).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from quartier_drivers.meter.dlms.hdlc import (
    FLAG,
    HdlcFrame,
    HdlcHead,
    TruncatedFrame,
    parse_frame,
    parse_head,
)

WRAPPED_MAX = 16_384
"""The longest APDU expected after a wrapper's header."""
KEPT_MAX = WRAPPED_MAX + 64
"""Most bytes kept."""

# An HDLC frame's format, an M-Bus frame's header, a wrapper's version; or an incomplete one of them.
_BEGINS = re.compile(rb"[\xa0-\xaf]|\x68(?=(.)\1\x68|.{0,2}\Z)|\x00(?=\x01|\Z)", re.DOTALL)
_MBUS_START, _MBUS_STOP, _MBUS_HEAD_SIZE = 0x68, 0x16, 7
_MBUS_PARTS = 0x1F  # control information up to here is the number of a part of an APDU
_WRAPPER_SIZE = 8
_PORT_MAX = 0x3FFF
# First bytes of an APDU: notification, general ciphering and block transfer, answers, ciphered answers.
_TAGS = frozenset(b"\x0f\xdb\xdc\xdd\xe0\xc4\xc5\xc7\xcc\xcd\xcf\xd4\xd5\xd7\xc2\xca\x61\x63\xd8\x0e")
_RUBBISH_SIZE = 512
_STEP = 1024


@dataclass(frozen=True, slots=True)
class MbusSegment:
    """One M-Bus frame with a part of an APDU: control information 0x00 to 0x1F with last-bit and number."""

    control: int
    address: int
    information: int
    data: bytes

    @property
    def number(self) -> int:
        """Its number, 0 to 15, counted from 0 in each APDU."""
        return self.information & 0x0F

    @property
    def is_last(self) -> bool:
        """Return whether it is the last part of the APDU."""
        return bool(self.information & 0x10)


@dataclass(frozen=True, slots=True)
class WrappedApdu:
    """One APDU after a wrapper's header of version 1."""

    source: int
    destination: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """A valid frame; ``stray`` is the number of bytes before it that belong to no frame, without flags."""

    frame: HdlcFrame | MbusSegment | WrappedApdu
    stray: int

    @property
    def is_whole(self) -> bool:
        """Return whether both the beginning and the end of the frame were received."""
        return not isinstance(self.frame, HdlcFrame) or self.frame.is_flagged


class _OpenFrame(NamedTuple):
    """A beginning whose end is awaited; places count from the beginning of the stream."""

    end: int
    start: int
    head: HdlcHead | None = None


class FrameScanner:
    """Takes bytes in any chunks and yields each frame once its last byte came.

    The frame that ends first counts, even if another one seemed to begin before it: a damaged header never
    swallows a good neighbour.  HDLC frames need no flags if both check sequences are valid.
    ``bad_count`` counts false or damaged frames, ``resync_count`` runs of other bytes.
    """

    def __init__(self) -> None:
        self.bad_count = 0
        self.resync_count = 0
        self._kept = bytearray()
        self._base = 0  # place of the first kept byte
        self._looked = 0  # up to here beginnings were looked for
        self._floor = 0  # up to here frames were given
        self._open: list[_OpenFrame] = []
        self._suspects: list[int] = []
        self._stray = 0
        self._rubbish = 0
        self._wrapper_end = 0
        self._has_checks = False

    def feed(self, data: bytes) -> Iterator[FoundFrame]:
        """Yield the frames that these bytes complete; exhaust it before the next call."""
        for at in range(0, len(data), _STEP):  # so few beginnings are open at a time
            self._kept += data[at : at + _STEP]
            self._look()
            yield from self._take(self._base + len(self._kept))
            self._trim()

    def end(self) -> Iterator[FoundFrame]:
        """Yield the frames that lack only their closing flag, then reset: no more bytes come."""
        have = self._base + len(self._kept)
        yield from self._take(have + 1)
        self._looked = have
        self._open.clear()
        self._trim()
        self._wrapper_end = self._floor = self._looked
        self._has_checks = False

    def _take(self, have: int) -> Iterator[FoundFrame]:
        while self._open and self._open[0].end <= have:
            candidate = heappop(self._open)
            if candidate.start < self._floor:
                continue
            frame = self._check_frame(candidate)
            if frame is None:
                self._suspects.append(candidate.start)
                continue
            yield FoundFrame(frame, self._accept(candidate))

    def _look(self) -> None:
        data, base = self._kept, self._base
        for match in _BEGINS.finditer(data, max(self._looked - base, 0)):
            at = match.start()
            try:
                self._begin(at, data[at])
            except TruncatedFrame:
                self._looked = base + at
                return
        self._looked = base + len(data)

    def _begin(self, at: int, byte: int) -> None:
        data, start = self._kept, self._base + at
        if byte == 0:
            self._begin_wrapper(at)
        elif byte == _MBUS_START:
            if at + _MBUS_HEAD_SIZE > len(data):
                raise TruncatedFrame
            size = data[at + 1]
            if data[at + 2] == size and data[at + 3] == _MBUS_START and data[at + 6] <= _MBUS_PARTS:
                # Some meters send more than 255 bytes and let the count overflow; a size below 3 is
                # impossible.
                heappush(self._open, _OpenFrame(start + 6 + size + (256 if size < 3 else 0), start))
        else:
            head = parse_head(data, at)
            if head is not None:
                heappush(self._open, _OpenFrame(start + head.size + 1, start, head))
            elif at and data[at - 1] == FLAG and start >= self._floor:  # not the end of a frame already given
                self._suspects.append(start)

    def _begin_wrapper(self, at: int) -> None:
        """Begin a wrapper, which has no check sequence; see ``_may_be_wrapper``."""
        data, start = self._kept, self._base + at
        if start < self._wrapper_end:
            return
        if at + 2 > len(data):
            raise TruncatedFrame
        if data[at + 1] != 1:
            return
        if at + _WRAPPER_SIZE + 1 > len(data):
            raise TruncatedFrame
        source, destination, size = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (2, 4, 6))
        if max(source, destination) > _PORT_MAX or not 5 <= size <= WRAPPED_MAX:
            return
        if data[at + _WRAPPER_SIZE] not in _TAGS:
            return
        self._wrapper_end = start + _WRAPPER_SIZE + size
        heappush(self._open, _OpenFrame(self._wrapper_end, start))

    def _may_be_wrapper(self, start: int) -> bool:
        """Return whether a wrapper may begin here.

        It may not inside a frame with a check sequence; on a line with such frames, only right after one.
        """
        if self._has_checks and start - self._floor > 1:
            return False
        around = (other.start for other in self._open if self._floor <= other.start < start)
        return not any(self._kept[place - self._base] for place in around)

    def _check_frame(self, candidate: _OpenFrame) -> HdlcFrame | MbusSegment | WrappedApdu | None:
        data, at = self._kept, candidate.start - self._base
        if candidate.head is not None:
            return parse_frame(data, at, candidate.head)
        end = candidate.end - self._base
        if data[at] == 0:
            if not self._may_be_wrapper(candidate.start):
                return None
            source, destination = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (2, 4))
            return WrappedApdu(source, destination, bytes(data[at + _WRAPPER_SIZE : end]))
        if (
            end > len(data)
            or data[end - 1] != _MBUS_STOP
            or sum(data[at + 4 : end - 2]) & 0xFF != data[end - 2]
        ):
            return None
        return MbusSegment(data[at + 4], data[at + 5], data[at + 6], bytes(data[at + 7 : end - 2]))

    def _accept(self, candidate: _OpenFrame) -> int:
        """Accept everything up to the end of a frame; return the number of stray bytes before it."""
        self._pass(candidate.start)
        stray = self._stray
        # A frame that seemed to begin before this one and to continue after it was none.
        begins = (other.start for other in self._open)
        self._suspects += [begin for begin in begins if self._floor <= begin < candidate.start]
        self._settle(candidate.start)
        self._has_checks |= self._kept[candidate.start - self._base] != 0
        self._floor = candidate.end - (candidate.head is not None)
        self._suspects = [place for place in self._suspects if place >= self._floor]
        self._stray = self._rubbish = 0
        if stray:
            self.resync_count += 1
        return stray

    def _pass(self, limit: int) -> None:
        """Count the bytes before ``limit`` that were not counted yet: they belong to no frame."""
        passed = self._kept[max(self._floor - self._base, 0) : limit - self._base]
        stray = len(passed) - passed.count(FLAG)
        self._stray += stray
        self._rubbish += stray
        while self._rubbish >= _RUBBISH_SIZE:
            self._rubbish -= _RUBBISH_SIZE
            self.resync_count += 1

    def _settle(self, limit: int) -> None:
        """Drop suspects: nothing that began before ``limit`` can still be a frame."""
        if not self._suspects:
            return
        self.bad_count += sum(place < limit for place in self._suspects)
        self._suspects = [place for place in self._suspects if place >= limit]

    def _trim(self) -> None:
        """Drop the bytes that no frame can need; one byte, perhaps a flag, stays before those to examine."""
        limit = self._looked
        for candidate in self._open:
            if self._floor <= candidate.start < limit:
                limit = candidate.start
        self._settle(limit)
        gone = limit - 1 - self._base
        if gone <= 0:
            return
        self._pass(limit - 1)
        del self._kept[:gone]
        self._base += gone
