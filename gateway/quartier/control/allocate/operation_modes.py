"""Choose the operation mode of each operation-mode asset, inside all limits (pure).

``preferences`` says what each asset class prefers. This module holds what all of them share: the steps that a
limit may take, minimum times, and the state that is kept.
"""

from collections.abc import Mapping

from quartier.control import participants, switch_state
from quartier.control.allocate import preferences
from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations
from quartier.control.observe.health import ControlStage
from quartier.control.observe.observations import LastGood, find_power_w
from quartier.control.orders import conflicts, overrides, unread_assets
from quartier.control.participants import (
    Participant,
    find_control_point,
    find_flexible_assets,
    find_full_power_w,
)
from quartier.control.reason import NO_REASON, Reason, make_reason
from quartier.control.records import REFRESH_S, DesiredValue, ModeStep, OrderBook, Preference
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, Load, OperationModeAsset, Pv
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace
from quartier.site.site_layout import Site


def adopt_assets(frozen: FrozenImage, state: ControlState, now_ns: int) -> dict[str, SwitchState]:
    """Return the switch state of each flexible asset; an asset without an order is adopted as it is.

    So a restart neither forgets a shed nor lifts a limit: the asset is restored in stages. Its remembered
    minimum times and sheds stay.
    """
    known = dict(state.switch_states)
    for one in find_controllable(state.site):
        if one.point not in state.book.orders:
            switch = known.get(one.name, SwitchState())
            if one.point in state.book.released and not is_relinquished(one, switch):
                switch = forget_mode(switch, now_ns)
            found = observations.read_number(frozen, one.point)
            switch = adopt_mode(one, switch, found, now_ns)
            known[one.name] = unread_assets.note_unread_point(switch, now_ns, read=found is not None)
    for asset in find_flexible_assets(state.site):
        if find_control_point(asset) not in state.book.orders:
            point = find_control_point(asset)
            found = observations.read_number(frozen, point)
            switch = known.get(asset.name, SwitchState())
            if found is not None and (switch.limit_w is None or switch.unread_ns is not None):
                switch = _match_value(point, asset, switch, found.value, now_ns)
            known[asset.name] = unread_assets.note_unread_point(switch, now_ns, read=found is not None)
    return known


def _match_value(
    point: str, asset: Load | ChargePointAsset | Pv, switch: SwitchState, value: float, now_ns: int
) -> SwitchState:
    if not switch.on:
        return switch
    if point.endswith("_on"):
        return switch if value else replace(switch, on=False, since_ns=now_ns, order_ns=now_ns)
    if isinstance(asset, ChargePointAsset):
        if value < asset.current_min_a:
            return replace(switch, on=False, since_ns=now_ns, order_ns=now_ns)
        watts = value * asset.voltage_v * asset.phases_count
        return switch if watts >= find_full_power_w(asset) else switch_state.hold_limit(switch, watts, now_ns)
    return switch if value >= asset.rated_w else switch_state.hold_limit(switch, max(0.0, value), now_ns)


_NORMAL_AGAIN = make_reason("mode.normal_again")
_EPSILON_W = 1e-6
_S = 1_000_000_000


def find_controllable(site: Site) -> list[OperationModeAsset]:
    """Return the operation-mode assets that take orders."""
    return [
        a
        for a in site.assets
        if isinstance(a, OperationModeAsset) and a.writable and participants.is_order_allowed(a)
    ]


def adopt_mode(
    asset: OperationModeAsset, switch: SwitchState, found: LastGood | None, now_ns: int
) -> SwitchState:
    """Return the switch state of an asset without an order: its mode is the one nearest to the read value.

    A mode that takes less than normal counts as held, so that a restart does not lift what a limit lowered.
    """
    if asset.own_normal and switch.back_ns is not None:
        return replace(switch, mode=asset.normal)
    if found is None or switch.mode is not None:
        return switch
    mode = min(range(len(asset.modes)), key=lambda i: abs(asset.modes[i].value - found.value))
    held = mode > asset.normal
    return replace(switch, mode=mode, is_held=held, on=not held, since_ns=now_ns if held else None)


def find_preference(inputs: CycleInputs, asset: OperationModeAsset) -> Preference:
    """Return the preference of its class, or what a person ordered instead."""
    return overrides.apply_to_preference(
        asset, inputs.requests.overrides, preferences.find_class_preference(asset, inputs)
    )


def find_relinquished_points(inputs: CycleInputs) -> dict[str, Reason]:
    """Return the points that must be left to their device's own control now, with the reason.

    Source: spec/failsafe.md#rule-11.
    """
    found = (
        (asset.point, find_preference(inputs, asset).given_back) for asset in find_controllable(inputs.site)
    )
    return {point: why for point, why in found if why}


def is_relinquished(asset: OperationModeAsset, switch: SwitchState) -> bool:
    """Return whether its own control has it because no order is needed."""
    return asset.own_normal and switch.mode == asset.normal and switch.back_ns is None


def find_normal_points(site: Site, switches: Mapping[str, SwitchState], book: OrderBook) -> dict[str, Reason]:
    """Return the ordered points that are normal again, if their own control is the normal mode."""
    found = (
        a
        for a in find_controllable(site)
        if a.point in book.orders and is_relinquished(a, switches.get(a.name, SwitchState()))
    )
    return {asset.point: _NORMAL_AGAIN for asset in found}


def forget_mode(switch: SwitchState, now_ns: int) -> SwitchState:
    """Return the state of an asset under its own control, which may have moved it: it is adopted anew."""
    if switch.back_ns is None:
        switch = switch_state.change_direction(switch, now_ns, up=True)
        switch = replace(switch, back_ns=now_ns)
    return SwitchState(
        since_ns=now_ns,
        sheds_ns=switch.sheds_ns,
        switch_times_ns=switch.switch_times_ns,
        back_ns=switch.back_ns,
        unread_ns=switch.unread_ns,
    )


def make_participants(inputs: CycleInputs) -> list[Participant]:
    """Make a participant of each operation-mode asset that takes orders and is not under its own control."""
    ours = (
        a
        for a in find_controllable(inputs.site)
        if not overrides.is_in_maintenance(a, inputs.requests.overrides)
    )
    ours = (a for a in ours if not conflicts.explain_no_raise(inputs.state.conflicts, a.point))
    starting = switch_state.find_starting_machines(
        inputs.site.assets, inputs.state.switch_states, inputs.now_ns
    )
    found = []
    for asset in ours:
        preference = find_preference(inputs, asset)
        waits = switch_state.is_machine(asset) and bool(starting - {asset.name}) and not preference.claims
        participant = make_participant(inputs, asset, preference, waits=waits)
        if participant is not None:
            found.append(participant)
            before = asset.normal if participant.switch_state.mode is None else participant.switch_state.mode
            if switch_state.is_machine(asset) and participant.mode < before:
                starting.add(asset.name)
    return found


def make_participant(
    inputs: CycleInputs, asset: OperationModeAsset, preference: Preference, *, waits: bool = False
) -> Participant | None:
    """Make the participant of an operation-mode asset, with the steps it offers.

    It offers no step before its minimum time is over. If it ``waits``, it goes no higher by itself, because
    another machine was just started (``minimum_times``).
    """
    if preference.given_back:
        return None
    switch, now_ns = inputs.state.switch_states.get(asset.name, SwitchState()), inputs.now_ns
    before = asset.normal if switch.mode is None else switch.mode
    switch, wanted = _find_asked_mode(switch, before, preference, now_ns)
    usable = not participants.explain_no_order(asset, inputs.state.last_good)
    rises = usable and switch_state.is_switch_allowed(asset, switch, now_ns)
    sinks = usable and switch_state.is_lowering_allowed(asset, switch, now_ns)
    mode = _mode(inputs, switch, before, wanted, preference) if sinks else before
    if waits or not rises:
        mode = max(before, mode)
    seen_w = find_power_w(inputs.state.last_good, asset, now_ns)
    # An asset that is only asked to generate may not have started.
    present_w = max(0.0, asset.modes[before].power_w) if seen_w is None else seen_w
    desired_w = _find_expected_w(asset, before, present_w, mode)
    participant = Participant(
        asset, present_w, desired_w, switch, is_measured=seen_w is not None, usable=usable
    )
    participant.mode, participant.preferred_mode = mode, wanted
    participant.tier, participant.reason = preference.tier, _reason(asset, mode, wanted, preference)
    if sinks and preference.tier != "A":
        lowest, highest = preference.lowest, preference.highest
        downs, ups = range(mode + 1, lowest + 1), range(mode - 1, highest - 1, -1)
        participant.downs = tuple(_make_step(asset, before, present_w, m, preference) for m in downs)
        participant.ups = tuple(_make_step(asset, before, present_w, m, preference) for m in ups)
        if not (rises and switch_state.is_rise_allowed(switch, now_ns)):
            participant.ups = ()
    if switch.settling(now_ns, inputs.state.lag.late_s):
        participant.present_w = max(present_w, switch.before_w)
    return participant


def _find_asked_mode(
    switch: SwitchState, before: int, preference: Preference, now_ns: int
) -> tuple[SwitchState, int]:
    """Return the mode that was wanted for long enough, and the state with since when another is wanted."""
    if switch.is_held or not preference.after_s or preference.preferred_mode == before:
        now = switch if switch.asks_ns is None else replace(switch, asks_ns=None)
        return now, preference.preferred_mode
    since_ns = now_ns if switch.asks_ns is None else switch.asks_ns
    if now_ns - since_ns >= preference.after_s * _S:
        return switch, preference.preferred_mode
    return replace(switch, asks_ns=since_ns), min(max(before, preference.highest), preference.lowest)


def _mode(inputs: CycleInputs, switch: SwitchState, before: int, wanted: int, preference: Preference) -> int:
    """Return the mode it goes to by itself: the wanted one, but no further up if it is held.

    It also goes no further up while inputs are stale or the grid is disturbed, or after too many turns in an
    hour.
    """
    mode = min(max(wanted, preference.highest), preference.lowest)
    held = inputs.grid_effects.holds_down(preference.tier) or (switch.is_held and not preference.claims)
    if (
        held
        or inputs.stage is not ControlStage.NORMAL
        or not switch_state.is_rise_allowed(switch, inputs.now_ns)
    ):
        mode = max(before, mode)
    return mode


def _reason(asset: OperationModeAsset, mode: int, wanted: int, preference: Preference) -> Reason:
    """Return why it is in this mode; ``wanted`` is the mode that it has wanted for long enough."""
    cause = preference.reason
    if cause.code == NO_REASON.code:
        return cause
    if wanted != preference.preferred_mode:
        later = make_reason(
            "mode.after",
            mode=asset.modes[preference.preferred_mode].name,
            after_min=round(preference.after_s / 60, 2),
        )
        cause = cause.then(later)
    return cause.limit_until(make_reason("mode.stands", mode=asset.modes[mode].name))


def _make_step(
    asset: OperationModeAsset, before: int, present_w: float, mode: int, preference: Preference
) -> ModeStep:
    early = mode <= asset.normal
    last = mode == preference.lowest and preference.last_tier is not None
    tier = preference.last_tier if last and preference.last_tier is not None else preference.tier
    return ModeStep(
        mode,
        _find_expected_w(asset, before, present_w, mode),
        asset.modes[mode].name,
        "D" if early else tier,
        early,
        asset.modes[mode].power_w < 0.0,
    )


def _find_expected_w(asset: OperationModeAsset, before: int, present_w: float, mode: int) -> float:
    """Return the expected power in ``mode``, in W.

    Going down, its present power falls in the ratio of the modes' powers. Going up, it is the full power of
    the mode.
    """
    here_w, there_w = asset.modes[before].power_w, asset.modes[mode].power_w
    if mode == before:
        return present_w
    if mode < before:
        return max(there_w, present_w)
    if here_w <= 0.0 or there_w <= 0.0:
        return min(there_w, present_w)
    return min(there_w, present_w * (there_w / here_w))


def apply_mode(
    inputs: CycleInputs, participant: Participant, setpoint_w: float, off: int | None = None
) -> SwitchState:
    """Return the switch state after the allocation; ``off`` is the mode to which a grid event takes it."""
    asset, switch, now_ns = participant.asset, participant.switch_state, inputs.now_ns
    assert isinstance(asset, OperationModeAsset)
    if switch.mode is None and not participant.usable:
        return switch  # it was never ordered, and must not be ordered now
    mode = participant.mode
    if setpoint_w < participant.desired_w - _EPSILON_W:
        mode = next((r.mode for r in participant.downs if r.target_w <= setpoint_w + _EPSILON_W), mode)
    elif setpoint_w > participant.desired_w + _EPSILON_W:
        mode = next((r.mode for r in participant.ups if r.target_w >= setpoint_w - _EPSILON_W), mode)
    if off is not None:
        mode = max(mode, off)
    before = asset.normal if switch.mode is None else switch.mode
    lowered = mode > participant.mode
    if mode != before:
        switch = switch_state.change_direction(switch, now_ns, up=mode < before)
        switch = replace(switch, on=mode < before, since_ns=now_ns, asks_ns=None)
    if lowered and mode > before:
        switch = switch_state.switch_off(switch, max(participant.present_w, 0.0), now_ns)
    keeps = switch.is_held or inputs.grid_effects.holds_down(participant.tier)
    is_held = mode > participant.preferred_mode and (lowered or keeps)
    return replace(switch, mode=mode, is_held=is_held, back_ns=None)


def find_mode_above(inputs: CycleInputs, participant: Participant, spare_w: float) -> SwitchState | None:
    """Return the state one mode up for a held asset, if that fits; else None."""
    asset, switch = participant.asset, participant.switch_state
    assert isinstance(asset, OperationModeAsset)
    if not switch.is_held or participant.mode <= participant.preferred_mode:
        return None
    if not (
        switch_state.is_switch_allowed(asset, switch, inputs.now_ns)
        and switch_state.is_rise_allowed(switch, inputs.now_ns)
    ):
        return None
    mode = participant.mode - 1
    more_w = _find_expected_w(asset, participant.mode, participant.desired_w, mode) - participant.desired_w
    if more_w > spare_w:
        return None
    switch = switch_state.change_direction(switch, inputs.now_ns, up=True)
    return replace(
        switch, mode=mode, on=True, since_ns=inputs.now_ns, is_held=mode > participant.preferred_mode
    )


def make_order(participant: Participant, switch: SwitchState, reason: Reason) -> DesiredValue:
    """Return the value to write to its point."""
    asset = participant.asset
    assert isinstance(asset, OperationModeAsset)
    assert switch.mode is not None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    return DesiredValue(
        asset.point,
        asset.modes[switch.mode].value,
        reason,
        refresh_s=kept_s,
        holds=switch.mode != asset.normal,
    )


def render_mode_state(asset: OperationModeAsset, switch: SwitchState, why: Reason | None) -> Reason:
    """Return its present mode and why."""
    name = asset.modes[asset.normal if switch.mode is None else switch.mode].name
    if why is not None and why.code == "output.given_back":
        return why
    if switch.is_held:
        return make_reason("state.held", mode=name)
    is_of_mode = why is not None and why.code == "mode.stands" and why.get("mode") == name
    return why if why is not None and is_of_mode else make_reason("mode.stands", mode=name)
