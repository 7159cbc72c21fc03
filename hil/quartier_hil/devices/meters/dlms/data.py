"""COSEM data in A-XDR.

Source: IEC 62056-5-3 section 9.5 (Data), IEC 62056-6-2 section 4.1.6 (date and time; a deviation of
8000 hex is not specified, else minutes from local time to UTC).
"""

import datetime as dt
import struct
from collections.abc import Sequence

NULL = b"\x00"
_ARRAY, _STRUCTURE, _BOOLEAN = 0x01, 0x02, 0x03
_OCTETS, _VISIBLE, _ENUM = 0x09, 0x0A, 0x16
_NO_DEVIATION = -0x8000
_SUMMER = 0x80


def length(count: int) -> bytes:
    """A length: one byte below 128, else how many bytes follow, and those."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 | size]) + count.to_bytes(size, "big")


def array(parts: Sequence[bytes]) -> bytes:
    """Elements of one kind."""
    return bytes([_ARRAY]) + length(len(parts)) + b"".join(parts)


def structure(parts: Sequence[bytes]) -> bytes:
    """Elements of different kinds."""
    return bytes([_STRUCTURE]) + length(len(parts)) + b"".join(parts)


def octets(content: bytes) -> bytes:
    """An octet string."""
    return bytes([_OCTETS]) + length(len(content)) + content


def visible(text: str) -> bytes:
    """A visible string."""
    return bytes([_VISIBLE]) + length(len(text)) + text.encode("ascii")


def enum(value: int) -> bytes:
    """An enumeration, as a unit."""
    return bytes([_ENUM, value])


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value
    """True or false."""
    return bytes([_BOOLEAN, value])


# Bytes and sign of each kind of number: its tag, and how struct writes it.
NUMBERS = {
    "int8": (0x0F, ">b"),
    "int16": (0x10, ">h"),
    "int32": (0x05, ">i"),
    "int64": (0x14, ">q"),
    "uint8": (0x11, ">B"),
    "uint16": (0x12, ">H"),
    "uint32": (0x06, ">I"),
    "uint64": (0x15, ">Q"),
}


def number(kind: str, value: int) -> bytes:
    """An integer of a kind of ``NUMBERS``.  Raises struct.error when it does not fit."""
    tag, form = NUMBERS[kind]
    return bytes([tag]) + struct.pack(form, value)


def moment(when: dt.datetime, *, deviates: bool = True) -> bytes:
    """Return the 12 bytes of a date-time, local as ``when`` is; without ``deviates`` it has no offset."""
    offset = when.utcoffset()
    known = deviates and offset is not None
    minutes = -int(offset.total_seconds() // 60) if known and offset is not None else _NO_DEVIATION
    summer = _SUMMER if when.dst() else 0
    date = struct.pack(">HBBB", when.year, when.month, when.day, when.isoweekday())
    clock = struct.pack(">BBBB", when.hour, when.minute, when.second, 0xFF)
    return date + clock + struct.pack(">hB", minutes, summer)
