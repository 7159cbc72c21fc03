"""What contradicts itself or the standard in a SunSpec profile of well-formed keys.  Pure."""

import re
from collections.abc import Iterator, Mapping

from quartier_drivers.flaws import Flaw, name_flaws, quantity_flaws
from quartier_drivers.place import nearest
from quartier_drivers.points import word
from quartier_drivers.sunspec.kinds import KINDS
from quartier_drivers.sunspec.models import Entry, Group, model
from quartier_drivers.sunspec.names import Name
from quartier_drivers.sunspec.schema import Taken

_INDEX = re.compile(r"\[\d+\]")


def taken_flaws(quantity: str, taken: Taken, scan: Mapping[str, float]) -> list[Flaw]:
    """What is wrong with a quantity and where it is taken from."""
    flaws = quantity_flaws(quantity, taken, scan)
    kind = "" if name_flaws(quantity) else word(quantity).kind
    for names in taken.source:
        if len(names) > 1 and kind == "text":
            flaws.append(("source", "a text cannot be added up"))
        for name in names:
            entry = entry_of(name)
            what = _unknown(name) if entry is None else _misfit(entry, kind)
            if what:
                flaws.append(("source", f"{name}: {what}"))
    if taken.values is not None and kind != "text":
        flaws.append(("values", f"fits texts only, and {quantity} is none"))
    return flaws


def entry_of(name: Name) -> Entry | None:
    """The point that a name means by the standard; None where there is none."""
    definition = model(name.model)
    *groups, last = _INDEX.sub("", name.path).split(".")
    group = None if definition is None else definition.group
    for step in groups:
        group = None if group is None else next((one for one in group.groups if one.name == step), None)
    return None if group is None else next((one for one in group.entries if one.name == last), None)


def _unknown(name: Name) -> str:
    definition = model(name.model)
    if definition is None:
        return f"there is no model {name.model} in the standard"
    help_ = nearest(_INDEX.sub("", name.path), list(_paths(definition.group)))
    return f"is no point of model {name.model}; {help_}"


def _paths(group: Group, before: str = "") -> Iterator[str]:
    for entry in group.entries:
        yield f"{before}{entry.name}"
    for inner in group.groups:
        yield from _paths(inner, f"{before}{inner.name}.")


def _misfit(entry: Entry, kind: str) -> str:
    if kind == "text":
        fits = entry.type_name == "string" or entry.type_name.startswith("enum")
        return "" if fits else f"is {entry.type_name}, no text and no enumeration"
    fits = not kind or entry.type_name in KINDS
    return "" if fits else f"is {entry.type_name}, no number"
