"""Decode points of every type of the standard (pure).

Source: SunSpec Device Information Model Specification V1.2, "Point types".
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from quartier_drivers import register_codec
from quartier_drivers.device_profile.register_address import Address, Table
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.points import parse_quantity
from quartier_drivers.sunspec.models import NUMBER_TYPES, ModelPoint, NumberType, PointDefinition
from quartier_drivers.sunspec.schema import SunspecPoint

_TABLE: Table = "holding"


def make_register_point(quantity: str, taken: SunspecPoint, address: int, leaf: ModelPoint) -> Point:
    """Return the registers of ``quantity``, taken from ``leaf`` of the model at ``address``."""
    entry = leaf.entry
    found: dict[str, Any] = {
        "register": Address(_TABLE, address + leaf.offset),
        "scale": taken.scale,
        "offset": taken.offset,
        "sign": taken.sign,
        "low": taken.low,
        "high": taken.high,
        "scan": taken.scan,
    }
    if entry.type_name == "string":
        return Point.model_validate({**found, "type": "string", "length": entry.size})
    kind = NUMBER_TYPES[entry.type_name]
    found |= {"type": kind.type_name, "absent": list(kind.absent)}
    if parse_quantity(quantity).kind == "text":
        found["values"] = _make_value_names(taken, entry.symbols)
    if leaf.scale_offset is not None:
        found["scale_register"] = Address(_TABLE, address + leaf.scale_offset)
    elif leaf.power:
        found["scale"] = taken.scale * 10.0**leaf.power
    return Point.model_validate(found)


def _make_value_names(taken: SunspecPoint, symbols: Mapping[int, str]) -> dict[str, str]:
    names = symbols if taken.values is None else taken.values
    return {str(code): name.replace("_", " ").lower() for code, name in names.items()}


PlainValue = int | float | str
"""A value as the device states it, scaled, but not in our unit and sign."""


_FLOATS = {"float32": ">f", "float64": ">d"}


def decode_value(entry: PointDefinition, words: Sequence[int], power: int | None = 0) -> PlainValue | None:
    """Return the value of a point's words.

    None if the point, or its scale factor (``power`` None), is not implemented.  A number stays whole if
    nothing scales it to fractions.
    """
    data = struct.pack(f">{len(words)}H", *words)
    reads = TEXT_DECODERS.get(entry.type_name)
    if reads is not None:
        return reads(data)
    kind = NUMBER_TYPES.get(entry.type_name)
    if kind is None:
        return data.hex()
    if int.from_bytes(data, "big") in kind.absent:
        return None
    return _decode_number(entry, kind, data, power)


def render_names(entry: PointDefinition, found: PlainValue | None) -> str:
    """Return the names of an enumeration's value or of the set bits; empty if it is neither."""
    if not isinstance(found, int) or not entry.symbols:
        return ""
    if entry.type_name.startswith("enum"):
        return entry.symbols.get(found, "unknown")
    if entry.type_name.startswith("bitfield"):
        bits = [bit for bit in range(found.bit_length()) if found >> bit & 1]
        return " ".join(entry.symbols.get(bit, f"bit {bit}") for bit in bits)
    return ""


def _decode_number(
    entry: PointDefinition, kind: NumberType, data: bytes, power: int | None
) -> PlainValue | None:
    raw: int | float
    if entry.type_name in _FLOATS:
        raw = struct.unpack(_FLOATS[entry.type_name], data)[0]
        if not math.isfinite(raw):
            return None
    else:
        raw = int.from_bytes(data, "big", signed=kind.type_name.startswith("int"))
    if entry.scale is None or power == 0:
        return raw
    if power is None:
        return None
    if power > 0 and isinstance(raw, int):
        return int(raw * 10**power)
    return register_codec.make_scaling(1.0, 0.0, 1, power).up(raw)


def _decode_text(data: bytes) -> str | None:
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    if text.isprintable():
        return text.strip() or None
    return "".join(letter for letter in text if letter.isprintable()).strip() or None


def _decode_ipv4(data: bytes) -> str | None:
    return str(IPv4Address(data)) if any(data) else None


def _decode_ipv6(data: bytes) -> str | None:
    return str(IPv6Address(data)) if any(data) else None


def _decode_eui48(data: bytes) -> str | None:
    address = data[2:]
    return address.hex(":").upper() if any(address) and address != b"\xff" * len(address) else None


TEXT_DECODERS: Mapping[str, Callable[[bytes], str | None]] = {
    "string": _decode_text,
    "ipaddr": _decode_ipv4,
    "ipv6addr": _decode_ipv6,
    "eui48": _decode_eui48,
}
"""Types that are texts here, with the decoder of their bytes."""
