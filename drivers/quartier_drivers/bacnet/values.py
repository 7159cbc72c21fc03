"""Application data of BACnet as Python values (ASHRAE 135-2020, clause 20.2).  Pure.

The columns of an answer hold numbers; what no double can hold lies in the data and is read here when it is
asked for.
"""

import codecs
import struct
from collections.abc import Callable
from typing import NamedTuple

from quartier_native.bacnet import (
    BITS,
    BOOLEAN,
    CHARACTERS,
    DATE,
    DEPTH_MAX,
    DOUBLE,
    ENUMERATED,
    LIST,
    NULL,
    OBJECT,
    OCTETS,
    ODD,
    REAL,
    SIGNED,
    TIME,
    TOO_DEEP,
    UNEXPECTED,
    UNSIGNED,
    FaultError,
    Tag,
    tag_at,
)

OPAQUE = -1
"""The kind of an element whose type only the context of its tag tells: its value are its octets."""
NO_TAG = -1

_OPENING, _CLOSING = 6, 7
_ANY = 255
_UTF8, _DBCS, _JIS, _UCS4, _UCS2, _LATIN = range(6)
_CHARSETS = {_UTF8: "utf-8", _UCS4: "utf-32-be", _UCS2: "utf-16-be", _LATIN: "latin-1"}


class Date(NamedTuple):
    """A date or a pattern of dates (20.2.12); None: any.  Month 13 odd, 14 even; day 32 the last, 33 odd,
    34 even.
    """

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None
    """1 Monday to 7 Sunday."""


class Time(NamedTuple):
    """A time of day, or a pattern (20.2.13); None: any."""

    hour: int | None
    minute: int | None
    second: int | None
    hundredth: int | None


class ObjectId(NamedTuple):
    """An object of a device: its type's number and its instance."""

    object_type: int
    instance: int


class Element(NamedTuple):
    """One element of application data.  ``number`` is its context tag, ``NO_TAG`` where it has an
    application tag.

    ``value`` by ``kind``: ``NULL`` None, ``BOOLEAN`` bool, ``UNSIGNED SIGNED ENUMERATED`` int, ``REAL
    DOUBLE`` float, ``OCTETS`` bytes, ``CHARACTERS`` str, ``BITS`` a tuple of bool, ``DATE`` ``TIME``
    ``OBJECT`` their classes; ``LIST`` a tuple of the elements between an opening and a closing tag;
    ``OPAQUE`` and ``ODD`` bytes.
    """

    kind: int
    value: "Said"
    number: int = NO_TAG


Said = (
    None | bool | int | float | bytes | str | tuple[bool, ...] | Date | Time | ObjectId | tuple[Element, ...]
)


def elements(data: bytes) -> tuple[Element, ...]:
    """All elements of some application data.  Raises FaultError where they are not framed well."""
    found, at = _elements(data, 0, NO_TAG, 1)
    if at < len(data):
        raise FaultError(UNEXPECTED)
    return found


def _elements(data: bytes, at: int, closing: int, depth: int) -> tuple[tuple[Element, ...], int]:
    found: list[Element] = []
    while at < len(data):
        tag = tag_at(data, at)
        at = tag.end
        if tag.lvt == _CLOSING:
            if tag.number != closing:
                raise FaultError(UNEXPECTED)
            return tuple(found), at
        if tag.lvt == _OPENING:
            if depth == DEPTH_MAX:
                raise FaultError(TOO_DEEP)
            inside, at = _elements(data, at, tag.number, depth + 1)
            found.append(Element(LIST, inside, tag.number))
        elif tag.is_context:
            found.append(Element(OPAQUE, data[tag.start : tag.end], tag.number))
        else:
            found.append(element(data, tag))
    if closing != NO_TAG:
        raise FaultError(UNEXPECTED)
    return tuple(found), at


def element(data: bytes, tag: Tag) -> Element:
    """The element under an application tag; ``ODD`` where it is no value of its type."""
    kind, octets = tag.number, data[tag.start : tag.end]
    if kind == BOOLEAN:
        return Element(kind, bool(tag.lvt))
    read = _READERS.get(kind)
    if read is None:
        return Element(ODD, octets)
    size = _SIZES.get(kind)
    if (size is not None and len(octets) != size) or (size is None and kind != OCTETS and not octets):
        return Element(ODD, octets)
    try:
        return Element(kind, read(octets))
    except ValueError:
        return Element(ODD, octets)


def whole_number(octets: bytes, *, signed: bool = False) -> int:
    """An unsigned or signed of 1 to 8 octets.  Raises ValueError for more or none."""
    if not 1 <= len(octets) <= 8:
        raise ValueError(f"a number of {len(octets)} octets")
    return int.from_bytes(octets, "big", signed=signed)


def text(octets: bytes) -> str:
    """A character string: its first octet says the character set (20.2.9); what it cannot say becomes U+FFFD.

    Raises ValueError for a set that is none.
    """
    charset, octets = octets[0], octets[1:]
    if charset in _CHARSETS:
        return octets.decode(_CHARSETS[charset], "replace")
    if charset == _JIS:
        return (b"\x1b$B" + octets).decode("iso2022_jp", "replace")
    if charset == _DBCS and len(octets) >= 2:
        return _of_page(int.from_bytes(octets[:2], "big"), octets[2:])
    raise ValueError(f"character set {charset}")


def _of_page(page: int, octets: bytes) -> str:
    """Text of a code page of IBM or Microsoft; ASCII is the same in all that are in use."""
    try:
        codec = codecs.lookup(f"cp{page}").name
    except LookupError:
        codec = "ascii"
    return octets.decode(codec, "replace")


def bits(octets: bytes) -> tuple[bool, ...]:
    """A bit string, bit 0 first (20.2.10).  Raises ValueError where it is none."""
    count = 8 * (len(octets) - 1) - octets[0]
    if octets[0] > 7 or count < 0:
        raise ValueError("no bit string")
    return tuple(bool(octets[1 + bit // 8] >> (7 - bit % 8) & 1) for bit in range(count))


def _date(octets: bytes) -> Date:
    year, month, day, weekday = (None if octet == _ANY else octet for octet in octets)
    return Date(None if year is None else 1900 + year, month, day, weekday)


def _time(octets: bytes) -> Time:
    return Time(*(None if octet == _ANY else octet for octet in octets))


def _object(octets: bytes) -> ObjectId:
    number = int.from_bytes(octets, "big")
    return ObjectId(number >> 22, number & 0x3FFFFF)


_SIZES = {NULL: 0, REAL: 4, DOUBLE: 8, DATE: 4, TIME: 4, OBJECT: 4}
_READERS: dict[int, Callable[[bytes], Said]] = {
    NULL: lambda _: None,
    UNSIGNED: whole_number,
    SIGNED: lambda octets: whole_number(octets, signed=True),
    REAL: lambda octets: struct.unpack(">f", octets)[0],
    DOUBLE: lambda octets: struct.unpack(">d", octets)[0],
    OCTETS: bytes,
    CHARACTERS: text,
    BITS: bits,
    ENUMERATED: whole_number,
    DATE: _date,
    TIME: _time,
    OBJECT: _object,
}
