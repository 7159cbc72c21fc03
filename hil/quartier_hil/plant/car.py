"""A charging point and the car on it: 6 A floor, start-up time, a need that ends (pure)."""

from dataclasses import dataclass, replace
from math import inf


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


def plug(
    state: CarState, *, on: bool, need_wh: float = 0.0, phases_count: int = 3, takes_max_a: float = inf
) -> CarState:
    """A plug event: a new session, of a car that uses so many phases and so much current, or its end."""
    if on:
        return CarState(plugged_on=True, need_wh=need_wh, phases_count=phases_count, takes_max_a=takes_max_a)
    return replace(state, plugged_on=False, power_w=0.0, allowed_s=0.0)


def step(spec: CarSpec, state: CarState, current_max_a: float, dt_s: float) -> CarState:
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
