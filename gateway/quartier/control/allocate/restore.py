"""Restore what was shed: in stages, and only if it fits with a margin (spec/failsafe.md#release)."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from quartier.control import switch_state
from quartier.control.allocate import operation_modes, steps, tree
from quartier.control.allocate.results import (
    AllocationResult,
    find_conflict_pauses,
    find_limit_w,
    is_paused_by_conflict,
)
from quartier.control.allocate.steps import estimate_return_power_w
from quartier.control.events import effects
from quartier.control.events.effects import GridEffects
from quartier.control.inputs import CycleInputs
from quartier.control.observe import health, residual_load, totals
from quartier.control.observe.health import ControlStage
from quartier.control.orders import overrides, unread_assets
from quartier.control.participants import (
    Participant,
    find_control_point,
    find_floor_power_w,
    find_full_power_w,
    is_at_order,
)
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, Load, OperationModeAsset, Pv, Tier
from quartier.site.records import replace


def restore_next(
    inputs: CycleInputs, participants: Sequence[Participant], result: AllocationResult
) -> AllocationResult:
    """Restore at most one load, charge point or PV, if the gate is open and it fits with 10 % to spare."""
    cap_w = inputs.active_limits.import_w * switch_state.RESTORE_BELOW_SHARE
    if inputs.grid_effects.ceiling_w is not None:
        cap_w = min(cap_w, inputs.grid_effects.ceiling_w)
    high_w = result.total_high_w
    below = high_w is not None and inputs.grid_w is not None and max(high_w, inputs.grid_w) < cap_w
    gate = switch_state.advance_gate(
        inputs.state.gate, below=below, common=inputs.common, seed=inputs.site.seed, now_ns=inputs.now_ns
    )
    rooms, looks = tree.find_headrooms_w(inputs, result.tree, participants, result.setpoints_w)
    back: dict[int, SwitchState] = {}
    spares_w = _spares_w(inputs, participants, high_w)
    if (
        high_w is not None
        and inputs.stage is ControlStage.NORMAL
        and not (result.acted or inputs.grid_effects.holds)
    ):
        if gate.is_open(inputs.now_ns):
            spare_w = (
                cap_w
                - high_w
                - residual_load.estimate_unseen_rise_w(
                    inputs.site.assets, inputs.state.last_good, inputs.now_ns
                )
            )
            spare_w = min(spare_w, _consumption_spare_w(inputs, participants))
            back = _next_back(inputs, participants, [min(spare_w, room_w) for room_w in rooms])
            if back:
                gate = replace(gate, last_ns=inputs.now_ns)
        back = back or _pv_back(inputs, participants, result)
    return replace(result, gate=gate, back=back, looks=looks, spares_w=spares_w)


def _spares_w(
    inputs: CycleInputs, participants: Sequence[Participant], high_w: float | None
) -> dict[str, float]:
    """Return what the limits leave for a restore, in W; empty if nothing is held, or nothing is known."""
    if (
        high_w is None
        or inputs.grid_w is None
        or not any(participant.switch_state.is_limited for participant in participants)
    ):
        return {}
    silent_w = residual_load.estimate_unseen_rise_w(inputs.site.assets, inputs.state.last_good, inputs.now_ns)
    spare_w = (
        inputs.active_limits.import_w * switch_state.RESTORE_BELOW_SHARE
        - max(high_w, inputs.grid_w)
        - silent_w
    )
    return {"import": spare_w, "consumption": _consumption_spare_w(inputs, participants)}


def _consumption_spare_w(inputs: CycleInputs, participants: Sequence[Participant]) -> float:
    cap_w = inputs.active_limits.consumption_w
    if cap_w is None:
        return inf
    return cap_w * switch_state.RESTORE_BELOW_SHARE - totals.find_consumption_w(inputs, participants)


def _next_back(
    inputs: CycleInputs, participants: Sequence[Participant], spares_w: Sequence[float]
) -> dict[int, SwitchState]:
    """Return the first that fits, in reverse of the shed order; ``spares_w`` is by participant."""
    place = {participant.name: index for index, participant in enumerate(participants)}
    switches = inputs.state.switch_states
    starting = switch_state.find_starting_machines(inputs.site.assets, switches, inputs.now_ns)
    tiers = {participant.name: _tier(participant) for participant in participants}
    order = [
        p.asset
        for p in participants
        if isinstance(p.asset, Load | ChargePointAsset | OperationModeAsset) and tiers[p.name] != "A"
    ]
    order.sort(key=lambda a: switch_state.rank_tier(a, tiers[a.name], switches[a.name], inputs.now_ns))
    left_alone = find_conflict_pauses(inputs)
    for asset in reversed(order):
        switch, spare_w = switches[asset.name], spares_w[place[asset.name]]
        # A new limit must find at most one machine that has to stay on.
        waits = (switch_state.is_machine(asset) and bool(starting - {asset.name})) or asset.name in left_alone
        barred = (
            overrides.is_kept_off(asset, inputs.requests.overrides)
            or tiers[asset.name] in inputs.grid_effects.off
        )
        if waits or barred:
            continue
        if isinstance(asset, OperationModeAsset):
            risen = operation_modes.find_mode_above(inputs, participants[place[asset.name]], spare_w)
            if risen is not None:
                return {place[asset.name]: risen}
        elif _is_away(inputs, participants[place[asset.name]]):
            fits = steps.estimate_return_power_w(asset, switch) <= spare_w
            if fits and switch_state.is_return_allowed(asset, switch, inputs.now_ns):
                return {place[asset.name]: _switch_on(asset, switch, inputs.now_ns)}
    for asset in reversed(order):
        switch, spare_w = switches[asset.name], spares_w[place[asset.name]]
        shares = participants[place[asset.name]].allowed_w is not None
        waits = shares or tiers[asset.name] in inputs.grid_effects.off or asset.name in left_alone
        if isinstance(asset, ChargePointAsset) and switch.on and switch.limit_w is not None and not waits:
            limit_w = min(find_full_power_w(asset), switch.limit_w + spare_w)
            if limit_w >= min(find_full_power_w(asset), switch.limit_w + find_floor_power_w(asset) / 6):
                at_limit = is_at_order(participants[place[asset.name]])
                more_w = find_limit_w(limit_w, find_full_power_w(asset))
                return {
                    place[asset.name]: switch_state.raise_limit(
                        switch, more_w, inputs.now_ns, is_at_limit=at_limit
                    )
                }
    return {}


def _switch_on(asset: Load | ChargePointAsset, switch: SwitchState, now_ns: int) -> SwitchState:
    on = switch_state.switch_on(switch, now_ns)
    return (
        switch_state.raise_limit(on, find_floor_power_w(asset), now_ns, is_at_limit=True)
        if isinstance(asset, ChargePointAsset)
        else on
    )


def _is_away(inputs: CycleInputs, participant: Participant) -> bool:
    """Return whether it may return here: cars that share load return by turns of their own."""
    return participant.allowed_w is None and unread_assets.is_possibly_off(inputs, participant)


def _tier(participant: Participant) -> Tier:
    """Return its tier now: that of an operation-mode asset changes with its comfort, or its deadline."""
    return participant.tier if isinstance(participant.asset, OperationModeAsset) else participant.asset.tier


def _pv_back(
    inputs: CycleInputs, participants: Sequence[Participant], result: AllocationResult
) -> dict[int, SwitchState]:
    """Restore a PV behind a relay if its power before it was switched off fits."""
    assert result.total_low_w is not None
    if inputs.grid_effects.pv_holds or inputs.grid_effects.pv_ramp_per_min is not None:
        return {}
    spare_w = result.total_low_w + inputs.active_limits.export_w * switch_state.RESTORE_BELOW_SHARE
    cap_w = inputs.active_limits.generation_w
    if cap_w is not None:
        made_w = residual_load.find_generation_w(inputs.site, inputs.state.last_good, inputs.now_ns)
        spare_w = min(spare_w, cap_w * switch_state.RESTORE_BELOW_SHARE - made_w)
    for index, participant in enumerate(participants):
        asset, switch = participant.asset, participant.switch_state
        if not isinstance(asset, Pv) or overrides.is_kept_off(asset, inputs.requests.overrides):
            continue
        if is_paused_by_conflict(inputs, asset):
            continue
        if not unread_assets.is_possibly_off(inputs, participant):
            continue
        expected_w = -switch.before_w if switch.before_w < 0 else asset.rated_w
        if expected_w <= spare_w and switch_state.is_switch_allowed(asset, switch, inputs.now_ns):
            return {index: switch_state.switch_on(switch, inputs.now_ns)}
    return {}


_S = 1_000_000_000
FlexibleAsset = Load | ChargePointAsset | Pv | OperationModeAsset


def find_return_needs(state: ControlState, name: str, now_ns: int) -> list[dict[str, Any]] | None:
    """Return what is still missing for a return, JSON-ready; None if nothing is held.

    Each entry has ``what`` and its figures. ``inputs``: lost inputs must be back. ``command``: a district
    command must be over. ``minimum``: its minimum time must be over. ``room``: the power must have been below
    ``below_w`` for ``for_s``. ``export``: for PV, the export must be below ``below_w``. ``spread`` and
    ``spacing``: it waits so that not all come back at once. ``grid``: frequency, voltage or a recent outage
    holds all back. ``rest``: it was switched often. ``fits``: its power must fit. ``turn``: these assets come
    first.
    """
    asset = next((one for one in state.site.assets if one.name == name), None)
    switch = state.switch_states.get(name)
    if switch is None or not isinstance(asset, FlexibleAsset) or state.active_limits is None:
        return None
    if not switch.is_limited and switch.unread_ns is None:
        return None
    grid = effects.find_grid_effects(state.events, state.site.limits.import_hard_w, now_ns)
    waits = grid.pv_holds if isinstance(asset, Pv) else grid.holds
    found = [*_inputs(state), *([{"what": "grid"}] if waits else []), *_iterate_commands(state, asset)]
    found += _minimum(asset, switch, now_ns)
    if isinstance(asset, Pv):
        return [*found, {"what": "export", "below_w": round(state.active_limits.export_w, 1)}]
    return [*found, *_gate(state, grid, now_ns), *_fits(state, asset, switch, now_ns)]


def _inputs(state: ControlState) -> Iterator[dict[str, Any]]:
    if state.judgement.stage is not ControlStage.NORMAL:
        yield {"what": "inputs", "rules": [health.STAGE_TEXTS[rule] for rule in state.judgement.rules]}


def _iterate_commands(state: ControlState, asset: FlexibleAsset) -> Iterator[dict[str, Any]]:
    order = state.book.orders.get(find_control_point(asset))
    behind = None if order is None else order.reason.who
    if order is not None and behind is not None and (behind.kind, behind.name) == ("document", "command"):
        yield {"what": "command", "id": behind.id, "until_utc_ms": order.reason.until_utc_ms}


def _minimum(asset: FlexibleAsset, switch: SwitchState, now_ns: int) -> Iterator[dict[str, Any]]:
    if switch_state.is_switch_allowed(asset, switch, now_ns):
        if not switch.on and not switch_state.is_return_allowed(asset, switch, now_ns):
            yield {"what": "rest"}
        return
    assert switch.since_ns is not None
    least_s = _least_s(asset, switch)
    left_s = least_s - (now_ns - switch.since_ns) / _S
    yield {"what": "minimum", "is_on": switch.on, "least_s": least_s, "left_s": round(left_s, 1)}


def _least_s(asset: FlexibleAsset, switch: SwitchState) -> float:
    if isinstance(asset, Pv):
        return 0.0 if switch.on else switch_state.PV_MIN_OFF_S
    return asset.min_on_s if switch.on else asset.min_off_s


def _gate(state: ControlState, grid: GridEffects, now_ns: int) -> Iterator[dict[str, Any]]:
    assert state.active_limits is not None
    gate, goal_w = state.gate, state.active_limits.import_w * switch_state.RESTORE_BELOW_SHARE
    if grid.ceiling_w is not None:
        goal_w = min(goal_w, grid.ceiling_w)
    below_s = 0.0 if gate.below_since_ns is None else (now_ns - gate.below_since_ns) / _S
    if below_s < switch_state.RESTORE_AFTER_S:
        power = state.last_good.get(f"{state.site.grid.name}.power_w")
        yield {
            "what": "room",
            "below_w": round(goal_w, 1),
            "grid_w": None if power is None else round(power.value, 1),
            "for_s": switch_state.RESTORE_AFTER_S,
            "below_s": round(below_s, 1),
        }
    if gate.not_before_ns is not None and gate.not_before_ns > now_ns:
        yield {"what": "spread", "left_s": round((gate.not_before_ns - now_ns) / _S, 1)}
    if gate.last_ns is not None and now_ns - gate.last_ns < switch_state.RESTORE_EACH_S * _S:
        left_s = switch_state.RESTORE_EACH_S - (now_ns - gate.last_ns) / _S
        yield {"what": "spacing", "left_s": round(left_s, 1)}


def _fits(
    state: ControlState, asset: Load | ChargePointAsset | OperationModeAsset, switch: SwitchState, now_ns: int
) -> Iterator[dict[str, Any]]:
    if not isinstance(asset, OperationModeAsset) and not switch.on:
        yield {"what": "fits", "power_w": round(estimate_return_power_w(asset, switch), 1)}
    held = [
        one
        for one in state.site.assets
        if isinstance(one, Load | ChargePointAsset | OperationModeAsset)
        and state.switch_states.get(one.name, SwitchState()).is_limited
    ]
    order = [one.name for one in reversed(switch_state.sort_by_shed_order(held, state.switch_states, now_ns))]
    if asset.name in order and order.index(asset.name):
        yield {"what": "turn", "before": order[: order.index(asset.name)]}
