"""Charge points and their cars: 6 A minimum, start-up time, arrivals, energy needed (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from quartier_sim.plant.asset_interface import PhaseShares, Surroundings, get_phase_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class CarSpec:
    """The floor is that of IEC 61851-1: below ``current_min_a`` the car pauses."""

    phases_count: int = 3
    voltage_v: float = 230.0
    current_min_a: float = 6.0
    current_max_a: float = 16.0
    start_s: float = 5.0


@dataclass(frozen=True, slots=True)
class CarState:
    """``need_wh`` is what the car still takes; ``session_wh`` what it got since it was plugged in.

    A car may use fewer phases than its point has, and less current than it is offered.
    """

    plugged_on: bool = False
    need_wh: float = 0.0
    session_wh: float = 0.0
    power_w: float = 0.0
    allowed_s: float = 0.0
    phases_count: int = 3
    takes_max_a: float = inf


def plug_car(
    state: CarState, *, on: bool, need_wh: float = 0.0, phases_count: int = 3, takes_max_a: float = inf
) -> CarState:
    """A plug event: a new session, of a car that uses so many phases and so much current, or its end."""
    if on:
        return CarState(plugged_on=True, need_wh=need_wh, phases_count=phases_count, takes_max_a=takes_max_a)
    return replace(state, plugged_on=False, power_w=0.0, allowed_s=0.0)


def step_car(spec: CarSpec, state: CarState, current_max_a: float, dt_s: float) -> CarState:
    """Go on by ``dt_s`` under the order ``current_max_a``; the current follows the order within the step."""
    if not state.plugged_on or current_max_a < spec.current_min_a or state.need_wh <= 0.0:
        return replace(state, power_w=0.0, allowed_s=0.0)
    allowed_s = state.allowed_s + dt_s
    if allowed_s <= spec.start_s:
        return replace(state, power_w=0.0, allowed_s=allowed_s)
    hours = dt_s / 3600.0
    phases_count = min(spec.phases_count, state.phases_count)
    power_w = min(current_max_a, spec.current_max_a, state.takes_max_a) * spec.voltage_v * phases_count
    power_w = min(power_w, state.need_wh / hours)
    given_wh = power_w * hours
    return replace(
        state,
        power_w=power_w,
        allowed_s=allowed_s,
        need_wh=max(state.need_wh - given_wh, 0.0),
        session_wh=state.session_wh + given_wh,
    )


@dataclass(frozen=True, slots=True)
class CarVisit:
    """A car that is here from ``from_s`` to ``until_s`` and needs ``need_wh``."""

    from_s: float
    until_s: float
    need_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePoint:
    """``phase`` None: a three-phase car; else one on that phase alone, with its whole current."""

    name: str
    phase: int | None = None
    current_max_a: float = 16.0
    visits: tuple[CarVisit, ...] = ()
    car: CarState = field(default_factory=CarState)
    missed_wh: float = 0.0

    @property
    def shares(self) -> PhaseShares:
        """All on its phase, or a third on each."""
        return get_phase_shares(self.phase)

    @property
    def power_w(self) -> float:
        """Power of the car, W."""
        return self.car.power_w

    @property
    def spec(self) -> CarSpec:
        """The car's limits."""
        return CarSpec(phases_count=3 if self.phase is None else 1, current_max_a=self.current_max_a)

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "ChargePoint":
        """Let a car come or go, then charge it with at most ``current_max_a``."""
        car, missed_wh = self.car, self.missed_wh
        here = next((one for one in self.visits if one.from_s <= around.now_s < one.until_s), None)
        if here is not None and not car.plugged_on:
            car = plug_car(car, on=True, need_wh=here.need_wh)
        elif here is None and car.plugged_on:
            missed_wh += car.need_wh
            car = plug_car(car, on=False)
        limit_a = orders.get("current_max_a", self.current_max_a) if around.powered else 0.0
        return replace(self, car=step_car(self.spec, car, limit_a, dt_s), missed_wh=missed_wh)

    def values(self) -> Mapping[str, float]:
        """Plug, state, and what the session gave."""
        state = 1.0 if not self.car.plugged_on else 3.0 if self.car.power_w else 2.0
        return {
            "plugged_on": float(self.car.plugged_on),
            "charge_state": state,
            "session_energy_wh": self.car.session_wh,
            "need_wh": self.car.need_wh if self.car.plugged_on else 0.0,
        }
