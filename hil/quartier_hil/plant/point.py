"""A charging point of a park with the cars that come to it: when, for how much, until when (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from quartier_hil.plant import car as cars
from quartier_hil.plant.car import CarSpec, CarState
from quartier_hil.plant.piece import Around, Shares, shares


@dataclass(frozen=True, slots=True)
class Visit:
    """A car that is here from ``from_s`` to ``until_s`` and needs ``need_wh``."""

    from_s: float
    until_s: float
    need_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPoint:
    """``phase`` None: a three-phase car; else one on that phase alone, with its whole current."""

    name: str
    phase: int | None = None
    current_max_a: float = 16.0
    visits: tuple[Visit, ...] = ()
    car: CarState = field(default_factory=CarState)
    missed_wh: float = 0.0

    @property
    def shares(self) -> Shares:
        """All on its phase, or a third on each."""
        return shares(self.phase)

    @property
    def power_w(self) -> float:
        """Power of the car, W."""
        return self.car.power_w

    @property
    def spec(self) -> CarSpec:
        """The car's limits."""
        return CarSpec(phases_count=3 if self.phase is None else 1, current_max_a=self.current_max_a)

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "ChargingPoint":
        """Let a car come or go, then charge it with at most ``current_max_a``."""
        car, missed_wh = self.car, self.missed_wh
        here = next((one for one in self.visits if one.from_s <= around.now_s < one.until_s), None)
        if here is not None and not car.plugged_on:
            car = cars.plug(car, on=True, need_wh=here.need_wh)
        elif here is None and car.plugged_on:
            missed_wh += car.need_wh
            car = cars.plug(car, on=False)
        limit_a = orders.get("current_max_a", self.current_max_a) if around.powered else 0.0
        return replace(self, car=cars.step(self.spec, car, limit_a, dt_s), missed_wh=missed_wh)

    def values(self) -> Mapping[str, float]:
        """Plug, state, and what the session gave."""
        state = 1.0 if not self.car.plugged_on else 3.0 if self.car.power_w else 2.0
        return {
            "plugged_on": float(self.car.plugged_on),
            "charge_state": state,
            "session_energy_wh": self.car.session_wh,
            "need_wh": self.car.need_wh if self.car.plugged_on else 0.0,
        }
