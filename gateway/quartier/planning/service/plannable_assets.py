"""Find what can be planned beside batteries now: cars, tanks and batches (pure)."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from quartier.config.sections.planning_sections import PlanningSection
from quartier.control import participants
from quartier.control.allocate import preferences
from quartier.control.observe import charging_sessions, daily_runs, observations
from quartier.control.orders import local_plan
from quartier.control.reason import make_reason
from quartier.control.state import ControlState
from quartier.planning.horizon import RefusedError
from quartier.planning.site.asset_selection import (
    AssetSelection,
    StorageTerms,
    find_current_step_a,
    find_remaining_run_w,
    select_assets,
)
from quartier.planning.site.other_assets import PowerModes
from quartier.planning.site.planning_day import PlanningDay
from quartier.planning.site.site_model import BatchModel, CarModel, TankModel
from quartier.site.asset_types import (
    BatchLoad,
    ChargePointAsset,
    ControllableAsset,
    HeatAsset,
    WasteCollection,
)
from quartier.site.records import Now
from quartier.site.site_layout import Site

PlannableStore = HeatAsset | WasteCollection | BatchLoad
"""What may wait for a cheaper hour, beside cars."""
_CONTINUATION_S = 3_600.0
"""What takes power is taken to go on for so long, where it is not planned."""
_READY_MARGIN_S = local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S
"""So much before it leaves a car shall be ready by the plan: later than that it follows none."""
_OTHER_LEADERS = {"a person", "the district"}
"""Who leads a car that is then not ours to plan."""
_RUNNING_POWER_SHARE = 0.5
"""Of its power, planned or taken: with as much it heats, or runs."""
_RUN_POWER_MIN_W = 1e-3
"""What is left of a run takes so much of its last step at least."""
_TIME_CONSTANTS_MAX = 12.0
"""A tank that forgets sooner than the horizon ends by so many time constants is not planned."""


def find_plannable_cars(
    state: ControlState, now: Now, start_utc_s: float, step_s: int
) -> dict[str, CarModel]:
    """The cars that may be planned from ``start_utc_s`` on, by their charging points.

    Not one of which something is not known, that rests, that has to charge now, or that somebody orders.
    """
    found = {}
    for ev in (
        one
        for one in state.house.assets
        if isinstance(one, ChargePointAsset) and participants.has_writable_point(one)
    ):
        here = state.stays.get(ev.name)
        order = state.book.orders.get(participants.find_control_point(ev))
        is_ours = order is None or local_plan.find_leader(order.reason) not in _OTHER_LEADERS
        if (
            here is None
            or not is_ours
            or here.is_idle(now.ns)
            or local_plan.explain_not_followed(ev, state, now)
        ):
            continue
        leaves_s = charging_sessions.find_departure_s(ev, state.memories, now, state.house.zone) or 0.0
        need_wh = charging_sessions.find_missing_energy_wh(ev, here, state.memories, now.ns) or 0.0
        until_s = now.utc_ms / 1000 + leaves_s - _READY_MARGIN_S - start_utc_s
        phases_count, most_a = here.uptake.planned(ev)
        car = CarModel(
            need_wh=need_wh,
            room_wh=need_wh,
            from_step=0,
            until_step=max(0, math.floor(until_s / step_s)),
            current_max_a=math.floor(most_a),
            current_min_a=math.ceil(ev.current_min_a),
            phases=phases_count,
            voltage_v=ev.voltage_v,
            efficiency=1.0,
        )
        if car.until_step > 0 and car.current_min_a <= car.current_max_a:
            with suppress(RefusedError):  # one that wants too much to be counted keeps no other from it
                found[ev.name] = replace(car, current_step_a=find_current_step_a(ev.name, car, step_s))
    return found


def find_planned_uptakes(state: ControlState) -> tuple[tuple[int, int], ...]:
    """Phases and whole amperes that a plan reckons with, of each car that is there."""
    found = []
    for ev in (
        one for one in state.house.assets if isinstance(one, ChargePointAsset) and one.name in state.stays
    ):
        phases_count, most_a = state.stays[ev.name].uptake.planned(ev)
        found.append((phases_count, math.floor(most_a)))
    return tuple(found)


def list_plannable_stores(house: Site) -> tuple[str, ...]:
    """The tanks and batches that may be planned, so that the forecast must not expect them."""
    found = (one for one in house.assets if isinstance(one, PlannableStore) and one.measured)
    return tuple(
        one.name for one in found if participants.has_writable_point(one) and _is_plannable_store(one)
    )


def _is_plannable_store(asset: PlannableStore) -> bool:
    """Return whether the site file says enough of it, and a plan could move it."""
    if isinstance(asset, WasteCollection | BatchLoad):
        return True
    found, band = find_plan_modes(asset), (asset.comfort_min_c, asset.comfort_max_c)
    return asset.water is not None and found.takes != found.waits and None not in band


def find_plan_modes(asset: PlannableStore) -> PowerModes:
    """Return where a boost can be asked for, normal waits for it; else the lowest mode does."""
    if isinstance(asset, WasteCollection):
        return PowerModes(
            preferences.WASTE_RUN,
            preferences.WAIT,
            _RUN_POWER_MIN_W,
            "plan.runs",
            make_reason("plan.nothing_by_then"),
        )
    if isinstance(asset, BatchLoad):
        return PowerModes(
            daily_runs.RUN_MODE,
            daily_runs.WAIT_MODE,
            _RUN_POWER_MIN_W,
            "plan.runs",
            make_reason("plan.done_by_then"),
        )
    boosts = asset.boosts if asset.preheat else asset.normal
    waits = asset.normal if boosts < asset.normal else len(asset.modes) - 1
    return PowerModes(boosts, waits, _RUNNING_POWER_SHARE * asset.modes[boosts].power_w)


def find_plannable_stores(
    state: ControlState, now: Now, start_utc_s: float, wanted: PlanningSection
) -> AssetSelection:
    """The tanks and batches that may be planned now: those of which all is read, and nobody orders."""
    names, zone = list_plannable_stores(state.house), ZoneInfo(state.house.zone)
    free = []
    for asset in (one for one in state.house.assets if isinstance(one, PlannableStore) and one.name in names):
        order = state.book.orders.get(participants.find_control_point(asset))
        is_ours = order is None or local_plan.find_leader(order.reason) not in _OTHER_LEADERS
        is_heard = observations.find_power_w(state.memories, asset, now.ns) is not None
        if is_ours and is_heard and not local_plan.explain_not_followed(asset, state, now):
            free.append(asset)
    count = round(wanted.horizon_s / wanted.step_s)
    times = [datetime.fromtimestamp(start_utc_s + step * wanted.step_s, zone) for step in range(count)]
    known = {point: memory.value for point, memory in state.memories.items()}
    day = PlanningDay(times=times, step_s=wanted.step_s, known=known)
    tanks: dict[str, TankModel] = {}
    batches: dict[str, BatchModel] = {}
    for asset in free:
        with suppress(RefusedError):  # one that cannot be planned keeps no other from it
            found = select_assets([_narrow_band(asset)], day, StorageTerms())
            tanks |= found.tanks
            batches |= found.batches
    least_h = wanted.horizon_s / 3600.0 / _TIME_CONSTANTS_MAX
    lasting = {name: tank for name, tank in tanks.items() if tank.time_constant_h > least_h}
    return AssetSelection(tanks=lasting, batches=batches)


def _narrow_band(asset: HeatAsset | WasteCollection | BatchLoad) -> HeatAsset | WasteCollection | BatchLoad:
    """Return what a plan may use of a tank's band: as far inside as it follows one again."""
    if not isinstance(asset, HeatAsset) or asset.comfort_min_c is None:
        return asset
    return replace(asset, comfort_min_c=asset.comfort_min_c + 2.0 * local_plan.find_tank_margin_k(asset))


def continue_running_batches(
    state: ControlState,
    batches: Mapping[str, BatchModel],
    now: Now,
    net_w: float,
    import_max_w: Sequence[float],
) -> dict[str, BatchModel]:
    """The batches, of which one that runs already goes on: a plan that is made anew each five minutes would
    else interrupt it for every sunnier hour that it foresees.

    ``net_w`` is what the grid shows without batteries and all that is planned.  One for which the caps leave
    no room, as things stand, may be moved.
    """
    found = dict(batches)
    for asset in state.house.assets:
        batch = batches.get(asset.name)
        if (
            batch is None
            or not isinstance(asset, WasteCollection | BatchLoad)
            or not _is_running(asset, state, now)
        ):
            continue
        run_w = batch.powers_w
        if all(net_w + watts <= cap_w for watts, cap_w in zip(run_w, import_max_w, strict=False)):
            found[asset.name] = BatchModel(run_w, 0, len(run_w))
            net_w += run_w[0]
    return found


def _is_running(asset: WasteCollection | BatchLoad, state: ControlState, now: Now) -> bool:
    """Return whether it takes its power, or was just let run by the plan."""
    power_w = observations.find_power_w(state.memories, asset, now.ns) or 0.0
    order = state.book.orders.get(participants.find_control_point(asset))
    if order is None or local_plan.find_leader(order.reason) != local_plan.PLAN:
        return power_w >= _RUNNING_POWER_SHARE * asset.rated_w
    return order.value == asset.modes[preferences.WASTE_RUN].value


def collect_plan_triggers(state: ControlState) -> list[object]:
    """What makes a new plan due when it changes: a car that comes or goes or wants something, or is seen to
    take it; waste.
    """
    memories = state.memories
    said = [
        memories[point].value if (point := f"{asset.name}.{quantity}") in memories else None
        for asset in state.house.assets
        for quantity in _TRIGGER_QUANTITIES.get(type(asset), ())
    ]
    return [*said, *find_planned_uptakes(state)]


_TRIGGER_QUANTITIES: Mapping[type, tuple[str, ...]] = {
    ChargePointAsset: ("plugged_on", "energy_wanted_wh"),
    WasteCollection: ("waiting_on",),
    BatchLoad: ("waiting_on",),
}


def estimate_rule_power_w(
    state: ControlState, asset: ControllableAsset, now: Now, step_s: int, count: int
) -> list[float]:
    """What one that charges, heats or runs now takes further on by the rule: for an hour, or what is left of
    its run.
    """
    one = state.runs.get(asset.name, daily_runs.NO_RUN)
    if isinstance(asset, BatchLoad) and one.is_begun:
        return [*find_remaining_run_w(asset, one.ran_s, step_s), *[0.0] * count][:count]
    power_w = max(0.0, observations.find_power_w(state.memories, asset, now.ns) or 0.0)
    return [power_w * min(1.0, max(0.0, (_CONTINUATION_S - step * step_s) / step_s)) for step in range(count)]
