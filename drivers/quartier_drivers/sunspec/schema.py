"""The tables of a SunSpec profile, and the names of points in them.  Pure."""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.contract import Fallback
from quartier_drivers.device_profile.schema import (
    Difference,
    Finite,
    Names,
    Quantity,
    Scale,
    Section,
    StatedName,
)

_PATH_STEP = r"[A-Za-z][\w-]*(?:\[[1-9][0-9]{0,3}\]|\[\w+=[\w *?-]+\])?"
_NAME_FORM = re.compile(
    rf"(?P<model>[1-9][0-9]{{0,4}})(?:#(?P<instance>[1-9][0-9]?))?\.(?P<path>{_PATH_STEP}(?:\.{_PATH_STEP})*)"
)


@dataclass(frozen=True, slots=True)
class PointName:
    """A point of the n-th model of a number; ``sign`` is -1 if it is subtracted from a sum."""

    model: int
    path: str
    instance: int = 1
    sign: int = 1

    def __str__(self) -> str:
        """Return the name as it is written in a profile."""
        again = f"#{self.instance}" if self.instance > 1 else ""
        return f"{'-' * (self.sign < 0)}{self.model}{again}.{self.path}"


PointSum = tuple[PointName, ...]
"""Points that are added up; mostly a single one."""


def parse_name(text: object) -> PointName:
    """Parse ``701.W`` or ``-160.module[4].DCW``.  Raises ValueError saying what was expected."""
    bare = text.removeprefix("-") if isinstance(text, str) else ""
    found = _NAME_FORM.fullmatch(bare)
    if found is None:
        raise ValueError(f'{text!r} names no point, expected "701.W", "160.module[3].DCW" or "103#2.W"')
    sign = -1 if bare != text else 1
    return PointName(int(found["model"]), found["path"], int(found["instance"] or 1), sign)


def _parse_alternatives(raw: object) -> object:
    """Parse a name, alternatives, or alternatives of which some are lists to add up."""
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    if not alternatives:
        raise ValueError("is empty, expected the name of a point")
    return tuple(
        tuple(
            parse_name(one)
            for one in (alternative if isinstance(alternative, list | tuple) else [alternative])
        )
        for alternative in alternatives
    )


def _parse_name_row(raw: object) -> object:
    return tuple(parse_name(one) for one in (raw if isinstance(raw, list | tuple) else [raw]))


NameRow = Annotated[tuple[PointName, ...], BeforeValidator(_parse_name_row)]
"""Points of which the first that the device states is used."""


Alternatives = Annotated[tuple[PointSum, ...], BeforeValidator(_parse_alternatives)]
"""The possible sources of a quantity; the first that the device has is used."""


def strip_indices(path: str) -> tuple[str, ...]:
    """Return a path without numbers and selections, and the path of each point that selects a group."""
    found = re.search(r"^([^\[\]]+)\[(\w+)=", path)
    bare = re.sub(r"\[[^\]]*\]", "", path)
    return (bare,) if found is None else (bare, f"{found[1]}.{found[2]}")


Base = Annotated[int, Field(ge=0, le=65000)]
Control = Literal["704.WMaxLimPct", "123.WMaxLimPct", "704.WSet", "704.WSetPct", "124.StorCtl_Mod"]
LIMIT_CONTROLS = ("704.WMaxLimPct", "123.WMaxLimPct")
HEARTBEATS = ("715.ControllerHb", "802.CtrlHb")
"""The points for a controller's sign of life."""


def _make_row(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else (raw,) if isinstance(raw, str) else raw


def _parse_released(raw: object) -> object:
    return float(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


class RegisterMap(Section):
    """The beginning of the device's map; the places are tried in this order."""

    bases: Annotated[tuple[Base, ...], BeforeValidator(_make_row), Field(min_length=1)] = (40000, 0, 50000)


class Steering(Section):
    """The ``write`` table of a quantity: written by the first of ``control`` that the device has.

    A setpoint gets a reversion timer of ``after_s``, written with it and read back; 0: none.  So does a limit
    of model 704, which then takes the fail-safe limit if that is lower.
    """

    control: Annotated[tuple[Control, ...], BeforeValidator(_make_row), Field(min_length=1)]
    low: Finite | None = None
    high: Finite | None = None
    on_release: Annotated[Literal["own", "cap", "hold"] | float, BeforeValidator(_parse_released)]
    after_s: Annotated[float, Field(ge=0, le=65000, allow_inf_nan=False)] = 60.0
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    fallback: Annotated[Literal["own"] | Finite, BeforeValidator(_parse_released)] = "own"
    """The end of a setpoint: the device's own control, or a power in W."""
    lowest_pct: Annotated[float, Field(ge=0, le=50)] = 0.0
    """The lowest limit that is written, in percent of the rating: some inverters drop to standby at 0 %."""
    charge_rating: NameRow = Field(("124.WChaMax",), validate_default=True)
    discharge_rating: NameRow = Field(("120.MaxDisChaRte", "124.WChaMax"), validate_default=True)
    """The base of the percentages of model 124."""
    heartbeat: Annotated[
        tuple[Literal["715.ControllerHb", "802.CtrlHb"], ...], BeforeValidator(_make_row)
    ] = ()
    """The counters that run while an order is valid."""
    heartbeat_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0

    @property
    def caps(self) -> bool:
        """Return whether it is a limit."""
        return self.control[0] in LIMIT_CONTROLS


class SunspecPoint(Quantity):
    """One quantity: the first of ``source`` that the device has, in our unit and sign.

    A written quantity is read back from its control and has no source.
    """

    source: Alternatives = ()
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    partial: bool = False
    """Of a sum: a part that is not implemented counts as 0, if another one has a value."""
    values: Names | None = None
    """Names of an enumeration's values that replace those of the standard."""
    write: Steering | None = None

    @property
    def writable(self) -> bool:
        """Return whether it can be written."""
        return self.write is not None

    @property
    def fallback(self) -> Fallback | None:
        """Return the fallback that the profile declares for its device; None if there is none."""
        rule = self.write
        if rule is None:
            return None
        if rule.caps:
            return _make_limit_fallback(rule)
        if not rule.after_s:
            return None
        value = None if rule.fallback == "own" else rule.fallback
        return Fallback(value, rule.after_s, "", rule.refresh_s or rule.after_s / 3)

    def compare_name(self, key: str, stated: StatedName) -> Difference | None:
        """Return how the point that a source names differs."""
        names = [str(one) for row in self.source for one in row]
        if key == "writes" and self.write is not None:
            names = list(self.write.control)
        return None if stated.point in names else ("is", (stated.point, " or ".join(names)))

    def describe_place(self) -> str:
        """Return the points of the standard that it may come from, or its control."""
        named = " or ".join(" + ".join(map(str, names)) for names in self.source)
        return named or ("" if self.write is None else " or ".join(self.write.control))


def _make_limit_fallback(rule: Steering) -> Fallback:
    """Return the fallback of a limit, which never ends in none: 123 holds, 704 takes the fail-safe limit."""
    if rule.after_s and "704.WMaxLimPct" in rule.control:
        return Fallback(None, rule.after_s, "", rule.refresh_s or rule.after_s / 3)
    return Fallback(None, math.inf)
