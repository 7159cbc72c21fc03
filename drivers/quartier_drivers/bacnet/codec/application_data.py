"""Parse and encode application data (ASHRAE 135-2020, 20.2; pure).

The columns of an answer hold numbers; what no double can hold lies in the data and is read here when it is
asked for.
"""

import codecs
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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

RELINQUISH = b"\x00"
"""Null: written at a priority, it gives that slot of a priority array back (19.2)."""


_ANY = 255


def encode_element(kind: int, value: Any) -> bytes:
    """Return one element with its application tag.

    ``value`` is as in ``Element``; a whole float counts as an int.  Raises ValueError for a value that its
    kind cannot hold: for a REAL one beyond the range of singles, for REAL and DOUBLE one that is no finite
    number.
    """
    if kind == BOOLEAN:
        return b"\x11" if value else b"\x10"
    write = _WRITERS.get(kind)
    if write is None:
        raise ValueError(f"nothing of kind {kind} is written")
    try:
        octets = write(value)
    except (OverflowError, struct.error, TypeError, AttributeError) as error:
        raise ValueError(f"{value!r} is no value of kind {kind}: {error}") from error
    return encode_tag(kind, len(octets)) + octets


def encode_tag(number: int, size: int, *, is_context: bool = False) -> bytes:
    """Return a primitive tag whose contents have ``size`` octets (20.2.1)."""
    flag = 8 if is_context else 0
    nibble, more = (number, b"") if number < 15 else (15, bytes((number,)))
    if size < 5:
        return bytes((nibble << 4 | flag | size,)) + more
    first = bytes((nibble << 4 | flag | 5,)) + more
    if size < 254:
        return first + bytes((size,))
    if size < 0x10000:
        return first + b"\xfe" + size.to_bytes(2, "big")
    return first + b"\xff" + size.to_bytes(4, "big")


def _encode_number(value: float) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _encode_unsigned(value: float) -> bytes:
    number = _encode_number(value)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{number} does not fit eight octets")
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def _encode_signed(value: float) -> bytes:
    """Return the fewest octets that hold the number and its sign (20.2.5)."""
    number = _encode_number(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} does not fit eight octets")
    bits = (number if number >= 0 else ~number).bit_length() + 1
    return number.to_bytes((bits + 7) // 8, "big", signed=True)


def _make_real_encoder(form: str) -> Callable[[float], bytes]:
    def write(value: float) -> bytes:
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is no number")
        return struct.pack(form, value)

    return write


def _encode_text(value: str) -> bytes:
    """UTF-8 (20.2.9)."""
    return b"\0" + value.encode("utf-8")


def _encode_bits(value: Sequence[bool]) -> bytes:
    size = (len(value) + 7) // 8
    octets = bytearray(size)
    for bit, is_set in enumerate(value):
        octets[bit // 8] |= bool(is_set) << (7 - bit % 8)
    return bytes((8 * size - len(value),)) + octets


class Date(NamedTuple):
    """A date or a pattern of dates (20.2.12); None: any.

    Month 13 is odd months, 14 even months; day 32 is the last of the month, 33 odd days, 34 even days.
    """

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None
    """1 Monday to 7 Sunday."""


def _encode_date(value: Date) -> bytes:
    year = _ANY if value.year is None else value.year - 1900
    return bytes((year, *(_ANY if part is None else part for part in value[1:])))


class Time(NamedTuple):
    """A time of day, or a pattern (20.2.13); None: any."""

    hour: int | None
    minute: int | None
    second: int | None
    hundredth: int | None


def _encode_time(value: Time) -> bytes:
    return bytes(_ANY if part is None else part for part in value)


class ObjectId(NamedTuple):
    """An object of a device: the number of its type, and its instance."""

    object_type: int
    instance: int


def _encode_object(value: ObjectId) -> bytes:
    if not 0 <= value.object_type < 1 << 10 or not 0 <= value.instance < 1 << 22:
        raise ValueError(f"no object {value}")
    return (value.object_type << 22 | value.instance).to_bytes(4, "big")


_WRITERS: dict[int, Callable[[Any], bytes]] = {
    NULL: lambda _: b"",
    UNSIGNED: _encode_unsigned,
    SIGNED: _encode_signed,
    REAL: _make_real_encoder(">f"),
    DOUBLE: _make_real_encoder(">d"),
    OCTETS: bytes,
    CHARACTERS: _encode_text,
    BITS: _encode_bits,
    ENUMERATED: _encode_unsigned,
    DATE: _encode_date,
    TIME: _encode_time,
    OBJECT: _encode_object,
}
OPAQUE = -1
"""The kind of an element whose type depends on the context of its tag; its value are its octets."""


NO_TAG = -1
_OPENING, _CLOSING = 6, 7
_UTF8, _DBCS, _JIS, _UCS4, _UCS2, _LATIN = range(6)
_CHARSETS = {_UTF8: "utf-8", _UCS4: "utf-32-be", _UCS2: "utf-16-be", _LATIN: "latin-1"}


class Element(NamedTuple):
    """One element of application data.

    ``number`` is its context tag, ``NO_TAG`` if it has an application tag.

    ``value`` by ``kind``: ``NULL`` None, ``BOOLEAN`` bool, ``UNSIGNED SIGNED ENUMERATED`` int, ``REAL
    DOUBLE`` float, ``OCTETS`` bytes, ``CHARACTERS`` str, ``BITS`` a tuple of bool, ``DATE`` ``TIME``
    ``OBJECT`` their classes; ``LIST`` a tuple of the elements between an opening and a closing tag;
    ``OPAQUE`` and ``ODD`` bytes.
    """

    kind: int
    value: "ElementValue"
    number: int = NO_TAG


ElementValue = (
    None | bool | int | float | bytes | str | tuple[bool, ...] | Date | Time | ObjectId | tuple[Element, ...]
)


def parse_elements(data: bytes) -> tuple[Element, ...]:
    """Return all elements of some application data.  Raises FaultError if they are framed wrongly."""
    found, at = _parse_elements(data, 0, NO_TAG, 1)
    if at < len(data):
        raise FaultError(UNEXPECTED)
    return found


def _parse_elements(data: bytes, at: int, closing: int, depth: int) -> tuple[tuple[Element, ...], int]:
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
            inside, at = _parse_elements(data, at, tag.number, depth + 1)
            found.append(Element(LIST, inside, tag.number))
        elif tag.is_context:
            found.append(Element(OPAQUE, data[tag.start : tag.end], tag.number))
        else:
            found.append(parse_element(data, tag))
    if closing != NO_TAG:
        raise FaultError(UNEXPECTED)
    return tuple(found), at


def parse_element(data: bytes, tag: Tag) -> Element:
    """Return the element under an application tag; its kind is ``ODD`` if it is no value of its type."""
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


def parse_whole_number(octets: bytes, *, signed: bool = False) -> int:
    """Return an unsigned or signed number of 1 to 8 octets.  Raises ValueError for more or none."""
    if not 1 <= len(octets) <= 8:
        raise ValueError(f"a number of {len(octets)} octets")
    return int.from_bytes(octets, "big", signed=signed)


def parse_text(octets: bytes) -> str:
    """Return a character string; its first octet is the character set (20.2.9).

    Octets that the set does not define become U+FFFD.  Raises ValueError for an unknown set.
    """
    charset, octets = octets[0], octets[1:]
    if charset in _CHARSETS:
        return octets.decode(_CHARSETS[charset], "replace")
    if charset == _JIS:
        return (b"\x1b$B" + octets).decode("iso2022_jp", "replace")
    if charset == _DBCS and len(octets) >= 2:
        return _decode_code_page(int.from_bytes(octets[:2], "big"), octets[2:])
    raise ValueError(f"character set {charset}")


def _decode_code_page(page: int, octets: bytes) -> str:
    """Return text in a code page of IBM or Microsoft; ASCII is the same in all that are in use."""
    try:
        codec = codecs.lookup(f"cp{page}").name
    except LookupError:
        codec = "ascii"
    return octets.decode(codec, "replace")


def parse_bits(octets: bytes) -> tuple[bool, ...]:
    """Return a bit string, bit 0 first (20.2.10).  Raises ValueError if it is none."""
    count = 8 * (len(octets) - 1) - octets[0]
    if octets[0] > 7 or count < 0:
        raise ValueError("no bit string")
    return tuple(bool(octets[1 + bit // 8] >> (7 - bit % 8) & 1) for bit in range(count))


def _parse_date(octets: bytes) -> Date:
    year, month, day, weekday = (None if octet == _ANY else octet for octet in octets)
    return Date(None if year is None else 1900 + year, month, day, weekday)


def _parse_time(octets: bytes) -> Time:
    return Time(*(None if octet == _ANY else octet for octet in octets))


def _parse_object(octets: bytes) -> ObjectId:
    number = int.from_bytes(octets, "big")
    return ObjectId(number >> 22, number & 0x3FFFFF)


_SIZES = {NULL: 0, REAL: 4, DOUBLE: 8, DATE: 4, TIME: 4, OBJECT: 4}
_READERS: dict[int, Callable[[bytes], ElementValue]] = {
    NULL: lambda _: None,
    UNSIGNED: parse_whole_number,
    SIGNED: lambda octets: parse_whole_number(octets, signed=True),
    REAL: lambda octets: struct.unpack(">f", octets)[0],
    DOUBLE: lambda octets: struct.unpack(">d", octets)[0],
    OCTETS: bytes,
    CHARACTERS: parse_text,
    BITS: parse_bits,
    ENUMERATED: parse_whole_number,
    DATE: _parse_date,
    TIME: _parse_time,
    OBJECT: _parse_object,
}
