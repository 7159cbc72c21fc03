"""Turn the allocation into orders and the state for the next cycle (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, inf
from typing import Literal

from quartier.control import switch_state
from quartier.control.allocate import generation, held_reasons, operation_modes, steps
from quartier.control.allocate.tree import ConnectionTree
from quartier.control.inputs import CycleInputs
from quartier.control.limits import breach
from quartier.control.limits.node_meters import NodeWindow
from quartier.control.observe import observations, totals
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check.judge import MeterVerdict, find_checking_battery
from quartier.control.observe.meter_check.steps import STEP_MIN_W
from quartier.control.orders import conflicts, unread_assets
from quartier.control.orders import overrides as orders_overrides
from quartier.control.orders.releases import BATTERY_ANSWERS_S, is_within_order
from quartier.control.participants import (
    Participant,
    explain_no_order,
    find_control_point,
    find_flexible_assets,
    find_floor_power_w,
    find_full_power_w,
    is_at_order,
)
from quartier.control.reason import NO_REASON, Reason, make_reason
from quartier.control.records import REFRESH_S, DesiredValue, Order, PowerRange
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import replace

WAITING_TO_RETURN = make_reason("input.waits")
_NO_SETPOINT = make_reason("output.no_setpoint")
_NO_POWER, _NO_SOC = make_reason("input.power_unknown"), make_reason("input.soc_unknown")
_IMPLAUSIBLE, _CHECKED = make_reason("meter.implausible"), make_reason("meter.checked")
_LOST, _WAS_LOST = make_reason("meter.lost"), make_reason("meter.was_lost")
_MINIMUM_ON = make_reason("minimum_time.on")
SETPOINT_LIFE_S = 5.0
PV_RAISE_PER_S = 0.005
PV_DEADBAND, PV_DEADBAND_LEAST_W = 0.005, 20.0
POWER_EPSILON_W = 1e-6
CHECK_STEP_SHARE = 0.05
_Switched = Load | ChargePointAsset
ZERO_W = 0.5
"""Power below this, in W, is ordered as 0 W."""


@dataclass(frozen=True, slots=True)
class AllocationResult:
    """The result of an allocation.

    ``total_high_w`` and ``total_low_w`` are the worst grid powers in either direction if all orders are
    followed; None if nothing is known of the grid. ``charge_headroom_w`` is what batteries could take more.
    By participant, ``acted`` is why it was moved, ``back`` the new state of those that come back, and ``off``
    the mode of those that a grid event takes, also if they take nothing now.

    ``tree`` is the connection tree that was used, None if nothing is known of the grid; ``broken`` are its
    rows whose limit does not hold. ``held_w`` is what cars that share load may take from now on, if the
    allocation lowered that. ``past_high_w`` and ``past_low_w`` are the parts of the worst grid powers that
    only a load of the last seconds explains, which has ended for certain. ``spares_w`` is what each limit
    leaves for a restore, while something is held.
    """

    setpoints_w: tuple[float, ...]
    total_high_w: float | None
    total_low_w: float | None
    acted: Mapping[int, Reason]
    is_met: bool
    gate: RestoreGate
    charge_headroom_w: float = 0.0
    back: Mapping[int, SwitchState] = field(default_factory=dict)
    tree: ConnectionTree | None = None
    broken: tuple[int, ...] = ()
    looks: Mapping[str, NodeWindow] = field(default_factory=dict)
    off: Mapping[int, int] = field(default_factory=dict)
    held_w: Mapping[int, float] = field(default_factory=dict)
    past_high_w: float = 0.0
    past_low_w: float = 0.0
    spares_w: Mapping[str, float] = field(default_factory=dict)


def is_paused_by_conflict(inputs: CycleInputs, asset: ControllableAsset) -> bool:
    """Return whether a second controller moves its point, so that we leave it alone for a while."""
    return bool(conflicts.explain_no_raise(inputs.state.conflicts, find_control_point(asset)))


def find_conflict_pauses(inputs: CycleInputs) -> set[str]:
    """Return the names of all assets for which ``is_paused_by_conflict`` holds, mostly none."""
    if all(one.rests_ns is None for one in inputs.state.conflicts.values()):
        return set()
    return {asset.name for asset in inputs.site.assets if is_paused_by_conflict(inputs, asset)}


def explain_battery_not_controlled(inputs: CycleInputs, asset: Battery) -> Reason | None:
    """Return why the battery cannot be controlled now; None if it can."""
    last_good, now_ns = inputs.state.last_good, inputs.now_ns
    not_ours = explain_no_order(asset, last_good) if asset.writable else _NO_SETPOINT
    not_ours = not_ours or conflicts.explain_no_raise(inputs.state.conflicts, find_control_point(asset))
    if not_ours or orders_overrides.is_in_maintenance(asset, inputs.requests.overrides):
        return not_ours or inputs.requests.overrides[asset.name].reason
    if no_meter := _why_no_meter(inputs, asset):
        return no_meter
    for kind, period_s, unknown in (
        ("power_w", asset.period_s, _NO_POWER),
        ("soc_pct", asset.soc_period_s, _NO_SOC),
    ):
        name = f"{asset.name}.{kind}"
        if observations.find_fresh_value(last_good, name, period_s, now_ns) is None:
            early = name not in last_good and inputs.running_s <= totals.START_WAIT_S
            return WAITING_TO_RETURN if early else unknown
    return None


def find_check_step_w(inputs: CycleInputs, asset: Battery, room: PowerRange) -> float | None:
    """Return the power that a battery takes to check a doubted grid meter; None if it makes no check.

    It is at most 5 % of the import limit in each direction (spec/failsafe.md#way-back). A step too small to
    count is not made. The steps are around zero once the meter is implausible, else around the last order,
    unless an override gave that. ``room`` is the range in which it may move while nobody else moves.
    """
    up, part = inputs.meter.tries(inputs.now_ns), inputs.meter.checks(inputs.now_ns)
    watts = min(CHECK_STEP_SHARE * inputs.active_limits.import_w, asset.charge_max_w, asset.discharge_max_w)
    if asset is not find_checking_battery(inputs.site) or 2.0 * watts < STEP_MIN_W:
        return None
    if up is not None:
        return watts if up else -watts
    if part is None or orders_overrides.find_ordered_power_w(asset, inputs.requests.overrides) is not None:
        return None
    watts = min(watts, 0.5 * (room.high_w - room.low_w))
    if 2.0 * watts < STEP_MIN_W:
        return None
    return min(max(inputs.meter.checked_w, room.low_w + watts), room.high_w - watts) + part * watts


def _why_no_meter(inputs: CycleInputs, asset: Battery) -> Reason | None:
    """Return why there is no grid meter that a setpoint may follow; None if there is one."""
    if inputs.meter.verdict is MeterVerdict.IMPLAUSIBLE:
        return _IMPLAUSIBLE if find_check_step_w(inputs, asset, PowerRange(0.0, 0.0)) is None else None
    if inputs.meter.verifies(inputs.now_ns):
        return _CHECKED
    if inputs.is_meter_lost:
        return _LOST
    return _WAS_LOST if inputs.stage is ControlStage.SAFE else None


def explain_movements(
    participants: Sequence[Participant], setpoints_w: Sequence[float], acted: Mapping[int, Reason]
) -> dict[int, Reason]:
    """Return the reasons of all that were moved; for batteries by what each does now.

    The step that moved a battery says how far it could have gone: one that only discharges less does not
    charge.
    """
    found = dict(acted)
    for index, reason in acted.items():
        cause = reason.drop_last()
        if cause is not None and reason.last.code in steps.BATTERY_CODES:
            found[index] = cause.then(explain_battery_move(participants[index].desired_w, setpoints_w[index]))
    return found


def explain_battery_move(desired_w: float, setpoint_w: float) -> Reason:
    """Return what a battery does that a limit moves from ``desired_w`` to ``setpoint_w``."""
    if abs(setpoint_w) <= ZERO_W:
        return steps.STOPS_TAKING if desired_w > 0 else steps.STOPS_GIVING
    if setpoint_w > 0:
        return steps.TAKES if setpoint_w >= desired_w else steps.TAKES_LESS
    return steps.GIVES if setpoint_w <= desired_w else steps.GIVES_LESS


def find_maintenance_points(inputs: CycleInputs) -> dict[str, Reason]:
    """Return the points of flexible assets in maintenance, with the reason.

    ``explain_battery_not_controlled`` covers batteries. An asset that takes no order has none to give back.
    """
    overrides = inputs.requests.overrides
    if not overrides:
        return {}
    ours = (*find_flexible_assets(inputs.site), *operation_modes.find_controllable(inputs.site))
    return {
        find_control_point(asset): overrides[asset.name].reason
        for asset in ours
        if orders_overrides.is_in_maintenance(asset, overrides)
    }


def apply_allocation(
    inputs: CycleInputs, participants: Sequence[Participant], result: AllocationResult
) -> tuple[list[DesiredValue], dict[str, SwitchState]]:
    """Return the desired value of each participant's point, and the switch states to keep."""
    switches = dict(inputs.state.switch_states)
    desired_values: list[DesiredValue] = []
    left_alone = find_conflict_pauses(inputs)
    spare_w = float("inf")
    if result.total_high_w is not None:
        most_w = inputs.active_limits.import_w
        if inputs.grid_effects.ceiling_w is not None:
            most_w = min(most_w, max(inputs.grid_effects.ceiling_w, result.total_high_w))
        spare_w = max(0.0, most_w - result.total_high_w)
    for index, participant in enumerate(participants):
        asset = participant.asset
        setpoint_w = result.setpoints_w[index]
        if isinstance(asset, Battery):
            desired_values += _battery_want(inputs, participant, result, index)
            continue
        if asset.name in left_alone:
            continue  # ``conflict_response`` decides what is written
        switch = result.back.get(index) or _turn(inputs, participant, result, index)
        if switch.unread_ns is not None:
            switch = unread_assets.limit_first_order(inputs, participant, switch)
        is_fitted = False
        shares = participant.allowed_w is not None or unread_assets.is_unread(inputs, participant)
        if (
            isinstance(asset, ChargePointAsset)
            and switch.on
            and participant.usable
            and not shares
            and _is_plugged(inputs, asset)
        ):
            fitted = _fit_limit(asset, switch, max(0.0, setpoint_w) + spare_w, inputs.now_ns)
            is_fitted, switch = fitted is not switch, fitted
            spare_w = max(0.0, spare_w - (_limit_w(asset, switch) - max(0.0, setpoint_w)))
        switches[asset.name] = switch
        if _may_write(inputs, result, index, participant, switch):
            reason = _reason(inputs, participant, result, index, switch, is_fitted=is_fitted)
            desired = _flexible_want(participant, switch, reason)
            desired_values.append(_by_hand(inputs, asset, desired))
            switches[asset.name] = unread_assets.note_unread_point(switch, inputs.now_ns, read=True)
    return desired_values, switches


def _battery_want(
    inputs: CycleInputs, participant: Participant, result: AllocationResult, index: int
) -> list[DesiredValue]:
    asset = participant.asset
    assert isinstance(asset, Battery)
    setpoint_w = float(round(result.setpoints_w[index]))
    if result.total_high_w is None:
        return []
    if inputs.grid_w is None and setpoint_w == round(participant.before_w):
        return []  # no refresh on a stale input: the device's own timer runs on
    reason = result.acted.get(index, participant.reason or NO_REASON)
    tighter: Literal[-1, 0, 1] = 0
    if index in result.acted:
        tighter = -1 if result.setpoints_w[index] < participant.desired_w else 1
    return [
        DesiredValue(
            find_control_point(asset),
            setpoint_w,
            reason,
            deadband=max(10.0, 0.002 * asset.rated_w),
            refresh_s=min(REFRESH_S, asset.lease_s / 3),
            life_s=SETPOINT_LIFE_S,
            tighter=tighter,
            obeys=_follows(inputs, asset),
        )
    ]


def _follows(inputs: CycleInputs, asset: Battery) -> bool | None:
    """Return whether a battery follows its order; None before it had the time to.

    A battery below its order may be full, empty, or limited by its own protection: that is no reason to write
    again. One that moves the other way, or further than ordered, does not know its order.
    """
    order = inputs.state.book.orders.get(find_control_point(asset))
    last_good = inputs.state.last_good.get(f"{asset.name}.power_w")
    if order is None or order.since_ns is None or last_good is None:
        return None
    if last_good.taken_ns < order.since_ns + BATTERY_ANSWERS_S * 1e9:
        return None
    return is_within_order(asset, order.value, last_good.value)


def _turn(inputs: CycleInputs, participant: Participant, result: AllocationResult, index: int) -> SwitchState:
    """Return the switch state after the allocation."""
    asset, now_ns = participant.asset, inputs.now_ns
    setpoint_w = result.setpoints_w[index]
    if isinstance(asset, OperationModeAsset):
        return operation_modes.apply_mode(inputs, participant, setpoint_w, result.off.get(index))
    if isinstance(asset, Pv):
        return _pv_turn(inputs, participant, result, index)
    is_off = index in result.off
    if isinstance(asset, ChargePointAsset) and participant.allowed_w is not None:
        return _car_turn(participant, asset, 0.0 if is_off else result.held_w.get(index), now_ns)
    assert isinstance(asset, _Switched)
    return _make_switch_state(participant, asset, setpoint_w, now_ns, is_off=is_off)


def _make_switch_state(
    participant: Participant, asset: Load | ChargePointAsset, setpoint_w: float, now_ns: int, *, is_off: bool
) -> SwitchState:
    switch, desired_w = participant.switch_state, participant.desired_w
    if switch.on and (setpoint_w < desired_w - POWER_EPSILON_W or is_off):
        before_w = max(participant.present_w, 0.0)
        if setpoint_w <= 0 or isinstance(asset, Load) or is_off:
            return switch_state.switch_off(
                switch, before_w, now_ns, is_unresponsive=participant.is_unresponsive
            )
        return switch_state.lower_limit(
            switch,
            max(setpoint_w, find_floor_power_w(asset)),
            before_w,
            now_ns,
            is_unresponsive=participant.is_unresponsive,
        )
    if setpoint_w > desired_w + POWER_EPSILON_W:
        return _raise_switch(participant, asset, setpoint_w, now_ns)
    return switch


def _raise_switch(
    participant: Participant, asset: Load | ChargePointAsset, setpoint_w: float, now_ns: int
) -> SwitchState:
    """Return the state on; a car keeps at least its present limit, because it may draw less by itself."""
    switch = participant.switch_state
    if isinstance(asset, Load):
        return switch_state.switch_on(switch, now_ns)  # it was off: a load that is on offers no step up
    if switch.on:
        limit_w = find_limit_w(max(setpoint_w, _limit_w(asset, switch)), find_full_power_w(asset))
        return switch_state.raise_limit(switch, limit_w, now_ns, is_at_limit=is_at_order(participant))
    on = switch_state.switch_on(switch, now_ns)
    return switch_state.raise_limit(
        on, find_limit_w(setpoint_w, find_full_power_w(asset)), now_ns, is_at_limit=True
    )


def _car_turn(
    participant: Participant, ev: ChargePointAsset, held_w: float | None, now_ns: int
) -> SwitchState:
    """Return the state of a car that shares load: as shared, or lower if the allocation lowered it."""
    switch, before_w = participant.switch_state, max(participant.present_w, 0.0)
    if held_w is None or not switch.on:
        return switch
    if held_w < find_floor_power_w(ev) - POWER_EPSILON_W:
        return switch_state.switch_off(switch, before_w, now_ns, is_unresponsive=participant.is_unresponsive)
    # A car above its order counts with its power: what is left for it may be above the order.
    return switch_state.lower_limit(
        switch,
        min(held_w, _limit_w(ev, switch)),
        before_w,
        now_ns,
        is_unresponsive=participant.is_unresponsive,
    )


def _pv_turn(
    inputs: CycleInputs, participant: Participant, result: AllocationResult, index: int
) -> SwitchState:
    asset, switch, now_ns = participant.asset, participant.switch_state, inputs.now_ns
    assert isinstance(asset, Pv)
    setpoint_w = result.setpoints_w[index]
    if asset.curtail == "relay":
        off = switch.on and index in result.acted and setpoint_w >= 0
        before_w = min(participant.present_w, 0.0)
        return (
            switch_state.switch_off(switch, before_w, now_ns, is_unresponsive=participant.is_unresponsive)
            if off
            else switch
        )
    limit_w = _limit_w(asset, switch)
    if not participant.usable:
        return _pv_kept(inputs, participant, result, limit_w)
    if inputs.is_meter_lost:
        limit_w = min(limit_w, -setpoint_w)
    elif setpoint_w > participant.desired_w + POWER_EPSILON_W:
        switch = switch_state.lower_limit(
            switch, -setpoint_w, participant.present_w, now_ns, is_unresponsive=participant.is_unresponsive
        )
        limit_w = min(limit_w, -setpoint_w)
    elif (
        inputs.stage is ControlStage.NORMAL
        and switch.limit_w is not None
        and result.total_low_w is not None
        and not breach.is_feeding_back(inputs.state.overloads, inputs.site.nodes, asset.node)
    ):
        limit_w = _pv_raised(inputs, participant, result, limit_w)
    cap_w = inputs.active_limits.generation_w
    if cap_w is not None:
        limit_w = min(limit_w, generation.find_generation_share_w(inputs, asset, cap_w))
    fits_w = find_limit_w(limit_w, asset.rated_w)
    if fits_w is not None:
        switch = switch_state.hold_limit(switch, fits_w, now_ns, is_unresponsive=participant.is_unresponsive)
    return replace(switch, limit_w=fits_w)


def _pv_kept(
    inputs: CycleInputs, participant: Participant, result: AllocationResult, limit_w: float
) -> SwitchState:
    """Keep the limit of a PV that must not be ordered; it may rise if nothing is in the way."""
    asset, switch = participant.asset, participant.switch_state
    free = inputs.stage is ControlStage.NORMAL and inputs.active_limits.generation_w is None
    if free and switch.limit_w is not None and result.total_low_w is not None and not inputs.is_meter_lost:
        limit_w = max(limit_w, _pv_raised(inputs, participant, result, limit_w))
    return replace(switch, limit_w=find_limit_w(limit_w, asset.rated_w))


def _pv_raised(
    inputs: CycleInputs, participant: Participant, result: AllocationResult, limit_w: float
) -> float:
    """Return the raised limit in W: a quarter of the room below the export limit each cycle.

    If batteries could take more, it also rises by 0.5 % of the rating per second. That exceeds the limit for
    an instant, and the allocation then lets a battery charge before it curtails again: so the surplus goes
    into the battery. A room within the deadband of the order does not count: following it would only move the
    order to and fro. PV may always cover the building's import: no grid event is helped by more import,
    except a high frequency.
    """
    assert result.total_low_w is not None
    asset, held_w = participant.asset, limit_w
    gain = 0.25 * inputs.state.swings.gain(asset.name)
    own_w = limit_w + gain * _worthwhile_w(asset, result.total_low_w)
    if inputs.grid_effects.pv_holds:
        return own_w if inputs.grid_effects.pv_serves else limit_w
    limit_w += gain * _worthwhile_w(asset, result.total_low_w + inputs.active_limits.export_w)
    if result.charge_headroom_w > 0.02 * asset.rated_w and -participant.present_w > 0.9 * limit_w:
        limit_w += PV_RAISE_PER_S * asset.rated_w * inputs.dt_s
    if inputs.grid_effects.pv_ramp_per_min is not None:
        ramped_w = held_w + inputs.grid_effects.pv_ramp_per_min / 60.0 * asset.rated_w * inputs.dt_s
        limit_w = min(limit_w, max(ramped_w, own_w))
    return limit_w


def _worthwhile_w(asset: ControllableAsset, room_w: float) -> float:
    return room_w if room_w > _deadband_w(asset) else 0.0


def _deadband_w(asset: ControllableAsset) -> float:
    """Return the least rise of a generation limit that is worth an order, in W."""
    return max(PV_DEADBAND_LEAST_W, PV_DEADBAND * asset.rated_w)


def _limit_w(asset: ChargePointAsset | Pv, switch: SwitchState) -> float:
    if switch.limit_w is not None:
        return switch.limit_w
    return find_full_power_w(asset) if isinstance(asset, ChargePointAsset) else asset.rated_w


def find_limit_w(watts: float, full: float) -> float | None:
    """Return the limit in W; None at the asset's full power, which is no limit."""
    return None if watts >= full - POWER_EPSILON_W else watts


def _is_plugged(inputs: CycleInputs, ev: ChargePointAsset) -> bool:
    """Return whether a car may be there; unknown counts as there."""
    last_good = inputs.state.last_good.get(f"{ev.name}.plugged_on")
    return last_good is None or last_good.value != 0


def _fit_limit(ev: ChargePointAsset, switch: SwitchState, fit_w: float, now_ns: int) -> SwitchState:
    """Return a limit no higher than what fits if the car takes all of it.

    It is in whole amperes, and at least the floor.
    """
    if _limit_w(ev, switch) <= fit_w + POWER_EPSILON_W:
        return switch
    amperes = floor(fit_w / (ev.voltage_v * ev.phases_count))
    watts = max(find_floor_power_w(ev), amperes * ev.voltage_v * ev.phases_count)
    fits_w = find_limit_w(watts, find_full_power_w(ev))
    return switch if fits_w is None else switch_state.hold_limit(switch, fits_w, now_ns)


def _may_write(
    inputs: CycleInputs, result: AllocationResult, index: int, participant: Participant, switch: SwitchState
) -> bool:
    """Return whether to write now: not before its device and the grid meter had their chance to answer.

    An asset that was moved is written at once, else it would count as moved without moving. So is one that is
    remembered as off, because its device may have started by itself without an order. An asset that is not
    usable gets its first order only to come back. An asset that a grid event switches off waits for no
    reading of the grid power.
    """
    asset = participant.asset
    assert not isinstance(asset, Battery)
    if isinstance(asset, OperationModeAsset) and operation_modes.is_relinquished(asset, switch):
        return False
    return find_control_point(asset) in inputs.state.book.orders or _begins(
        inputs, result, index, participant, switch
    )


def _begins(
    inputs: CycleInputs, result: AllocationResult, index: int, participant: Participant, switch: SwitchState
) -> bool:
    """Return whether an asset without an order of ours is written for the first time.

    Not if it is free while nothing may take more: its actual value may be lower, because not every device
    shows what was ordered before a restart.
    """
    asset = participant.asset
    if inputs.grid_effects.holds and not (switch.is_limited or isinstance(asset, OperationModeAsset)):
        return False
    if result.total_high_w is None:
        return index in result.acted
    if not (participant.usable or switch != participant.switch_state):
        return False
    if switch.unread_ns is not None:
        return index in result.back or unread_assets.is_first_order_due(inputs, participant, switch)
    heard = f"{asset.name}.power_w" in inputs.state.last_good
    early = inputs.running_s <= totals.START_WAIT_S and not inputs.is_meter_lost
    return heard or not switch.on or _has_changed(participant.switch_state, switch) or not early


def _has_changed(before: SwitchState, switch: SwitchState) -> bool:
    return (before.on, before.mode, before.limit_w) != (switch.on, switch.mode, switch.limit_w)


def _flexible_want(participant: Participant, switch: SwitchState, reason: Reason) -> DesiredValue:
    asset = participant.asset
    if isinstance(asset, OperationModeAsset):
        return operation_modes.make_order(participant, switch, reason)
    assert not isinstance(asset, Battery)
    name, is_held = find_control_point(asset), not switch.on or switch.limit_w is not None
    obeys = not participant.is_unresponsive if participant.is_measured and is_held else None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    if isinstance(asset, ChargePointAsset):
        amperes = floor(_limit_w(asset, switch) / (asset.voltage_v * asset.phases_count) * 10 + 1e-6) / 10
        kept = min(max(amperes, asset.current_min_a), asset.current_max_a)
        value = kept if switch.on else 0.0
        return DesiredValue(name, value, reason, refresh_s=kept_s, holds=is_held, tighter=-1, obeys=obeys)
    if name.endswith("_on"):
        return DesiredValue(
            name, float(switch.on), reason, refresh_s=kept_s, holds=is_held, tighter=-1, obeys=obeys
        )
    limit_w = float(floor(_limit_w(asset, switch)))  # type: ignore[arg-type]  # a Load has a relay
    deadband = 0.0 if switch.limit_w is None else _deadband_w(asset)
    refresh_s = None if switch.limit_w is None and asset.lease_s == inf else kept_s
    return DesiredValue(
        name,
        limit_w,
        reason,
        deadband=deadband,
        refresh_s=refresh_s,
        holds=is_held,
        tighter=-1,
        obeys=obeys,
    )


def _by_hand(
    inputs: CycleInputs, asset: Load | ChargePointAsset | Pv | OperationModeAsset, desired: DesiredValue
) -> DesiredValue:
    """Limit to the value of an override, and name its source if that decides or nothing else does."""
    most = orders_overrides.find_ceiling(asset, inputs.requests.overrides)
    if (
        most is None
        or desired.value < most
        or (desired.value == most and desired.reason.code != NO_REASON.code)
    ):
        return desired
    reason = inputs.requests.overrides[asset.name].reason
    return replace(desired, value=most, reason=reason, holds=desired.holds or desired.value > most)


def _reason(
    inputs: CycleInputs,
    participant: Participant,
    result: AllocationResult,
    index: int,
    switch: SwitchState,
    *,
    is_fitted: bool,
) -> Reason:
    """Return the reason of its order; ``is_fitted``: this cycle lowered a car to what fits."""
    if index in result.acted:
        return steps.explain_first_order(participant, switch, result.acted[index])
    if _runs_against_cap(inputs, participant, result, switch):
        return inputs.active_limits.reason("import").then(_MINIMUM_ON)
    before = inputs.state.book.orders.get(find_control_point(participant.asset))
    if index in result.back:
        return held_reasons.PV_FITS if isinstance(participant.asset, Pv) else held_reasons.BELOW_LIMIT
    kept_off = not switch.on and orders_overrides.is_kept_off(participant.asset, inputs.requests.overrides)
    if not switch.is_limited or kept_off or participant.allowed_w is not None:
        by_hand = inputs.requests.overrides.get(participant.name) if kept_off else None
        return participant.reason or NO_REASON if by_hand is None else by_hand.reason
    return _still_held(inputs, participant, switch, before, result, is_fitted=is_fitted)


def _still_held(
    inputs: CycleInputs,
    participant: Participant,
    switch: SwitchState,
    before: Order | None,
    result: AllocationResult,
    *,
    is_fitted: bool,
) -> Reason:
    """Return why it is held, by what is in force now."""
    asset = participant.asset
    assert not isinstance(asset, Battery)
    if before is None and not switch.on:
        return held_reasons.FOUND_SWITCHED_OFF
    if isinstance(asset, Pv):
        waits = _why_pv_waits(inputs, asset, switch, result)
    elif is_fitted:
        waits = held_reasons.explain_fit(inputs)
    else:
        waits = held_reasons.explain_no_raise(
            inputs,
            result.gate,
            result.spares_w,
            _step_w(participant, switch),
            own=held_reasons.explain_off(asset, switch, inputs.now_ns),
        )
    return waits if before is None else held_reasons.explain_held(inputs, before.reason, waits)


def _step_w(participant: Participant, switch: SwitchState) -> float:
    """Return how much more than now it may take after its next step up, in W."""
    asset = participant.asset
    if isinstance(asset, OperationModeAsset):
        mode = asset.normal if switch.mode is None else switch.mode
        here, there = asset.modes[mode], asset.modes[max(mode - 1, 0)]
        return max(0.0, there.power_w - here.power_w)
    assert isinstance(asset, _Switched)
    if not switch.on or isinstance(asset, Load):
        return steps.estimate_return_power_w(asset, switch)
    limit_w = _limit_w(asset, switch)
    unused_w = max(0.0, limit_w - max(0.0, participant.desired_w))  # it may take that at any time
    return unused_w + min(find_floor_power_w(asset) / 6, find_full_power_w(asset) - limit_w)


def _why_pv_waits(inputs: CycleInputs, asset: Pv, switch: SwitchState, result: AllocationResult) -> Reason:
    low_w = result.total_low_w
    if asset.curtail == "relay":
        step_w = -switch.before_w if switch.before_w < 0 else asset.rated_w
        room_w = (
            None
            if low_w is None
            else low_w + inputs.active_limits.export_w * switch_state.RESTORE_BELOW_SHARE
        )
        fitting = held_reasons.explain_off(asset, switch, inputs.now_ns) or held_reasons.RETURNS
        return held_reasons.explain_no_pv_raise(inputs, room_w, step_w, fitting)
    room_w = None if low_w is None else low_w + inputs.active_limits.export_w
    return held_reasons.explain_no_pv_raise(inputs, room_w, _deadband_w(asset), held_reasons.RISES_SLOWLY)


def _runs_against_cap(
    inputs: CycleInputs, participant: Participant, result: AllocationResult, switch: SwitchState
) -> bool:
    """Return whether only its minimum time keeps it on although the import limit is exceeded."""
    asset, high_w = participant.asset, result.total_high_w
    is_over = 0 in result.broken and high_w is not None and high_w > inputs.active_limits.import_w
    if not is_over or not switch.on or participant.present_w <= 0:
        return False
    return isinstance(asset, Load | ChargePointAsset) and not switch_state.is_switch_allowed(
        asset, switch, inputs.now_ns
    )
