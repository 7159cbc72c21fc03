"""Respond to another controller that moves the same point: spec/failsafe.md#conflict (pure).

The safe value is written last. Nothing is raised. A reduction that a limit needs is still written, at most
once a minute, and no contactor opens before its minimum time or more often than any load may be switched. The
order of a person or the district is not exceeded: a car that must pause is not slowed instead. The point
counts with the larger of its measured power and the last value of the other controller; without a meter it
counts at its rating.
"""

from collections.abc import Iterator, Mapping
from math import inf

from quartier.control import participants, switch_state
from quartier.control.allocate import generation, operation_modes
from quartier.control.allocate.minimum_times import OFF_EARLY
from quartier.control.allocate.results import AllocationResult, find_conflict_pauses
from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree
from quartier.control.limits.breach import WatchedRow
from quartier.control.observe import observations
from quartier.control.observe.meter_check.samples import is_generator
from quartier.control.orders import conflicts
from quartier.control.orders import overrides as orders_overrides
from quartier.control.orders.conflicts import PointConflict
from quartier.control.participants import find_control_point, find_floor_power_w, find_full_power_w
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.control.records import DesiredValue
from quartier.control.state import ControlState
from quartier.control.switch_state import RESTORE_BELOW_SHARE, SWITCHINGS_MAX_PER_H, SwitchState
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import replace
from quartier.site.site_layout import Site

RAISE_WAIT_S = 60.0
"""Two foreign moves within this time, in s, count as the beginning of a conflict."""
WRITE_INTERVAL_S = 60.0
"""A point in conflict is written no more often than this, in s."""
SAFE_VALUE = make_rule_reason("conflict.safe", "conflict")
TIGHTENING = make_rule_reason("conflict.lowered", "conflict")
_THOUGH = make_reason("conflict.though")
_HOUR_S = 3_600.0
_S = 1_000_000_000

FlexibleAsset = Load | ChargePointAsset | Pv | OperationModeAsset


def find_contested_assets(inputs: CycleInputs) -> Iterator[FlexibleAsset | Battery]:
    """Yield the assets that take orders and whose point is in conflict."""
    left_alone = find_conflict_pauses(inputs)
    if not left_alone:
        return
    for asset in inputs.site.assets:
        held = orders_overrides.is_in_maintenance(asset, inputs.requests.overrides)
        if participants.is_order_allowed(asset) and not held and asset.name in left_alone:
            yield asset


def find_conflict_power_w(site: Site, state: ControlState, now_ns: int) -> tuple[float, float]:
    """Return how much more import, and how much less of it, points in conflict may cause at any moment, in W.

    It comes on top of the meters' readings: the larger of the measured and the last foreign value counts.
    This holds already while a conflict begins, because the other controller writes again within seconds.
    """
    more_w = less_w = 0.0
    moved = {name for name, one in state.conflicts.items() if _is_moved(one, now_ns)}
    if not moved:
        return more_w, less_w
    for asset in site.assets:
        if (point := find_control_point(asset)) not in moved:
            continue
        one = state.conflicts[point]
        seen_w = observations.find_power_w(state.last_good, asset, now_ns) if asset.measured else None
        high_w, low_w = _set_w(asset, one.last_foreign)
        if seen_w is None:
            high_w, low_w = observations.find_worst_power_w(asset), _least_w(asset)
        more_w += max(0.0, high_w - max(0.0, seen_w or 0.0))
        less_w += max(0.0, min(0.0, seen_w or 0.0) - low_w)
    return more_w, less_w


def _is_moved(one: PointConflict, now_ns: int) -> bool:
    """Return whether another controller moves a point now: in conflict, or twice within the last minute."""
    if one.rests_ns is not None:
        return True
    return len(one.moves_ns) > 1 and now_ns - one.moves_ns[-2] < RAISE_WAIT_S * _S


def _least_w(asset: ControllableAsset) -> float:
    """Return the least that an unmeasured asset may take, in W: generation counts at its rating."""
    if isinstance(asset, Battery):
        return -asset.discharge_max_w
    modes_w = [mode.power_w for mode in asset.modes] if isinstance(asset, OperationModeAsset) else []
    return min(-asset.rated_w if is_generator(asset) else 0.0, *modes_w, 0.0)


def _set_w(asset: ControllableAsset, value: float | None) -> tuple[float, float]:
    """Return the most and the least power, in W, that a value of an asset's point allows."""
    if value is None:
        return 0.0, 0.0
    if isinstance(asset, Battery):
        return min(max(0.0, value), asset.charge_max_w), max(min(0.0, value), -asset.discharge_max_w)
    if isinstance(asset, ChargePointAsset):
        return min(value * asset.voltage_v * asset.phases_count, find_full_power_w(asset)), 0.0
    if isinstance(asset, Pv):
        return 0.0, -min(value, asset.rated_w) if asset.curtail == "limit" else -asset.rated_w * bool(value)
    if isinstance(asset, OperationModeAsset):
        mode = _mode(asset, value)
        return max(0.0, asset.modes[mode].power_w), min(0.0, asset.modes[mode].power_w)
    return asset.rated_w * bool(value), 0.0


def _mode(asset: OperationModeAsset, value: float) -> int:
    return min(range(len(asset.modes)), key=lambda mode: abs(asset.modes[mode].value - value))


def find_repeated_releases(inputs: CycleInputs, result: AllocationResult) -> set[str]:
    """Return the battery setpoints whose safe value is written again now, because a limit needs it."""
    found = set()
    for asset in find_contested_assets(inputs):
        if not isinstance(asset, Battery):
            continue
        one = inputs.state.conflicts[find_control_point(asset)]
        power_w = observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) or 0.0
        high_w, low_w = _set_w(asset, one.foreign)
        takes = max(power_w, high_w) > 0.0 and _imports_too_much(inputs, result)
        gives = min(power_w, low_w) < 0.0 and _exports_too_much(inputs, result)
        if (takes or gives) and _is_due(one, inputs.now_ns):
            found.add(find_control_point(asset))
    return found


def find_conflict_writes(
    inputs: CycleInputs, result: AllocationResult, switches: Mapping[str, SwitchState]
) -> tuple[list[DesiredValue], dict[str, SwitchState]]:
    """Return the values to write to points in conflict now, and the resulting switch states."""
    found, after = [], dict(switches)
    for asset in find_contested_assets(inputs):
        if isinstance(asset, Battery):
            continue
        one = inputs.state.conflicts[find_control_point(asset)]
        if not _is_due(one, inputs.now_ns):
            continue
        switch = switches.get(asset.name, SwitchState())
        value = _next_value(inputs, result, asset, switch, one)
        if value is not None:
            is_needed = _is_needed(inputs, result, asset)
            reason = _reason(inputs, asset, switch, one, value, is_needed=is_needed)
            found.append(DesiredValue(find_control_point(asset), value, reason, refresh_s=0.0, holds=True))
            slowed = isinstance(asset, ChargePointAsset) and not switch.on
            if is_needed or value == 0.0 or slowed:
                after[asset.name] = _update_switch_state(inputs, asset, switch, value)
    return found, after


def _reason(
    inputs: CycleInputs,
    asset: FlexibleAsset,
    switch: SwitchState,
    one: PointConflict,
    value: float,
    *,
    is_needed: bool,
) -> Reason:
    if is_needed and (row := _find_early_opening(inputs, asset, one, value)) is not None:
        topology = connection_tree.build_topology(inputs.site.nodes)
        return connection_tree.make_row_reason(
            inputs.site, topology, inputs.active_limits, row.number(topology), row.direction
        ).then(OFF_EARLY)
    ordered = inputs.requests.overrides.get(asset.name)
    pauses = value == 0.0 and _is_kept_off(inputs, asset)
    if ordered is not None and (pauses or value == _most(inputs, asset)):
        return ordered.reason.then(_THOUGH)
    held = switch.is_limited and _rank(asset, _find_allowed_value(asset, switch)) <= _rank(asset, value)
    return TIGHTENING if is_needed or held else SAFE_VALUE


def record_conflict_writes(
    before: Mapping[str, PointConflict], written: Mapping[str, float], now_ns: int
) -> dict[str, PointConflict]:
    """Return the conflicts after these values were written."""
    found = dict(before)
    for name, value in written.items():
        one = found.get(name)
        if one is None or not (one.moves_ns or one.rests_ns):
            continue
        offs_ns = tuple(then for then in one.offs_ns if now_ns - then < _HOUR_S * _S)
        if value == 0.0 and one.foreign:
            offs_ns = (*offs_ns, now_ns)
        written_ns = None if one.rests_ns is None else now_ns
        found[name] = replace(one, written_ns=written_ns, offs_ns=offs_ns)
    return found


def _is_due(one: PointConflict, now_ns: int) -> bool:
    return one.written_ns is None or now_ns - one.written_ns >= WRITE_INTERVAL_S * _S


def _next_value(
    inputs: CycleInputs,
    result: AllocationResult,
    asset: FlexibleAsset,
    switch: SwitchState,
    one: PointConflict,
) -> float | None:
    """Return the value to write now; None if nothing is written.

    It is lower than the present value, or the same again as a lease.
    """
    order = inputs.state.book.orders.get(find_control_point(asset))
    present_value = _stands(one, None if order is None else order.value)
    goals = []
    if (
        one.written_ns is None
        and (safe := inputs.site.release_values.get(find_control_point(asset))) is not None
    ):
        goals.append(safe)
    if switch.is_limited and not (order is not None and order.reason.code == SAFE_VALUE.code):
        goals.append(_find_allowed_value(asset, switch))
    if _is_needed(inputs, result, asset):
        goals.append(_least(inputs, result, asset))
    most = _most(inputs, asset)
    if most is not None:
        goals.append(most)
    least = min(goals, key=lambda value: _rank(asset, value), default=None)
    if least is None or present_value is None:
        return least
    if _rank(asset, least) < _rank(asset, present_value):
        return _limit_switching(inputs, asset, one, least, present_value)
    # The value there may be an invalid one of another controller: our own value is written again.
    is_kept = order is not None and _rank(asset, present_value) == _rank(asset, order.value)
    return order.value if order is not None and is_kept and asset.lease_s < inf else None


def _most(inputs: CycleInputs, asset: FlexibleAsset) -> float | None:
    """Return the most that is ordered of a charge point or of PV; None if nothing is."""
    return orders_overrides.find_ceiling(asset, inputs.requests.overrides)


def _is_kept_off(inputs: CycleInputs, asset: FlexibleAsset) -> bool:
    """Return whether a person, or the district, keeps it off; the local plan may be followed in part."""
    overrides = inputs.requests.overrides
    return orders_overrides.is_kept_off(asset, overrides) and overrides[asset.name].who.kind != "rule"


def _stands(one: PointConflict, ordered: float | None) -> float | None:
    """Return the present value at the device, as far as it is known."""
    if one.foreign is not None:
        return one.foreign
    return ordered if one.read is None or one.is_as_ordered else one.read.value


def _find_allowed_value(asset: FlexibleAsset, switch: SwitchState) -> float:
    """Return the value that a limited asset is allowed."""
    if isinstance(asset, OperationModeAsset):
        return asset.modes[asset.normal if switch.mode is None else switch.mode].value
    if not switch.on:
        return 0.0
    limit_w = switch.limit_w or 0.0
    return (
        limit_w / (asset.voltage_v * asset.phases_count) if isinstance(asset, ChargePointAsset) else limit_w
    )


def _rank(asset: FlexibleAsset, value: float) -> float:
    """Return the rank of a value: a value that takes, or makes, less ranks lower."""
    return -float(_mode(asset, value)) if isinstance(asset, OperationModeAsset) else value


def _limit_switching(
    inputs: CycleInputs, asset: FlexibleAsset, one: PointConflict, value: float, present_value: float
) -> float | None:
    """Return the value unless it opens a contactor too early or too often; a car may be slowed instead."""
    if not _opens(asset, value) or _may_open(inputs, asset, one):
        return value
    order = inputs.state.book.orders.get(find_control_point(asset))
    if not isinstance(asset, ChargePointAsset) or present_value <= asset.current_min_a:
        return None
    is_off = order is not None and order.value == 0.0
    pauses = is_off and (_is_kept_off(inputs, asset) or _takes_nothing(inputs, asset))
    return None if pauses else asset.current_min_a


def _opens(asset: FlexibleAsset, value: float) -> bool:
    is_off = value == 0.0 and find_control_point(asset).endswith(("_on", "_a"))
    return isinstance(asset, OperationModeAsset) or is_off


def _takes_nothing(inputs: CycleInputs, asset: ChargePointAsset) -> bool:
    """Return whether it is seen to take nothing: then the order that it shows is not true."""
    watts = (
        observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) if asset.measured else None
    )
    return watts is not None and watts < 0.5 * find_floor_power_w(asset)


def _may_open(inputs: CycleInputs, asset: FlexibleAsset, one: PointConflict) -> bool:
    return _find_overloaded_row(inputs, asset) is not None or _may_open_without_overload(inputs, asset, one)


def _may_open_without_overload(inputs: CycleInputs, asset: FlexibleAsset, one: PointConflict) -> bool:
    order = inputs.state.book.orders.get(find_control_point(asset))
    moments_ns = [*one.moves_ns[-1:], *([] if order is None else [order.written_ns])]
    least_s = 0.0 if isinstance(asset, Pv) else asset.min_on_s
    rested = all(inputs.now_ns - then >= least_s * _S for then in moments_ns)
    if isinstance(asset, ChargePointAsset) and _is_kept_off(inputs, asset):
        return rested  # it must not be slowed instead
    # A car can be slowed instead, so earlier openings, before the conflict, count for it too.
    from_ns = one.moves_ns[-1] if one.moves_ns and not isinstance(asset, ChargePointAsset) else 0
    recent = [then for then in one.offs_ns if then > from_ns and inputs.now_ns - then < _HOUR_S * _S]
    return rested and len(recent) < SWITCHINGS_MAX_PER_H // 2


def _find_early_opening(
    inputs: CycleInputs, asset: FlexibleAsset, one: PointConflict, value: float
) -> WatchedRow | None:
    """Return the overloaded fuse that alone allows to open a contactor now; None if nothing is early."""
    order = inputs.state.book.orders.get(find_control_point(asset))
    present_value = _stands(one, None if order is None else order.value)
    lowers = present_value is not None and _rank(asset, value) < _rank(asset, present_value)
    if not lowers or not _opens(asset, value) or _may_open_without_overload(inputs, asset, one):
        return None
    return _find_overloaded_row(inputs, asset)


def _find_overloaded_row(inputs: CycleInputs, asset: FlexibleAsset) -> WatchedRow | None:
    """Return a fuse on its way that is overloaded by its meter; None if there is none."""
    topology = connection_tree.build_topology(inputs.site.nodes)
    (home,) = topology.find_node_numbers([asset])
    names = {topology.name(number) for number in topology.way(home)}
    rows = (
        row
        for row, breach in inputs.state.overloads.items()
        if row.node in names and row.direction == "import" and (breach.fast_over or breach.mean_over)
    )
    return next(rows, None)


def _is_needed(inputs: CycleInputs, result: AllocationResult, asset: FlexibleAsset) -> bool:
    """Return whether a limit, or a grid event, needs it lower."""
    if isinstance(asset, Pv):
        return _exports_too_much(inputs, result)
    is_off = asset.tier in inputs.grid_effects.off
    return is_off or _imports_too_much(inputs, result) or _find_overloaded_row(inputs, asset) is not None


def _imports_too_much(inputs: CycleInputs, result: AllocationResult) -> bool:
    """Return whether the import is near its limit, or other assets are lowered to keep one."""
    if result.total_high_w is None:
        return False
    return (
        bool(result.acted or result.broken)
        or result.total_high_w > RESTORE_BELOW_SHARE * inputs.active_limits.import_w
    )


def _exports_too_much(inputs: CycleInputs, result: AllocationResult) -> bool:
    if result.total_low_w is None:
        return False
    is_near = result.total_low_w < -RESTORE_BELOW_SHARE * inputs.active_limits.export_w
    return is_near or inputs.active_limits.generation_w is not None


def _least(inputs: CycleInputs, result: AllocationResult, asset: FlexibleAsset) -> float:
    """Return how low a limit needs it: a car keeps its minimum current if that is enough."""
    if isinstance(asset, OperationModeAsset):
        return asset.modes[operation_modes.find_preference(inputs, asset).lowest].value
    if isinstance(asset, ChargePointAsset):
        wholly = (
            result.broken
            or asset.tier in inputs.grid_effects.off
            or _find_overloaded_row(inputs, asset) is not None
        )
        return 0.0 if wholly else asset.current_min_a
    if isinstance(asset, Pv) and asset.curtail == "limit":
        made_w = -min(0.0, observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) or 0.0)
        over_w = -inputs.active_limits.export_w - (result.total_low_w or 0.0)
        most_w = made_w - max(0.0, over_w)
        if inputs.active_limits.generation_w is not None:
            most_w = min(
                most_w, generation.find_generation_share_w(inputs, asset, inputs.active_limits.generation_w)
            )
        return max(0.0, most_w)
    return 0.0


def _update_switch_state(
    inputs: CycleInputs, asset: FlexibleAsset, switch: SwitchState, value: float
) -> SwitchState:
    """Return the switch state after ``value`` was written: restored in stages once the conflict is over.

    It is not assumed to obey: its measured power counts.
    """
    now_ns = inputs.now_ns
    before_w = max(0.0, observations.find_power_w(inputs.state.last_good, asset, now_ns) or 0.0)
    if isinstance(asset, OperationModeAsset):
        mode = _mode(asset, value)
        if mode <= (asset.normal if switch.mode is None else switch.mode):
            return switch
        return replace(
            switch_state.switch_off(switch, before_w, now_ns, is_unresponsive=True), mode=mode, is_held=True
        )
    if find_control_point(asset).endswith("_w"):
        return switch_state.hold_limit(switch, value, now_ns, is_unresponsive=True)
    if value == 0.0:
        return (
            switch_state.switch_off(switch, before_w, now_ns, is_unresponsive=True) if switch.on else switch
        )
    assert isinstance(asset, ChargePointAsset)
    if not switch.on:  # another controller switched it on: its minimum times count from here
        switch = switch_state.switch_on(switch, now_ns)
    limit_w = max(find_floor_power_w(asset), value * asset.voltage_v * asset.phases_count)
    return switch_state.hold_limit(switch, limit_w, now_ns, is_unresponsive=True)


def find_conflict_alarms(inputs: CycleInputs) -> Iterator[Alarm]:
    """Yield the alarms of points in conflict that limits may still lower.

    A battery is given back instead and has its own alarm.
    """
    for asset in find_contested_assets(inputs):
        if not isinstance(asset, Battery):
            point = find_control_point(asset)
            limits = "nothing raises it, and limits count it at what that sets"
            words = f"{point}: {conflicts.CONFLICT_REASON}; {limits}"
            yield Alarm("output.second_master", point, words)
