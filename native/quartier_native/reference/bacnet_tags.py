"""Parses the tags of the BACnet encoding (ASHRAE 135-2020, clauses 20.2.1 to 20.2.15).

A length is used only after the bytes that it covers were found in the data.
"""

import math
import struct
from typing import NamedTuple

(
    NULL,
    BOOLEAN,
    UNSIGNED,
    SIGNED,
    REAL,
    DOUBLE,
    OCTETS,
    CHARACTERS,
    BITS,
    ENUMERATED,
    DATE,
    TIME,
    OBJECT,
    LIST,
    DENIED,
    MISSING,
    EMPTY,
    ODD,
) = range(18)
"""Kinds of a value: application tags 0 to 12 (20.2.1.4); several elements or one with a context tag; an error
in its place; not told; a list without elements; well framed, but no value of its type."""
WHOLE, CUT, UNEXPECTED, ILL_NESTED, TOO_DEEP = range(5)
"""How a message was read: to its end; a tag or length reaches beyond it; another tag than belongs here; a
closing tag closes another opening one; more than ``DEPTH_MAX`` are open."""
OPENING, CLOSING = 6, 7
DEPTH_MAX = 32
EXACT_BITS = 53
"""So many bits a double holds exactly."""

_EXTENDED, _RESERVED = 15, 255
_LONG, _LONG_2, _LONG_4 = 5, 254, 255
_NUMBER_MAX = 8
_UNUSED_MAX = 7
_SIZES = {NULL: 0, REAL: 4, DOUBLE: 8, DATE: 4, TIME: 4, OBJECT: 4}
_FILLED = frozenset({UNSIGNED, SIGNED, ENUMERATED, CHARACTERS, BITS})
_REALS = {REAL: ">f", DOUBLE: ">d"}
_NUMBERS = frozenset({UNSIGNED, SIGNED, REAL, DOUBLE, ENUMERATED, OBJECT})


class FaultError(Exception):
    """The message ends here; ``how`` is the outcome."""

    def __init__(self, how: int) -> None:
        super().__init__(how)
        self.how = how


class Tag(NamedTuple):
    """A tag; its contents lie from ``start`` to ``end``.  ``lvt``: length, value or type, as it was sent."""

    number: int
    is_context: bool
    lvt: int
    start: int
    end: int

    def opens(self, number: int) -> bool:
        """Return whether it is the opening tag of that number."""
        return self.lvt == OPENING and self.number == number

    def closes(self, number: int) -> bool:
        """Return whether it is the closing tag of that number."""
        return self.lvt == CLOSING and self.number == number

    def holds(self, number: int) -> bool:
        """Return whether it is a primitive one of that context number."""
        return self.is_context and self.lvt < OPENING and self.number == number


def tag_at(data: bytes, at: int) -> Tag:
    """The tag at ``at``.  Raises FaultError."""
    first, at = _whole(data, at, 1)
    number, is_context, lvt = first >> 4, bool(first & 8), first & 7
    if number == _EXTENDED:
        number, at = _whole(data, at, 1)
        if number == _RESERVED:
            raise FaultError(UNEXPECTED)
    if lvt >= OPENING or (number == BOOLEAN and not is_context):
        if (lvt >= OPENING and not is_context) or 1 < lvt < OPENING:
            raise FaultError(UNEXPECTED)
        return Tag(number, is_context, lvt, at, at)
    length = lvt
    if lvt == _LONG:
        length, at = _whole(data, at, 1)
        if length >= _LONG_2:
            length, at = _whole(data, at, 2 if length == _LONG_2 else 4)
    if length > len(data) - at:
        raise FaultError(CUT)
    return Tag(number, is_context, lvt, at, at + length)


def _whole(data: bytes, at: int, size: int) -> tuple[int, int]:
    if size > len(data) - at:
        raise FaultError(CUT)
    return int.from_bytes(data[at : at + size], "big"), at + size


def number_at(data: bytes, at: int, number: int, least: int = 1) -> tuple[int, int]:
    """The unsigned of ``least`` to 4 octets under a context tag, and where it ends.  Raises FaultError."""
    tag = tag_at(data, at)
    if not tag.holds(number) or not least <= tag.end - tag.start <= 4:
        raise FaultError(UNEXPECTED)
    return int.from_bytes(data[tag.start : tag.end], "big"), tag.end


def contents(data: bytes, at: int, number: int) -> tuple[int, float, int, int]:
    """Return the content from ``at`` to the closing tag of ``number``: kind, value, end, end of that tag.

    The value is NaN where the kind has no number.  Raises FaultError.
    """
    still_open, first, count = [number], None, 0
    while True:
        tag = tag_at(data, at)
        if tag.lvt == CLOSING:
            if tag.number != still_open.pop():
                raise FaultError(ILL_NESTED)
            if not still_open:
                break
        else:
            if tag.lvt == OPENING:
                if len(still_open) == DEPTH_MAX:
                    raise FaultError(TOO_DEEP)
                still_open.append(tag.number)
            count += 1
            first = first or tag
        at = tag.end
    if first is None:
        return EMPTY, math.nan, at, tag.end
    if count > 1 or first.is_context:
        return LIST, math.nan, at, tag.end
    return *value_of(data, first), at, tag.end


def value_of(data: bytes, tag: Tag) -> tuple[int, float]:
    """The kind of an application tag's value (``ODD`` where it is none of its type), and its number or NaN.

    A bit string of 53 bits at most is the sum of 2**n for each bit n that is set, an object identifier the
    type by 2**22 and the instance.
    """
    kind, octets = tag.number, data[tag.start : tag.end]
    size = len(octets)
    if kind == BOOLEAN:
        return kind, float(tag.lvt)
    if size != _SIZES.get(kind, size) or kind > OBJECT or (size == 0 and kind in _FILLED):
        return ODD, math.nan
    if kind == BITS:
        return _bits(octets)
    if kind not in _NUMBERS:
        return kind, math.nan
    return _number(kind, octets)


def _number(kind: int, octets: bytes) -> tuple[int, float]:
    if kind in _REALS:
        value: float = struct.unpack(_REALS[kind], octets)[0]
        return kind, value if value == value else math.nan  # noqa: PLR0124 - each NaN is the same one
    if len(octets) > _NUMBER_MAX:
        return ODD, math.nan
    return kind, float(int.from_bytes(octets, "big", signed=kind == SIGNED))


def _bits(octets: bytes) -> tuple[int, float]:
    unused, count = octets[0], 8 * (len(octets) - 1) - octets[0]
    if unused > _UNUSED_MAX or count < 0:
        return ODD, math.nan
    if count > EXACT_BITS:
        return BITS, math.nan
    value = 0
    for bit in range(count):
        value |= (octets[1 + bit // 8] >> (7 - bit % 8) & 1) << bit
    return BITS, float(value)
