"""The tables of a SunSpec device's profile: the possible sources of a quantity, and its controls."""

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.contract import Fallback
from quartier_drivers.schema import Finite, Names, Quantity, Scale, Section
from quartier_drivers.sunspec.names import Alternatives, Row

Base = Annotated[int, Field(ge=0, le=65000)]
Control = Literal["704.WMaxLimPct", "123.WMaxLimPct", "704.WSet", "704.WSetPct", "124.StorCtl_Mod"]
CAPS = ("704.WMaxLimPct", "123.WMaxLimPct")
HEARTBEATS = ("715.ControllerHb", "802.CtrlHb")
"""The points for a controller's sign of life."""


def _row(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else (raw,) if isinstance(raw, str) else raw


def _released(raw: object) -> object:
    return float(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


class Map(Section):
    """The beginning of the device's map; the places are tried in this order."""

    bases: Annotated[tuple[Base, ...], BeforeValidator(_row), Field(min_length=1)] = (40000, 0, 50000)


class Steering(Section):
    """How a quantity is written: by the first of ``control`` that the device has.

    A setpoint gets a reversion timer of ``after_s``, written with it and read back; 0: none.  So does a limit
    of model 704, which then takes the fail-safe limit if that is lower.
    """

    control: Annotated[tuple[Control, ...], BeforeValidator(_row), Field(min_length=1)]
    low: Finite | None = None
    high: Finite | None = None
    on_release: Annotated[Literal["own", "cap", "hold"] | float, BeforeValidator(_released)]
    after_s: Annotated[float, Field(ge=0, le=65000, allow_inf_nan=False)] = 60.0
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    fallback: Annotated[Literal["own"] | Finite, BeforeValidator(_released)] = "own"
    """The end of a setpoint: the device's own control, or a power in W."""
    lowest_pct: Annotated[float, Field(ge=0, le=50)] = 0.0
    """The lowest limit that is written, in percent of the rating: some inverters drop to standby at 0 %."""
    charge_rating: Row = Field(("124.WChaMax",), validate_default=True)
    discharge_rating: Row = Field(("120.MaxDisChaRte", "124.WChaMax"), validate_default=True)
    """The base of the percentages of model 124."""
    heartbeat: Annotated[tuple[Literal["715.ControllerHb", "802.CtrlHb"], ...], BeforeValidator(_row)] = ()
    """The counters that run while an order is valid."""
    heartbeat_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0

    @property
    def caps(self) -> bool:
        """Whether it is a limit."""
        return self.control[0] in CAPS


class Taken(Quantity):
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
        """Whether it can be written."""
        return self.write is not None

    @property
    def fallback(self) -> Fallback | None:
        """What its device does by itself when nobody writes, before it is known; None: nothing."""
        rule = self.write
        if rule is None:
            return None
        if rule.caps:
            return _cap(rule)
        if not rule.after_s:
            return None
        value = None if rule.fallback == "own" else rule.fallback
        return Fallback(value, rule.after_s, "", rule.refresh_s or rule.after_s / 3)


def _cap(rule: Steering) -> Fallback:
    """Return the fallback of a limit, which never ends in none: 123 holds, 704 takes the fail-safe limit."""
    if rule.after_s and "704.WMaxLimPct" in rule.control:
        return Fallback(None, rule.after_s, "", rule.refresh_s or rule.after_s / 3)
    return Fallback(None, math.inf)
