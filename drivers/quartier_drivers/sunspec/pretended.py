"""Simulates the device that a SunSpec profile was made for, as registers: a planner has no device.  Pure.

It has the models of the first source and the first control of each wanted quantity, nothing else, and every
point of them has a value.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.sunspec import infos
from quartier_drivers.sunspec.chain import MARKER, Chain
from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.leaves import Leaf, unfold
from quartier_drivers.sunspec.models import END, FILL, HEAD_WORDS, Group, Model, model
from quartier_drivers.sunspec.names import Name
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.schema import Taken
from quartier_drivers.sunspec.steered import FUNCTIONS

_COMMON = 1
_INDEX = re.compile(r"\[(\d+)\]")
_SELECTED = re.compile(r"(?P<group>[^\[\]]+)\[(?P<point>\w+)=(?P<value>[^\]]+)\]")
_ONE: Mapping[str, tuple[int, ...]] = {
    "float32": (0x3F80, 0),
    "float64": (0x3FF0, 0, 0, 0),
    "sunssf": (0,),
    "pad": (0x8000,),
}
"""The value of a point by type; all others are 1."""


def registers(device: DeviceSpec, profile: SunspecProfile) -> dict[int, int]:
    """Return the content of its holding registers, by address."""
    names = {Name(_COMMON, "Mn")}
    for _, taken in infos.wanted(device, profile):
        names.update(_names(taken))
    wanted: dict[int, set[Name]] = defaultdict(set)
    for name in names:
        wanted[name.model].add(name)
    words = [*MARKER]
    for number in sorted(wanted):
        definition = model(number)
        if definition is not None:
            own = _words(definition, wanted[number])
            words += own * max(name.instance for name in wanted[number])
    return dict(enumerate([*words, END, 0], profile.bases[0]))


def _names(taken: Taken) -> Iterator[Name]:
    if taken.source:
        yield from taken.source[0]
    rule = taken.write
    if rule is not None:
        yield from FUNCTIONS[rule.control[0]](Device(Chain(0, ()), {}), rule).names


def _words(definition: Model, names: Iterable[Name]) -> list[int]:
    """Return one model, with its groups repeated as often as a name counts or selects one."""
    paths = sorted(name.path for name in names)
    selected = _selected(paths)
    indices = [int(found) for path in paths for found in _INDEX.findall(path)]
    times = max([1, *indices, *map(len, selected.values())])
    length = _size(definition.group, times) - HEAD_WORDS
    counts = {group.count for group in definition.group.walk()}
    chosen = {
        f"{group}[{number}].{point}": value
        for (group, point), values in selected.items()
        for number, value in enumerate(values, start=1)
    }
    words = [0] * (HEAD_WORDS + length)
    for leaf in unfold(definition, length, lambda _: times):
        said = (times,) if leaf.entry.name in counts else _said(leaf, chosen.get(leaf.path))
        words[leaf.offset : leaf.offset + leaf.entry.size] = [0] * (leaf.entry.size - len(said)) + [*said]
    words[:HEAD_WORDS] = [definition.number, length]
    return words


def _selected(paths: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Return the values that select groups, by group and point: each has its own group."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        wanted = _SELECTED.search(path)
        if wanted is not None:
            values = found.setdefault((wanted["group"], wanted["point"]), [])
            if wanted["value"] not in values:
                values.append(wanted["value"])
    return found


def _size(group: Group, times: int) -> int:
    return group.size + sum(_times(inner, times) * _size(inner, times) for inner in group.groups)


def _times(group: Group, times: int) -> int:
    if group.count is None:
        return 1
    return group.count if isinstance(group.count, int) and group.count != FILL else times


def _said(leaf: Leaf, chosen: str | None) -> tuple[int, ...]:
    """Return the words of a point: ``chosen``, as a symbol's name or as a number, if it is given."""
    if chosen is not None:
        symbols = leaf.entry.symbols.items()
        fitting = [code for code, name in symbols if fnmatchcase(name.lower(), chosen.lower())]
        return tuple(fitting[:1]) or (int(chosen) if chosen.isdecimal() else 1,)
    if leaf.entry.type_name == "string":
        return (0x3100,) + (0,) * (leaf.entry.size - 1)
    return _ONE.get(leaf.entry.type_name, (1,))
