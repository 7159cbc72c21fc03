"""The status for people: losses in force, alarms, limits and the state of each asset (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from quartier.control.allocate import operation_modes, tree
from quartier.control.allocate.results import AllocationResult, explain_battery_not_controlled
from quartier.control.events import effects
from quartier.control.inputs import CycleInputs
from quartier.control.limits import breach as limits_breach
from quartier.control.limits import contacts, supplies, unmet
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe import daily_runs, health, meter_clocks, meter_delay, observations, totals
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check import judge
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.orders import conflicts, hidden_conflicts, local_plan, releases
from quartier.control.participants import (
    FALLBACK_LOST,
    NO_FALLBACK,
    LimitableAsset,
    Participant,
    explain_no_order,
    find_control_point,
    find_flexible_assets,
    is_controllable,
    is_order_allowed,
)
from quartier.control.reason import NO_REASON, Reason, make_reason, render_data
from quartier.control.records import OrderBook
from quartier.control.state import ControlState
from quartier.control.supervise import (
    conflict_response,
    hunting,
    loss_table,
    override_report,
    relaxation_order,
)
from quartier.control.switch_state import SwitchState
from quartier.site import alarm_types
from quartier.site.alarm_types import Alarm, AlarmKey
from quartier.site.asset_types import (
    Asset,
    BatchLoad,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)

LOST_LINK_MODES = ("HOLD", "FAILSAFE")
UNMET_MARGIN_W = 1.0
"""An excess up to this, in W, is rounding."""
METER_LOST_ROW: AlarmKey = ("loss.grid_meter_lost", "")


def find_present_losses(inputs: CycleInputs) -> list[tuple[str, str]]:
    """Return the losses in force, each with its asset (empty: the whole building), in the table's order."""
    order = {loss.name: place for place, loss in enumerate(loss_table.LOSSES)}
    return sorted({*_of_building(inputs), *_of_assets(inputs)}, key=lambda found: (order[found[0]], found[1]))


def _of_building(inputs: CycleInputs) -> Iterator[tuple[str, str]]:
    if inputs.is_meter_lost and inputs.meter.verdict is not MeterVerdict.IMPLAUSIBLE:
        yield "grid-meter-lost", ""
    elif inputs.grid_w is None and f"{inputs.site.grid.name}.power_w" in inputs.state.last_good:
        yield "grid-meter-stale", ""
    if inputs.requests.caps.mode in LOST_LINK_MODES and not inputs.requests.caps.tested:
        yield "uplink-lost", ""
    if not inputs.now.synced:
        yield "clock-unsynced", ""
    if "cycle-late" in inputs.state.judgement.until_ns:
        yield "cycle-late", ""


def _of_assets(inputs: CycleInputs) -> Iterator[tuple[str, str]]:
    """Yield the assets that were read and are silent now; one never read gets its time to answer first."""
    for asset in inputs.site.assets:
        known = f"{asset.name}.power_w" in inputs.state.last_good
        silent = observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) is None
        if asset.measured and silent and (known or inputs.running_s > totals.START_WAIT_S):
            yield loss_table.find_asset_loss(asset).name, asset.name


def find_loss_alarm(inputs: CycleInputs, name: str) -> AlarmKey | None:
    """Return the alarm of the loss for which an asset's point is given back; None for another reason."""
    if inputs.meter.verdict is MeterVerdict.IMPLAUSIBLE:
        return "meter.implausible", inputs.site.grid.name
    if inputs.is_meter_lost or inputs.stage is ControlStage.SAFE:
        return METER_LOST_ROW
    asset = next((one for one in inputs.site.assets if one.name == name), None)
    if asset is None or observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) is not None:
        return None
    return loss_table.find_alarm_code(loss_table.find_asset_loss(asset)), name


_STEERED, _MEASURED = make_reason("state.steered"), make_reason("state.measured")
_NOT_ORDERED = make_reason("state.not_ordered", more=NO_FALLBACK)
_UNREAD, _SHED = make_reason("state.unread"), make_reason("state.shed")
_ALSO, _UNRESPONSIVE = make_reason("state.also"), make_reason("state.unresponsive")
_OFF: Mapping[type, Reason] = {ChargePointAsset: make_reason("state.paused"), Pv: make_reason("state.off")}
_PLAIN: Mapping[int, dict[str, Any]] = {
    id(one): {"state": str(one), "state_reason": render_data(one)}
    for one in (_STEERED, _MEASURED, _NOT_ORDERED, _UNREAD, _SHED, *_OFF.values(), NO_REASON)
}
"""Keyed by the identity of the reason: a lookup by its content costs more."""


_ROLES: Mapping[type, str] = {BatchLoad: "load"}
"""The names of the site file where they differ from the role."""


def render_status(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    result: AllocationResult,
    after: ControlState,
    lost: Mapping[str, Reason],
) -> dict[str, Any]:
    """Render the status of the cycle, JSON-ready.

    It has the mode and why, stage and rules, limits and sources, alarms, the grid, each asset and the rules
    that acted.
    """
    caps = inputs.requests.caps
    rules = inputs.state.judgement.rules
    steps = override_report.find_battery_steps(inputs, participants, result)
    reasons = {participant.name: participant.reason for participant in participants}
    unresponsive = {participant.name for participant in participants if participant.is_unresponsive}
    reasons |= {
        point.partition(".")[0]: make_reason("output.given_back", more=why) for point, why in lost.items()
    }
    return {
        "mode": caps.mode,
        "why": caps.why,
        "mode_age_s": round((inputs.now_ns - caps.since_ns) / 1e9, 1),
        "stage": inputs.stage.name,
        "rules": [
            {
                "name": name,
                "words": health.STAGE_TEXTS[name],
                "ends_in_s": health.find_dwell_left_s(inputs.state.judgement, name, inputs.now_ns),
            }
            for name in rules
        ],
        "caps": _caps(inputs.active_limits),
        "grid": {
            "power_w": _last(inputs, inputs.site.grid),
            "age_s": _age(inputs.grid_age_s),
            "state": _grid_state(inputs),
            "lag_s": inputs.state.lag.found_s,
            "verdict": _grid_verdict(inputs),
            "causes": [{"code": code, "value": round(value, 2)} for code, value in inputs.meter.causes],
            "unit": "VA" if inputs.site.grid.is_apparent else "W",
        },
        "events": effects.render_grid_effects(inputs.state.events, inputs.grid_effects, inputs.now_ns),
        "contacts": contacts.render_contacts(inputs.site.contacts, inputs.state.contacts, inputs.now_ns),
        "supplies": supplies.render_supplies(
            inputs.site.supplies, inputs.state.supplies, inputs.state.last_good, inputs.now_ns
        ),
        "losses": [{"name": name, "of": of} for name, of in find_present_losses(inputs)],
        "alarms": alarm_types.list_standing_alarms(after.alarms, inputs.site.zone),
        "acted": sorted({f"{participants[index].name}: {reason}" for index, reason in result.acted.items()}),
        "restore": _restore(inputs, result),
        "assets": {
            a.name: _add_override(
                inputs,
                a,
                after,
                steps.get(a.name),
                _asset(inputs, a, after, reasons.get(a.name), is_unresponsive=a.name in unresponsive),
            )
            for a in inputs.site.assets
        },
        **_nodes(inputs, result, after),
    }


def _nodes(inputs: CycleInputs, result: AllocationResult, after: ControlState) -> dict[str, Any]:
    if result.tree is None or not inputs.site.has_connection_tree:
        return {}
    return {"nodes": tree.render_tree(inputs, result.tree, after.book.orders)}


def _caps(force: ActiveLimits) -> dict[str, Any]:
    found = {}
    for direction in ("import", "export", "generation", "consumption"):
        watts = getattr(force, f"{direction}_w")
        if watts is not None:
            whose = force.sources[direction]
            found[direction] = {"max_w": round(watts, 1), "whose": str(whose), **render_data(whose)}
    return found


def _grid_state(inputs: CycleInputs) -> str:
    if inputs.grid_w is not None:
        return "suspect" if inputs.meter.verdict is MeterVerdict.SUSPECT else "good"
    if f"{inputs.site.grid.name}.power_w" not in inputs.state.last_good:
        return "never read" if inputs.is_meter_lost else "starting"
    if inputs.meter.verdict is MeterVerdict.IMPLAUSIBLE:
        return "implausible"
    return "lost" if inputs.is_meter_lost else "stale"


def _grid_verdict(inputs: CycleInputs) -> str:
    """Return the verdict on the grid meter; one that is not read now is not known to be good."""
    verdict = inputs.meter.verdict
    return "unknown" if verdict is MeterVerdict.GOOD and inputs.grid_w is None else verdict.name.lower()


def find_control_alarms(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    result: AllocationResult,
    book: OrderBook,
    lost: Mapping[str, Reason],
) -> Iterator[Alarm]:
    """Yield the alarms of this cycle; ``alarm_types`` decides how long each stays active.

    ``book`` is the order book after this cycle.
    """
    for one in _alarms(inputs, participants, result, book, lost):
        yield _with_meter_cause(inputs, one)
    yield from unmet.find_unkept_limit_alarms(inputs, participants)
    yield from daily_runs.find_late_run_alarms(inputs.site, inputs.state.runs)
    yield from relaxation_order.find_unmet_limit_alarms(inputs, participants, result)


def _with_meter_cause(inputs: CycleInputs, one: Alarm) -> Alarm:
    """Return an alarm with the verdict on the grid meter as its cause, if it follows from its readings."""
    if inputs.meter.verdict is MeterVerdict.GOOD or one.cause is not None:
        return one
    code = "meter.implausible" if inputs.meter.verdict is MeterVerdict.IMPLAUSIBLE else "meter.suspect"
    if one.code in {"meter.late", "control.hunting"}:
        return one.extend(cause=(code, inputs.site.grid.name))
    if one.code == "cap.exceeded":
        return one.extend(more=f"; the grid meter is doubted: see {code} first")
    return one


def _alarms(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    result: AllocationResult,
    book: OrderBook,
    lost: Mapping[str, Reason],
) -> Iterator[Alarm]:
    yield from contacts.find_contact_alarms(inputs.state.contacts)
    yield from supplies.find_supply_alarms(inputs.state.supplies)
    yield from effects.find_grid_alarms(inputs.state.events, inputs.grid_effects, inputs.now_ns)
    yield from hunting.find_hunting_alarms(inputs.state.swings)
    yield from conflict_response.find_conflict_alarms(inputs)
    yield from hidden_conflicts.find_hidden_conflict_alarms(inputs.state.hidden_conflicts, inputs.site)
    yield from meter_delay.find_delay_alarms(inputs.state.lag, inputs.site)
    yield from judge.find_meter_alarms(inputs.meter, inputs.site)
    yield from meter_clocks.find_clock_alarms(inputs.state.clocks, inputs.now_ns)
    if inputs.requests.caps.clock:
        yield Alarm("clock.stepped", "", inputs.requests.caps.clock)
    for direction, breach in (("import", inputs.state.import_breach), ("export", inputs.state.export_breach)):
        if breach.fast_over:
            words = f"over the {inputs.active_limits.reason(direction)} by 10 % for 5 s"
            yield Alarm("cap.exceeded", direction, words)
        elif breach.mean_over:
            yield Alarm(
                "cap.exceeded", direction, f"60 s mean over the {inputs.active_limits.reason(direction)}"
            )
    yield from limits_breach.find_overload_alarms(inputs.state.overloads, inputs.site, inputs.active_limits)
    for direction in _find_unmet_directions(inputs, result):
        text = relaxation_order.find_obstacles(inputs, participants) if direction == "import" else ""
        words = f"{inputs.active_limits.reason(direction)} may be exceeded: "
        words += relaxation_order.explain_unmet(inputs, participants, result.setpoints_w, direction)
        words += f"; in the way: {text}" * bool(text)
        yield Alarm("cap.unmet", direction, words, find_loss_alarm(inputs, ""))
    for name, why in lost.items():
        yield from _iterate_relinquish_alarms(inputs, book, name, why)
    yield from releases.find_release_alarms(inputs, lost)
    for asset in (*find_flexible_assets(inputs.site), *operation_modes.find_controllable(inputs.site)):
        if unsafe := explain_no_order(asset, inputs.state.last_good):
            words = f"{asset.name}: not used for limits and sheds, {unsafe}"
            yield Alarm("output.fallback_lost", asset.name, words)


def _find_unmet_directions(inputs: CycleInputs, result: AllocationResult) -> list[str]:
    """Return the directions whose limit at the connection does not hold once all orders are followed.

    The worst grid power must be above the limit by more than ``UNMET_MARGIN_W``, without what is past.
    """
    if 0 not in result.broken or result.total_high_w is None or result.total_low_w is None:
        return []
    over_w = {
        "import": result.total_high_w - inputs.active_limits.import_w,
        "export": -inputs.active_limits.export_w - result.total_low_w,
    }
    # Orders that wait for others can hide the excess: then the limit that is nearer to it is the one.
    past_w = {"import": result.past_high_w, "export": result.past_low_w}
    found = [way for way, watts in over_w.items() if watts > 0.0]
    if not found:
        return [max(over_w, key=over_w.__getitem__)]
    return [way for way in found if over_w[way] - past_w[way] > UNMET_MARGIN_W]


def _iterate_relinquish_alarms(
    inputs: CycleInputs, book: OrderBook, name: str, why: Reason
) -> Iterator[Alarm]:
    """Yield the alarm of a point that is given back; none if a person or the district ordered it."""
    words = f"{name}: {_describe_release(book, name, why)}, {why}"
    if why.code == conflicts.CONFLICT_REASON.code:
        yield Alarm("output.second_master", name, words)
    elif why.code == FALLBACK_LOST.code:
        yield Alarm("output.fallback_lost", name.partition(".")[0], words)
    elif why.who.kind not in {"person", "document"}:
        yield Alarm("output.given_back", name, words, find_loss_alarm(inputs, name.partition(".")[0]))


def _describe_release(book: OrderBook, point: str, why: Reason) -> str:
    """Return how far a release came: it is done once the device was seen to take it."""
    release = book.returns.get(point)
    if release is None or why.code == conflicts.CONFLICT_REASON.code:
        return "no longer ordered"  # nobody looks whether the device took it
    return "given back" if release.is_kept else "being given back"


def _restore(inputs: CycleInputs, result: AllocationResult) -> dict[str, Any]:
    gate, now_ns = result.gate, inputs.now_ns
    waits_ns = max(0, (gate.not_before_ns or now_ns) - now_ns)
    below_s = None if gate.below_since_ns is None else (now_ns - gate.below_since_ns) / 1e9
    held = sorted(n for n, t in inputs.state.switch_states.items() if t.is_limited)
    return {
        "held": held,
        "below_s": None if below_s is None else round(below_s, 1),
        "random_wait_s": round(waits_ns / 1e9, 1),
    }


def _asset(
    inputs: CycleInputs,
    asset: ControllableAsset,
    after: ControlState,
    reason: Reason | None,
    *,
    is_unresponsive: bool,
) -> dict[str, Any]:
    memory = inputs.state.last_good.get(f"{asset.name}.power_w")
    silent = observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) is None
    quality = "never read" if memory is None else ("silent" if silent else "good")
    shown_asset: dict[str, Any] = {
        "role": _ROLES.get(type(asset), asset.role),
        "tier": asset.tier,
        "power_w": _last(inputs, asset),
        "age_s": _age(observations.find_reading_age_s(memory, inputs.now_ns)),
        "quality": quality if asset.measured else "not measured",
    }
    if isinstance(asset, Battery):
        soc = inputs.state.last_good.get(f"{asset.name}.soc_pct")
        shown_asset["soc_pct"] = None if soc is None else soc.value
        state = explain_battery_not_controlled(inputs, asset) or _STEERED
        name = find_control_point(asset)
    elif isinstance(asset, OperationModeAsset) and asset in operation_modes.find_controllable(inputs.site):
        state = operation_modes.render_mode_state(asset, after.switch_states[asset.name], reason)
        name = asset.point
    elif isinstance(asset, LimitableAsset) and is_controllable(asset):
        state = _turn_state(asset, after.switch_states[asset.name])
        if unguarded := explain_no_order(asset, inputs.state.last_good):
            state = state.then(_ALSO).then(unguarded)
        state = state.then(_UNRESPONSIVE) if is_unresponsive else state
        name = find_control_point(asset)
    else:
        state = _MEASURED if is_order_allowed(asset) else _NOT_ORDERED
        return shown_asset | _render_state(state)
    shown_asset |= _render_state(state)
    if isinstance(asset, BatchLoad):
        shown_asset["run"] = daily_runs.render_runs(asset, inputs.state.runs[asset.name])
    order = after.book.orders.get(name)
    if order is not None:
        if isinstance(asset, Battery | ChargePointAsset | OperationModeAsset):
            shown_asset["led_by"] = local_plan.find_leader(order.reason)
        age = round((inputs.now_ns - order.written_ns) / 1e9, 1)
        shown_asset["command"] = {"point": name, "value": order.value, "age_s": age}
        shown_asset["command"] |= {"reason": str(order.reason), **render_data(order.reason)}
        if order.written_reason is not None:
            shown_asset["command"]["written_reason"] = str(order.written_reason)
    return shown_asset


def _add_override(
    inputs: CycleInputs,
    asset: ControllableAsset,
    after: ControlState,
    step: override_report.BatteryStep | None,
    found: dict[str, Any],
) -> dict[str, Any]:
    """Add the order for this asset, if there is one, and the limit that holds it back."""
    request = inputs.requests.overrides.get(asset.name)
    if request is None:
        return found
    order = after.book.orders.get(find_control_point(asset))
    found["override"] = {
        "value": request.value,
        "words": str(request.reason),
        **render_data(request.reason),
        "left_s": round((request.until_ns - inputs.now_ns) / 1e9, 1),
        "until_utc_ms": request.until_utc_ms,
        **override_report.report_override(inputs, asset, request, order, step),
    }
    return found


def _render_state(state: Reason) -> dict[str, Any]:
    """Return the state of an asset, as text and as code with values; the same for many cycles."""
    return _PLAIN.get(id(state)) or _found_state(state)


@lru_cache(maxsize=1024)
def _found_state(state: Reason) -> dict[str, Any]:
    return {"state": str(state), "state_reason": render_data(state)}


def _turn_state(asset: Pv | ChargePointAsset | Load, switch: SwitchState) -> Reason:
    if switch.unread_ns is not None:
        return _UNREAD
    if not switch.on:
        return _OFF.get(type(asset), _SHED)
    return NO_REASON if switch.limit_w is None else _make_limited_reason(round(switch.limit_w))


@lru_cache(maxsize=1024)
def _make_limited_reason(limit_w: int) -> Reason:
    return make_reason("state.limited", limit_w=limit_w)


def _last(inputs: CycleInputs, asset: Asset) -> float | None:
    memory = inputs.state.last_good.get(f"{asset.name}.power_w")
    return None if memory is None else round(memory.value, 1)


def _age(age_s: float) -> float | None:
    return None if age_s == float("inf") else round(age_s, 1)
