"""The flexibility report: what each asset could do now, in the form of S2 (EN 50491-12-2) (pure).

Control types are those of S2. Powers are in W, plus takes. ``energy_up_wh`` could still be taken,
``energy_down_wh`` given; null if not known. Timers are those that block a transition now. An asset that does
not answer, or that somebody else controls, is not available, whatever it could do.
"""

from collections.abc import Collection, Iterator
from typing import Any

from quartier.control import participants
from quartier.control.observe import charging_sessions, observations, totals
from quartier.control.orders import conflicts, setpoints
from quartier.control.participants import find_control_point, find_floor_power_w, find_full_power_w
from quartier.control.reason import render_text
from quartier.control.state import ControlState
from quartier.control.switch_state import PV_MIN_OFF_S, SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    HeatAsset,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import Now

FILL_RATE, ENVELOPE = "FILL_RATE_BASED_CONTROL", "POWER_ENVELOPE_BASED_CONTROL"
MODES, NONE = "OPERATION_MODE_BASED_CONTROL", "NOT_CONTROLABLE"  # S2 spells it so

FlexibilityRange = tuple[float, float]


def report_flexibility(
    state: ControlState, now: Now, by_hand: Collection[str] = (), local: Collection[str] = ()
) -> list[Any]:
    """Report every asset except those of ``local``, JSON-ready; a person orders those in ``by_hand`` now."""
    assets = (asset for asset in state.site.assets if asset.name not in local)
    return [_device(state, asset, now, by_hand=asset.name in by_hand) for asset in assets]


def is_flexibility_known(state: ControlState, now: Now) -> bool:
    """Return whether there is something to report: every asset was read, or had its time to answer."""
    if state.started_ns is None:
        return False
    if (now.ns - state.started_ns) / 1e9 > totals.START_WAIT_S:
        return True
    wanted = [f"{asset.name}.power_w" for asset in state.site.assets if asset.measured]
    wanted += [f"{asset.name}.soc_pct" for asset in state.site.assets if isinstance(asset, Battery)]
    return all(point in state.last_good for point in wanted)


def _device(state: ControlState, asset: ControllableAsset, now: Now, *, by_hand: bool) -> dict[str, Any]:
    why = "ordered by hand" if by_hand else _why_not(state, asset, now)
    up_wh, down_wh = _energy_wh(state, asset, now)
    return {
        "device": asset.name,
        "role": asset.role,
        "tier": asset.tier,
        "control_type": find_control_type(state, asset, now),
        "available": not why,
        "why": why,
        "power_w": _round(observations.find_power_w(state.last_good, asset, now.ns)),
        "power_ranges_w": [list(map(_round, found)) for found in find_ranges_w(state, asset, now)],
        "energy_up_wh": _round(up_wh),
        "energy_down_wh": _round(down_wh),
        "timers": list(_timers(state, asset, now)),
        **_of_its_class(state, asset, now),
    }


def find_control_type(state: ControlState, asset: ControllableAsset, now: Now) -> str:
    """Return its control type, in the terms of S2, by class (spec/failsafe.md#s2-models)."""
    if not participants.has_writable_point(asset):
        return NONE
    if isinstance(asset, Battery) or _tank_c(state, asset, now) is not None:
        return FILL_RATE
    if isinstance(asset, ChargePointAsset):
        leaves = charging_sessions.find_departure_s(asset, state.last_good, now, state.site.zone) is not None
        return FILL_RATE if leaves and _energy_wh(state, asset, now)[0] is not None else ENVELOPE
    return ENVELOPE if isinstance(asset, Pv) and asset.curtail == "limit" else MODES


def find_ranges_w(state: ControlState, asset: ControllableAsset, now: Now) -> list[FlexibilityRange]:
    """Return the powers that can be asked of it now; without control its present power, if known."""
    measured_w = observations.find_power_w(state.last_good, asset, now.ns)
    if not participants.has_writable_point(asset):
        return [] if measured_w is None else [(measured_w, measured_w)]
    if isinstance(asset, Battery):
        soc_pct = _soc_pct(state, asset, now)
        rooms = [] if soc_pct is None else [setpoints.find_power_range(asset, soc_pct)]
        return [(room.low_w, room.high_w) for room in rooms]
    if isinstance(asset, ChargePointAsset):
        return (
            [(0.0, 0.0)]
            if _is_away(state, asset)
            else [(0.0, 0.0), (find_floor_power_w(asset), find_full_power_w(asset))]
        )
    if isinstance(asset, Pv):
        makes_w = -asset.rated_w if measured_w is None else min(0.0, measured_w)
        return [(makes_w, 0.0)] if asset.curtail == "limit" else [(makes_w, makes_w), (0.0, 0.0)]
    if isinstance(asset, OperationModeAsset):
        return [(mode.power_w, mode.power_w) for mode in asset.modes]
    return [(0.0, 0.0), (asset.rated_w, asset.rated_w)]


def _energy_wh(state: ControlState, asset: ControllableAsset, now: Now) -> tuple[float | None, float | None]:
    if isinstance(asset, Battery):
        soc_pct = _soc_pct(state, asset, now)
        if soc_pct is None:
            return None, None
        floor_pct = max(asset.soc_min_pct, asset.reserve_soc_pct)
        share_wh = asset.capacity_wh / 100.0
        return max(0.0, asset.soc_max_pct - soc_pct) * share_wh, max(0.0, soc_pct - floor_pct) * share_wh
    if isinstance(asset, ChargePointAsset):
        if _is_away(state, asset):
            return 0.0, 0.0
        here = state.charging_sessions.get(asset.name)
        return (
            None
            if here is None
            else charging_sessions.find_missing_energy_wh(asset, here, state.last_good, now.ns)
        ), 0.0
    return None, None


def _of_its_class(state: ControlState, asset: ControllableAsset, now: Now) -> dict[str, Any]:
    if isinstance(asset, Battery):
        return {
            "fill_level_pct": _soc_pct(state, asset, now),
            "fill_level_min_pct": max(asset.soc_min_pct, asset.reserve_soc_pct),
            "fill_level_max_pct": asset.soc_max_pct,
            "capacity_wh": asset.capacity_wh,
        }
    if isinstance(asset, ChargePointAsset):
        left_s = charging_sessions.find_departure_s(asset, state.last_good, now, state.site.zone)
        return {"leaves_in_s": _round(left_s), "present": not _is_away(state, asset)}
    if isinstance(asset, OperationModeAsset):
        switch = state.switch_states.get(asset.name, SwitchState())
        mode = asset.normal if switch.mode is None else switch.mode
        found = {"modes": [one.name for one in asset.modes], "mode": asset.modes[mode].name}
        return {**found, **_of_tank(state, asset, now)}
    return {}


def _of_tank(state: ControlState, asset: OperationModeAsset, now: Now) -> dict[str, Any]:
    tank_c = _tank_c(state, asset, now)
    if tank_c is None or not isinstance(asset, HeatAsset):
        return {}
    return {
        "fill_level_c": tank_c,
        "fill_level_min_c": asset.comfort_min_c,
        "fill_level_max_c": asset.comfort_max_c,
    }


def _tank_c(state: ControlState, asset: ControllableAsset, now: Now) -> float | None:
    """Return the tank temperature of a heat asset; None for all others, and while it is silent."""
    if not isinstance(asset, HeatAsset) or "tank_c" not in asset.senses:
        return None
    return observations.find_fresh_value(
        state.last_good, f"{asset.name}.tank_c", asset.sense_period_s, now.ns
    )


def _timers(state: ControlState, asset: ControllableAsset, now: Now) -> Iterator[dict[str, Any]]:
    """Yield the running timer: the minimum time of its present mode, in the form of S2."""
    switch = state.switch_states.get(asset.name)
    if switch is None or switch.since_ns is None or isinstance(asset, Battery):
        return
    if isinstance(asset, Pv):
        least_s = 0.0 if switch.on else PV_MIN_OFF_S
    else:
        least_s = asset.min_on_s if switch.on else asset.min_off_s
    left_s = least_s - (now.ns - switch.since_ns) / 1e9
    if left_s > 0:
        yield {"id": "min_on" if switch.on else "min_off", "duration_s": least_s, "left_s": round(left_s, 1)}


def _why_not(state: ControlState, asset: ControllableAsset, now: Now) -> str:
    if state.events.is_grid_lost:
        return "the grid's voltage is gone"
    if not participants.has_writable_point(asset):
        return "it takes no order"
    if asset.measured and observations.find_power_w(state.last_good, asset, now.ns) is None:
        return "it does not answer"
    if isinstance(asset, Battery) and _soc_pct(state, asset, now) is None:
        return "its state of charge is not known"
    return render_text(
        participants.explain_no_order(asset, state.last_good)
        or conflicts.explain_no_raise(state.conflicts, find_control_point(asset))
    )


def _soc_pct(state: ControlState, asset: Battery, now: Now) -> float | None:
    return observations.find_fresh_value(state.last_good, f"{asset.name}.soc_pct", asset.soc_period_s, now.ns)


def _is_away(state: ControlState, asset: ChargePointAsset) -> bool:
    last_good = state.last_good.get(f"{asset.name}.plugged_on")
    return last_good is not None and last_good.value == 0


def _round(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
