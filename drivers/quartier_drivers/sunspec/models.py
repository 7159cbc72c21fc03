"""Definitions of SunSpec models, their number types, and the places of their points.  Pure.

The files are data of the package pysunspec2 (Apache-2.0); none of its code is imported.  Source: SunSpec
Device Information Model Specification V1.2, and the files themselves (JSON, one per model).

No answer of a device can make the unfolding endless: each repetition takes at least one register of the
model's length.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class NumberType:
    """A type of the standard as a profile names it, and the codes that mean "not implemented"."""

    type_name: str
    absent: tuple[int, ...] = ()


# Accumulators are 0 if they are not implemented; floats are NaN, which no value is.
NUMBER_TYPES: Mapping[str, NumberType] = {
    "int16": NumberType("int16", (0x8000,)),
    "uint16": NumberType("uint16", (0xFFFF,)),
    "count": NumberType("uint16", (0xFFFF,)),
    "acc16": NumberType("uint16", (0,)),
    "enum16": NumberType("uint16", (0xFFFF,)),
    "bitfield16": NumberType("uint16", (0xFFFF,)),
    "pad": NumberType("uint16"),
    "sunssf": NumberType("int16", (0x8000,)),
    "int32": NumberType("int32", (0x8000_0000,)),
    "uint32": NumberType("uint32", (0xFFFF_FFFF,)),
    "acc32": NumberType("uint32", (0,)),
    "enum32": NumberType("uint32", (0xFFFF_FFFF,)),
    "bitfield32": NumberType("uint32", (0xFFFF_FFFF,)),
    "int64": NumberType("int64", (0x8000_0000_0000_0000,)),
    "uint64": NumberType("uint64", (0xFFFF_FFFF_FFFF_FFFF,)),
    "acc64": NumberType("uint64", (0,)),
    "bitfield64": NumberType("uint64", (0xFFFF_FFFF_FFFF_FFFF,)),
    "float32": NumberType("float32"),
    "float64": NumberType("float64"),
}
FindCount = Callable[[int], int | None]
"""Returns the content of a register of the model, counted from its ID; None if unknown."""


_NOT_THERE = 0xFFFF


@dataclass(frozen=True, slots=True)
class PointDefinition:
    """One point of a model.  ``scale`` is a fixed power of ten, or the name of the point with it."""

    name: str
    type_name: str
    size: int
    scale: int | str | None = None
    units: str = ""
    symbols: Mapping[int, str] = field(default_factory=dict)
    writable: bool = False

    @property
    def label(self) -> str:
        """Its name with its unit, for people."""
        return f"{self.name} [{self.units}]" if self.units else self.name


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """One point: ``offset`` counts registers from the model's ID.

    Its power of ten is ``power``, or is in the register ``scale_offset``.
    """

    path: str
    entry: PointDefinition
    offset: int
    scale_offset: int | None = None
    power: int = 0


@dataclass(slots=True)
class UnfoldedModel:
    """The points of a model in the order of their registers, and its deviations from the definition."""

    leaves: list[ModelPoint] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _by_path: dict[str, ModelPoint] = field(default_factory=dict)

    def __iter__(self) -> Iterator[ModelPoint]:
        return iter(self.leaves)

    def of(self, path: str) -> ModelPoint | None:
        """Return the point of this path."""
        if len(self._by_path) < len(self.leaves):
            self._by_path = {leaf.path: leaf for leaf in self.leaves}
        return self._by_path.get(path)


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """Points one after the other, then groups.

    ``count`` is the number of repetitions: None for once, ``FILL_WORD``, a number, or the name of a point.
    """

    name: str
    entries: Sequence[PointDefinition]
    groups: Sequence["GroupDefinition"] = ()
    count: int | str | None = None

    @property
    def size(self) -> int:
        """Number of registers of its own points, without those of the groups in it."""
        return sum(entry.size for entry in self.entries)

    def walk(self) -> Iterator["GroupDefinition"]:
        """Yield itself and all groups below."""
        yield self
        for group in self.groups:
            yield from group.walk()


@dataclass(frozen=True, slots=True)
class ModelDefinition:
    """The definition of a model; ``group`` begins with ID and L."""

    number: int
    label: str
    group: GroupDefinition

    @property
    def length(self) -> int:
        """Its length without repetitions."""
        return self.group.size - HEAD_WORDS

    @property
    def repeats(self) -> bool:
        """Return whether it has a repeated group."""
        return any(group.count is not None for group in self.group.walk())


def unfold_model(model: ModelDefinition, length: int, count: FindCount) -> UnfoldedModel:
    """Return the points of ``model`` on a device that states ``length`` for it."""
    unfolding = _Unfolding(HEAD_WORDS + length, count)
    end = unfolding.place(model.group, 0, "", {})
    told = unfolding.model
    if end < unfolding.limit:
        told.faults.append(f"has {unfolding.limit - end} registers more than its definition")
    elif unfolding.cut:
        told.faults.append(f"is shorter than its definition: {unfolding.cut} and what follows is missing")
    return told


class _Unfolding:
    def __init__(self, limit: int, count: FindCount) -> None:
        self.limit = limit
        self.model = UnfoldedModel()
        self.cut = ""
        self._count = count

    def place(self, group: GroupDefinition, offset: int, path: str, names: Mapping[str, int]) -> int:
        """Place one occurrence of a group; return its end, at most ``limit``."""
        here = dict(names)
        at = offset
        for entry in group.entries:
            here[entry.name] = at
            at += entry.size
        at = offset
        for entry in group.entries:
            if at + entry.size > self.limit:
                self.cut = self.cut or f"{path}{entry.name}"
                return self.limit
            self.model.leaves.append(_make_model_point(entry, at, path, here))
            at += entry.size
        for inner in group.groups:
            at = self._place_repeated(inner, at, path, here)
        return at

    def _place_repeated(
        self, group: GroupDefinition, offset: int, path: str, names: Mapping[str, int]
    ) -> int:
        if group.count is None:
            return self.place(group, offset, f"{path}{group.name}.", names)
        at = offset
        for number in range(1, self._times(group, offset, path, names) + 1):
            before = at
            at = self.place(group, at, f"{path}{group.name}[{number}].", names)
            if at in (before, self.limit):
                break
        return at

    def _times(self, group: GroupDefinition, offset: int, path: str, names: Mapping[str, int]) -> int:
        room = self.limit - offset
        if isinstance(group.count, int) and group.count != FILL_WORD:
            return group.count
        if isinstance(group.count, str):
            told = self._count(names[group.count]) if group.count in names else None
            if told is not None and told != _NOT_THERE:
                return told
            self.model.faults.append(f"does not tell {group.count}: {path}{group.name} counted by its length")
        size = max(1, _find_size(group))
        if room % size:
            self.model.faults.append(f"{path}{group.name}: {room % size} registers are left over")
        return room // size


def _find_size(group: GroupDefinition) -> int:
    """Return the registers of one occurrence without the repeated groups in it."""
    return group.size + sum(_find_size(inner) for inner in group.groups if inner.count is None)


def _make_model_point(entry: PointDefinition, offset: int, path: str, names: Mapping[str, int]) -> ModelPoint:
    if isinstance(entry.scale, int):
        return ModelPoint(f"{path}{entry.name}", entry, offset, None, entry.scale)
    scale = names.get(entry.scale) if entry.scale is not None else None
    return ModelPoint(f"{path}{entry.name}", entry, offset, scale)


HEAD_WORDS = 2
"""ID and length: the registers that the length of a model does not count."""


END_MODEL = 0xFFFF
"""The ID that ends the chain of models."""


FILL_WORD = 0
"""The count of a group that is repeated as often as the model's length allows."""


@cache
def find_model(number: int) -> ModelDefinition | None:
    """Return the definition of a model; None for one that is not in the standard (a maker's own)."""
    file = files("sunspec2").joinpath("models", "json", f"model_{number}.json")
    if not file.is_file():
        return None
    group = json.loads(file.read_text(encoding="utf-8"))["group"]
    return ModelDefinition(number, str(group.get("label", "")).strip(), _make_group(group))


def _make_group(raw: Mapping[str, Any]) -> GroupDefinition:
    return GroupDefinition(
        raw["name"],
        tuple(_make_entry(point) for point in raw.get("points", ())),
        tuple(_make_group(group) for group in raw.get("groups", ())),
        raw.get("count"),
    )


def _make_entry(raw: Mapping[str, Any]) -> PointDefinition:
    # model_111.json of pysunspec2 1.3.7 writes ggOFF for OFF.
    symbols = {int(one["value"]): str(one["name"]).removeprefix("gg") for one in raw.get("symbols", ())}
    return PointDefinition(
        raw["name"],
        raw["type"],
        int(raw["size"]),
        raw.get("sf"),
        str(raw.get("units", "")).strip(),
        MappingProxyType(symbols),
        raw.get("access") == "RW",
    )
