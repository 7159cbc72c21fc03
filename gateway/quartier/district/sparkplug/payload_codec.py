"""Encode and decode Sparkplug B payloads; the only importer of protobuf (pure).

Source: Eclipse Sparkplug 3.0.0, chapter 6. Only what an edge node without templates and DataSets sends and
receives. The key (spec/sync.md#key) is in the ``body`` of the payload.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from google.protobuf.message import DecodeError

from quartier.district.sparkplug.sparkplug_b_pb2 import Payload
from quartier_drivers.readings import Quality, Value

# Largest payload that is read; ours are smaller (64 KiB, spec/sync.md#backfill).
PAYLOAD_READ_MAX_BYTES = 256 * 1024
METRICS_READ_MAX = 2_000
_INT64_SPAN = 1 << 64
_UINT32_SPAN = 1 << 32


class Datatype(IntEnum):
    """Datatype codes (chapter 6, ``DataType``); only the basic ones are supported."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14


_SIGNED_BITS = {Datatype.INT8: 8, Datatype.INT16: 16, Datatype.INT32: 32, Datatype.INT64: 64}
_NARROW_DATATYPES = frozenset(
    {Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.UINT8, Datatype.UINT16, Datatype.UINT32}
)
WHOLE_DATATYPES = _NARROW_DATATYPES | {Datatype.INT64, Datatype.UINT64, Datatype.DATETIME}

# Kind of a point (points.py) -> datatype on the wire.
DATATYPES_BY_KIND: Mapping[str, Datatype] = {
    "float": Datatype.DOUBLE,
    "int": Datatype.INT64,
    "bool": Datatype.BOOLEAN,
    "text": Datatype.STRING,
}


class MalformedPayload(ValueError):  # noqa: N818 - names what the bytes are, as the house names states
    """Bytes that are not a supported Sparkplug B payload."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One named value. ``value`` None means null; ``type`` None omits the datatype (data messages).

    ``properties`` are written with their types: int as Int32, float as Double.
    """

    name: str
    value: Value | None
    type: Datatype | None
    timestamp_ms: int
    alias: int | None = None
    historical: bool = False
    quality: Quality = Quality.GOOD
    properties: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleKey:
    """The samples of a message: ``first`` is the number of its first metric, the others follow."""

    boot: int
    first: int


@dataclass(frozen=True, slots=True)
class SparkplugMessage:
    """A decoded payload; ``key`` is absent if ``body`` is not one of ours."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]
    key: SampleKey | None = None


def encode_payload(
    metrics: Sequence[Metric], *, timestamp_ms: int, seq: int | None = None, key: SampleKey | None = None
) -> bytes:
    """Encode one payload. ``seq`` is absent only in NDEATH and in a host's commands."""
    payload = Payload(timestamp=max(0, timestamp_ms))
    if seq is not None:
        payload.seq = seq
    if key is not None:
        payload.body = json.dumps({"boot": key.boot, "first": key.first}, separators=(",", ":")).encode()
    for metric in metrics:
        _write_metric(payload.metrics.add(), metric)
    return bytes(payload.SerializeToString())


def _write_metric(out: Payload.Metric, metric: Metric) -> None:
    if metric.alias is None or metric.type is not None:
        out.name = metric.name
    if metric.alias is not None:
        out.alias = metric.alias
    out.timestamp = max(0, metric.timestamp_ms)
    if metric.type is not None:
        out.datatype = metric.type
    if metric.historical:
        out.is_historical = True
    _write_value(out, metric)
    properties: dict[str, Value] = dict(metric.properties)
    if metric.quality is not Quality.GOOD:
        properties["Quality"] = int(metric.quality)
    if properties:
        _write_properties(out.properties, properties)


def _write_value(out: Payload.Metric, metric: Metric) -> None:
    value = metric.value
    if value is None:
        out.is_null = True
    elif isinstance(value, bool):
        out.boolean_value = value
    elif isinstance(value, int):
        if metric.type in _NARROW_DATATYPES:
            out.int_value = value % _UINT32_SPAN
        else:
            out.long_value = value % _INT64_SPAN
    elif isinstance(value, float):
        if metric.type is Datatype.FLOAT:
            out.float_value = value
        else:
            out.double_value = value
    else:
        out.string_value = value


def _write_properties(out: Payload.PropertySet, properties: Mapping[str, Value]) -> None:
    for name, value in properties.items():
        out.keys.append(name)
        entry = out.values.add()
        if isinstance(value, bool):
            entry.type, entry.boolean_value = Datatype.BOOLEAN, value
        elif isinstance(value, int):
            entry.type, entry.int_value = Datatype.INT32, value % _UINT32_SPAN
        elif isinstance(value, float):
            entry.type, entry.double_value = Datatype.DOUBLE, value
        else:
            entry.type, entry.string_value = Datatype.STRING, value


def decode_payload(data: bytes) -> SparkplugMessage:
    """Decode one payload: ours, or a host's NCMD or DCMD. Raises MalformedPayload, and nothing else."""
    if len(data) > PAYLOAD_READ_MAX_BYTES:
        raise MalformedPayload(f"{len(data)} bytes; expected at most {PAYLOAD_READ_MAX_BYTES}")
    payload = Payload()
    try:
        payload.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedPayload("no Sparkplug B payload") from error
    if len(payload.metrics) > METRICS_READ_MAX:
        raise MalformedPayload(f"{len(payload.metrics)} metrics; expected at most {METRICS_READ_MAX}")
    return SparkplugMessage(
        timestamp_ms=payload.timestamp if payload.HasField("timestamp") else None,
        seq=payload.seq if payload.HasField("seq") else None,
        metrics=tuple(_read_metric(metric) for metric in payload.metrics),
        key=_read_key(payload.body) if payload.HasField("body") else None,
    )


def _read_metric(metric: Payload.Metric) -> Metric:
    kind = _read_type(metric.datatype) if metric.HasField("datatype") else None
    properties = _read_properties(metric.properties) if metric.HasField("properties") else {}
    quality = Quality.GOOD
    if isinstance(code := properties.pop("Quality", None), int):
        quality = Quality(code) if code in set(Quality) else Quality.BAD
    return Metric(
        name=_check_text(metric.name),
        value=_read_value(metric, kind),
        type=kind,
        timestamp_ms=metric.timestamp,
        alias=metric.alias if metric.HasField("alias") else None,
        historical=metric.is_historical,
        quality=quality,
        properties=properties,
    )


def _read_type(code: int) -> Datatype:
    try:
        return Datatype(code)
    except ValueError as error:
        raise MalformedPayload(f"datatype {code} is none that we read") from error


def _read_value(metric: Payload.Metric, kind: Datatype | None) -> Value | None:
    which = metric.WhichOneof("value")
    if which is None or metric.is_null or which == "bytes_value":
        return None
    value: Value = getattr(metric, which)
    if which == "string_value":
        return _check_text(metric.string_value)
    if isinstance(value, int) and kind in _SIGNED_BITS:
        bits = _SIGNED_BITS[kind]
        value %= 1 << bits
        return value - (1 << bits) if value >> (bits - 1) else value
    return value


def _read_properties(found: Payload.PropertySet) -> dict[str, Value]:
    if len(found.keys) != len(found.values):
        raise MalformedPayload(f"{len(found.keys)} property keys for {len(found.values)} values")
    properties: dict[str, Value] = {}
    for name, entry in zip(found.keys, found.values, strict=True):
        which = entry.WhichOneof("value")
        if which is None or entry.is_null:
            continue
        value: Value = getattr(entry, which)
        if entry.type == Datatype.INT32 and isinstance(value, int) and value >> 31:
            value -= _UINT32_SPAN
        properties[_check_text(name)] = _check_text(entry.string_value) if which == "string_value" else value
    return properties


def _check_text(found: str) -> str:
    """Return a proto2 string as text: protobuf returns *bytes* if it is not UTF-8."""
    if not isinstance(found, str):
        raise MalformedPayload("a string is no UTF-8")
    return found


def _read_key(body: bytes) -> SampleKey | None:
    try:
        fields = json.loads(body)
        boot, first = fields["boot"], fields["first"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = all(type(number) is int and 0 <= number < _INT64_SPAN for number in (boot, first))
    return SampleKey(boot, first) if whole else None


def fit_value(value: Value | None, kind: Datatype) -> Value | None:
    """Return ``value`` in the type of a metric born with ``kind``; None if it does not fit (NaN too)."""
    if value is None:
        return None
    if kind is Datatype.STRING:
        return value if isinstance(value, str) else str(value)
    if isinstance(value, str) or not math.isfinite(value):
        return None
    if kind is Datatype.BOOLEAN:
        return bool(value)
    if kind in WHOLE_DATATYPES:
        return int(value)
    return float(value)
