"""Protocol-buffers wire format, as far as Sparkplug needs it: own reader and writer (pure).

Source: protobuf.dev, "Encoding": varints, 64-bit, length-delimited and 32-bit fields.
"""

import struct
from collections.abc import Iterator

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5
_MASK64 = (1 << 64) - 1


class WireFormatError(ValueError):
    """Bytes that are no protocol-buffers message."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireFormatError(f"a varint does not end at byte {at}")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & _MASK64, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and raw value of each field, in order; fixed fields come as their bytes.

    Raises WireFormatError when the bytes end early or use a group.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireFormatError(f"wire type {kind} at byte {at}")
        if at + length > len(data):
            raise WireFormatError(f"field {key >> 3} ends beyond the message")
        yield key >> 3, data[at : at + length]
        at += length


def varint(value: int) -> bytes:
    """A number as a varint."""
    value &= _MASK64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3 | VARINT) + varint(value)


def blob(field: int, value: bytes) -> bytes:
    """A length-delimited field: bytes, text, a message."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def float32(raw: int | bytes) -> float:
    """The value of a 32-bit field as a float."""
    if not isinstance(raw, bytes) or len(raw) != 4:
        raise WireFormatError("expected a 32-bit field")
    return float(struct.unpack("<f", raw)[0])


def float64(raw: int | bytes) -> float:
    """The value of a 64-bit field as a float."""
    if not isinstance(raw, bytes) or len(raw) != 8:
        raise WireFormatError("expected a 64-bit field")
    return float(struct.unpack("<d", raw)[0])


def whole(raw: int | bytes) -> int:
    """The value of a varint field."""
    if isinstance(raw, bytes):
        raise WireFormatError("expected a varint field")
    return raw


def octets(raw: int | bytes) -> bytes:
    """The value of a length-delimited field."""
    if not isinstance(raw, bytes):
        raise WireFormatError("expected a length-delimited field")
    return raw
