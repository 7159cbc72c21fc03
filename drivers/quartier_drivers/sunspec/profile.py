"""Profiles of SunSpec devices, and the check for contradictions in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers.device_profile.fallback_rules import LIMIT_PREFIX
from quartier_drivers.device_profile.profile_check import Profile, ProfileCheck
from quartier_drivers.device_profile.rules import ProfileFault, check_quantity, check_quantity_name
from quartier_drivers.device_profile.schema import Limits, ProfileHead
from quartier_drivers.device_profile.toml_files import suggest_key
from quartier_drivers.points import parse_quantity
from quartier_drivers.sunspec.models import NUMBER_TYPES, GroupDefinition, PointDefinition, find_model
from quartier_drivers.sunspec.schema import (
    LIMIT_CONTROLS,
    PointName,
    RegisterMap,
    Steering,
    SunspecPoint,
    strip_indices,
)


def check_taken(quantity: str, taken: SunspecPoint, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the flaws of a quantity and of its source."""
    flaws = check_quantity(quantity, taken, scan)
    kind = "" if check_quantity_name(quantity) else parse_quantity(quantity).kind
    for names in taken.source:
        if len(names) > 1 and kind == "text":
            flaws.append(("source", "a text cannot be added up"))
        for name in names:
            entry = find_entry(name)
            what = _explain_unknown(name) if entry is None else _explain_misfit(entry, kind)
            if what:
                flaws.append(("source", f"{name}: {what}"))
    if taken.values is not None and kind != "text":
        flaws.append(("values", f"fits texts only, and {quantity} is none"))
    if taken.write is None:
        return flaws if taken.source else [*flaws, ("source", "is missing: the points that it may come from")]
    beside = (
        [("source", "cannot be combined with write: a written point is read at its own register")]
        if taken.source
        else []
    )
    rules = [
        (f"write.{key}", what) for wrong, key, what in _make_steering_rules(quantity, taken.write) if wrong
    ]
    return [*flaws, *beside, *rules]


def check_shared_controls(
    parts: Mapping[str, Mapping[str, SunspecPoint]],
) -> list[tuple[tuple[str, str], str]]:
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


def _make_steering_rules(quantity: str, rule: Steering) -> list[tuple[bool, str, str]]:
    kinds = {control in LIMIT_CONTROLS for control in rule.control}
    is_cap, release = LIMIT_PREFIX in quantity, rule.on_release
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


def find_entry(name: PointName) -> PointDefinition | None:
    """Return the point of the standard for a name; None if there is none."""
    found = [_find_entry(name.model, path) for path in strip_indices(name.path)]
    return None if None in found else found[0]


def _find_entry(number: int, path: str) -> PointDefinition | None:
    definition = find_model(number)
    *groups, last = path.split(".")
    group = None if definition is None else definition.group
    for step in groups:
        group = None if group is None else next((one for one in group.groups if one.name == step), None)
    return None if group is None else next((one for one in group.entries if one.name == last), None)


def _explain_unknown(name: PointName) -> str:
    definition = find_model(name.model)
    if definition is None:
        return f"there is no model {name.model} in the standard"
    wrong = next(path for path in strip_indices(name.path) if _find_entry(name.model, path) is None)
    help_ = suggest_key(wrong, list(_list_paths(definition.group)))
    return f"is no point of model {name.model}; {help_}"


def _list_paths(group: GroupDefinition, before: str = "") -> Iterator[str]:
    for entry in group.entries:
        yield f"{before}{entry.name}"
    for inner in group.groups:
        yield from _list_paths(inner, f"{before}{inner.name}.")


def _explain_misfit(entry: PointDefinition, kind: str) -> str:
    if kind == "text":
        fits = entry.type_name == "string" or entry.type_name.startswith("enum")
        return "" if fits else f"is {entry.type_name}, no text and no enumeration"
    fits = not kind or entry.type_name in NUMBER_TYPES
    return "" if fits else f"is {entry.type_name}, no number"


# Everything between two points of a map may be read, so only the length of a request costs anything.
_GAP_MAX = 124


@dataclass(frozen=True, slots=True)
class SunspecProfile(Profile):
    """The profile of a SunSpec device; ``bases`` are the possible beginnings of its map."""

    parts: Mapping[str, Mapping[str, SunspecPoint]]
    limits: Limits
    bases: Sequence[int]

    @property
    def is_recognisable(self) -> bool:
        """Return whether a scan finds it: always, by its models."""
        return True

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of a request."""
        yield from self.limits.describe()


class SunspecProfileCheck(ProfileCheck):
    """Checks profiles that name points of models."""

    sections = ("profile", "limits", "map", "scan", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(
            Limits, ("limits",), {"gap_max": _GAP_MAX, **self._table(("limits",), data.get("limits", {}))}
        )
        where = self._model(RegisterMap, ("map",), data.get("map", {}))
        parts = self._quantities(data, scan, SunspecPoint, check_taken)
        self._one_or_parts(parts)
        for (part, quantity), what in check_shared_controls(parts):
            self._add((*(("parts", part) if part else ("points",)), quantity, "write", "control"), what)
        if head is None or limits is None or where is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit sunspec, whose points have names")
        return SunspecProfile(name, head, scan, parts, limits, where.bases)
