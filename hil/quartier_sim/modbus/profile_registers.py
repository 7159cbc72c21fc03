"""Registers of a value, and the value of registers, as a profile states them (pure).

Written apart from the codec of the drivers: each judges the other.
Numbers saturate at the ends of their register, as in meters.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction

from quartier_drivers.device_profile.schema import DIRECTED_TYPE, Point, Source
from quartier_sim.modbus import framing

_FLOAT_CODES = {"float32": ">f", "float64": ">d"}
_DIRECTED_MAX = 0x7FFF


def find_order_source(point: Point) -> Source:
    """Return where orders of a writable point are written, and how."""
    write = point.write
    assert write is not None, "of a writable point"
    changes = {"address": write.address, "type_name": write.type_name, "scale": write.scale}
    return point.model_copy(update={key: value for key, value in changes.items() if value is not None})


def find_order_range(point: Point) -> tuple[float, float]:
    """Return the lowest and highest order of a writable point, our units; 0 and 1 where it states none."""
    assert point.write is not None, "of a writable point"
    low, high = point.write.low, point.write.high
    return (0.0 if low is None else low), (1.0 if high is None else high)


def encode_value(source: Source, value: float | str, before: Sequence[int]) -> list[int]:
    """Return the registers, or the coil, from which a source reads this value.

    ``before`` is what stands there: other points may have bits or registers of the same ones.
    """
    if source.type_name == "string":
        return _encode_text(source, str(value))
    if isinstance(value, str):
        value = float("".join(letter for letter in value if letter.isdigit()) or 1)
    if source.address.table in ("coil", "discrete"):
        return [int(value != 0)]
    raw = (Fraction(value) - Fraction(repr(source.offset))) / (Fraction(repr(source.scale)) * source.sign)
    if source.type_name == DIRECTED_TYPE:
        return _encode_directed(source, round(raw), before)
    if source.field is not None:
        return _encode_field(source, round(raw), before)
    if source.type_name in _FLOAT_CODES:
        data = struct.pack(_FLOAT_CODES[source.type_name], float(raw) / source.sum_of)
        return _order_words(source, int.from_bytes(data, "big")) * source.sum_of
    share, rest = divmod(round(raw), source.sum_of)
    return [
        word
        for place in range(source.sum_of)
        for word in _order_words(source, _make_code(source, share + (place < rest)))
    ]


def decode_value(source: Source, words: Sequence[int]) -> float | None:
    """Return the number in registers or a coil, our units; None for a code that means *not there*."""
    if source.address.table in ("coil", "discrete"):
        return float(words[0] != 0)
    raws = [
        _decode_one(source, words[start : start + source.each])
        for start in range(0, source.width, source.each)
    ]
    total = Fraction(0)
    for raw in raws:
        if raw is None:
            return None
        total += Fraction(raw)
    return float(total * Fraction(repr(source.scale)) * source.sign + Fraction(repr(source.offset)))


def decode_count(source: Source, words: Sequence[int]) -> int:
    """Return the whole number in a register, without scale; raises ValueError for *not there*."""
    raw = _decode_one(source, words[: source.each])
    if raw is None:
        raise ValueError(f"{list(words)} is no number")
    return round(raw)


def _decode_one(source: Source, words: Sequence[int]) -> float | int | None:
    code = _join(source, words)
    if code in source.absent:
        return None
    if source.field is not None:
        lowest, highest = source.field
        return code >> lowest & (1 << highest - lowest + 1) - 1
    if source.type_name in _FLOAT_CODES:
        number: float = struct.unpack(_FLOAT_CODES[source.type_name], code.to_bytes(2 * len(words), "big"))[0]
        return number
    if source.type_name.startswith("bcd"):
        return int(f"{code:x}") if f"{code:x}".isdecimal() else None
    if source.type_name.startswith("int") and code >> 16 * len(words) - 1:
        return code - (1 << 16 * len(words))
    return code


def _make_code(source: Source, raw: int) -> int:
    """Return the code of a whole number: inside the range of the type, and no code of *not there*."""
    low, high = source.raw_range
    raw = min(max(raw, low), high)
    mask = (1 << 16 * source.each) - 1
    if raw & mask in source.absent:
        raw += -1 if raw > low else 1
    return int(str(raw), 16) if source.type_name.startswith("bcd") else raw & mask


def _order_words(source: Source, code: int) -> list[int]:
    words = [code >> shift & 0xFFFF for shift in range(16 * (source.each - 1), -1, -16)]
    return _swap(source, words)


def _join(source: Source, words: Sequence[int]) -> int:
    code = 0
    for word in _swap(source, list(words)):
        code = code << 16 | word
    return code


def _swap(source: Source, words: list[int]) -> list[int]:
    """Return words in the order of the wire, or back: the same for both."""
    if source.byte_order == "low-first":
        words = [(word & 0xFF) << 8 | word >> 8 for word in words]
    return words if source.word_order == "high-first" else words[::-1]


def _encode_text(source: Source, text: str) -> list[int]:
    return _swap(source, framing.encode_text(text, source.width))


def _encode_directed(source: Source, raw: int, before: Sequence[int]) -> list[int]:
    """Return the direction in the first word and the amount in the last; other points are between them."""
    plus, minus = source.bits or (0, 0)
    status = before[0] & ~(1 << plus | 1 << minus) | 1 << (plus if raw >= 0 else minus)
    return [status, *before[1:-1], min(abs(raw), _DIRECTED_MAX)]


def _encode_field(source: Source, raw: int, before: Sequence[int]) -> list[int]:
    lowest, highest = source.field or (0, 0)
    mask = (1 << highest - lowest + 1) - 1
    return _order_words(source, _join(source, before) & ~(mask << lowest) | (raw & mask) << lowest)
