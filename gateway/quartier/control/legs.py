"""The local plan's orders of cars, heat and batches: a wish below all others, while it is safe (pure).

A plan may let a car wait for a cheaper hour; it may not let it leave without what it wants.  So a car
follows it only while its departure and the energy that it lacks are known, and while it could still wait by
what it was seen to take: one that fell behind, or that nobody has seen charge and that could not wait if it
took the least, charges by the rule, at once and with all that the caps leave.
"""

from math import floor, inf
from typing import NamedTuple

from quartier.control import aims, clocks, override, players, runs, sight, stay
from quartier.control.asked import named
from quartier.control.override import Override, Overrides
from quartier.control.reason import Reason, make, rule
from quartier.control.state import State
from quartier.control.wishes import Leg, LocalPlan
from quartier.house.assets import Ev, Steered
from quartier.house.modes import Heat, Run, Waste
from quartier.house.now import Now

LATE_S = 1_800.0
"""A car with less laxity follows no plan: it charges at once."""
AGAIN_S = 900.0
"""So much more it has to have before it follows one again."""
WARM_K = 1.0
"""A tank that is no further inside its comfort band follows no plan, and again only twice as far inside.

People draw when they will, and a plan knows what they draw in the mean.
"""
_BAND_SHARE = 0.25
"""Of a narrow band, that is so much of it at most."""
COLD = make("plan.too_cold")
_UNREAD, _NOTHING = make("plan.unread"), make("plan.nothing_waits")
_NO_CAR, _NO_DEPARTURE, _NO_NEED = make("plan.no_car"), make("plan.no_departure"), make("plan.no_need")
_BEGUN, _DONE, _RUN_LATE = make("run.begun"), make("plan.run_done"), make("plan.run_late")
_NO_DEADLINE, _NO_RUN = make("plan.no_deadline"), make("run.nothing")
_READY = rule("car.ready", "ready")
LATE, UNSEEN = _READY.then(make("car.late")), _READY.then(make("car.unseen"))


def overrides(plan: LocalPlan | None, state: State, given: Overrides, now: Now, *, outage: bool) -> Overrides:
    """``given``, which goes before, and what the plan has the others do now."""
    doubt = clocks.doubt(state.clocks, now.ns)
    if plan is None or not plan.legs or aims.why_not(plan, now, outage=outage, doubt=doubt):
        return given
    found: dict[str, Override] = {}
    for name, steps in plan.legs.items():
        asset, here = named(state.house, name), aims.running(plan, steps, now)
        if asset is None or here is None:
            continue
        leg, until_ns = here
        wish = _wish(asset, leg, state, now)
        if wish is not None:
            until_utc_ms = plan.offset_ms + until_ns // 1_000_000
            who, because = wish.reason.who, wish.reason
            found[name] = Override(name, wish.value, until_ns, until_utc_ms, who, because=because)
    return {**found, **given} if found else given


class _Wish(NamedTuple):
    value: float
    reason: Reason


def _wish(asset: Steered, leg: Leg, state: State, now: Now) -> _Wish | None:
    """What is wanted of an asset; a battery has aims instead, others have no plan."""
    if not isinstance(asset, Ev | Heat | Waste | Run) or override.fault(asset, leg.value):
        return None
    why = why_not(asset, state, now)
    if isinstance(asset, Ev) and why is not None and why.code == _READY.code:
        return _Wish(asset.current_max_a, why)
    if why is not None:
        return None
    value = _offered_a(asset, leg, state) if isinstance(asset, Ev) else leg.value
    return _Wish(value, aims.LEADS.then(leg.why))


def _offered_a(ev: Ev, leg: Leg, state: State) -> float:
    """The current of a step.  Who is planned with all that it takes is offered all, so that one that would
    take more is seen to.
    """
    _, most_a = state.stays[ev.name].uptake.planned(ev)
    return ev.current_max_a if leg.value >= floor(most_a) else leg.value


def why_not(asset: Ev | Heat | Waste | Run, state: State, now: Now) -> Reason | None:
    """Why it follows no plan now; None where it may."""
    if isinstance(asset, Ev):
        return _why_not_car(asset, state, now)
    if isinstance(asset, Run):
        return _why_not_run(asset, state, now)
    quantities = ("tank_c",) if isinstance(asset, Heat) else ("waiting_on", "left_s")
    found = [
        sight.fresh(state.memories, f"{asset.name}.{quantity}", asset.sense_period_s, now.ns)
        for quantity in quantities
    ]
    if None in found:
        return _UNREAD
    if isinstance(asset, Waste) and found[0] == 0.0:
        return _NOTHING
    if isinstance(asset, Heat):
        least_c = inf if asset.comfort_min_c is None else asset.comfort_min_c
        least_c += margin_k(asset) * (1.0 if _follows(asset, state) else 2.0)
        return COLD if found[0] is None or found[0] < least_c else None
    return None


def _why_not_run(run: Run, state: State, now: Now) -> Reason | None:
    one = state.runs.get(run.name, runs.NONE)
    judged = (
        (one.is_begun, _BEGUN),
        (one.is_done, _DONE),
        (one.is_late, _RUN_LATE),
        (one.due_ns is None, _NO_DEADLINE),
        (not runs.waits(run, state.memories, now.ns), _NO_RUN),
    )
    return next((why for is_so, why in judged if is_so), None)


def margin_k(heat: Heat) -> float:
    """How far inside its band a tank has to be to follow a plan."""
    low_c, high_c = heat.comfort_min_c, heat.comfort_max_c
    return WARM_K if low_c is None or high_c is None else min(WARM_K, _BAND_SHARE * (high_c - low_c))


def _follows(asset: Steered, state: State) -> bool:
    order = state.book.orders.get(players.steering_point(asset))
    return order is not None and aims.leader(order.reason) == aims.PLAN


def _why_not_car(ev: Ev, state: State, now: Now) -> Reason | None:
    here, memories, zone = state.stays.get(ev.name), state.memories, state.house.zone
    if here is None or sight.fresh(memories, f"{ev.name}.plugged_on", ev.period_s, now.ns) is None:
        return _NO_CAR
    if stay.leaves_s(ev, memories, now, zone) is None:
        return _NO_DEPARTURE
    if stay.missing_wh(ev, here, memories, now.ns) is None:
        return _NO_NEED
    least_s = LATE_S if _follows(ev, state) else LATE_S + AGAIN_S
    if stay.laxity_s(ev, here, memories, now, zone, is_sure=True) >= least_s:
        return None
    return LATE if here.uptake.is_known else UNSEEN
