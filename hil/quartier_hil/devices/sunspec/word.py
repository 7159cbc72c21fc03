"""SunSpec values to registers and back: every type, and the code of each for "not implemented".

Source: SunSpec Device Information Model Specification, data types: most significant word first, an integer's
code for not implemented is its extreme (signed: the least, unsigned: the largest; accumulators, addresses
and strings: zero), a float's a NaN, a pad always 0x8000.
"""

import math
import struct
from collections.abc import Sequence

Value = int | float | str
"""Raw value of a point, without its scale factor."""

_SIGNED = {"int16": 16, "sunssf": 16, "int32": 32, "int64": 64}
_UNSIGNED = {
    **dict.fromkeys(("uint16", "enum16", "bitfield16", "count"), 16),
    **dict.fromkeys(("uint32", "enum32", "bitfield32"), 32),
    **dict.fromkeys(("uint64", "bitfield64"), 64),
}
_ZERO = {"acc16": 16, "acc32": 32, "acc64": 64, "ipaddr": 32}
_FLOATS = {"float32": (">f", b"\x7f\xc0\x00\x00"), "float64": (">d", b"\x7f\xf8" + bytes(6))}
_PAD = 0x8000


def bounds(kind: str) -> tuple[int, int]:
    """The least and the largest number of an integer type that is not its code for "not implemented"."""
    if kind in _SIGNED:
        top = (1 << _SIGNED[kind] - 1) - 1
        return -top, top
    if kind in _UNSIGNED:
        return 0, (1 << _UNSIGNED[kind]) - 2
    return 1, (1 << _ZERO[kind]) - 1


def encoded(kind: str, value: Value | None, words: int) -> list[int]:
    """The registers of a value, None for "not implemented".  Raises OverflowError for what does not fit."""
    raw = _bytes(kind, value, 2 * words)
    return list(struct.unpack(f">{words}H", raw))


def _bytes(kind: str, value: Value | None, size: int) -> bytes:
    if kind == "string":
        return _text("" if value is None else str(value), size)
    if kind in _FLOATS:
        form, absent = _FLOATS[kind]
        return absent if value is None else struct.pack(form, value)
    if kind == "eui48":
        return b"\0\0" + (b"\xff" * 6 if value is None else bytes.fromhex(str(value).replace(":", "")))
    if kind == "ipv6addr":
        return bytes(16) if value is None else bytes.fromhex(str(value).replace(":", ""))
    return _number(kind, value).to_bytes(size, "big", signed=kind in _SIGNED)


def _text(value: str, size: int) -> bytes:
    raw = value.encode("utf-8")
    if len(raw) > size:
        raise OverflowError(f"{value!r} is longer than {size} bytes")
    return raw.ljust(size, b"\0")


def _number(kind: str, value: Value | None) -> int:
    if value is None:
        return absent(kind)
    assert not isinstance(value, str)
    return int(value)


def absent(kind: str) -> int:
    """The code of an integer type for "not implemented"."""
    if kind in _SIGNED:
        return -(1 << _SIGNED[kind] - 1)
    if kind in _UNSIGNED:
        return (1 << _UNSIGNED[kind]) - 1
    return _PAD if kind == "pad" else 0


def decoded(kind: str, words: Sequence[int]) -> Value | None:
    """The value of registers, None where they say "not implemented"."""
    raw = struct.pack(f">{len(words)}H", *words)
    if kind == "string":
        return raw.rstrip(b"\0").decode("utf-8", errors="replace") or None
    if kind in _FLOATS:
        found: float = struct.unpack(_FLOATS[kind][0], raw)[0]
        return None if math.isnan(found) else found
    if kind == "eui48":
        return None if raw[2:] == b"\xff" * 6 else raw[2:].hex(":").upper()
    if kind == "ipv6addr":
        return raw.hex(":", 4).upper() if any(raw) else None
    number = int.from_bytes(raw, "big", signed=kind in _SIGNED)
    return None if kind != "pad" and number == absent(kind) else number
