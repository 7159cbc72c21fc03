"""Values as tagged octets and back (ASHRAE 135-2020 clause 20.2).

What is read is not trusted: a length beyond the end is a ``ValueError``.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

NULL, BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, OCTETS, TEXT, BITS, ENUMERATED, DATE, TIME, OBJECT = range(13)
_OPENING, _CLOSING = 6, 7
_UTF8 = b"\0"
ANY_DATE, ANY_TIME = bytes([DATE << 4 | 4]) + b"\xff" * 4, bytes([TIME << 4 | 4]) + b"\xff" * 4


def tagged(number: int, data: bytes, *, context: bool = False) -> bytes:
    """``data`` behind its tag; ``context``: the number is the parameter's, not the type's."""
    flag = 8 if context else 0
    head = number << 4 if number < 15 else 0xF0
    more = b"" if number < 15 else bytes([number])
    length = len(data)
    if length < 5:
        return bytes([head | flag | length]) + more + data
    if length < 254:
        return bytes([head | flag | 5]) + more + bytes([length]) + data
    return bytes([head | flag | 5]) + more + struct.pack(">BH", 254, length) + data


def opening(number: int) -> bytes:
    """The tag before a parameter of several values."""
    return bytes([number << 4 | 8 | _OPENING])


def closing(number: int) -> bytes:
    """The tag after it."""
    return bytes([number << 4 | 8 | _CLOSING])


def wrapped(number: int, data: bytes) -> bytes:
    """Values between an opening and a closing tag."""
    return opening(number) + data + closing(number)


def whole(value: int) -> bytes:
    """An unsigned number in as few octets as it needs."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def null() -> bytes:
    """Return the Null value of an empty place in a priority array."""
    return bytes([NULL << 4])


def boolean(value: bool) -> bytes:  # noqa: FBT001 - a value, no switch
    """Return a Boolean: the value is in the tag itself."""
    return bytes([BOOLEAN << 4 | int(value)])


def unsigned(value: int) -> bytes:
    """An unsigned number."""
    return tagged(UNSIGNED, whole(value))


def enumerated(value: int) -> bytes:
    """A word by its number."""
    return tagged(ENUMERATED, whole(value))


def real(value: float) -> bytes:
    """An IEEE 754 single."""
    return tagged(REAL, struct.pack(">f", value))


def text(value: str) -> bytes:
    """Characters in UTF-8."""
    return tagged(TEXT, _UTF8 + value.encode())


def bits(values: Sequence[bool | int]) -> bytes:
    """Bits, the first one highest; the octet before them counts those that are unused."""
    unused = -len(values) % 8
    number = int("".join("1" if one else "0" for one in values) + "0" * unused, 2)
    return tagged(BITS, bytes([unused]) + number.to_bytes((len(values) + unused) // 8, "big"))


def packed(kind: int, instance: int) -> bytes:
    """An object's identifier: ten bits of type, 22 of instance."""
    return struct.pack(">I", kind << 22 | instance)


def identifier(kind: int, instance: int) -> bytes:
    """The same with its tag."""
    return tagged(OBJECT, packed(kind, instance))


def moment(at: datetime) -> bytes:
    """Date and time, one after the other, to the hundredth of a second."""
    day = bytes([at.year - 1900, at.month, at.day, at.isoweekday()])
    clock = bytes([at.hour, at.minute, at.second, at.microsecond // 10_000])
    return tagged(DATE, day) + tagged(TIME, clock)


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as it was read: ``opens`` and ``closes`` bear no data."""

    number: int
    context: bool
    data: bytes = b""
    opens: bool = False
    closes: bool = False

    @property
    def unsigned(self) -> int:
        """Its data as an unsigned number."""
        return int.from_bytes(self.data, "big")

    @property
    def key(self) -> tuple[int, int]:
        """Its data as an object's type and instance.  Raises ValueError for another length."""
        if len(self.data) != 4:
            raise ValueError("no object identifier")
        number = self.unsigned
        return number >> 22, number & 0x3FFFFF

    @property
    def value(self) -> float | None:
        """An application-tagged value as a number; None for Null.  Raises ValueError for what is none."""
        if self.context or self.opens or self.closes:
            raise ValueError("no application tag")
        if self.number == NULL:
            return None
        if self.number == BOOLEAN:
            return float(self.data != b"")
        if self.number in (UNSIGNED, ENUMERATED):
            return float(self.unsigned)
        if self.number == SIGNED:
            return float(int.from_bytes(self.data, "big", signed=True))
        wanted = {REAL: (4, ">f"), DOUBLE: (8, ">d")}.get(self.number)
        if wanted is None or len(self.data) != wanted[0]:
            raise ValueError("no number")
        return float(struct.unpack(wanted[1], self.data)[0])


def read(data: bytes) -> list[Tag]:
    """Every tag of ``data``.  Raises ValueError where one is cut off or cannot be."""
    found = []
    at = 0
    while at < len(data):
        tag, at = _one(data, at)
        found.append(tag)
    return found


def _one(data: bytes, at: int) -> tuple[Tag, int]:
    try:
        head = data[at]
        at += 1
        number = head >> 4
        if number == 15:
            number = data[at]
            at += 1
        context, length = bool(head & 8), head & 7
        if context and length in (_OPENING, _CLOSING):
            return Tag(number, context, opens=length == _OPENING, closes=length == _CLOSING), at
        if length == 5:
            length, at = _long(data, at)
        elif length > 5:
            raise ValueError("a tag of no kind")
    except IndexError as error:
        raise ValueError("cut off") from error
    if not context and number == BOOLEAN:
        return Tag(number, context, b"\1" if length else b""), at
    if at + length > len(data):
        raise ValueError("a length beyond the end")
    return Tag(number, context, data[at : at + length]), at + length


def _long(data: bytes, at: int) -> tuple[int, int]:
    if data[at] < 254:
        return data[at], at + 1
    size = 2 if data[at] == 254 else 4
    part = data[at + 1 : at + 1 + size]
    if len(part) < size:
        raise ValueError("cut off")
    return int.from_bytes(part, "big"), at + 1 + size


def within(tags: Sequence[Tag], start: int) -> int:
    """The place of the closing tag that belongs to the opening one at ``start``.  Raises ValueError."""
    depth = 0
    for place in range(start, len(tags)):
        depth += tags[place].opens - tags[place].closes
        if depth == 0:
            return place
    raise ValueError("an opening tag without its closing one")


def joined(values: Iterable[bytes]) -> bytes:
    """Values one after the other: a list, or a whole array."""
    return b"".join(values)
