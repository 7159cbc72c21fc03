"""Finds contradictions in a SunSpec profile of well-formed keys, also with the standard.  Pure."""

from collections.abc import Iterator, Mapping

from quartier_drivers.flaws import Flaw, name_flaws, quantity_flaws
from quartier_drivers.forgetting import CAP
from quartier_drivers.place import nearest
from quartier_drivers.points import word
from quartier_drivers.sunspec.kinds import KINDS
from quartier_drivers.sunspec.models import Entry, Group, model
from quartier_drivers.sunspec.names import Name, plain
from quartier_drivers.sunspec.schema import CAPS, Steering, Taken


def taken_flaws(quantity: str, taken: Taken, scan: Mapping[str, float]) -> list[Flaw]:
    """Return the flaws of a quantity and of its source."""
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
    if taken.write is None:
        return flaws if taken.source else [*flaws, ("source", "is missing: the points that it may come from")]
    beside = (
        [("source", "stands beside write: what is written is read where it is written")]
        if taken.source
        else []
    )
    rules = [(f"write.{key}", what) for wrong, key, what in _steering_rules(quantity, taken.write) if wrong]
    return [*flaws, *beside, *rules]


def crowd_flaws(parts: Mapping[str, Mapping[str, Taken]]) -> list[tuple[tuple[str, str], str]]:
    """Return part and quantity of controls that must not be on one device together, with the reason."""
    controls = {
        (part, quantity): taken.write.control
        for part, quantities in parts.items()
        for quantity, taken in quantities.items()
        if taken.write is not None
    }
    capped = any("704.WMaxLimPct" in names for names in controls.values())
    why = "model 704 has a cap and a setpoint on one device, and nobody says which goes first; expected one"
    return [
        (path, why)
        for path, names in controls.items()
        if capped and any(one in names for one in ("704.WSet", "704.WSetPct"))
    ]


def _steering_rules(quantity: str, rule: Steering) -> list[tuple[bool, str, str]]:
    kinds = {control in CAPS for control in rule.control}
    is_cap, release = CAP in quantity, rule.on_release
    low = float("-inf") if rule.low is None else rule.low
    high = float("inf") if rule.high is None else rule.high
    refresh_s = rule.refresh_s or 0.0
    return [
        (not quantity.endswith("_w"), "control", f"writes watts, and {quantity} are none"),
        (kinds == {True, False}, "control", "names caps and setpoints; expected one kind"),
        (kinds == {True} and not is_cap, "control", f"are caps, and {quantity} is none"),
        (kinds == {False} and is_cap, "control", f"are setpoints, and {quantity} is a cap"),
        (is_cap and release == "own", "on_release", '"own" would lift the cap; expected "cap" or "hold"'),
        (not is_cap and release == "cap", "on_release", f'"cap" does not fit {quantity}'),
        (low > high, "low", f"{low:g} is above high = {high:g}"),
        (
            isinstance(release, float) and low <= high and not low <= release <= high,
            "on_release",
            f"{release} is outside {low:g}..{high:g}",
        ),
        (not is_cap and rule.lowest_pct > 0, "lowest_pct", "fits caps only"),
        (
            rule.fallback != "own" and (is_cap or "124.StorCtl_Mod" in rule.control),
            "fallback",
            "fits setpoints of model 704 only",
        ),
        (
            0 < rule.after_s < 2 * refresh_s,
            "refresh_s",
            f"{refresh_s:g} is too slow: one lost write, and it ends",
        ),
        (
            0 < rule.after_s < 3,
            "after_s",
            f"{rule.after_s:g} is too short for a line; expected 0, or 3 s and more",
        ),
    ]


def entry_of(name: Name) -> Entry | None:
    """Return the point of the standard for a name; None if there is none."""
    found = [_entry(name.model, path) for path in plain(name.path)]
    return None if None in found else found[0]


def _entry(number: int, path: str) -> Entry | None:
    definition = model(number)
    *groups, last = path.split(".")
    group = None if definition is None else definition.group
    for step in groups:
        group = None if group is None else next((one for one in group.groups if one.name == step), None)
    return None if group is None else next((one for one in group.entries if one.name == last), None)


def _unknown(name: Name) -> str:
    definition = model(name.model)
    if definition is None:
        return f"there is no model {name.model} in the standard"
    wrong = next(path for path in plain(name.path) if _entry(name.model, path) is None)
    help_ = nearest(wrong, list(_paths(definition.group)))
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
