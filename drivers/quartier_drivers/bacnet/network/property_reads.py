"""Read any properties of a device within its limits: packed, halved, one by one, by element.

A device without segmentation answers with one APDU or not at all, so the possible length of an answer is
estimated beforehand (ASHRAE 135-2020, clauses 15.7 and 20.2, sizes in octets).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer
from quartier_drivers.bacnet.codec.application_data import Element
from quartier_drivers.bacnet.codec.datagrams import encode_field
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_drivers.bacnet.network.udp_port import Answer
from quartier_drivers.errors import NoReply
from quartier_native.bacnet import WHOLE_ARRAY, FaultError, Ref

# Most elements of an array that is read one by one, whatever length the device states.
ELEMENTS_MAX = 10_000
# A device that is silent this often in a row counts as gone.
_SILENT_MAX = 2
ReadElements = tuple[Element, ...] | DeviceRefused | GarbledAnswer
"""The result of a property's read: its elements, or the reason why there are none."""


class InquiryLine(Protocol):
    """The part of a line that an inquiry needs."""

    async def exchange(self, place: DevicePlace, request: datagrams.ConfirmedRequest) -> Answer:
        """Make one confirmed request and return its answer.  Raises NoReply or LinkLost."""
        ...


class PropertyInquiry:
    """Reads of one device at ``place``; ``apdu_max`` is its longest APDU in both directions, in octets.

    ``multiple`` turns False once it has refused ReadPropertyMultiple.
    """

    def __init__(
        self, line: InquiryLine, place: DevicePlace, apdu_max: int, *, multiple: bool = True
    ) -> None:
        self.place = place
        self.multiple = multiple
        self.requests_count = 0
        self._line = line
        self._route = datagrams.make_route(place.network, place.mac)
        self._apdu_max = min(max(apdu_max, datagrams.APDU_SIZES[0]), datagrams.APDU_MAX)
        self._silent_count = 0

    async def read(self, refs: Iterable[Ref]) -> Mapping[Ref, ReadElements]:
        """Return the elements of each property.  Raises NoReply if the device falls silent, or LinkLost."""
        told: dict[Ref, ReadElements] = {}
        most = self._apdu_max
        packs = deque(pack_refs(dict.fromkeys(refs), request_max=most, answer_max=most))
        while packs:
            pack = packs.popleft()
            if not self.multiple and len(pack) > 1:
                packs.extendleft((ref,) for ref in reversed(pack))
                continue
            parts = await self._read_pack(pack, told)
            packs.extendleft(reversed(parts))
        return told

    async def array(self, ref: Ref) -> Sequence[ReadElements]:
        """Return each element of an array, read one by one.

        Raises NoReply, LinkLost, or DeviceRefused if the array has no length.
        """
        length = await self._length(ref)
        elements = [ref._replace(index=index) for index in range(1, length + 1)]
        told = await self.read(elements)
        return [told[one] for one in elements]

    async def _length(self, ref: Ref) -> int:
        whole = ref._replace(index=0)
        said = (await self.read([whole]))[whole]
        if isinstance(said, DeviceRefused | GarbledAnswer):
            raise said
        value = said[0].value if len(said) == 1 else None
        if not isinstance(value, int) or not 0 <= value <= ELEMENTS_MAX:
            raise GarbledAnswer(-1, f"the length of an array is {value!r}")
        return value

    async def _read_pack(
        self, pack: tuple[Ref, ...], elements_by_ref: dict[Ref, ReadElements]
    ) -> Sequence[tuple[Ref, ...]]:
        """Make one request and store its result; return the requests to be made in its place."""
        read = PreparedRead(pack, self._route, multiple=len(pack) > 1)
        self.requests_count += 1
        try:
            data, heard = await self._line.exchange(self.place, read.request)
        except NoReply:
            self._silent_count += 1
            if len(pack) == 1 or self._silent_count >= _SILENT_MAX:
                raise
            return split_refs(pack)
        self._silent_count = 0
        try:
            columns = read.take(data, heard)
        except DeviceRefused as denied:
            return await self._divide_refused_pack(pack, denied, elements_by_ref)
        except GarbledAnswer as garbled:
            return self._read_in_parts(pack, garbled, elements_by_ref)
        for place, ref in enumerate(pack):
            elements_by_ref[ref] = columns.denial(place) or _join_elements(columns, place)
        return ()

    async def _divide_refused_pack(
        self, pack: tuple[Ref, ...], denied: DeviceRefused, elements_by_ref: dict[Ref, ReadElements]
    ) -> Sequence[tuple[Ref, ...]]:
        if denied.is_no_service and len(pack) > 1:
            self.multiple = False
            return (pack,)
        (first, *_) = pack
        if len(pack) == 1 and denied.is_too_large and first.index == WHOLE_ARRAY:
            elements_by_ref[first] = await self._read_by_elements(first, denied)
            return ()
        return self._read_in_parts(pack, denied, elements_by_ref)

    async def _read_by_elements(self, ref: Ref, denied: DeviceRefused) -> ReadElements:
        """Return an array that is too long for one answer, read by element; the refusal if it is no array."""
        try:
            parts = await self.array(ref)
        except (DeviceRefused, GarbledAnswer):
            return denied
        found: list[Element] = []
        for part in parts:
            if isinstance(part, DeviceRefused | GarbledAnswer):
                return part
            found += part
        return tuple(found)

    def _read_in_parts(
        self,
        pack: tuple[Ref, ...],
        why: DeviceRefused | GarbledAnswer,
        elements_by_ref: dict[Ref, ReadElements],
    ) -> Sequence[tuple[Ref, ...]]:
        if len(pack) > 1:
            return split_refs(pack)
        elements_by_ref[pack[0]] = why
        return ()


def _join_elements(columns: ReadAnswer, place: int) -> ReadElements:
    try:
        return columns.elements(place)
    except FaultError as fault:
        return GarbledAnswer(fault.how)


REQUEST_HEAD = 4
"""Confirmed-Request-PDU without segments (20.1.2)."""


ANSWER_HEAD = 3
"""ComplexACK-PDU without segments (20.1.5)."""


ERROR_SIZE = 5
"""A class and a code in the place of a value, which no property is safe from."""


_OBJECT = 5 + 2  # its identifier, the opening and the closing tag of its list
_TEXT, _UNKNOWN = 3 + 48, 3 + 32
_ANALOG = frozenset({0, 1, 2, 12})
_BINARY = frozenset({3, 4, 5, 21, 22, 28, 30, 54, 55})
_STATES = frozenset({13, 14, 19, 23, 24, 48, 45})
_WIDE = frozenset({46})
_PRESENT_VALUE = 85
# Property -> the octets of its value with tags; texts by their usual length.
_SIZES = {
    22: 5,  # cov-increment
    28: _TEXT,  # description
    36: 2,  # event-state
    45: 5,  # high-limit
    59: 5,  # low-limit
    62: 3,  # max-apdu-length-accepted
    65: 5,  # max-pres-value
    66: 5,  # minimum-off-time
    67: 5,  # minimum-on-time
    69: 5,  # min-pres-value
    70: _TEXT,  # model-name
    74: 3,  # number-of-states
    75: 5,  # object-identifier
    77: _TEXT,  # object-name
    79: 3,  # object-type
    81: 1,  # out-of-service
    84: 2,  # polarity
    87: 16 * 5,  # priority-array
    103: 3,  # reliability
    104: 5,  # relinquish-default
    106: 5,  # resolution
    107: 2,  # segmentation-supported
    111: 3,  # status-flags
    112: 2,  # system-status
    117: 3,  # units
    120: 3,  # vendor-identifier
    121: _TEXT,  # vendor-name
    431: 2,  # current-command-priority
}
FindSize = Callable[[Ref], int]


def estimate_size(ref: Ref) -> int:
    """Return the likely octets of a property's value, its tag included; an error takes no more."""
    return max(ERROR_SIZE, _estimate(ref))


def _estimate(ref: Ref) -> int:
    if ref.property_id != _PRESENT_VALUE:
        return _SIZES.get(ref.property_id, _UNKNOWN) if ref.index == WHOLE_ARRAY else 5
    if ref.object_type in _ANALOG or ref.object_type in _STATES:
        return 5
    if ref.object_type in _BINARY:
        return 2
    return 10 if ref.object_type in _WIDE else _UNKNOWN


def find_request_size(ref: Ref) -> int:
    """Return the octets of one property in a ReadPropertyMultiple-Request, without its object."""
    return len(encode_field(0, ref.property_id)) + (
        0 if ref.index == WHOLE_ARRAY else len(encode_field(1, ref.index))
    )


def find_answer_size(ref: Ref, value_size: int) -> int:
    """Return the octets of one property in the answer, without its object: two tags around its value."""
    return find_request_size(ref) + 2 + value_size


def pack_refs(
    refs: Iterable[Ref],
    *,
    request_max: int,
    answer_max: int,
    size_of: FindSize = estimate_size,
    refs_max: int = 0,
) -> list[tuple[Ref, ...]]:
    """Return the refs in the fewest requests, those of one object together and else in their order.

    ``request_max`` is the longest APDU that the device accepts, ``answer_max`` the longest answer (the lesser
    of what it sends and what we accept).  ``refs_max`` is the most properties of one request, 0: any number.
    A ref that fits into no pack is alone: ReadProperty has the least overhead.
    """
    packs: list[tuple[Ref, ...]] = []
    pack: list[Ref] = []
    asked = told = 0
    for ref in _group_by_object(refs):
        is_new = not pack or pack[-1][:2] != ref[:2]
        more_asked, more_told = find_request_size(ref), find_answer_size(ref, size_of(ref))
        if is_new:
            more_asked, more_told = more_asked + _OBJECT, more_told + _OBJECT
        is_full = asked + more_asked > request_max or told + more_told > answer_max
        if pack and (is_full or (refs_max and len(pack) >= refs_max)):
            packs.append(tuple(pack))
            pack = []
        if not pack:
            asked, told = REQUEST_HEAD, ANSWER_HEAD
            if not is_new:
                more_asked, more_told = more_asked + _OBJECT, more_told + _OBJECT
        pack.append(ref)
        asked, told = asked + more_asked, told + more_told
    return [*packs, tuple(pack)] if pack else packs


def split_refs(refs: Sequence[Ref]) -> list[tuple[Ref, ...]]:
    """Return two requests for one that was too large; one if it cannot be divided."""
    middle = (len(refs) + 1) // 2
    return [tuple(part) for part in (refs[:middle], refs[middle:]) if part]


def _group_by_object(refs: Iterable[Ref]) -> list[Ref]:
    """Return the refs grouped by object, in the order in which the objects first occur."""
    objects: dict[tuple[int, int], list[Ref]] = {}
    for ref in refs:
        objects.setdefault((ref.object_type, ref.instance), []).append(ref)
    return [ref for own in objects.values() for ref in own]
