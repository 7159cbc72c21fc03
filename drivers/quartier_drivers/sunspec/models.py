"""The definitions of the models: points and groups, from the SunSpec Alliance's own model files.

The files are data of the package pysunspec2 (Apache-2.0); none of its code is imported.  Source: SunSpec
Device Information Model Specification V1.2, and the files themselves (JSON, one per model).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

HEAD_WORDS = 2
"""ID and length: the registers that the length of a model does not count."""
END = 0xFFFF
"""The ID that ends the chain of models."""
FILL = 0
"""The count of a group that is repeated as often as the model's length allows."""


@dataclass(frozen=True, slots=True)
class Entry:
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
class Group:
    """Points one after the other, then groups.

    ``count`` is the number of repetitions: None for once, ``FILL``, a number, or the name of a point.
    """

    name: str
    entries: Sequence[Entry]
    groups: Sequence["Group"] = ()
    count: int | str | None = None

    @property
    def size(self) -> int:
        """Number of registers of its own points, without those of the groups in it."""
        return sum(entry.size for entry in self.entries)

    def walk(self) -> Iterator["Group"]:
        """Yield itself and all groups below."""
        yield self
        for group in self.groups:
            yield from group.walk()


@dataclass(frozen=True, slots=True)
class Model:
    """The definition of a model; ``group`` begins with ID and L."""

    number: int
    label: str
    group: Group

    @property
    def length(self) -> int:
        """Its length without repetitions."""
        return self.group.size - HEAD_WORDS

    @property
    def repeats(self) -> bool:
        """Whether it has a repeated group."""
        return any(group.count is not None for group in self.group.walk())


@cache
def model(number: int) -> Model | None:
    """Return the definition of a model; None for one that is not in the standard (a maker's own)."""
    file = files("sunspec2").joinpath("models", "json", f"model_{number}.json")
    if not file.is_file():
        return None
    group = json.loads(file.read_text(encoding="utf-8"))["group"]
    return Model(number, str(group.get("label", "")).strip(), _group(group))


def _group(raw: Mapping[str, Any]) -> Group:
    return Group(
        raw["name"],
        tuple(_entry(point) for point in raw.get("points", ())),
        tuple(_group(group) for group in raw.get("groups", ())),
        raw.get("count"),
    )


def _entry(raw: Mapping[str, Any]) -> Entry:
    # model_111.json of pysunspec2 1.3.7 writes ggOFF for OFF.
    symbols = {int(one["value"]): str(one["name"]).removeprefix("gg") for one in raw.get("symbols", ())}
    return Entry(
        raw["name"],
        raw["type"],
        int(raw["size"]),
        raw.get("sf"),
        str(raw.get("units", "")).strip(),
        MappingProxyType(symbols),
        raw.get("access") == "RW",
    )
