"""Choose the operation mode of each asset that runs in modes, inside all limits (pure).

The class of an asset says what it would like (``classes``); here is what all of them share: the steps that a
cap may take, minimum times, and what is remembered.
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
    """The turn of each flexible asset; one met for the first time is taken as it stands.

    So a restart neither forgets what was shed nor lifts what was limited: it is restored staged.  What is
    remembered of it, its least times and its sheds, stays.
    """
    known = dict(state.turns)
    for one in find_controllable(state.house):
        if one.point not in state.book.orders:
            turn = known.get(one.name, SwitchState())
            if one.point in state.book.released and not is_relinquished(one, turn):
                turn = forget_mode(turn, now_ns)
            found = observations.read_number(frozen, one.point)
            turn = adopt_mode(one, turn, found, now_ns)
            known[one.name] = unread_assets.note_unread_point(turn, now_ns, read=found is not None)
    for asset in find_flexible_assets(state.house):
        if find_control_point(asset) not in state.book.orders:
            point = find_control_point(asset)
            found = observations.read_number(frozen, point)
            turn = known.get(asset.name, SwitchState())
            if found is not None and (turn.limit_w is None or turn.unread_ns is not None):
                turn = _met(point, asset, turn, found.value, now_ns)
            known[asset.name] = unread_assets.note_unread_point(turn, now_ns, read=found is not None)
    return known


def _met(
    point: str, asset: Load | ChargePointAsset | Pv, turn: SwitchState, value: float, now_ns: int
) -> SwitchState:
    if not turn.on:
        return turn
    if point.endswith("_on"):
        return turn if value else replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
    if isinstance(asset, ChargePointAsset):
        if value < asset.current_min_a:
            return replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
        watts = value * asset.voltage_v * asset.phases_count
        return turn if watts >= find_full_power_w(asset) else switch_state.hold_limit(turn, watts, now_ns)
    return turn if value >= asset.rated_w else switch_state.hold_limit(turn, max(0.0, value), now_ns)


_NORMAL_AGAIN = make_reason("mode.normal_again")
_EPSILON_W = 1e-6
_S = 1_000_000_000


def find_controllable(house: Site) -> list[OperationModeAsset]:
    """The assets in modes that take orders."""
    return [
        a
        for a in house.assets
        if isinstance(a, OperationModeAsset) and a.writable and participants.is_order_allowed(a)
    ]


def adopt_mode(
    asset: OperationModeAsset, turn: SwitchState, found: LastGood | None, now_ns: int
) -> SwitchState:
    """The turn of one that was not ordered yet: it stands in the mode whose value is read nearest.

    One that takes less than normal counts as held: so a restart does not lift what a cap had lowered.
    """
    if asset.own_normal and turn.back_ns is not None:
        return replace(turn, mode=asset.normal)
    if found is None or turn.mode is not None:
        return turn
    mode = min(range(len(asset.modes)), key=lambda i: abs(asset.modes[i].value - found.value))
    held = mode > asset.normal
    return replace(turn, mode=mode, is_held=held, on=not held, since_ns=now_ns if held else None)


def find_preference(scene: CycleInputs, asset: OperationModeAsset) -> Preference:
    """Return what its class makes it like, and what a person said instead."""
    return overrides.apply_to_preference(
        asset, scene.wishes.overrides, preferences.find_class_preference(asset, scene)
    )


def find_relinquished_points(scene: CycleInputs) -> dict[str, Reason]:
    """The points whose own control must have them now, with the reason (spec/failsafe.md#rule-11)."""
    found = (
        (asset.point, find_preference(scene, asset).given_back) for asset in find_controllable(scene.house)
    )
    return {point: why for point, why in found if why}


def is_relinquished(asset: OperationModeAsset, turn: SwitchState) -> bool:
    """Return whether its own control has it because nothing is wanted of it."""
    return asset.own_normal and turn.mode == asset.normal and turn.back_ns is None


def find_normal_points(house: Site, turns: Mapping[str, SwitchState], book: OrderBook) -> dict[str, Reason]:
    """The points that were ordered and are normal again, where that is their own control's doing."""
    found = (
        a
        for a in find_controllable(house)
        if a.point in book.orders and is_relinquished(a, turns.get(a.name, SwitchState()))
    )
    return {asset.point: _NORMAL_AGAIN for asset in found}


def forget_mode(turn: SwitchState, now_ns: int) -> SwitchState:
    """The turn of one that its own control has, which may have moved it: it is met anew."""
    if turn.back_ns is None:
        turn = switch_state.change_direction(turn, now_ns, up=True)
        turn = replace(turn, back_ns=now_ns)
    return SwitchState(
        since_ns=now_ns,
        sheds_ns=turn.sheds_ns,
        turns_ns=turn.turns_ns,
        back_ns=turn.back_ns,
        unread_ns=turn.unread_ns,
    )


def make_participants(scene: CycleInputs) -> list[Participant]:
    """Each asset in modes that takes orders and is not given back to its own control."""
    ours = (
        a
        for a in find_controllable(scene.house)
        if not overrides.is_in_maintenance(a, scene.wishes.overrides)
    )
    ours = (a for a in ours if not conflicts.explain_no_raise(scene.state.rivals, a.point))
    starting = switch_state.find_starting_machines(scene.house.assets, scene.state.turns, scene.now_ns)
    found = []
    for asset in ours:
        leaning = find_preference(scene, asset)
        waits = switch_state.is_machine(asset) and bool(starting - {asset.name}) and not leaning.claims
        player = make_participant(scene, asset, leaning, waits=waits)
        if player is not None:
            found.append(player)
            before = asset.normal if player.turn.mode is None else player.turn.mode
            if switch_state.is_machine(asset) and player.mode < before:
                starting.add(asset.name)
    return found


def make_participant(
    scene: CycleInputs, asset: OperationModeAsset, leaning: Preference, *, waits: bool = False
) -> Participant | None:
    """An asset in modes as it stands, with the steps it offers; none before its minimum time is over.

    One that ``waits`` goes no higher by itself: another machine was just started (``minimum_times``).
    """
    if leaning.given_back:
        return None
    turn, now_ns = scene.state.turns.get(asset.name, SwitchState()), scene.now_ns
    before = asset.normal if turn.mode is None else turn.mode
    turn, wanted = _asked(turn, before, leaning, now_ns)
    usable = not participants.explain_no_order(asset, scene.state.memories)
    rises = usable and switch_state.is_switch_allowed(asset, turn, now_ns)
    sinks = usable and switch_state.is_lowering_allowed(asset, turn, now_ns)
    mode = _mode(scene, turn, before, wanted, leaning) if sinks else before
    if waits or not rises:
        mode = max(before, mode)
    seen_w = find_power_w(scene.state.memories, asset, now_ns)
    # What is only asked to generate may not have started.
    present_w = max(0.0, asset.modes[before].power_w) if seen_w is None else seen_w
    want_w = _expected_w(asset, before, present_w, mode)
    player = Participant(asset, present_w, want_w, turn, seen=seen_w is not None, usable=usable)
    player.mode, player.wanted = mode, wanted
    player.tier, player.reason = leaning.tier, _reason(asset, mode, wanted, leaning)
    if sinks and leaning.tier != "A":
        lowest, highest = leaning.lowest, leaning.highest
        downs, ups = range(mode + 1, lowest + 1), range(mode - 1, highest - 1, -1)
        player.downs = tuple(_rung(asset, before, present_w, m, leaning) for m in downs)
        player.ups = tuple(_rung(asset, before, present_w, m, leaning) for m in ups)
        if not (rises and switch_state.is_rise_allowed(turn, now_ns)):
            player.ups = ()
    if turn.settling(now_ns, scene.state.lag.late_s):
        player.present_w = max(present_w, turn.before_w)
    return player


def _asked(turn: SwitchState, before: int, leaning: Preference, now_ns: int) -> tuple[SwitchState, int]:
    """The mode that it has wanted for long enough, and since when it has wanted another."""
    if turn.is_held or not leaning.after_s or leaning.wanted == before:
        return (turn if turn.asks_ns is None else replace(turn, asks_ns=None)), leaning.wanted
    since_ns = now_ns if turn.asks_ns is None else turn.asks_ns
    if now_ns - since_ns >= leaning.after_s * _S:
        return turn, leaning.wanted
    return replace(turn, asks_ns=since_ns), min(max(before, leaning.highest), leaning.lowest)


def _mode(scene: CycleInputs, turn: SwitchState, before: int, wanted: int, leaning: Preference) -> int:
    """Return where it goes by itself: to what it wants; one that is held goes no further up than it is held.

    So does every one while inputs are stale or the grid is in need, or after too many turns in an hour.
    """
    mode = min(max(wanted, leaning.highest), leaning.lowest)
    held = scene.duties.holds_down(leaning.tier) or (turn.is_held and not leaning.claims)
    if held or scene.stage is not ControlStage.WELL or not switch_state.is_rise_allowed(turn, scene.now_ns):
        mode = max(before, mode)
    return mode


def _reason(asset: OperationModeAsset, mode: int, wanted: int, leaning: Preference) -> Reason:
    """Why it stands there; ``wanted`` is what it has wanted for long enough, where it would like another."""
    cause = leaning.reason
    if cause.code == NO_REASON.code:
        return cause
    if wanted != leaning.wanted:
        later = make_reason(
            "mode.after", mode=asset.modes[leaning.wanted].name, after_min=round(leaning.after_s / 60, 2)
        )
        cause = cause.then(later)
    return cause.limit_until(make_reason("mode.stands", mode=asset.modes[mode].name))


def _rung(
    asset: OperationModeAsset, before: int, present_w: float, mode: int, leaning: Preference
) -> ModeStep:
    early = mode <= asset.normal
    last = mode == leaning.lowest and leaning.last_tier is not None
    tier = leaning.last_tier if last and leaning.last_tier is not None else leaning.tier
    return ModeStep(
        mode,
        _expected_w(asset, before, present_w, mode),
        asset.modes[mode].name,
        "D" if early else tier,
        early,
        asset.modes[mode].power_w < 0.0,
    )


def _expected_w(asset: OperationModeAsset, before: int, present_w: float, mode: int) -> float:
    """What it will take in ``mode``: as much less as its modes say, but for more its whole share of them."""
    here_w, there_w = asset.modes[before].power_w, asset.modes[mode].power_w
    if mode == before:
        return present_w
    if mode < before:
        return max(there_w, present_w)
    if here_w <= 0.0 or there_w <= 0.0:
        return min(there_w, present_w)
    return min(there_w, present_w * (there_w / here_w))


def apply_mode(
    scene: CycleInputs, player: Participant, setpoint_w: float, off: int | None = None
) -> SwitchState:
    """The turn after the kernel moved the player, or left it; ``off`` is the mode an event takes it to."""
    asset, turn, now_ns = player.asset, player.turn, scene.now_ns
    assert isinstance(asset, OperationModeAsset)
    if turn.mode is None and not player.usable:
        return turn  # it was never ordered, and must not be now
    mode = player.mode
    if setpoint_w < player.want_w - _EPSILON_W:
        mode = next((r.mode for r in player.downs if r.target_w <= setpoint_w + _EPSILON_W), mode)
    elif setpoint_w > player.want_w + _EPSILON_W:
        mode = next((r.mode for r in player.ups if r.target_w >= setpoint_w - _EPSILON_W), mode)
    if off is not None:
        mode = max(mode, off)
    before = asset.normal if turn.mode is None else turn.mode
    lowered = mode > player.mode
    if mode != before:
        turn = switch_state.change_direction(turn, now_ns, up=mode < before)
        turn = replace(turn, on=mode < before, since_ns=now_ns, asks_ns=None)
    if lowered and mode > before:
        turn = switch_state.switch_off(turn, max(player.present_w, 0.0), now_ns)
    keeps = turn.is_held or scene.duties.holds_down(player.tier)
    is_held = mode > player.wanted and (lowered or keeps)
    return replace(turn, mode=mode, is_held=is_held, back_ns=None)


def find_mode_above(scene: CycleInputs, player: Participant, spare_w: float) -> SwitchState | None:
    """One mode up for one that is held, where that fits; None else."""
    asset, turn = player.asset, player.turn
    assert isinstance(asset, OperationModeAsset)
    if not turn.is_held or player.mode <= player.wanted:
        return None
    if not (
        switch_state.is_switch_allowed(asset, turn, scene.now_ns)
        and switch_state.is_rise_allowed(turn, scene.now_ns)
    ):
        return None
    mode = player.mode - 1
    more_w = _expected_w(asset, player.mode, player.want_w, mode) - player.want_w
    if more_w > spare_w:
        return None
    turn = switch_state.change_direction(turn, scene.now_ns, up=True)
    return replace(turn, mode=mode, on=True, since_ns=scene.now_ns, is_held=mode > player.wanted)


def make_order(player: Participant, turn: SwitchState, reason: Reason) -> DesiredValue:
    """Return what is written to its point."""
    asset = player.asset
    assert isinstance(asset, OperationModeAsset)
    assert turn.mode is not None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    return DesiredValue(
        asset.point, asset.modes[turn.mode].value, reason, refresh_s=kept_s, holds=turn.mode != asset.normal
    )


def render_mode_state(asset: OperationModeAsset, turn: SwitchState, why: Reason | None) -> Reason:
    """Return how it stands and why."""
    name = asset.modes[asset.normal if turn.mode is None else turn.mode].name
    if why is not None and why.code == "output.given_back":
        return why
    if turn.is_held:
        return make_reason("state.held", mode=name)
    is_of_mode = why is not None and why.code == "mode.stands" and why.get("mode") == name
    return why if why is not None and is_of_mode else make_reason("mode.stands", mode=name)
