"""Sparkplug B payloads as the district reads them, from the field numbers of the specification (pure).

Source: Sparkplug 3.0.0, chapter 6 "Payloads": Payload 1 timestamp, 2 metrics, 3 seq, 5 body; Metric 1 name,
2 alias, 3 timestamp, 4 datatype, 5 is_historical, 7 is_null, 9 properties, 10 int, 11 long, 12 float, 13
double, 14 boolean, 15 string; PropertySet 1 keys, 2 values; PropertyValue 1 type, 3 int, 4 long, 5 float,
6 double, 7 boolean, 8 string.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier_hil.district import protowire as wire

GOOD = 192
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
        found = self.properties.get("Quality", GOOD)
        return int(found) if isinstance(found, int | float) else GOOD


@dataclass(frozen=True, slots=True)
class Payload:
    """One message."""

    timestamp_ms: int
    seq: int | None
    metrics: tuple[Metric, ...]
    body: bytes = b""


def decode(data: bytes) -> Payload:
    """Read a payload.  Raises WireFormatError where the bytes are none."""
    stamp, seq, body = 0, None, b""
    metrics: list[Metric] = []
    for number, raw in wire.fields(data):
        if number == 1:
            stamp = wire.whole(raw)
        elif number == 2:
            metrics.append(_metric(wire.octets(raw)))
        elif number == 3:
            seq = wire.whole(raw)
        elif number == 5:
            body = wire.octets(raw)
    return Payload(stamp, seq, tuple(metrics), body)


def _metric(data: bytes) -> Metric:
    raw = {number: value for number, value in wire.fields(data)}  # noqa: C416 - the last of a field counts
    datatype = wire.whole(raw.get(4, 0))
    return Metric(
        name=wire.octets(raw.get(1, b"")).decode(),
        timestamp_ms=wire.whole(raw.get(3, 0)),
        value=None if raw.get(7) else _scalar(raw, datatype, first=10),
        datatype=datatype,
        historical=bool(raw.get(5, 0)),
        alias=wire.whole(raw[2]) if 2 in raw else None,
        properties=_properties(wire.octets(raw.get(9, b""))),
    )


def _scalar(raw: Mapping[int, int | bytes], datatype: int, first: int) -> Scalar:
    """The value of a metric (``first`` 10) or property (3): int, long, float, double, boolean, string."""
    for offset in (0, 1):
        if first + offset in raw:
            value = wire.whole(raw[first + offset])
            return bool(value) if datatype == _BOOLEAN else _signed(value, datatype)
    if first + 2 in raw:
        return wire.float32(raw[first + 2])
    if first + 3 in raw:
        return wire.float64(raw[first + 3])
    if first + 4 in raw:
        return bool(wire.whole(raw[first + 4]))
    if first + 5 in raw:
        return wire.octets(raw[first + 5]).decode("utf-8", "replace")
    return None


def _signed(value: int, datatype: int) -> int:
    bits = _SIGNED_BITS.get(datatype)
    if bits is None:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _properties(data: bytes) -> dict[str, Scalar]:
    keys: list[str] = []
    values: list[Scalar] = []
    for number, raw in wire.fields(data):
        if number == 1:
            keys.append(wire.octets(raw).decode())
        elif number == 2:
            found = {key: value for key, value in wire.fields(wire.octets(raw))}  # noqa: C416 - as above
            values.append(_scalar(found, wire.whole(found.get(1, 0)), first=3))
    return dict(zip(keys, values, strict=False))


def rebirth(timestamp_ms: int) -> bytes:
    """An NCMD that asks a node for its births again."""
    metric = (
        wire.blob(1, b"Node Control/Rebirth")
        + wire.number(3, timestamp_ms)
        + wire.number(4, _BOOLEAN)
        + wire.number(14, 1)
    )
    return wire.number(1, timestamp_ms) + wire.blob(2, metric)
