"""Sparkplug B payloads as the district reads them, with an own protocol-buffers reader and writer (pure).

Source: Sparkplug 3.0.0, chapter 6 "Payloads": Payload 1 timestamp, 2 metrics, 3 seq, 5 body; Metric 1
name,
2 alias, 3 timestamp, 4 datatype, 5 is_historical, 7 is_null, 9 properties, 10 int, 11 long, 12 float, 13
double, 14 boolean, 15 string; PropertySet 1 keys, 2 values; PropertyValue 1 type, 3 int, 4 long, 5 float,
6 double, 7 boolean, 8 string.  Wire format: protobuf.dev, "Encoding": varints, 64-bit, length-delimited
and
32-bit fields.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
FIXED32 = 5
_MASK64 = (1 << 64) - 1


class WireFormatError(ValueError):
    """Bytes that are no protocol-buffers message."""


def _decode_varint(data: bytes, at: int) -> tuple[int, int]:
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


def iterate_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and raw value of each field, in order; fixed fields come as their bytes.

    Raises WireFormatError when the bytes end early or use a group.
    """
    at = 0
    while at < len(data):
        key, at = _decode_varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _decode_varint(data, at)
            yield key >> 3, value
            continue
        if kind == LENGTH_DELIMITED:
            length, at = _decode_varint(data, at)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireFormatError(f"wire type {kind} at byte {at}")
        if at + length > len(data):
            raise WireFormatError(f"field {key >> 3} ends beyond the message")
        yield key >> 3, data[at : at + length]
        at += length


def encode_varint(value: int) -> bytes:
    """A number as a varint."""
    value &= _MASK64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_number(field: int, value: int) -> bytes:
    """A varint field."""
    return encode_varint(field << 3 | VARINT) + encode_varint(value)


def encode_bytes(field: int, value: bytes) -> bytes:
    """A length-delimited field: bytes, text, a message."""
    return encode_varint(field << 3 | LENGTH_DELIMITED) + encode_varint(len(value)) + value


def decode_float32(raw: int | bytes) -> float:
    """The value of a 32-bit field as a float."""
    if not isinstance(raw, bytes) or len(raw) != 4:
        raise WireFormatError("expected a 32-bit field")
    return float(struct.unpack("<f", raw)[0])


def decode_float64(raw: int | bytes) -> float:
    """The value of a 64-bit field as a float."""
    if not isinstance(raw, bytes) or len(raw) != 8:
        raise WireFormatError("expected a 64-bit field")
    return float(struct.unpack("<d", raw)[0])


def decode_integer(raw: int | bytes) -> int:
    """The value of a varint field."""
    if isinstance(raw, bytes):
        raise WireFormatError("expected a varint field")
    return raw


def decode_bytes(raw: int | bytes) -> bytes:
    """The value of a length-delimited field."""
    if not isinstance(raw, bytes):
        raise WireFormatError("expected a length-delimited field")
    return raw


QUALITY_GOOD = 192
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_BOOLEAN = 11
Scalar = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as received; ``alias`` stays where the message has no name."""

    name: str
    timestamp_ms: int
    value: Scalar
    datatype: int = 0
    historical: bool = False
    alias: int | None = None
    properties: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def quality(self) -> int:
        """The Quality property; good where there is none."""
        found = self.properties.get("Quality", QUALITY_GOOD)
        return int(found) if isinstance(found, int | float) else QUALITY_GOOD


@dataclass(frozen=True, slots=True)
class Payload:
    """One message."""

    timestamp_ms: int
    seq: int | None
    metrics: tuple[Metric, ...]
    body: bytes = b""


def decode_payload(data: bytes) -> Payload:
    """Read a payload.  Raises WireFormatError where the bytes are none."""
    stamp, seq, body = 0, None, b""
    metrics: list[Metric] = []
    for number, raw in iterate_fields(data):
        if number == 1:
            stamp = decode_integer(raw)
        elif number == 2:
            metrics.append(_decode_metric(decode_bytes(raw)))
        elif number == 3:
            seq = decode_integer(raw)
        elif number == 5:
            body = decode_bytes(raw)
    return Payload(stamp, seq, tuple(metrics), body)


def _decode_metric(data: bytes) -> Metric:
    raw = {number: value for number, value in iterate_fields(data)}  # noqa: C416 - the last of a field counts
    datatype = decode_integer(raw.get(4, 0))
    return Metric(
        name=decode_bytes(raw.get(1, b"")).decode(),
        timestamp_ms=decode_integer(raw.get(3, 0)),
        value=None if raw.get(7) else _decode_scalar(raw, datatype, first=10),
        datatype=datatype,
        historical=bool(raw.get(5, 0)),
        alias=decode_integer(raw[2]) if 2 in raw else None,
        properties=_decode_properties(decode_bytes(raw.get(9, b""))),
    )


def _decode_scalar(raw: Mapping[int, int | bytes], datatype: int, first: int) -> Scalar:
    """The value of a metric (``first`` 10) or property (3): int, long, float, double, boolean, string."""
    for offset in (0, 1):
        if first + offset in raw:
            value = decode_integer(raw[first + offset])
            return bool(value) if datatype == _BOOLEAN else _decode_signed(value, datatype)
    if first + 2 in raw:
        return decode_float32(raw[first + 2])
    if first + 3 in raw:
        return decode_float64(raw[first + 3])
    if first + 4 in raw:
        return bool(decode_integer(raw[first + 4]))
    if first + 5 in raw:
        return decode_bytes(raw[first + 5]).decode("utf-8", "replace")
    return None


def _decode_signed(value: int, datatype: int) -> int:
    bits = _SIGNED_BITS.get(datatype)
    if bits is None:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _decode_properties(data: bytes) -> dict[str, Scalar]:
    keys: list[str] = []
    values: list[Scalar] = []
    for number, raw in iterate_fields(data):
        if number == 1:
            keys.append(decode_bytes(raw).decode())
        elif number == 2:
            found = {key: value for key, value in iterate_fields(decode_bytes(raw))}  # noqa: C416 - as above
            values.append(_decode_scalar(found, decode_integer(found.get(1, 0)), first=3))
    return dict(zip(keys, values, strict=False))


def make_rebirth(timestamp_ms: int) -> bytes:
    """An NCMD that asks a node for its births again."""
    metric = (
        encode_bytes(1, b"Node Control/Rebirth")
        + encode_number(3, timestamp_ms)
        + encode_number(4, _BOOLEAN)
        + encode_number(14, 1)
    )
    return encode_number(1, timestamp_ms) + encode_bytes(2, metric)
