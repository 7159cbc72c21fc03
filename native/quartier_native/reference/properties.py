"""Reads the property values of BACnet answers into columns: the specification of the compiled reader.

One ``PropertyReader`` is prepared for each planned request or subscription.  It reads the service part of an
answer into four results, in the order of the request: the outcome (``WHOLE``, or the fault), a column of
doubles, a column of kinds (see ``bacnet_tags``) and a column of places (beginning and end of each value in
the data, for values that no double can express).  Values before a fault are included.  Productions: ASHRAE
135-2020, clause 21.
"""

import math
from array import array
from collections.abc import Callable, Iterable
from typing import NamedTuple

from quartier_native.reference.bacnet_tags import (
    CLOSING,
    DENIED,
    ENUMERATED,
    LIST,
    MISSING,
    ODD,
    UNEXPECTED,
    WHOLE,
    FaultError,
    Tag,
    contents,
    number_at,
    tag_at,
    value_of,
)

DATA_MAX = 0xFFFF
"""Bytes of a message at most, as in a datagram."""
REFS_MAX = 2000
WHOLE_ARRAY = -1
"""In the place of an index: the property itself, and not one element of it."""
DEVICE = 8
ANY_DEVICE = DEVICE << 22 | 4194303
"""The device object that each device takes for its own (15.5.1.1.1); it answers with its own instance."""
ERROR_SHIFT = 65536
"""A property that is ``DENIED`` has for its value the class of the error by this, and its code."""

Columns = tuple[int, "array[float]", bytes, "array[int]"]
"""How it was read; values; kinds; where each begins and ends in the data, two numbers a place."""


class Ref(NamedTuple):
    """A property of an object, or the element ``index`` of it."""

    object_type: int
    instance: int
    property_id: int
    index: int = WHOLE_ARRAY  # type: ignore[assignment]  # a tuple's own search is wanted by nobody here


def check_ref(ref: Ref) -> Ref:
    """The ref itself; ValueError where there is no such property (20.2.14: 10 bits of type, 22 of
    instance).
    """
    if not 0 <= ref.object_type < 1 << 10 or not 0 <= ref.instance < 1 << 22:
        raise ValueError(f"an object of type {ref.object_type}, instance {ref.instance}")
    if not 0 <= ref.property_id < 1 << 22 or not WHOLE_ARRAY <= ref.index < 1 << 32:
        raise ValueError(f"a property {ref.property_id}, index {ref.index}")
    return ref


class PropertyReader:
    """The prepared reading of what is said of these properties."""

    def __init__(self, refs: Iterable[Ref]) -> None:
        """ValueError for a ref that is none or is there twice, or for more than 2,000 of them."""
        rows = tuple(check_ref(Ref(*ref)) for ref in refs)
        if len(rows) > REFS_MAX or len(set(rows)) < len(rows):
            raise ValueError(f"more than {REFS_MAX} properties, or one of them twice")
        self._places = {
            (ref.object_type << 22 | ref.instance, ref.property_id, ref.index): place
            for place, ref in enumerate(rows)
        }

    def __len__(self) -> int:
        """Return how many properties."""
        return len(self._places)

    def multiple(self, data: bytes, at: int) -> Columns:
        """A ReadPropertyMultiple-ACK, from ``at`` to its end.

        A property that nobody asked for is passed over; of one that is told twice the first counts.  What was
        asked of ``ANY_DEVICE`` may be told of another instance.  Raises
        ValueError for more than 65535 bytes, or an ``at`` outside them.
        """
        page = _Page(self._places, data, at)
        return page.read_columns(page.objects)

    def single(self, data: bytes, at: int) -> Columns:
        """A ReadProperty-ACK, from ``at`` to its end; the same otherwise."""
        page = _Page(self._places, data, at)
        return page.read_columns(page.answer)

    def changes(self, data: bytes, at: int, object_id: int) -> Columns:
        """The list of values of a COV notification about an object, from its opening tag on; the same
        otherwise.

        ``object_id``: the type by 2**22 and the instance.
        """
        page = _Page(self._places, data, at)
        return page.read_columns(lambda: page.changes(object_id))


class _Page:
    def __init__(self, places: dict[tuple[int, int, int], int], data: bytes, at: int) -> None:
        if len(data) > DATA_MAX or not 0 <= at <= len(data):
            raise ValueError(f"{len(data)} bytes, read from {at}")
        self._places = places
        self._data = data
        self._at = at
        self._values = array("d", [math.nan] * len(places))
        self._kinds = bytearray([MISSING] * len(places))
        self._spans = array("H", [0] * (2 * len(places)))

    def read_columns(self, read: Callable[[], None]) -> Columns:
        how = WHOLE
        try:
            read()
        except FaultError as fault:
            how = fault.how
        return how, self._values, bytes(self._kinds), self._spans

    def objects(self) -> None:
        """ReadAccessResult, one for each object; its list is optional."""
        while self._at < len(self._data):
            object_id = self._number(0, least=4)
            if self._at < len(self._data) and self._tag().opens(1):
                self._at = self._tag().end
                self._results(object_id)

    def _results(self, object_id: int) -> None:
        while not self._skip_closing_tag(1):
            property_id = self._number(2)
            index = self._optional(3)
            tag = self._tag()
            if tag.opens(5):
                self._read_error(object_id, property_id, index, tag.end)
            else:
                self._value(object_id, property_id, index, 4)

    def answer(self) -> None:
        """ReadProperty-ACK."""
        object_id = self._number(0, least=4)
        property_id = self._number(1)
        self._value(object_id, property_id, self._optional(2), 3)
        self._end()

    def changes(self, object_id: int) -> None:
        """BACnetPropertyValue, one for each property: the list of a notification."""
        if not self._tag().opens(4):
            raise FaultError(UNEXPECTED)
        self._at = self._tag().end
        while not self._skip_closing_tag(4):
            property_id = self._number(0)
            self._value(object_id, property_id, self._optional(1), 2)
            self._optional(3)  # the priority at which it was written
        self._end()

    def _tag(self) -> Tag:
        return tag_at(self._data, self._at)

    def _end(self) -> None:
        if self._at < len(self._data):
            raise FaultError(UNEXPECTED)

    def _skip_closing_tag(self, number: int) -> bool:
        """Return whether the closing tag stood here; it is passed."""
        tag = self._tag()
        if tag.closes(number):
            self._at = tag.end
            return True
        return False

    def _number(self, number: int, least: int = 1) -> int:
        value, self._at = number_at(self._data, self._at, number, least)
        return value

    def _optional(self, number: int) -> int:
        if self._at < len(self._data) and self._tag().holds(number):
            return self._number(number)
        return WHOLE_ARRAY

    def _value(self, object_id: int, property_id: int, index: int, number: int) -> None:
        tag = self._tag()
        if not tag.opens(number):
            raise FaultError(UNEXPECTED)
        kind, value, end, self._at = contents(self._data, tag.end, number)
        self._put((object_id, property_id, index), kind, value, tag.end, end)

    def _read_error(self, object_id: int, property_id: int, index: int, start: int) -> None:
        """Error: its class and its code, both enumerated."""
        kind, _, end, after = contents(self._data, start, 5)
        value, at, count = 0.0, start, 0
        while kind == LIST and at < end:
            tag = tag_at(self._data, at)
            told, code = (ODD, 0.0) if tag.is_context or tag.lvt == CLOSING else value_of(self._data, tag)
            if told != ENUMERATED or not code < ERROR_SHIFT:
                break
            value, at, count = value * ERROR_SHIFT + code, tag.end, count + 1
            if count == 2:
                break
        is_error = count == 2 and at == end
        self._at = after
        key = (object_id, property_id, index)
        self._put(key, DENIED if is_error else ODD, value if is_error else math.nan, start, end)

    def _put(self, key: tuple[int, int, int], kind: int, value: float, start: int, end: int) -> None:
        place = self._places.get(key)
        if place is None and key[0] >> 22 == DEVICE:
            place = self._places.get((ANY_DEVICE, *key[1:]))
        if place is None or self._kinds[place] != MISSING:
            return
        self._values[place], self._kinds[place] = value, kind
        self._spans[2 * place], self._spans[2 * place + 1] = start, end
