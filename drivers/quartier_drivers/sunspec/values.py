"""Decodes the registers of a point: every type of the standard, and its code for "not implemented".  Pure.

Source: SunSpec Device Information Model Specification V1.2, "Point types".
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

from quartier_drivers import codec
from quartier_drivers.sunspec.kinds import KINDS, Kind
from quartier_drivers.sunspec.models import Entry

Plain = int | float | str
"""A value as the device states it, scaled, but not in our unit and sign."""


_FLOATS = {"float32": ">f", "float64": ">d"}


def value(entry: Entry, words: Sequence[int], power: int | None = 0) -> Plain | None:
    """Return the value of a point's words.

    None if the point, or its scale factor (``power`` None), is not implemented.  A number stays whole if
    nothing scales it to fractions.
    """
    data = struct.pack(f">{len(words)}H", *words)
    reads = TEXTS.get(entry.type_name)
    if reads is not None:
        return reads(data)
    kind = KINDS.get(entry.type_name)
    if kind is None:
        return data.hex()
    if int.from_bytes(data, "big") in kind.absent:
        return None
    return _number(entry, kind, data, power)


def named(entry: Entry, found: Plain | None) -> str:
    """Return the names of an enumeration's value or of the set bits; empty if it is neither."""
    if not isinstance(found, int) or not entry.symbols:
        return ""
    if entry.type_name.startswith("enum"):
        return entry.symbols.get(found, "unknown")
    if entry.type_name.startswith("bitfield"):
        bits = [bit for bit in range(found.bit_length()) if found >> bit & 1]
        return " ".join(entry.symbols.get(bit, f"bit {bit}") for bit in bits)
    return ""


def _number(entry: Entry, kind: Kind, data: bytes, power: int | None) -> Plain | None:
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
    return codec.scaling(1.0, 0.0, 1, power).up(raw)


def _text(data: bytes) -> str | None:
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    if text.isprintable():
        return text.strip() or None
    return "".join(letter for letter in text if letter.isprintable()).strip() or None


def _ipv4(data: bytes) -> str | None:
    return str(IPv4Address(data)) if any(data) else None


def _ipv6(data: bytes) -> str | None:
    return str(IPv6Address(data)) if any(data) else None


def _eui48(data: bytes) -> str | None:
    address = data[2:]
    return address.hex(":").upper() if any(address) and address != b"\xff" * len(address) else None


TEXTS: Mapping[str, Callable[[bytes], str | None]] = {
    "string": _text,
    "ipaddr": _ipv4,
    "ipv6addr": _ipv6,
    "eui48": _eui48,
}
"""Types that are texts here, with the decoder of their bytes."""
