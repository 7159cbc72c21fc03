"""Name the limit that holds back an order for one asset: of a person, the district or the plan (pure).

It is for people, in the status of a cycle and in the reason of an order; it decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quartier.control import records, switch_state
from quartier.control.allocate import results
from quartier.control.inputs import CycleInputs
from quartier.control.limits import unmet
from quartier.control.observe import observations
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.orders import setpoints
from quartier.control.orders.book import VALUE_TOLERANCE
from quartier.control.participants import Participant, find_control_point
from quartier.control.reason import NO_REASON, Reason, make_reason, render_data
from quartier.control.records import Order, Override
from quartier.site.asset_types import Battery, ChargePointAsset, ControllableAsset, Load, OperationModeAsset

_MINIMUM_ON = make_reason("minimum_time.on")
_NO_FEED_IN, _NO_CHARGE = make_reason("battery.grid_no_feed_in"), make_reason("battery.grid_no_charge")
_SUSPECT, _APPARENT = make_reason("meter.suspect"), make_reason("meter.no_export")
_ROUNDING_W = 1.0
_ORDERED = frozenset({"hand.orders", "hand.maintenance", "document.orders"})


@dataclass(frozen=True, slots=True)
class BatteryStep:
    """The next setpoint of a battery in W, and ``moved``: the limit that moved it off its wanted power.

    ``total_high_w`` and ``total_low_w`` are as in ``AllocationResult``.
    """

    participant: Participant
    setpoint_w: float
    moved: Reason | None
    total_high_w: float
    total_low_w: float


def find_battery_steps(
    inputs: CycleInputs, participants: Sequence[Participant], result: results.AllocationResult
) -> dict[str, BatteryStep]:
    """Return by name what the allocation made of each battery that has an override."""
    if result.total_high_w is None or result.total_low_w is None:
        return {}
    return {
        one.name: BatteryStep(
            one, setpoint_w, result.acted.get(index), result.total_high_w, result.total_low_w
        )
        for index, (one, setpoint_w) in enumerate(zip(participants, result.setpoints_w, strict=True))
        if isinstance(one.asset, Battery) and one.name in inputs.requests.overrides
    }


def explain_battery_order(inputs: CycleInputs, asset: Battery, room: records.PowerRange) -> Reason:
    """Return the reason of a battery's order that follows a request; with the limit that leaves less of it.

    ``room`` is the range that is left to the battery. A plan of the gateway itself reckons with its limits.
    """
    request = inputs.requests.overrides[asset.name]
    if request.value is None or request.who.kind == "rule":
        return request.reason
    limit = explain_narrow_room(inputs, asset, request.value, room)
    return request.reason if limit is None else request.reason.then(limit)


def report_override(
    inputs: CycleInputs,
    asset: ControllableAsset,
    request: Override,
    order: Order | None,
    step: BatteryStep | None,
) -> dict[str, Any]:
    """Report the request and the present order (``done``), both in the unit of ``point``, and what limits it.

    JSON-ready. ``held_by``: the limit that holds the request back, or will end its ramp; None if none does.
    ``ramps``: only the ramp of a battery is between the order and the request.
    """
    requested, done = _at_point(asset, request.value), None if order is None else order.value
    held, ramps = None, False
    if requested is not None and order is not None and not _is_reached(asset, requested, order.value):
        held = _explain_held(inputs, asset, request, requested, order, step)
        ramps = (
            held is None
            and step is not None
            and abs(step.setpoint_w - step.participant.desired_w) < _ROUNDING_W
        )
    return {
        "point": find_control_point(asset),
        "requested": requested,
        "done": done,
        "held_by": None if held is None else {"text": str(held), **render_data(held)},
        "ramps": ramps,
    }


def _is_reached(asset: ControllableAsset, requested: float, done: float) -> bool:
    return abs(requested - done) <= VALUE_TOLERANCE.get(find_control_point(asset).rpartition("_")[2], 0.0)


def _at_point(asset: ControllableAsset, value: float | None) -> float | None:
    return (
        asset.modes[int(value)].value
        if isinstance(asset, OperationModeAsset) and value is not None
        else value
    )


def _explain_held(
    inputs: CycleInputs,
    asset: ControllableAsset,
    request: Override,
    requested: float,
    order: Order,
    step: BatteryStep | None,
) -> Reason | None:
    if isinstance(asset, Battery):
        return None if step is None else _battery_held(inputs, asset, request, requested, step)
    if isinstance(asset, Load | ChargePointAsset) and requested == 0:
        switch = inputs.state.switch_states.get(asset.name, switch_state.SwitchState())
        return None if switch_state.is_switch_allowed(asset, switch, inputs.now_ns) else _MINIMUM_ON
    if order.reason not in (request.reason, NO_REASON) and not _is_earlier(order.reason):
        return order.reason
    return None


def _battery_held(
    inputs: CycleInputs, asset: Battery, request: Override, requested_w: float, step: BatteryStep
) -> Reason | None:
    """Return what keeps a battery from the request, by this cycle: its order may have an older reason."""
    unit = step.participant
    least_w, most_w = sorted((unit.desired_w, requested_w))
    if step.moved is not None and not least_w <= step.setpoint_w <= most_w:
        return step.moved  # a limit that moves it towards the request holds nothing back
    reason = unit.reason or NO_REASON
    if reason not in (request.reason, NO_REASON) and reason.drop_last() != request.reason:
        return reason
    return explain_narrow_room(inputs, asset, requested_w, unit.headroom) or _find_limit_ahead(
        inputs, requested_w, step
    )


def _find_limit_ahead(inputs: CycleInputs, requested_w: float, step: BatteryStep) -> Reason | None:
    """Return the limit that will end the ramp to the request, as the other assets are now; None if none will.

    Only what a battery does before all others is certain: to charge less for an import limit, and to move for
    an export limit (spec/failsafe.md#section-3).
    """
    more_w, force = requested_w - step.setpoint_w, inputs.active_limits
    over_w = step.total_high_w + more_w - force.import_w
    if more_w > 0.0 and requested_w > 0.0 and over_w > _ROUNDING_W:
        cause, bound_w = force.reason("import"), max(0.0, requested_w - over_w)
        return cause.then(results.explain_battery_move(requested_w, bound_w))
    over_w = -force.export_w - step.total_low_w - more_w
    if more_w < 0.0 and over_w > _ROUNDING_W and not inputs.grid_effects.holds:
        return force.reason("export").then(results.explain_battery_move(requested_w, requested_w + over_w))
    return None


def _is_earlier(reason: Reason) -> bool:
    """Return whether a reason is from before the present request, and so no limit.

    An order that keeps its value keeps its reason until it is refreshed, also if the request is new.
    """
    return reason.code in _ORDERED and reason.last.code in (reason.code, "text")


def explain_narrow_room(
    inputs: CycleInputs, asset: Battery, requested_w: float, room: records.PowerRange
) -> Reason | None:
    """Return what leaves a battery less range than ``requested_w`` needs; None if ``room`` contains it."""
    if room.low_w - _ROUNDING_W <= requested_w <= room.high_w + _ROUNDING_W:
        return None
    soc_pct = observations.find_fresh_value(
        inputs.state.last_good, f"{asset.name}.soc_pct", asset.soc_period_s, inputs.now_ns
    )
    if soc_pct is None:
        return None
    own = setpoints.find_power_range(asset, soc_pct)
    return (
        _no_charge(inputs, asset, requested_w, own)
        if requested_w > 0
        else _no_discharge(inputs, asset, requested_w, own)
    )


def _no_charge(
    inputs: CycleInputs, asset: Battery, requested_w: float, own: records.PowerRange
) -> Reason | None:
    if requested_w > own.high_w:
        return make_reason("battery.full", soc_pct=asset.soc_max_pct)
    is_by_hand = records.is_by_hand(asset.name, inputs.requests.overrides)
    is_shed = inputs.grid_effects.asked_no_grid_charge and not is_by_hand
    if inputs.grid_effects.no_grid_charge or is_shed or inputs.grid_effects.ceiling_w is not None:
        return _NO_CHARGE
    return make_reason("battery.link_no_charge", mode=inputs.requests.caps.mode)


def _no_discharge(
    inputs: CycleInputs, asset: Battery, requested_w: float, own: records.PowerRange
) -> Reason | None:
    if requested_w < own.low_w:
        return make_reason("battery.empty", soc_pct=max(asset.soc_min_pct, asset.reserve_soc_pct))
    if inputs.grid_effects.no_feed_in:
        return _NO_FEED_IN
    if inputs.requests.caps.no_battery_export:
        return make_reason("battery.link_no_export", mode=inputs.requests.caps.mode)
    if unmet.is_meter_unsigned(inputs.site, inputs.state.last_good):
        return _APPARENT
    if inputs.active_limits.generation_w is not None:
        return inputs.active_limits.reason("generation")
    return _SUSPECT if inputs.meter.verdict is MeterVerdict.SUSPECT else make_reason("conflict.though")
