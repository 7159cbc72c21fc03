"""Registers as columns: the specification that the compiled reader equals to the last bit.

One ``Registers`` is prepared for each planned request.  It reads the data bytes of an answer (registers of
two bytes, the high one first; coils packed eight to a byte, the first one lowest) into a column of doubles
and one of qualities.  Whole numbers are scaled in whole numbers and rounded once:
``(raw * top + shift) / bottom``.  What no double can hold exactly on that way is left to the caller.
"""

import math
import struct
from array import array
from collections.abc import Iterable
from typing import NamedTuple

GOOD, BAD, LEFT = 0, 1, 2
"""Qualities: sound; absent, no number or implausible; not decided here, the caller must look."""
ELSEWHERE, COIL, WHOLE, SIGNED, TRUTH, REAL = range(6)
"""Forms: never decided here; one bit of a packed answer; unsigned; two's complement; 0 or not; IEEE 754."""
FLOAT, INT, BOOL = range(3)
"""Kinds of value: any number; rounded half to even; 0 or 1."""
EXACT_MAX = 2**53
FIELD_MAX = 2000
"""Fields of one answer at most: as many as coils."""

_REALS = {2: ">f", 4: ">d"}


class Field(NamedTuple):
    """One point of an answer: ``parts`` numbers of ``words`` registers each, from register or coil ``start``.

    ``low_first`` is the order of the registers, ``swapped`` of the bytes in each; ``lowest`` and ``bits``
    cut a bit field (``bits`` 0: none).  A raw code in ``absent`` makes the point BAD, so does a value outside
    ``low``..``high``.  The numbers are added up before they are scaled.
    """

    start: int
    form: int = WHOLE
    words: int = 1
    parts: int = 1
    low_first: bool = False
    swapped: bool = False
    lowest: int = 0
    bits: int = 0
    top: int = 1
    shift: int = 0
    bottom: int = 1
    absent: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    kind: int = FLOAT


def check_field(field: Field) -> Field:
    """The field itself; ValueError where it is none, or where its scaling could round twice."""
    whole = field.form in {WHOLE, SIGNED}
    if not ELSEWHERE <= field.form <= REAL or not FLOAT <= field.kind <= BOOL:
        raise ValueError(f"form {field.form}, kind {field.kind}")
    if not 0 <= field.start < 0x10000 or not 1 <= field.parts <= 125 or field.words not in {1, 2, 4}:
        raise ValueError(f"{field.parts} of {field.words} registers at {field.start}")
    if field.bits and not (whole and field.lowest >= 0 and 0 < field.bits <= 16 * field.words - field.lowest):
        raise ValueError(f"{field.bits} bits from {field.lowest}")
    if not all(0 <= code < 1 << 16 * field.words for code in field.absent) or len(field.absent) > 255:
        raise ValueError(f"absent codes {field.absent}")
    top, shift = abs(field.top), abs(field.shift)
    if not 0 < top < EXACT_MAX or not shift < EXACT_MAX or not 0 < field.bottom < EXACT_MAX:
        raise ValueError(f"a scaling of {field.top}, {field.shift}, {field.bottom}")
    single = field.words == 2 and field.parts == 1 and top < 2**29
    if field.form == REAL and (field.words == 1 or shift or (top > 1 and field.bottom > 1 and not single)):
        raise ValueError("a scaling that could round twice")
    return field


class Registers:
    """The prepared reading of one answer; ``size`` bytes of data are needed."""

    def __init__(self, fields: Iterable[Field]) -> None:
        """ValueError for a field that is none, or for more than 2,000 of them."""
        self._fields = tuple(check_field(Field(*field)) for field in fields)
        if len(self._fields) > FIELD_MAX:
            raise ValueError(f"more than {FIELD_MAX} fields")
        self.size = max(map(_size, self._fields), default=0)

    def __len__(self) -> int:
        return len(self._fields)

    def read(self, data: bytes, last: "array[float]") -> tuple["array[float]", bytes]:
        """Values and qualities, one of each per field; a value that is not GOOD is the one of ``last``.

        ValueError for too little data or a ``last`` of another length, TypeError if it is no ``array("d")``.
        """
        if not isinstance(last, array) or last.typecode != "d":
            raise TypeError('expected an array("d")')
        if len(last) != len(self._fields):
            raise ValueError(f"{len(last)} values, expected {len(self._fields)}")
        if len(data) < self.size:
            raise ValueError(f"{len(data)} bytes of data, expected {self.size}")
        values = array("d", last)
        qualities = bytearray(len(values))
        for place, field in enumerate(self._fields):
            qualities[place], value = _read(field, data)
            if qualities[place] == GOOD:
                values[place] = value
        return values, bytes(qualities)


def _size(field: Field) -> int:
    if field.form == ELSEWHERE:
        return 0
    if field.form == COIL:
        return field.start // 8 + 1
    return 2 * (field.start + field.parts * field.words)


def _read(field: Field, data: bytes) -> tuple[int, float]:
    if field.form == ELSEWHERE:
        return LEFT, 0.0
    quality, value = _real(field, data) if field.form == REAL else _whole(field, data)
    if quality != GOOD:
        return quality, 0.0
    if not field.low <= value <= field.high:
        return BAD, 0.0
    if field.kind == BOOL:
        return GOOD, float(value != 0)
    if field.kind == INT:
        return (GOOD, float(round(value))) if abs(value) <= EXACT_MAX else (LEFT, 0.0)
    return GOOD, value


def _whole(field: Field, data: bytes) -> tuple[int, float]:
    raw_max = (EXACT_MAX - 1 - abs(field.shift)) // abs(field.top)
    total = 0
    for number in range(field.parts):
        if field.form == COIL:
            raw = data[field.start // 8] >> field.start % 8 & 1
        else:
            code = _code(field, data, number)
            if code in field.absent:
                return BAD, 0.0
            raw = _raw(field, code)
        if abs(raw) >= EXACT_MAX:
            return LEFT, 0.0
        total += raw
    if abs(total) > raw_max:
        return LEFT, 0.0
    return GOOD, (total * field.top + field.shift) / field.bottom


def _real(field: Field, data: bytes) -> tuple[int, float]:
    form = _REALS[field.words]
    total = 0.0
    for number in range(field.parts):
        code = _code(field, data, number)
        if code in field.absent:
            return BAD, 0.0
        total += struct.unpack(form, code.to_bytes(2 * field.words, "big"))[0]
    if not math.isfinite(total):
        return BAD, 0.0
    if total == 0.0:
        return GOOD, 0.0
    value = total * field.top / field.bottom
    return (GOOD, value) if math.isfinite(value) else (BAD, 0.0)


def _code(field: Field, data: bytes, number: int) -> int:
    start = 2 * (field.start + number * field.words)
    words = range(start, start + 2 * field.words, 2)
    code = 0
    for at in reversed(words) if field.low_first else words:
        code = code << 16 | int.from_bytes(data[at : at + 2], "little" if field.swapped else "big")
    return code


def _raw(field: Field, code: int) -> int:
    if field.bits:
        return code >> field.lowest & (1 << field.bits) - 1
    if field.form == TRUTH:
        return int(code != 0)
    width = 16 * field.words
    return code - (1 << width) if field.form == SIGNED and code >> width - 1 else code


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes | bytearray) -> int:
    """CRC-16 of a serial frame (Modbus over Serial Line V1.02, 6.2.2); its low byte goes first on the wire.

    A sound frame, its two bytes of CRC included, has 0.
    """
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value
