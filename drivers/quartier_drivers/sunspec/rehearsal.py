"""Registers and requests of a simulated SunSpec device for rehearsals (pure).

The device has the models of the first source and the first control of each wanted quantity, nothing else, and
every point of them has a value.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus import rehearsal
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.rehearsal import PlannedRequest
from quartier_drivers.sunspec import point_infos
from quartier_drivers.sunspec.control.controlled_point import FUNCTION_CLASSES
from quartier_drivers.sunspec.device import SunspecDevice
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.model_chain import MARKER, ModelChain
from quartier_drivers.sunspec.models import (
    END_MODEL,
    FILL_WORD,
    HEAD_WORDS,
    GroupDefinition,
    ModelDefinition,
    ModelPoint,
    find_model,
    unfold_model,
)
from quartier_drivers.sunspec.periodic_exchanges import MODEL_CHECK_PERIOD_S, ModelCheck, ReadRound
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.schema import PointName, SunspecPoint


def list_planned_requests(driver: SunspecDriver, unit: int, limits: Limits) -> list[PlannedRequest]:
    """Return each request of its plan; empty before it is open, and without the heartbeat of an order."""
    if driver.polled is None:
        return []
    return [
        *rehearsal.list_planned_requests(driver.polled.jobs, limits),
        *_list_other_requests(driver, unit, limits),
    ]


def _list_other_requests(driver: SunspecDriver, unit: int, limits: Limits) -> Iterator[PlannedRequest]:
    for one in driver.periodic_exchanges:
        places: list[tuple[int, int]] = []
        period_s = MODEL_CHECK_PERIOD_S
        if isinstance(one, ReadRound):
            places, period_s = [(block.start, block.count) for block in one.blocks], one.period_ns / 1e9
        elif isinstance(one, ModelCheck):  # the furthest and one of the others, in turn
            places = [(found.address, HEAD_WORDS) for found in one.models[-1:] + one.models[:-1][:1]]
        for start, count in places:
            yield rehearsal.make_planned_request(make_read(unit, "holding", start, count), period_s, limits)


_COMMON_MODEL = 1
_INDEX = re.compile(r"\[(\d+)\]")
_SELECTED = re.compile(r"(?P<group>[^\[\]]+)\[(?P<point>\w+)=(?P<value>[^\]]+)\]")
_ONE: Mapping[str, tuple[int, ...]] = {
    "float32": (0x3F80, 0),
    "float64": (0x3FF0, 0, 0, 0),
    "sunssf": (0,),
    "pad": (0x8000,),
}
"""The value of a point by type; all others are 1."""


def make_registers(device: DeviceSpec, profile: SunspecProfile) -> dict[int, int]:
    """Return the content of its holding registers, by address."""
    names = {PointName(_COMMON_MODEL, "Mn")}
    for _, taken in point_infos.list_wanted(device, profile):
        names.update(_list_names(taken))
    wanted: dict[int, set[PointName]] = defaultdict(set)
    for name in names:
        wanted[name.model].add(name)
    words = [*MARKER]
    for number in sorted(wanted):
        definition = find_model(number)
        if definition is not None:
            own = _make_model_words(definition, wanted[number])
            words += own * max(name.instance for name in wanted[number])
    return dict(enumerate([*words, END_MODEL, 0], profile.bases[0]))


def _list_names(taken: SunspecPoint) -> Iterator[PointName]:
    if taken.source:
        yield from taken.source[0]
    rule = taken.write
    if rule is not None:
        yield from FUNCTION_CLASSES[rule.control[0]](SunspecDevice(ModelChain(0, ()), {}), rule).names


def _make_model_words(definition: ModelDefinition, names: Iterable[PointName]) -> list[int]:
    """Return one model, with its groups repeated as often as a name counts or selects one."""
    paths = sorted(name.path for name in names)
    selected = _find_selections(paths)
    indices = [int(found) for path in paths for found in _INDEX.findall(path)]
    times = max([1, *indices, *map(len, selected.values())])
    length = _find_group_size(definition.group, times) - HEAD_WORDS
    counts = {group.count for group in definition.group.walk()}
    chosen = {
        f"{group}[{number}].{point}": value
        for (group, point), values in selected.items()
        for number, value in enumerate(values, start=1)
    }
    words = [0] * (HEAD_WORDS + length)
    for leaf in unfold_model(definition, length, lambda _: times):
        said = (times,) if leaf.entry.name in counts else _make_point_words(leaf, chosen.get(leaf.path))
        words[leaf.offset : leaf.offset + leaf.entry.size] = [0] * (leaf.entry.size - len(said)) + [*said]
    words[:HEAD_WORDS] = [definition.number, length]
    return words


def _find_selections(paths: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Return the values that select groups, by group and point: each has its own group."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        wanted = _SELECTED.search(path)
        if wanted is not None:
            values = found.setdefault((wanted["group"], wanted["point"]), [])
            if wanted["value"] not in values:
                values.append(wanted["value"])
    return found


def _find_group_size(group: GroupDefinition, times: int) -> int:
    return group.size + sum(
        _find_repetitions(inner, times) * _find_group_size(inner, times) for inner in group.groups
    )


def _find_repetitions(group: GroupDefinition, times: int) -> int:
    if group.count is None:
        return 1
    return group.count if isinstance(group.count, int) and group.count != FILL_WORD else times


def _make_point_words(leaf: ModelPoint, chosen: str | None) -> tuple[int, ...]:
    """Return the words of a point: ``chosen``, as a symbol's name or as a number, if it is given."""
    if chosen is not None:
        symbols = leaf.entry.symbols.items()
        fitting = [code for code, name in symbols if fnmatchcase(name.lower(), chosen.lower())]
        return tuple(fitting[:1]) or (int(chosen) if chosen.isdecimal() else 1,)
    if leaf.entry.type_name == "string":
        return (0x3100,) + (0,) * (leaf.entry.size - 1)
    return _ONE.get(leaf.entry.type_name, (1,))
