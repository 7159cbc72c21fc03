"""Find the assets that can be planned together with batteries now: cars, tanks and batches (pure)."""

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
from quartier.planning.planning_day import PlanningDay
from quartier.planning.site.asset_selection import (
    AssetSelection,
    StorageTerms,
    find_current_step_a,
    find_remaining_run_w,
    select_assets,
)
from quartier.planning.site.other_assets import PowerModes
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
"""Assets that may wait for a cheaper hour, besides cars."""
_CONTINUATION_S = 3_600.0
"""An unplanned asset that takes power is assumed to continue for this long."""
_READY_MARGIN_S = local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S
"""A plan finishes a car this long before its departure, because a later car does not follow a plan."""
_OTHER_LEADERS = {"a person", "the district"}
"""Whoever leads a car that the gateway then does not plan."""
_RUNNING_POWER_SHARE = 0.5
"""Share of its power, planned or measured, from which an asset counts as heating or running."""
_RUN_POWER_MIN_W = 1e-3
"""Smallest power in the last step of what is left of a run."""
_TIME_CONSTANTS_MAX = 12.0
"""A tank is planned only if its horizon is at most this many time constants."""


def find_plannable_cars(
    state: ControlState, now: Now, start_utc_s: float, step_s: int
) -> dict[str, CarModel]:
    """Return the cars that may be planned from ``start_utc_s`` on, keyed by charge point.

    Exclude cars with unknown data, idle cars, cars that must charge now, and cars ordered by somebody else.
    """
    found = {}
    for ev in (
        one
        for one in state.site.assets
        if isinstance(one, ChargePointAsset) and participants.has_writable_point(one)
    ):
        here = state.charging_sessions.get(ev.name)
        order = state.book.orders.get(participants.find_control_point(ev))
        is_ours = order is None or local_plan.find_leader(order.reason) not in _OTHER_LEADERS
        if (
            here is None
            or not is_ours
            or here.is_idle(now.ns)
            or local_plan.explain_not_followed(ev, state, now)
        ):
            continue
        leaves_s = charging_sessions.find_departure_s(ev, state.last_good, now, state.site.zone) or 0.0
        need_wh = charging_sessions.find_missing_energy_wh(ev, here, state.last_good, now.ns) or 0.0
        until_s = now.utc_ms / 1000 + leaves_s - _READY_MARGIN_S - start_utc_s
        phases_count, most_a = here.uptake.find_plan_current(ev)
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
            with suppress(RefusedError):  # a car with numbers out of range does not exclude the others
                found[ev.name] = replace(car, current_step_a=find_current_step_a(ev.name, car, step_s))
    return found


def find_planned_uptakes(state: ControlState) -> tuple[tuple[int, int], ...]:
    """Return the phases and whole amperes that a plan assumes for each connected car."""
    found = []
    for ev in (
        one
        for one in state.site.assets
        if isinstance(one, ChargePointAsset) and one.name in state.charging_sessions
    ):
        phases_count, most_a = state.charging_sessions[ev.name].uptake.find_plan_current(ev)
        found.append((phases_count, math.floor(most_a)))
    return tuple(found)


def list_plannable_stores(site: Site) -> tuple[str, ...]:
    """Return the tanks and batches that may be planned; the forecast must exclude them from the load."""
    found = (one for one in site.assets if isinstance(one, PlannableStore) and one.measured)
    return tuple(
        one.name for one in found if participants.has_writable_point(one) and _is_plannable_store(one)
    )


def _is_plannable_store(asset: PlannableStore) -> bool:
    """Return whether the site file says enough about the asset, and a plan could move it."""
    if isinstance(asset, WasteCollection | BatchLoad):
        return True
    found, band = find_plan_modes(asset), (asset.comfort_min_c, asset.comfort_max_c)
    return asset.water is not None and found.takes != found.waits and None not in band


def find_plan_modes(asset: PlannableStore) -> PowerModes:
    """Return the running and the waiting mode of an asset.

    Where a boost exists, the normal mode waits for it; else the lowest mode waits for the normal one.
    """
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
    """Return the tanks and batches that may be planned now.

    All their values are known, and nobody else orders them.
    """
    names, zone = list_plannable_stores(state.site), ZoneInfo(state.site.zone)
    free = []
    for asset in (one for one in state.site.assets if isinstance(one, PlannableStore) and one.name in names):
        order = state.book.orders.get(participants.find_control_point(asset))
        is_ours = order is None or local_plan.find_leader(order.reason) not in _OTHER_LEADERS
        is_heard = observations.find_power_w(state.last_good, asset, now.ns) is not None
        if is_ours and is_heard and not local_plan.explain_not_followed(asset, state, now):
            free.append(asset)
    count = round(wanted.horizon_s / wanted.step_s)
    times = [datetime.fromtimestamp(start_utc_s + step * wanted.step_s, zone) for step in range(count)]
    known = {point: memory.value for point, memory in state.last_good.items()}
    day = PlanningDay(times=times, step_s=wanted.step_s, known=known)
    tanks: dict[str, TankModel] = {}
    batches: dict[str, BatchModel] = {}
    for asset in free:
        with suppress(RefusedError):  # an asset that cannot be planned does not exclude the others
            found = select_assets([_narrow_band(asset)], day, StorageTerms())
            tanks |= found.tanks
            batches |= found.batches
    least_h = wanted.horizon_s / 3600.0 / _TIME_CONSTANTS_MAX
    lasting = {name: tank for name, tank in tanks.items() if tank.time_constant_h > least_h}
    return AssetSelection(tanks=lasting, batches=batches)


def _narrow_band(asset: HeatAsset | WasteCollection | BatchLoad) -> HeatAsset | WasteCollection | BatchLoad:
    """Return the asset with a comfort band narrowed to where a tank follows a plan again."""
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
    """Return the batches, with each running batch continued.

    A new plan every five minutes would otherwise interrupt it for every sunnier hour ahead. ``net_w`` is the
    grid power without batteries and all planned assets. A batch that does not fit in the present limits may
    be moved.
    """
    found = dict(batches)
    for asset in state.site.assets:
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
    """Return whether the asset takes its power, or the plan has just started it."""
    power_w = observations.find_power_w(state.last_good, asset, now.ns) or 0.0
    order = state.book.orders.get(participants.find_control_point(asset))
    if order is None or local_plan.find_leader(order.reason) != local_plan.PLAN:
        return power_w >= _RUNNING_POWER_SHARE * asset.rated_w
    return order.value == asset.modes[preferences.WASTE_RUN].value


def collect_plan_triggers(state: ControlState) -> list[object]:
    """Return the values whose change makes a new plan due.

    These are a car that comes, goes, states its energy or is seen to take another current, and waste or a
    batch that waits.
    """
    memories = state.last_good
    reported = [
        memories[point].value if (point := f"{asset.name}.{quantity}") in memories else None
        for asset in state.site.assets
        for quantity in _TRIGGER_QUANTITIES.get(type(asset), ())
    ]
    return [*reported, *find_planned_uptakes(state)]


_TRIGGER_QUANTITIES: Mapping[type, tuple[str, ...]] = {
    ChargePointAsset: ("plugged_on", "energy_wanted_wh"),
    WasteCollection: ("waiting_on",),
    BatchLoad: ("waiting_on",),
}


def estimate_rule_power_w(
    state: ControlState, asset: ControllableAsset, now: Now, step_s: int, count: int
) -> list[float]:
    """Return the expected power of an asset by the rule, in W per step.

    An asset that charges, heats or runs now continues for an hour, or for the rest of its run.
    """
    one = state.runs.get(asset.name, daily_runs.NO_RUN)
    if isinstance(asset, BatchLoad) and one.is_begun:
        return [*find_remaining_run_w(asset, one.ran_s, step_s), *[0.0] * count][:count]
    power_w = max(0.0, observations.find_power_w(state.last_good, asset, now.ns) or 0.0)
    return [power_w * min(1.0, max(0.0, (_CONTINUATION_S - step * step_s) / step_s)) for step in range(count)]
