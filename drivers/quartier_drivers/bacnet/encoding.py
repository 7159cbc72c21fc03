"""Python values as BACnet's application data, for what is written (ASHRAE 135-2020, clause 20.2).  Pure."""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from quartier_drivers.bacnet.values import Date, ObjectId, Time
from quartier_native.bacnet import (
    BITS,
    BOOLEAN,
    CHARACTERS,
    DATE,
    DOUBLE,
    ENUMERATED,
    NULL,
    OBJECT,
    OCTETS,
    REAL,
    SIGNED,
    TIME,
    UNSIGNED,
)

RELINQUISH = b"\x00"
"""Null: written at a priority, it gives that slot of a priority array back (19.2)."""

_ANY = 255


def encoded(kind: int, value: Any) -> bytes:
    """One element with its application tag; values are those of ``values.Element``, a whole float counts as
    an int.

    Raises ValueError for a value that its kind cannot hold: for a REAL one beyond the range of singles, for
    REAL and DOUBLE what is no number.
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
    return head(kind, len(octets)) + octets


def head(number: int, size: int, *, is_context: bool = False) -> bytes:
    """A primitive tag whose contents have ``size`` octets (20.2.1)."""
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


def _number(value: float) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _unsigned(value: float) -> bytes:
    number = _number(value)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{number} does not fit eight octets")
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def _signed(value: float) -> bytes:
    """As few octets as hold the number and its sign (20.2.5)."""
    number = _number(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} does not fit eight octets")
    bits = (number if number >= 0 else ~number).bit_length() + 1
    return number.to_bytes((bits + 7) // 8, "big", signed=True)


def _real(form: str) -> Callable[[float], bytes]:
    def write(value: float) -> bytes:
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is no number")
        return struct.pack(form, value)

    return write


def _text(value: str) -> bytes:
    """UTF-8 (20.2.9)."""
    return b"\0" + value.encode("utf-8")


def _bits(value: Sequence[bool]) -> bytes:
    size = (len(value) + 7) // 8
    octets = bytearray(size)
    for bit, is_set in enumerate(value):
        octets[bit // 8] |= bool(is_set) << (7 - bit % 8)
    return bytes((8 * size - len(value),)) + octets


def _date(value: Date) -> bytes:
    year = _ANY if value.year is None else value.year - 1900
    return bytes((year, *(_ANY if part is None else part for part in value[1:])))


def _time(value: Time) -> bytes:
    return bytes(_ANY if part is None else part for part in value)


def _object(value: ObjectId) -> bytes:
    if not 0 <= value.object_type < 1 << 10 or not 0 <= value.instance < 1 << 22:
        raise ValueError(f"no object {value}")
    return (value.object_type << 22 | value.instance).to_bytes(4, "big")


_WRITERS: dict[int, Callable[[Any], bytes]] = {
    NULL: lambda _: b"",
    UNSIGNED: _unsigned,
    SIGNED: _signed,
    REAL: _real(">f"),
    DOUBLE: _real(">d"),
    OCTETS: bytes,
    CHARACTERS: _text,
    BITS: _bits,
    ENUMERATED: _unsigned,
    DATE: _date,
    TIME: _time,
    OBJECT: _object,
}
