"""Put APDUs together from frames or from a bare stream; find missing parts (pure).

HDLC segmentation (IEC 62056-46, 6.4.4.2), M-Bus segments (EN 13757-1), block transfer (IEC 62056-5-3).

No standard sends them so on a line (IEC 62056-46 frames, EN 13757-1 segments, IEC 62056-47 wraps), and
nothing distinguishes one from the middle of a frame when a port is opened: they are read from files only.

If unnumbered HDLC frames (UI) carry one APDU in segments, only the data can show that one was lost: most
lists then no longer end on their last byte, and the others contain values side by side that no meter sends.
Of 16,000 lists of the rig with a segment left out, 1,300 ended properly, and these rules let none pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import AxdrReader, Item, MalformedData, TruncatedData
from quartier_drivers.meter.dlms.ciphering import GENERAL, GENERAL_DED, GENERAL_GLO
from quartier_drivers.meter.dlms.hdlc import LLC_HEARD, LLC_SENT, UI, HdlcFrame
from quartier_drivers.meter.dlms.pushed_lists import NOTIFICATION_TAG, find_apdu_size
from quartier_drivers.meter.dlms.scanner import FoundFrame, MbusSegment, WrappedApdu

APDU_MAX = 16_384
"""The longest APDU that is joined."""


BLOCK_TRANSFER = 0xE0
# APDUs that may come without an LLC header; the blocks of Landis+Gyr do.
_TAGS_WITHOUT_LLC = bytes([0x0F, 0xDB, 0xDC, 0xDD, BLOCK_TRANSFER])
_PARTIAL_MAX = 4
# A frame has at least nine bytes: more stray bytes than this between two parts may have been a lost part.
_STRAY_MAX = 8
_Source = tuple[str, int, int]


@dataclass(slots=True)
class _PartialApdu:
    """An APDU of which parts came: the number of the last part, and the bytes so far."""

    number: int
    data: bytearray = field(default_factory=bytearray)


class ApduAssembly:
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
        self._frames: dict[_Source, _PartialApdu] = {}
        self._blocks: dict[_Source, _PartialApdu] = {}

    def add(self, found: FoundFrame) -> bytes | None:
        """Return the APDU that ends with this frame, or None while it is not complete."""
        frame = found.frame
        self.is_sure = True
        if found.stray > _STRAY_MAX:
            self._frames.clear()
            self._blocks.clear()
            self._ended = {one: None for one in self._ended if one not in self._segmenting}
        if isinstance(frame, WrappedApdu):
            source = ("wrapper", frame.source, frame.destination)
            apdu = frame.data if self._is_next(source, found.stray) else b""
        elif isinstance(frame, MbusSegment):
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

    def _frame(self, source: _Source, frame: HdlcFrame) -> bytes:
        if frame.kind not in (0, UI) or not frame.information:
            return b""
        information, number = frame.information, frame.send_sequence_number if frame.kind == 0 else -1
        head = information[:3] in (LLC_HEARD, LLC_SENT)
        is_begin = head or self._may_begin(source, information[0])
        _note_source(self._ended, source, is_there=not frame.is_segmented)
        if frame.is_segmented:
            _note_source(self._segmenting, source, is_there=True)
        if head:
            _note_source(self._headed, source, is_there=True)
        known = self._frames.get(source)
        if known is not None and (head or not _is_successor(number, known.number)):
            self._give_up(self._frames, source)
            known = None
        if known is None and not is_begin:
            return b""
        part = information[3:] if head else information
        return self._join_part(source, known, number, part, is_last=not frame.is_segmented)

    def _may_begin(self, source: _Source, tag: int) -> bool:
        """Return whether information without LLC header may be the beginning of an APDU."""
        if tag not in _TAGS_WITHOUT_LLC:
            return False
        return self._is_capture or (source in self._ended and source not in self._headed)

    def _is_next(self, source: _Source, stray: int) -> bool:
        """Return whether a wrapper follows right after another one."""
        before, self._wrapper = self._wrapper, source
        return self._is_capture or (self._over_tcp and before == source and not stray)

    def _segment(self, source: _Source, segment: MbusSegment) -> bytes:
        if len(segment.data) < 3:
            return b""
        known = self._frames.get(source)
        if known is not None and segment.number != (known.number + 1) % 16:
            self._give_up(self._frames, source)
            known = None
        if known is None and segment.number:
            return b""
        return self._join_part(source, known, segment.number, segment.data[2:], is_last=segment.is_last)

    def _join_part(
        self, source: _Source, known: _PartialApdu | None, number: int, part: bytes, *, is_last: bool
    ) -> bytes:
        if known is None:
            if is_last:
                return part
            known = self._keep(self._frames, source, _PartialApdu(number))
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
            reader = AxdrReader(apdu, 1)
            control, number = reader.byte(), int.from_bytes(reader.take(2), "big")
            reader.take(2)
            part = reader.string()
        except MalformedData:
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
            known = self._keep(self._blocks, source, _PartialApdu(number))
        known.number = number
        known.data += part
        if len(known.data) > APDU_MAX:
            self._give_up(self._blocks, source)
            return None
        if not control & 0x80:
            return None
        del self._blocks[source]
        return bytes(known.data) or None

    def _keep(
        self, partly: dict[_Source, _PartialApdu], source: _Source, begun: _PartialApdu
    ) -> _PartialApdu:
        if len(partly) >= _PARTIAL_MAX:
            self._give_up(partly, next(iter(partly)))
        partly[source] = begun
        return begun

    def _give_up(self, partly: dict[_Source, _PartialApdu], source: _Source) -> None:
        del partly[source]
        self.bad_count += 1


def _note_source(sources: dict[_Source, None], source: _Source, *, is_there: bool) -> None:
    """Remember a source, or forget it; the oldest is dropped if there are too many."""
    sources.pop(source, None)
    if is_there:
        sources[source] = None
        if len(sources) > _PARTIAL_MAX:
            del sources[next(iter(sources))]


def _is_successor(number: int, before: int) -> bool:
    """Return whether an information frame comes next; a frame without number (-1) has no order."""
    return min(number, before) < 0 or number == (before + 1) % 8


BARE_KEPT_MAX = 16_384
"""Most bytes kept of an unfinished APDU."""


_FIRST_TRY_BYTES = 64
_BEGINS = bytes([NOTIFICATION_TAG, GENERAL_GLO, GENERAL_DED, GENERAL, 0x01, 0x02])


class BareApduSplitter:
    """Splits a stream that begins with an APDU into APDUs, each as long as its own data states.

    Invalid bytes end it: without check sequences nobody can tell where the next APDU begins, unless all have
    LLC headers.  An unfinished APDU is tried again whenever twice as much has come, so time stays linear.
    ``is_begun``: APDUs came; ``is_over``: the rest of the stream contains none.
    """

    def __init__(self) -> None:
        self.bad_count = 0
        self._kept = bytearray()
        self._try_at = _FIRST_TRY_BYTES
        self.is_over = False
        self._is_headed = False
        self.is_begun = False

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if not self.is_over:
            self._kept += data

    def take(self) -> Iterator[bytes]:
        """Yield the complete APDUs; call it at places that do not depend on chunks."""
        while not self.is_over and len(self._kept) >= self._try_at:
            yield from self._next()

    def rest(self) -> Iterator[bytes]:
        """Yield the last APDUs, the very last as it is, then reset: no more bytes come."""
        while not self.is_over and self._kept:
            before = len(self._kept)
            yield from self._next()
            if len(self._kept) == before:  # cut off
                self.bad_count += 1
                break
        self._kept.clear()
        self._try_at, self.is_over = _FIRST_TRY_BYTES, False
        self._is_headed = self.is_begun = False

    def drop(self) -> None:
        """Give up: the stream has frames, so it is not bare."""
        self.is_over = True
        self._kept.clear()

    def _next(self) -> Iterator[bytes]:
        begin = 3 if self._kept[:3] in (LLC_HEARD, LLC_SENT) else 0
        if len(self._kept) <= begin or self._kept[begin] not in _BEGINS:
            self._resume()
            return
        self._is_headed = begin > 0
        data = bytes(self._kept[begin:])
        try:
            size = find_apdu_size(data)
        except TruncatedData:
            self._try_at = 2 * max(len(self._kept), _FIRST_TRY_BYTES)
            if len(self._kept) > BARE_KEPT_MAX:
                self._resume()
            return
        except MalformedData:
            self._resume()
            return
        del self._kept[: begin + size]
        self.is_begun = True
        while self._kept[:1] == b"\0":  # filling
            del self._kept[:1]
        self._try_at = _FIRST_TRY_BYTES
        yield data[:size]

    def _resume(self) -> None:
        """Find the next LLC header if the last APDU had one; else the stream is not bare."""
        places = [place for head in (LLC_HEARD, LLC_SENT) if (place := self._kept.find(head, 1)) > 0]
        places = places if self._is_headed else []
        self.bad_count += self._is_headed or self.is_begun
        self._try_at = _FIRST_TRY_BYTES
        if places:
            del self._kept[: min(places)]
        else:
            self.drop()


def find_missing_part(body: Item) -> str:
    """Return why a list may lack a part, in words; empty if it seems complete."""
    for item in _walk_items(body):
        if item.value is None:
            return "it holds null-data, as what is out of step does"
        if item.tag in (axdr.TEXT, axdr.UTF8) and not _is_readable_text(item.value):
            return "a text holds what no text does"
        if item.tag == axdr.ARRAY and not _is_uniform(item):
            return "the elements of an array are not alike"
    return ""


def _walk_items(item: Item) -> Iterator[Item]:
    yield item
    for part in item.items:
        yield from _walk_items(part)


def _is_readable_text(value: object) -> bool:
    """Return whether a text is valid: meters pad theirs with NULs and blanks only."""
    text = str(value).replace("\0", "")
    return text.isprintable() and "\ufffd" not in text


def _is_uniform(array: Item) -> bool:
    """Return whether the elements have one type.

    The members of structures may differ, but all begin alike.
    """
    if len({part.tag for part in array.items}) > 1:
        return False
    return len({part.items[0].tag if part.items else -1 for part in array.items}) <= 1


Skeleton = tuple[int, tuple["Skeleton", ...]]


def make_skeleton(item: Item) -> Skeleton:
    """Return the types of an item and of its parts, without the values."""
    return item.tag, tuple(make_skeleton(part) for part in item.items)
