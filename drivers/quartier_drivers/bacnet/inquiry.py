"""Asks one device for any properties, whatever it can bear: packed, in halves, one by one, by element."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from quartier_drivers.bacnet import heads
from quartier_drivers.bacnet.address import Place
from quartier_drivers.bacnet.answers import Read, Told
from quartier_drivers.bacnet.denials import Denied, Garbled
from quartier_drivers.bacnet.exchange import Answer
from quartier_drivers.bacnet.packing import halves, packed
from quartier_drivers.bacnet.values import Element
from quartier_drivers.errors import NoReply
from quartier_native.bacnet import WHOLE_ARRAY, FaultError, Ref

# An array that is read element by element has no more than this, whatever the device says.
ELEMENTS_MAX = 10_000
# Whoever is silent so often in a row is not there any more.
_SILENT_MAX = 2

Said = tuple[Element, ...] | Denied | Garbled
"""What a property reads as: its elements, or why it was not told."""


class Asked(Protocol):
    """What a line does for an inquiry."""

    async def exchange(self, place: Place, request: heads.Request) -> Answer:
        """Make one confirmed request and return its answer.  Raises NoReply or LinkLost."""
        ...


class Inquiry:
    """Reads of one device at ``place``; ``apdu_max`` is the longest APDU that it takes and sends, in octets.

    ``multiple`` turns False once it has refused ReadPropertyMultiple.
    """

    def __init__(self, line: Asked, place: Place, apdu_max: int, *, multiple: bool = True) -> None:
        self.place = place
        self.multiple = multiple
        self.requests_count = 0
        self._line = line
        self._route = heads.route_to(place.network, place.mac)
        self._apdu_max = min(max(apdu_max, heads.APDU_SIZES[0]), heads.APDU_MAX)
        self._silent_count = 0

    async def read(self, refs: Iterable[Ref]) -> Mapping[Ref, Said]:
        """Each property with what was told of it.  Raises NoReply where it falls silent, or LinkLost."""
        told: dict[Ref, Said] = {}
        most = self._apdu_max
        packs = deque(packed(dict.fromkeys(refs), request_max=most, answer_max=most))
        while packs:
            pack = packs.popleft()
            if not self.multiple and len(pack) > 1:
                packs.extendleft((ref,) for ref in reversed(pack))
                continue
            parts = await self._told(pack, told)
            packs.extendleft(reversed(parts))
        return told

    async def array(self, ref: Ref) -> Sequence[Said]:
        """Each element of an array, read one by one.  Raises NoReply, LinkLost; Denied: it has no length."""
        length = await self._length(ref)
        elements = [ref._replace(index=index) for index in range(1, length + 1)]
        told = await self.read(elements)
        return [told[one] for one in elements]

    async def _length(self, ref: Ref) -> int:
        whole = ref._replace(index=0)
        said = (await self.read([whole]))[whole]
        if isinstance(said, Denied | Garbled):
            raise said
        value = said[0].value if len(said) == 1 else None
        if not isinstance(value, int) or not 0 <= value <= ELEMENTS_MAX:
            raise Garbled(-1, f"the length of an array is {value!r}")
        return value

    async def _told(self, pack: tuple[Ref, ...], told: dict[Ref, Said]) -> Sequence[tuple[Ref, ...]]:
        """Make one request and note what it told; returns what has to be asked anew, in its turn."""
        read = Read(pack, self._route, multiple=len(pack) > 1)
        self.requests_count += 1
        try:
            data, heard = await self._line.exchange(self.place, read.request)
        except NoReply:
            self._silent_count += 1
            if len(pack) == 1 or self._silent_count >= _SILENT_MAX:
                raise
            return halves(pack)
        self._silent_count = 0
        try:
            columns = read.take(data, heard)
        except Denied as denied:
            return await self._denied(pack, denied, told)
        except Garbled as garbled:
            return self._parted(pack, garbled, told)
        for place, ref in enumerate(pack):
            told[ref] = columns.denial(place) or _elements(columns, place)
        return ()

    async def _denied(
        self, pack: tuple[Ref, ...], denied: Denied, told: dict[Ref, Said]
    ) -> Sequence[tuple[Ref, ...]]:
        if denied.is_no_service and len(pack) > 1:
            self.multiple = False
            return (pack,)
        (first, *_) = pack
        if len(pack) == 1 and denied.is_too_large and first.index == WHOLE_ARRAY:
            told[first] = await self._by_elements(first, denied)
            return ()
        return self._parted(pack, denied, told)

    async def _by_elements(self, ref: Ref, denied: Denied) -> Said:
        """An array too long for one answer, put together; what is no array stays denied."""
        try:
            parts = await self.array(ref)
        except (Denied, Garbled):
            return denied
        found: list[Element] = []
        for part in parts:
            if isinstance(part, Denied | Garbled):
                return part
            found += part
        return tuple(found)

    def _parted(
        self, pack: tuple[Ref, ...], why: Denied | Garbled, told: dict[Ref, Said]
    ) -> Sequence[tuple[Ref, ...]]:
        if len(pack) > 1:
            return halves(pack)
        told[pack[0]] = why
        return ()


def _elements(columns: Told, place: int) -> Said:
    try:
        return columns.elements(place)
    except FaultError as fault:
        return Garbled(fault.how)
