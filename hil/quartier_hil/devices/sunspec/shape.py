"""Layout of SunSpec models: points and groups, from the SunSpec Alliance's own model files.

The files are data of the package pysunspec2 (Apache-2.0); its code is never run here: it is the reference.
"""

import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
def folder() -> Path:
    """Return the folder of the model files.  Raises LookupError naming the package to install."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("the SunSpec model files are not here: pip install pysunspec2")
    return Path(spec.submodule_search_locations[0]) / "models" / "json"


@functools.cache
def model(number: int) -> Group:
    """The shape of model ``number``.  Raises LookupError for one that the files do not have."""
    path = folder() / f"model_{number}.json"
    if not path.exists():
        raise LookupError(f"there is no model {number} in {path.parent}")
    return _group(json.loads(path.read_text("utf-8"))["group"])


def numbers() -> Iterator[int]:
    """Every model that the files have, in order."""
    yield from sorted(int(path.stem.removeprefix("model_")) for path in folder().glob("model_*.json"))


def _group(told: Mapping[str, Any]) -> Group:
    return Group(
        told["name"],
        tuple(_point(point) for point in told.get("points", ())),
        tuple(_group(group) for group in told.get("groups", ())),
        told.get("count"),
    )


def _point(told: Mapping[str, Any]) -> Point:
    kind = told["type"]
    return Point(
        told["name"],
        kind,
        int(told["size"]) if kind == "string" else _SIZES[kind],
        told.get("sf"),
        told.get("access") == "RW",
        frozenset(int(symbol["value"]) for symbol in told.get("symbols", ())),
    )
