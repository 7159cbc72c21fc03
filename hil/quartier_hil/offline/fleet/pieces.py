"""Assets that a building of a fleet may have, each with its unit for the kernel (pure).

Seconds count from the start of the fleet's day, at noon.
"""

from dataclasses import dataclass

from quartier_native.fleets import BATTERY, EV, LOAD, PV_LIMIT, TIER_B, TIER_C, Unit

_L1 = (1.0, 0.0, 0.0)
VOLTAGE_V = 230.0
FLOOR_A = 6.0
"""Of a car that charges (IEC 61851-1)."""
FAR_S = 1e9


@dataclass(frozen=True, slots=True)
class Car:
    """A charging point and its cars: two stays at most, each from when to when, and what they want.

    A driver's own timer starts no sooner than ``timer_s``.
    """

    full_w: float
    come_s: tuple[float, float]
    leave_s: tuple[float, float]
    want_wh: tuple[float, float]
    timer_s: float = 0.0

    def unit(self) -> Unit:
        """Return its unit: tier D, alone in its pool."""
        return Unit(
            kind=EV,
            share=_L1,
            rated_w=self.full_w,
            floor_w=FLOOR_A * VOLTAGE_V,
            ampere_w=VOLTAGE_V,
            min_on_s=60.0,
            min_off_s=180.0,
        )


@dataclass(frozen=True, slots=True)
class Tank:
    """A water heater behind a relay; at night by the meter's contact, or by its thermostat alone."""

    power_w: float
    day_wh: float
    night_s: float
    is_free: bool

    def unit(self) -> Unit:
        """Return its unit: tier C, the first of it to be shed."""
        return Unit(kind=LOAD, share=_L1, tier=TIER_C, rated_w=self.power_w, min_off_s=180.0)


@dataclass(frozen=True, slots=True)
class Heater:
    """Space heating with a thermostat: ``gain`` W of heat for each W taken, 1 for panels."""

    power_w: float
    gain: float
    loss_w_per_k: float
    store_wh_per_k: float
    day_c: float
    night_c: float

    def unit(self) -> Unit:
        """Return its unit: tier C; a compressor has minimum times, panel heaters have none."""
        on_s, off_s = (300.0, 180.0) if self.gain > 1.0 else (0.0, 0.0)
        return Unit(
            kind=LOAD,
            share=_L1,
            tier=TIER_C,
            comfort_cost=1.0,
            rated_w=self.power_w,
            min_on_s=on_s,
            min_off_s=off_s,
        )


@dataclass(frozen=True, slots=True)
class Fan:
    """Ventilation of an office, in its hours."""

    power_w: float

    def unit(self) -> Unit:
        """Return its unit: tier B."""
        return Unit(kind=LOAD, share=_L1, tier=TIER_B, rated_w=self.power_w, min_off_s=180.0)


@dataclass(frozen=True, slots=True)
class Sun:
    """Panels with a limit that may be set."""

    rated_w: float

    def unit(self) -> Unit:
        """Return its unit: generation."""
        return Unit(kind=PV_LIMIT, share=_L1, rated_w=self.rated_w)


@dataclass(frozen=True, slots=True)
class Store:
    """A battery that serves the house."""

    capacity_wh: float
    power_w: float

    def unit(self) -> Unit:
        """From its reserve of 20 % up to 95 %."""
        return Unit(
            kind=BATTERY,
            share=_L1,
            rated_w=self.power_w,
            charge_max_w=self.power_w,
            discharge_max_w=self.power_w,
            ramp_max_w_per_s=self.power_w / 4,
            soc_floor_pct=20.0,
            soc_max_pct=95.0,
        )


Piece = Car | Tank | Heater | Fan | Sun | Store
