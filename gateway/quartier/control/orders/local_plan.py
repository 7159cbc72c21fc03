"""The local plan as a request: the running aim, a battery's setpoint, and who controls an asset (pure).

Priority 5 (spec/failsafe.md#priority-5): it ranks below people, commands and schedules. Limits and the
battery's own range are applied after it. Without a valid plan the rule of self-consumption controls
batteries.

A plan may let a car wait for a cheaper hour; it may not let it leave without its energy. So a car follows it
only while its departure and its missing energy are known, and while it could still wait by the power that it
was seen to take. A car that fell behind charges by the rule, at once and with all that the limits leave. So
does a car that nobody has seen charge and that could not wait if it took the minimum.
"""

from collections.abc import Sequence
from math import floor, inf
from typing import NamedTuple, TypeVar

from quartier.control import participants
from quartier.control.inputs import CycleInputs
from quartier.control.observe import charging_sessions, daily_runs, meter_clocks, observations
from quartier.control.orders import overrides, setpoints
from quartier.control.orders.running_commands import find_controllable
from quartier.control.participants import Participant
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.control.records import Override, Overrides
from quartier.control.requests import LocalPlan, PlanAim, PlanLeg, RunningAim
from quartier.control.state import ControlState
from quartier.site.asset_types import (
    BatchLoad,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    HeatAsset,
    WasteCollection,
)
from quartier.site.records import Now

PLAN, RULE = "local plan", "self-consumption"
LEADERS = make_rule_reason("plan.leads", PLAN)
PLAN_LEADS = LEADERS.who
_RULES = make_rule_reason("self_consumption", RULE)
PLAN_CLOCK_JUMP_MS = 60_000
"""A wall clock that moved this far against the monotonic one since the plan was made is not the plan's."""


_Step = TypeVar("_Step", PlanAim, PlanLeg)
_LEADERS = {"person": "a person", "document": "the district", "grid": "the public grid"}


def explain_no_plan(plan: LocalPlan | None, now: Now, *, outage: bool, doubt: str = "") -> str:
    """Return why no plan is followed; empty if one is. ``doubt`` says why the clock is not trusted."""
    if plan is None:
        return "there is no plan"
    is_leapt = abs(now.utc_ms - now.ns // 1_000_000 - plan.offset_ms) > PLAN_CLOCK_JUMP_MS
    runs = any(find_running_step(plan, steps, now) for steps in plan.aims.values())
    runs = runs or any(find_running_step(plan, steps, now) for steps in plan.legs.values())
    obstacles = (
        (outage, "the public grid's voltage is gone"),
        (not now.synced, "the clock is not trusted"),
        (bool(doubt), doubt),
        (is_leapt, "the clock leapt since the plan was made"),
        (now.ns >= plan.expires_ns, "the plan is too old"),
        (not runs, "the plan has no step for now"),
    )
    return next((words for is_so, words in obstacles if is_so), "")


def find_running_aims(
    plan: LocalPlan | None, now: Now, *, outage: bool, doubt: str = ""
) -> dict[str, RunningAim]:
    """Return the running aims by battery; empty without a valid plan."""
    if plan is None or explain_no_plan(plan, now, outage=outage, doubt=doubt):
        return {}
    found = ((name, find_running_step(plan, steps, now)) for name, steps in plan.aims.items())
    return {name: RunningAim(one[0], plan.offset_ms + one[1] // 1_000_000) for name, one in found if one}


def find_running_step(plan: LocalPlan, steps: Sequence[_Step], now: Now) -> tuple[_Step, int] | None:
    """Return the running step, and its end by the monotonic clock."""
    elapsed_s, at_s = 0.0, (now.ns - plan.start_ns) / 1e9
    for one in steps:
        elapsed_s += one.duration_s
        if at_s < elapsed_s:
            return one, plan.start_ns + int(elapsed_s * 1000) * 1_000_000
    return None


def follow_aim(inputs: CycleInputs, unit: Participant, net_w: float) -> tuple[float, Reason]:
    """Return the battery power in W that the plan asks for, and why.

    ``net_w`` is what the grid would show without this battery and those that come after it.
    """
    found = inputs.requests.aims[unit.name]
    reason = LEADERS._replace(until_utc_ms=found.until_utc_ms, more=found.aim.why)
    return found.aim.find_power_w(net_w), reason


def explain_rule(inputs: CycleInputs, unit: Participant, target_w: float, net_w: float) -> Reason:
    """Return why the rule moves the battery: it brings the grid from ``net_w`` to ``target_w``."""
    reason = _edge(unit, target_w - net_w) or make_reason("grid.target", target_w=round(target_w))
    if inputs.site.plans and (
        meters := meter_clocks.find_contradicting_meters(inputs.state.clocks, inputs.now_ns)
    ):
        reason = reason.then(make_reason("plan.doubted", meters=meters))
    return _RULES.then(reason)


def _edge(unit: Participant, wanted_w: float) -> Reason | None:
    """Return which edge of its band keeps a battery from the wanted power; None if none does."""
    asset = unit.asset
    assert isinstance(asset, Battery)
    if wanted_w < -setpoints.BATTERY_DEADBAND_W and unit.headroom.low_w == 0:
        return make_reason("battery.empty", soc_pct=max(asset.soc_min_pct, asset.reserve_soc_pct))
    if wanted_w > setpoints.BATTERY_DEADBAND_W and unit.headroom.high_w == 0:
        return make_reason("battery.full", soc_pct=asset.soc_max_pct)
    return None


def find_leader(reason: Reason) -> str:
    """Return who controls an asset, by its order's reason: a person, the district, the plan or a rule."""
    behind = reason.who
    return _LEADERS.get(behind.kind) or (PLAN if behind.name == PLAN else f"rule: {behind.name or 'own'}")


PLAN_LATE_S = 1_800.0
"""A car with less laxity follows no plan: it charges at once."""


PLAN_AGAIN_S = 900.0
"""How much more laxity it must have before it follows a plan again, in s."""


TANK_MARGIN_K = 1.0
"""A tank less than this inside its comfort band follows no plan; twice this to follow one again.

People draw water when they want, and a plan knows only their mean draw.
"""


_BAND_SHARE = 0.25
"""The largest share of a narrow band for this margin."""


TANK_TOO_COLD = make_reason("plan.too_cold")
_UNREAD, _NOTHING = make_reason("plan.unread"), make_reason("plan.nothing_waits")
_NO_CAR, _NO_DEPARTURE, _NO_NEED = (
    make_reason("plan.no_car"),
    make_reason("plan.no_departure"),
    make_reason("plan.no_need"),
)
_BEGUN, _DONE, _RUN_LATE = (
    make_reason("run.begun"),
    make_reason("plan.run_done"),
    make_reason("plan.run_late"),
)
_NO_DEADLINE, _NO_RUN = make_reason("plan.no_deadline"), make_reason("run.nothing")
_READY = make_rule_reason("car.ready", "ready")
LATE, UNSEEN = _READY.then(make_reason("car.late")), _READY.then(make_reason("car.unseen"))


def find_plan_orders(
    plan: LocalPlan | None, state: ControlState, given: Overrides, now: Now, *, outage: bool
) -> Overrides:
    """Return ``given``, which has precedence, and the orders of the plan for the other assets."""
    doubt = meter_clocks.find_clock_doubt(state.clocks, now.ns)
    if plan is None or not plan.legs or explain_no_plan(plan, now, outage=outage, doubt=doubt):
        return given
    found: dict[str, Override] = {}
    for name, steps in plan.legs.items():
        asset, here = find_controllable(state.site, name), find_running_step(plan, steps, now)
        if asset is None or here is None:
            continue
        leg, until_ns = here
        request = _find_request(asset, leg, state, now)
        if request is not None:
            until_utc_ms = plan.offset_ms + until_ns // 1_000_000
            who, because = request.reason.who, request.reason
            found[name] = Override(name, request.value, until_ns, until_utc_ms, who, because=because)
    return {**found, **given} if found else given


class _PlanRequest(NamedTuple):
    value: float
    reason: Reason


def _find_request(
    asset: ControllableAsset, leg: PlanLeg, state: ControlState, now: Now
) -> _PlanRequest | None:
    """Return the request for an asset; a battery has aims instead, other classes have no plan."""
    if not isinstance(
        asset, ChargePointAsset | HeatAsset | WasteCollection | BatchLoad
    ) or overrides.find_override_fault(asset, leg.value):
        return None
    why = explain_not_followed(asset, state, now)
    if isinstance(asset, ChargePointAsset) and why is not None and why.code == _READY.code:
        return _PlanRequest(asset.current_max_a, why)
    if why is not None:
        return None
    value = _find_offered_a(asset, leg, state) if isinstance(asset, ChargePointAsset) else leg.value
    return _PlanRequest(value, LEADERS.then(leg.why))


def _find_offered_a(ev: ChargePointAsset, leg: PlanLeg, state: ControlState) -> float:
    """Return the current of a step, in A.

    A car that is planned with all that it takes is offered the full current, so that it shows if it would
    take more.
    """
    _, most_a = state.charging_sessions[ev.name].uptake.find_plan_current(ev)
    return ev.current_max_a if leg.value >= floor(most_a) else leg.value


def explain_not_followed(
    asset: ChargePointAsset | HeatAsset | WasteCollection | BatchLoad, state: ControlState, now: Now
) -> Reason | None:
    """Return why the asset follows no plan now; None if it may."""
    if isinstance(asset, ChargePointAsset):
        return _why_not_car(asset, state, now)
    if isinstance(asset, BatchLoad):
        return _why_not_run(asset, state, now)
    quantities = ("tank_c",) if isinstance(asset, HeatAsset) else ("waiting_on", "left_s")
    found = [
        observations.find_fresh_value(
            state.last_good, f"{asset.name}.{quantity}", asset.sense_period_s, now.ns
        )
        for quantity in quantities
    ]
    if None in found:
        return _UNREAD
    if isinstance(asset, WasteCollection) and found[0] == 0.0:
        return _NOTHING
    if isinstance(asset, HeatAsset):
        least_c = inf if asset.comfort_min_c is None else asset.comfort_min_c
        least_c += find_tank_margin_k(asset) * (1.0 if _follows(asset, state) else 2.0)
        return TANK_TOO_COLD if found[0] is None or found[0] < least_c else None
    return None


def _why_not_run(run: BatchLoad, state: ControlState, now: Now) -> Reason | None:
    one = state.runs.get(run.name, daily_runs.NO_RUN)
    obstacles = (
        (one.is_begun, _BEGUN),
        (one.is_done, _DONE),
        (one.is_late, _RUN_LATE),
        (one.due_ns is None, _NO_DEADLINE),
        (not daily_runs.is_run_pending(run, state.last_good, now.ns), _NO_RUN),
    )
    return next((why for is_so, why in obstacles if is_so), None)


def find_tank_margin_k(heat: HeatAsset) -> float:
    """Return how far inside its band a tank must be to follow a plan, in K."""
    low_c, high_c = heat.comfort_min_c, heat.comfort_max_c
    return (
        TANK_MARGIN_K
        if low_c is None or high_c is None
        else min(TANK_MARGIN_K, _BAND_SHARE * (high_c - low_c))
    )


def _follows(asset: ControllableAsset, state: ControlState) -> bool:
    order = state.book.orders.get(participants.find_control_point(asset))
    return order is not None and find_leader(order.reason) == PLAN


def _why_not_car(ev: ChargePointAsset, state: ControlState, now: Now) -> Reason | None:
    here, last_good, zone = state.charging_sessions.get(ev.name), state.last_good, state.site.zone
    if (
        here is None
        or observations.find_fresh_value(last_good, f"{ev.name}.plugged_on", ev.period_s, now.ns) is None
    ):
        return _NO_CAR
    if charging_sessions.find_departure_s(ev, last_good, now, zone) is None:
        return _NO_DEPARTURE
    if charging_sessions.find_missing_energy_wh(ev, here, last_good, now.ns) is None:
        return _NO_NEED
    least_s = PLAN_LATE_S if _follows(ev, state) else PLAN_LATE_S + PLAN_AGAIN_S
    if charging_sessions.find_laxity_s(ev, here, last_good, now, zone, is_sure=True) >= least_s:
        return None
    return LATE if here.uptake.is_known else UNSEEN
