"""The preferred operation mode of each asset class (pure).

CHP (S2): operation mode based control with two operation modes, at rest and asked to run; the second
generates. The timers are its minimum run and its minimum rest; their transitions are blocked until they are
over. At the end of a run the gateway only withdraws the request: the CHP's own controller stops it.

Lights (S2): operation mode based control, one operation mode for each step of dimming; no timers. In daylight
there is nothing to dim: the lamps' own clock, or their own sensor, has switched them off.

Daily run (S2): operation mode based control with two operation modes, running and waiting. It leaves running
only when the run is over; a run that a limit interrupts claims its place again. Timers: minimum run and rest.

Waste (S2): operation mode based control with two operation modes, running and waiting. A batch may be
interrupted: a limit takes it in its tier until its slack is used up, and then after C and D. Timers: minimum
run and rest.
"""

from collections.abc import Callable, Mapping
from typing import Any

from quartier.control.allocate import generation, thermal_preferences
from quartier.control.inputs import CycleInputs
from quartier.control.observe import daily_runs, local_time
from quartier.control.observe.daily_runs import RUN_MODE, WAIT_MODE, RunProgress
from quartier.control.reason import NO_REASON, Reason, make_reason
from quartier.control.records import Preference
from quartier.site.asset_types import (
    BatchLoad,
    ChpUnit,
    CoolingAsset,
    HeatAsset,
    HeatSubstation,
    Lights,
    OperationModeAsset,
    VentilationUnit,
    WasteCollection,
)

CHP_REQUEST_AFTER_S = 300.0
CHP_WITHDRAW_SHARE = 0.9
REST, CHP_RUN = 0, 1
_HEAT_LED = make_reason("chp.heat_led")


def find_chp_preference(chp: ChpUnit, inputs: CycleInputs) -> Preference:
    """Ask the CHP to run while the import without it is above its start value; the battery comes first."""
    here = generation.find_ordered_mode(inputs, chp)
    need_w = generation.find_import_without_w(inputs, chp)
    start_w = chp.start_import_w
    if start_w is None:
        return Preference(here, here, here, chp.tier, _HEAT_LED)
    if need_w is None:
        return Preference(here, REST, CHP_RUN, chp.tier, NO_REASON, after_s=CHP_REQUEST_AFTER_S)
    wanted, end_w = here, CHP_WITHDRAW_SHARE * start_w
    reason = NO_REASON if here == REST else make_reason("chp.import_not_below", end_w=round(end_w))
    if need_w > start_w:
        wanted, reason = CHP_RUN, make_reason("chp.import_above", start_w=round(start_w))
    elif need_w < end_w and here == CHP_RUN:
        wanted, reason = REST, make_reason("chp.import_below", end_w=round(end_w))
    return Preference(wanted, REST, CHP_RUN, chp.tier, reason, after_s=CHP_REQUEST_AFTER_S)


LIGHTS_MIN_PCT = 50.0
BURNING_SHARE = 0.05
"""A group above this share of its rating is lit, whatever the calendar says."""


_DAYLIGHT, _ENOUGH = make_reason("lights.daylight"), make_reason("lights.enough")
_NOON_S, _DAY_S = 43_200.0, 86_400.0


def find_lights_preference(lights: Lights, inputs: CycleInputs) -> Preference:
    """Return the mode for the hour; without a trusted clock the full light."""
    if is_daylight(lights, inputs) and not _burning(lights, inputs):
        return Preference(0, 0, 0, lights.tier, _DAYLIGHT)
    lowest = max(i for i, mode in enumerate(lights.modes) if mode.value >= LIGHTS_MIN_PCT)
    share_pct = _share_pct(lights, local_time.find_local_time_s(inputs.now, inputs.site.zone))
    wanted = max((i for i in range(lowest + 1) if lights.modes[i].value >= share_pct), default=0)
    reason = _ENOUGH if wanted else NO_REASON
    return Preference(wanted, 0, lowest, lights.tier, reason)


def is_daylight(lights: Lights, inputs: CycleInputs) -> bool:
    """Return whether the lamps' own clock has switched them off; False while place or time is not known.

    They are on from ``dusk_s`` after sunset until as long before sunrise. So by day the sun is up either
    ``dusk_s`` earlier or ``dusk_s`` later; around noon both hold.
    """
    if lights.place is None or not inputs.now.synced:
        return False
    earlier, later = (
        local_time.find_sun_elevation_deg(inputs.now.utc_ms + step_s * 1000.0, *lights.place)
        for step_s in (-lights.dusk_s, lights.dusk_s)
    )
    if lights.dusk_s >= 0.0:
        return max(earlier, later) > local_time.HORIZON_DEG
    return min(earlier, later) > local_time.HORIZON_DEG


def _burning(lights: Lights, inputs: CycleInputs) -> bool:
    power_w = generation.read_sensor(inputs, lights, "power_w")
    return power_w is not None and power_w > BURNING_SHARE * lights.rated_w


def _share_pct(lights: Lights, local_s: float | None) -> float:
    share_pct = 100.0
    if local_s is not None:
        for begins_s, wanted_pct in lights.evening:
            if (local_s - _NOON_S) % _DAY_S >= (begins_s - _NOON_S) % _DAY_S:
                share_pct = wanted_pct
    return share_pct


RUN_SURPLUS_AFTER_S = 60.0
RUN_MARGIN_SHARE, RUN_MARGIN_MIN_S = 0.1, 300.0
"""It begins this much earlier than needed at the latest: an interruption and its rest take time."""


_RUN_NO_TIME, _RUN_OWN_GENERATION = make_reason("run.no_time"), make_reason("run.own_generation")
_BEGUN, _RUN_NOTHING = make_reason("run.begun"), make_reason("run.nothing")


def find_run_preference(run: BatchLoad, inputs: CycleInputs) -> Preference:
    """Wait for the plan or own generation; a run that has begun, or must begin, is shed after C and D."""
    one = inputs.state.runs.get(run.name, daily_runs.NO_RUN)
    until_s = None if one.due_ns is None else (one.due_ns - inputs.now_ns) / 1e9
    if why := _why_not(run, one, until_s, inputs):
        return Preference(WAIT_MODE, WAIT_MODE, WAIT_MODE, run.tier, why)
    if why := _why_now(run, one, until_s):
        return Preference(
            RUN_MODE, RUN_MODE, WAIT_MODE, thermal_preferences.rank_after_tiers(run.tier), why, claims=True
        )
    if until_s is None:
        return Preference(RUN_MODE, RUN_MODE, WAIT_MODE, run.tier, _RUN_NO_TIME)
    if _has_surplus_for_run(run, inputs):
        return Preference(
            RUN_MODE, RUN_MODE, WAIT_MODE, run.tier, _RUN_OWN_GENERATION, after_s=RUN_SURPLUS_AFTER_S
        )
    latest = local_time.format_clock(run.deadline_s - find_latest_start_s(run, one))
    reason = make_reason("run.waits", latest=latest)
    return Preference(WAIT_MODE, RUN_MODE, WAIT_MODE, run.tier, reason, after_s=RUN_SURPLUS_AFTER_S)


def _why_not(run: BatchLoad, one: RunProgress, until_s: float | None, inputs: CycleInputs) -> Reason | None:
    """Return why it must not run now; None if it may."""
    if one.is_done:
        return make_reason("run.done", at=local_time.format_clock(run.deadline_s))
    if one.is_begun:
        return None
    if not daily_runs.is_run_pending(run, inputs.state.last_good, inputs.now_ns):
        return _RUN_NOTHING
    if until_s is not None and until_s > run.window_length_s and not one.is_late:
        return make_reason("run.hours", at=local_time.format_clock(run.deadline_s - run.window_length_s))
    return None


def _why_now(run: BatchLoad, one: RunProgress, until_s: float | None) -> Reason | None:
    """Return why it can wait no longer; None if it can."""
    by = local_time.format_clock(run.deadline_s)
    if one.is_begun:
        return make_reason("run.begun_late", by=by) if one.is_late else _BEGUN
    if one.is_late:
        return make_reason("run.late", by=by)
    return (
        None if until_s is None or until_s > find_latest_start_s(run, one) else make_reason("run.due", by=by)
    )


def find_latest_start_s(run: BatchLoad, one: RunProgress) -> float:
    """Return how long before its deadline it begins at the latest, in s."""
    left_s = daily_runs.find_remaining_run_s(run, one)
    return left_s + max(RUN_MARGIN_SHARE * left_s, RUN_MARGIN_MIN_S, run.min_off_s)


def _has_surplus_for_run(run: BatchLoad, inputs: CycleInputs) -> bool:
    """Return whether the surplus covers it."""
    left_w = generation.find_surplus_w(inputs, run)
    return left_w is not None and left_w >= run.rated_w


WASTE_SURPLUS_AFTER_S = 60.0
WASTE_MARGIN_SHARE, WASTE_MARGIN_MIN_S = 0.1, 300.0
"""It begins this much earlier than needed at the latest: fans, valves and an interruption take time."""


WASTE_RUN, WAIT = 0, 1
_WASTE_NOTHING = make_reason("waste.nothing")
_WASTE_NO_TIME, _WASTE_OWN_GENERATION = make_reason("run.no_time"), make_reason("run.own_generation")
_WASTE_DAY_S = 86_400.0


def find_waste_preference(waste: WasteCollection, inputs: CycleInputs) -> Preference:
    """Rest while no waste waits; unknown counts as waiting, because a missed batch is worse."""
    if generation.read_sensor(inputs, waste, "waiting_on") == 0:
        return Preference(WAIT, WAIT, WAIT, waste.tier, _WASTE_NOTHING)
    left_s = _find_left_s(waste, inputs)
    until_s = local_time.find_seconds_until(inputs.now, inputs.site.zone, waste.deadline_s)
    if until_s is None:
        return Preference(WASTE_RUN, WASTE_RUN, WAIT, waste.tier, _WASTE_NO_TIME)
    if until_s > ((waste.deadline_s - waste.window_s) % _WASTE_DAY_S or _WASTE_DAY_S):
        reason = make_reason("waste.begins", at=local_time.format_clock(waste.window_s))
        return Preference(WAIT, WAIT, WAIT, waste.tier, reason)
    margin_s = max(WASTE_MARGIN_SHARE * left_s, WASTE_MARGIN_MIN_S)
    if until_s <= left_s + margin_s:
        reason = make_reason("run.due", by=local_time.format_clock(waste.deadline_s))
        return Preference(
            WASTE_RUN, WASTE_RUN, WAIT, thermal_preferences.rank_after_tiers(waste.tier), reason, claims=True
        )
    if _has_surplus_for_waste(waste, inputs):
        return Preference(
            WASTE_RUN, WASTE_RUN, WAIT, waste.tier, _WASTE_OWN_GENERATION, after_s=WASTE_SURPLUS_AFTER_S
        )
    latest = local_time.format_clock(waste.deadline_s - left_s - margin_s)
    reason = make_reason("run.waits", latest=latest)
    return Preference(WAIT, WASTE_RUN, WAIT, waste.tier, reason, after_s=WASTE_SURPLUS_AFTER_S)


def _find_left_s(waste: WasteCollection, inputs: CycleInputs) -> float:
    left_s = generation.read_sensor(inputs, waste, "left_s")
    return waste.duration_s if left_s is None else left_s


def _has_surplus_for_waste(waste: WasteCollection, inputs: CycleInputs) -> bool:
    """Return whether the surplus covers it; once it runs, half of its power is enough."""
    left_w = generation.find_surplus_w(inputs, waste)
    running = generation.find_ordered_mode(inputs, waste) == WASTE_RUN
    return left_w is not None and left_w >= (0.5 if running else 1.0) * waste.rated_w


_CLASSES: Mapping[type[OperationModeAsset], Callable[[Any, CycleInputs], Preference]] = {
    Lights: find_lights_preference,
    HeatAsset: thermal_preferences.find_heat_preference,
    CoolingAsset: thermal_preferences.find_cooling_preference,
    HeatSubstation: thermal_preferences.find_substation_preference,
    ChpUnit: find_chp_preference,
    WasteCollection: find_waste_preference,
    BatchLoad: find_run_preference,
    VentilationUnit: thermal_preferences.find_ventilation_preference,
}


def find_class_preference(asset: OperationModeAsset, inputs: CycleInputs) -> Preference:
    """Return what it prefers now; an asset of no known class stays normal and may be moved to any mode.

    Tier A is never moved. The calendar of lights is an exception: it belongs to their owner and is no limit.
    """
    if asset.tier == "A" and not isinstance(asset, Lights):
        return Preference(asset.normal, asset.normal, asset.normal, "A", NO_REASON)
    own = _CLASSES.get(type(asset))
    if own is not None:
        return own(asset, inputs)
    return Preference(asset.normal, 0, len(asset.modes) - 1, asset.tier, NO_REASON)
