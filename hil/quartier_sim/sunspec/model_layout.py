"""SunSpec data types and model layouts: values to registers and back, points and groups.

Source: SunSpec Device Information Model Specification, data types: most significant word first, an
integer's code for not implemented is its extreme (signed: the least, unsigned: the largest; accumulators,
addresses and strings: zero), a float's a NaN, a pad always 0x8000.

The files are data of the package pysunspec2 (Apache-2.0); its code is never run here: it is the reference.
"""

import functools
import importlib.util
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def get_bounds(kind: str) -> tuple[int, int]:
    """The least and the largest number of an integer type that is not its code for "not implemented"."""
    if kind in _SIGNED:
        top = (1 << _SIGNED[kind] - 1) - 1
        return -top, top
    if kind in _UNSIGNED:
        return 0, (1 << _UNSIGNED[kind]) - 2
    return 1, (1 << _ZERO[kind]) - 1


def encode_value(kind: str, value: Value | None, words: int) -> list[int]:
    """The registers of a value, None for "not implemented".  Raises OverflowError for what does not fit."""
    raw = _encode_bytes(kind, value, 2 * words)
    return list(struct.unpack(f">{words}H", raw))


def _encode_bytes(kind: str, value: Value | None, size: int) -> bytes:
    if kind == "string":
        return _encode_text("" if value is None else str(value), size)
    if kind in _FLOATS:
        form, absent = _FLOATS[kind]
        return absent if value is None else struct.pack(form, value)
    if kind == "eui48":
        return b"\0\0" + (b"\xff" * 6 if value is None else bytes.fromhex(str(value).replace(":", "")))
    if kind == "ipv6addr":
        return bytes(16) if value is None else bytes.fromhex(str(value).replace(":", ""))
    return _encode_number(kind, value).to_bytes(size, "big", signed=kind in _SIGNED)


def _encode_text(value: str, size: int) -> bytes:
    raw = value.encode("utf-8")
    if len(raw) > size:
        raise OverflowError(f"{value!r} is longer than {size} bytes")
    return raw.ljust(size, b"\0")


def _encode_number(kind: str, value: Value | None) -> int:
    if value is None:
        return get_absent_code(kind)
    assert not isinstance(value, str)
    return int(value)


def get_absent_code(kind: str) -> int:
    """The code of an integer type for "not implemented"."""
    if kind in _SIGNED:
        return -(1 << _SIGNED[kind] - 1)
    if kind in _UNSIGNED:
        return (1 << _UNSIGNED[kind]) - 1
    return _PAD if kind == "pad" else 0


def decode_value(kind: str, words: Sequence[int]) -> Value | None:
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
    return None if kind != "pad" and number == get_absent_code(kind) else number


PACKAGE = "sunspec2"


@dataclass(frozen=True, slots=True)
class Point:
    """One point, ``words`` long.  ``scale``: a power of ten, or the name of the point that holds it."""

    name: str
    kind: str
    words: int
    scale: int | str | None = None
    writable: bool = False
    codes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """Points, then groups.  ``count`` None: once; a name: as often as that point of the model states;
    0: as often as the model's length leaves room for.
    """

    name: str
    points: tuple[Point, ...]
    groups: tuple["Group", ...] = ()
    count: int | str | None = None

    @property
    def counts(self) -> frozenset[str]:
        """The points of the model that state the number of a group below."""
        below = frozenset[str]().union(*(group.counts for group in self.groups))
        return below | {group.count for group in self.groups if isinstance(group.count, str)}


_SIZES = {
    **dict.fromkeys(("int16", "uint16", "acc16", "enum16", "bitfield16", "count", "pad", "sunssf"), 1),
    **dict.fromkeys(("int32", "uint32", "acc32", "enum32", "bitfield32", "ipaddr", "float32"), 2),
    **dict.fromkeys(("int64", "uint64", "acc64", "bitfield64", "float64", "eui48"), 4),
    "ipv6addr": 8,
}


@functools.cache
def find_model_folder() -> Path:
    """Return the folder of the model files.  Raises LookupError naming the package to install."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("the SunSpec model files are not here: pip install pysunspec2")
    return Path(spec.submodule_search_locations[0]) / "models" / "json"


@functools.cache
def load_model(number: int) -> Group:
    """The shape of model ``number``.  Raises LookupError for one that the files do not have."""
    path = find_model_folder() / f"model_{number}.json"
    if not path.exists():
        raise LookupError(f"there is no model {number} in {path.parent}")
    return _parse_group(json.loads(path.read_text("utf-8"))["group"])


def list_models() -> Iterator[int]:
    """Every model that the files have, in order."""
    yield from sorted(
        int(path.stem.removeprefix("model_")) for path in find_model_folder().glob("model_*.json")
    )


def _parse_group(document: Mapping[str, Any]) -> Group:
    return Group(
        document["name"],
        tuple(_parse_point(point) for point in document.get("points", ())),
        tuple(_parse_group(group) for group in document.get("groups", ())),
        document.get("count"),
    )


def _parse_point(document: Mapping[str, Any]) -> Point:
    kind = document["type"]
    return Point(
        document["name"],
        kind,
        int(document["size"]) if kind == "string" else _SIZES[kind],
        document.get("sf"),
        document.get("access") == "RW",
        frozenset(int(symbol["value"]) for symbol in document.get("symbols", ())),
    )
