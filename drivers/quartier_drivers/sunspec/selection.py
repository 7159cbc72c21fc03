"""Groups that are selected by their content: ``714.Prt[PrtTyp=ESS].DCW`` is each battery port.  Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.names import Name, Sum
from quartier_drivers.sunspec.values import named

_SELECTED = re.compile(r"(?P<group>[^\[\]]+)\[(?P<point>\w+)=(?P<value>[^\]]+)\](?P<rest>\..+)")
_MAX = 64


def asked(device: Device, names: Sequence[Name]) -> list[Name]:
    """Return the points by which groups are selected: they must be read to find the groups."""
    return [
        replace(name, path=f"{found['group']}[{number}].{found['point']}", sign=1)
        for name in names
        if (found := _SELECTED.fullmatch(name.path)) is not None
        for number in _numbers(device, name, found)
    ]


def expanded(device: Device, names: Sum) -> Sum | None:
    """Return the names with each selected group by its number; None if none of them matches."""
    every: list[Name] = []
    for name in names:
        found = _SELECTED.fullmatch(name.path)
        if found is None:
            every.append(name)
            continue
        fitting = [
            replace(name, path=f"{found['group']}[{number}]{found['rest']}")
            for number in _numbers(device, name, found)
            if _fits(
                device, replace(name, path=f"{found['group']}[{number}].{found['point']}"), found["value"]
            )
        ]
        if not fitting:
            return None
        every += fitting
    return tuple(every)


def _numbers(device: Device, name: Name, found: "re.Match[str]") -> Iterator[int]:
    for number in range(1, _MAX + 1):
        if device.term(replace(name, path=f"{found['group']}[{number}].{found['point']}")) is None:
            return
        yield number


def _fits(device: Device, name: Name, wanted: str) -> bool:
    term, value = device.term(name), device.value(name)
    if term is None or value is None:
        return False
    told = named(term.leaf.entry, value) or str(value)
    return fnmatchcase(told.lower(), wanted.lower())
