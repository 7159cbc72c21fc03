"""Joins APDUs from the frames that carry their parts; pure.

HDLC segmentation (IEC 62056-46, 6.4.4.2), M-Bus segments (EN 13757-1), block transfer (IEC 62056-5-3).
"""

from dataclasses import dataclass, field

from quartier_drivers.meter.dlms.axdr import Malformed, Reader
from quartier_drivers.meter.dlms.hdlc import LLC_HEARD, LLC_SENT, UI, Frame
from quartier_drivers.meter.dlms.scanner import Found, Segment, Wrapped

APDU_MAX = 16_384
"""The longest APDU that is joined."""
BLOCK_TRANSFER = 0xE0
# APDUs that may come without an LLC header; the blocks of Landis+Gyr do.
_WITHOUT_LLC = bytes([0x0F, 0xDB, 0xDC, 0xDD, BLOCK_TRANSFER])
_PARTLY_MAX = 4
# A frame has at least nine bytes: more stray bytes than this between two parts may have been a lost part.
_STRAY_MAX = 8

_Source = tuple[str, int, int]


@dataclass(slots=True)
class _Partly:
    """An APDU of which parts came: the number of the last part, and the bytes so far."""

    number: int
    data: bytearray = field(default_factory=bytearray)


class Assembly:
    """Takes frames in the order of the stream and returns whole APDUs; keeps at most four unfinished ones.

    ``bad_count`` counts APDUs that were given up because a part is missing although no damage was seen; the
    scanner counts damaged frames.  A part whose beginning is lost is not counted again.  ``is_sure`` says
    whether no part of the last APDU can be missing: it had one part, or its parts were numbered.

    Without ``is_capture`` two things must be received twice, because a port starts at any byte.  A frame
    without LLC header begins an APDU only right after the end of one, and never from a sender of LLC headers:
    it may be the middle of a list.  From a sender that never sends segments, gaps do not matter.  A wrapper,
    which has no check sequence, counts only ``over_tcp``, where no byte is lost, and right after another of
    the same ports.
    """

    def __init__(self, *, is_capture: bool = False, over_tcp: bool = False) -> None:
        self._is_capture = is_capture
        self._over_tcp = over_tcp
        self._headed: dict[_Source, None] = {}  # who sends LLC heads
        self._ended: dict[_Source, None] = {}  # whose APDU ended with the last frame
        self._segmenting: dict[_Source, None] = {}  # whose frames may be the middle of an APDU
        self._wrapper: _Source | None = None
        self.bad_count = 0
        self.is_sure = True
        self._frames: dict[_Source, _Partly] = {}
        self._blocks: dict[_Source, _Partly] = {}

    def add(self, found: Found) -> bytes | None:
        """Return the APDU that ends with this frame, or None while it is not complete."""
        frame = found.frame
        self.is_sure = True
        if found.stray > _STRAY_MAX:
            self._frames.clear()
            self._blocks.clear()
            self._ended = {one: None for one in self._ended if one not in self._segmenting}
        if isinstance(frame, Wrapped):
            source = ("wrapper", frame.source, frame.destination)
            apdu = frame.data if self._is_next(source, found.stray) else b""
        elif isinstance(frame, Segment):
            source = ("mbus", frame.address, 0)
            apdu = self._segment(source, frame)
        else:
            source = ("hdlc", frame.destination, frame.source)
            apdu = self._frame(source, frame)
        if apdu and apdu[0] == BLOCK_TRANSFER:
            return self._block(source, apdu)
        return apdu or None

    def drop(self) -> None:
        """Give up incomplete APDUs."""
        self.bad_count += len(self._frames) + len(self._blocks)
        self._frames.clear()
        self._blocks.clear()

    def _frame(self, source: _Source, frame: Frame) -> bytes:
        if frame.kind not in (0, UI) or not frame.information:
            return b""
        information, number = frame.information, frame.sent_number if frame.kind == 0 else -1
        head = information[:3] in (LLC_HEARD, LLC_SENT)
        is_begin = head or self._may_begin(source, information[0])
        _note(self._ended, source, is_there=not frame.is_segmented)
        if frame.is_segmented:
            _note(self._segmenting, source, is_there=True)
        if head:
            _note(self._headed, source, is_there=True)
        known = self._frames.get(source)
        if known is not None and (head or not _follows(number, known.number)):
            self._give_up(self._frames, source)
            known = None
        if known is None and not is_begin:
            return b""
        part = information[3:] if head else information
        return self._joined(source, known, number, part, is_last=not frame.is_segmented)

    def _may_begin(self, source: _Source, tag: int) -> bool:
        """Return whether information without LLC header may be the beginning of an APDU."""
        if tag not in _WITHOUT_LLC:
            return False
        return self._is_capture or (source in self._ended and source not in self._headed)

    def _is_next(self, source: _Source, stray: int) -> bool:
        """Return whether a wrapper follows right after another one."""
        before, self._wrapper = self._wrapper, source
        return self._is_capture or (self._over_tcp and before == source and not stray)

    def _segment(self, source: _Source, segment: Segment) -> bytes:
        if len(segment.data) < 3:
            return b""
        known = self._frames.get(source)
        if known is not None and segment.number != (known.number + 1) % 16:
            self._give_up(self._frames, source)
            known = None
        if known is None and segment.number:
            return b""
        return self._joined(source, known, segment.number, segment.data[2:], is_last=segment.is_last)

    def _joined(
        self, source: _Source, known: _Partly | None, number: int, part: bytes, *, is_last: bool
    ) -> bytes:
        if known is None:
            if is_last:
                return part
            known = self._keep(self._frames, source, _Partly(number))
        known.number = number
        known.data += part
        if len(known.data) > APDU_MAX:
            self._give_up(self._frames, source)
            return b""
        if not is_last:
            return b""
        del self._frames[source]
        self.is_sure = number >= 0
        return bytes(known.data)

    def _block(self, source: _Source, apdu: bytes) -> bytes | None:
        """Take a block of a general block transfer: control, block number, acknowledged block, data.

        Counted from 1.
        """
        try:
            reader = Reader(apdu, 1)
            control, number = reader.byte(), int.from_bytes(reader.take(2), "big")
            reader.take(2)
            part = reader.string()
        except Malformed:
            self.bad_count += 1
            return None
        known = self._blocks.get(source)
        if known is not None and number == known.number and known.data.endswith(part):
            return None  # sent twice
        if known is not None and number != known.number + 1:
            self._give_up(self._blocks, source)
            known = None
        if known is None:
            if number != 1:
                return None
            known = self._keep(self._blocks, source, _Partly(number))
        known.number = number
        known.data += part
        if len(known.data) > APDU_MAX:
            self._give_up(self._blocks, source)
            return None
        if not control & 0x80:
            return None
        del self._blocks[source]
        return bytes(known.data) or None

    def _keep(self, partly: dict[_Source, _Partly], source: _Source, begun: _Partly) -> _Partly:
        if len(partly) >= _PARTLY_MAX:
            self._give_up(partly, next(iter(partly)))
        partly[source] = begun
        return begun

    def _give_up(self, partly: dict[_Source, _Partly], source: _Source) -> None:
        del partly[source]
        self.bad_count += 1


def _note(sources: dict[_Source, None], source: _Source, *, is_there: bool) -> None:
    """Remember a source, or forget it; the oldest is dropped if there are too many."""
    sources.pop(source, None)
    if is_there:
        sources[source] = None
        if len(sources) > _PARTLY_MAX:
            del sources[next(iter(sources))]


def _follows(number: int, before: int) -> bool:
    """Return whether an information frame comes next; a frame without number (-1) has no order."""
    return min(number, before) < 0 or number == (before + 1) % 8
