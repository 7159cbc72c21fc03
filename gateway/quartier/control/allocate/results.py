"""Turn the kernel's setpoints into orders and the state for the next cycle (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, inf
from typing import Literal

from quartier.control import participants, switch_state
from quartier.control.allocate import generation, held_reasons, operation_modes, steps
from quartier.control.allocate.tree import ConnectionTree
from quartier.control.inputs import CycleInputs
from quartier.control.limits.node_meters import NodeWindow
from quartier.control.observe import observations, totals
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check.judge import Verdict, find_checking_battery
from quartier.control.observe.meter_check.steps import STEP_MIN_W
from quartier.control.orders import conflicts, unread_assets
from quartier.control.orders import overrides as orders_overrides
from quartier.control.orders.releases import BATTERY_ANSWERS_S, is_within_order
from quartier.control.participants import (
    Participant,
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
"""Less than this is ordered as 0 W."""


@dataclass(frozen=True, slots=True)
class AllocationResult:
    """What an allocation came to.

    ``total_high_w`` and ``total_low_w`` are the grid's power if all is followed, at worst in either
    direction; None where nothing is known of the grid.  ``charge_room_w`` is what batteries could
    take more.  ``acted`` says by player why it was moved,
    ``back`` which players come back, with their new turn; ``off`` which an event of the grid takes, and into
    which mode, also where they take nothing now.  ``grove`` is the tree that it was brought into, None where
    nothing is known of the grid; ``broken`` are its rows whose cap does not hold.  ``held_w`` is what cars
    that share may take from now on, where the kernel lowered that.  ``spares_w`` is what each limit leaves
    for what comes back, where something is held.
    """

    setpoints_w: tuple[float, ...]
    total_high_w: float | None
    total_low_w: float | None
    acted: Mapping[int, Reason]
    met: bool
    gate: RestoreGate
    charge_room_w: float = 0.0
    back: Mapping[int, SwitchState] = field(default_factory=dict)
    grove: ConnectionTree | None = None
    broken: tuple[int, ...] = ()
    looks: Mapping[str, NodeWindow] = field(default_factory=dict)
    off: Mapping[int, int] = field(default_factory=dict)
    held_w: Mapping[int, float] = field(default_factory=dict)
    spares_w: Mapping[str, float] = field(default_factory=dict)


def is_paused_by_conflict(scene: CycleInputs, asset: ControllableAsset) -> bool:
    """Return whether a second controller moves its point, so that ours leaves it alone for a while."""
    return bool(conflicts.explain_no_raise(scene.state.rivals, find_control_point(asset)))


def find_conflict_pauses(scene: CycleInputs) -> set[str]:
    """Return the names of all assets for which ``is_paused_by_conflict`` holds, mostly none."""
    if all(one.rests_ns is None for one in scene.state.rivals.values()):
        return set()
    return {asset.name for asset in scene.house.assets if is_paused_by_conflict(scene, asset)}


def explain_battery_not_controlled(scene: CycleInputs, asset: Battery) -> Reason | None:
    """Return why the battery cannot be steered now; None when it can."""
    memories, now_ns = scene.state.memories, scene.now_ns
    not_ours = participants.explain_no_order(asset, memories) if asset.writable else _NO_SETPOINT
    not_ours = not_ours or conflicts.explain_no_raise(scene.state.rivals, find_control_point(asset))
    if not_ours or orders_overrides.is_in_maintenance(asset, scene.wishes.overrides):
        return not_ours or scene.wishes.overrides[asset.name].reason
    if no_meter := _why_no_meter(scene, asset):
        return no_meter
    for kind, period_s, unknown in (
        ("power_w", asset.period_s, _NO_POWER),
        ("soc_pct", asset.soc_period_s, _NO_SOC),
    ):
        name = f"{asset.name}.{kind}"
        if observations.find_fresh_value(memories, name, period_s, now_ns) is None:
            early = name not in memories and scene.running_s <= totals.START_WAIT_S
            return WAITING_TO_RETURN if early else unknown
    return None


def find_check_step_w(scene: CycleInputs, asset: Battery, room: PowerRange) -> float | None:
    """Return what a battery takes to see whether a doubted grid meter is right; None: it does not try.

    At most 5 % of the import limit in each direction (spec/failsafe.md#way-back), and no step too small to
    count: around zero once the meter is implausible, else around its last order, unless a person gave that.
    ``room`` is what it may take while nobody else moves.
    """
    up, part = scene.meter.tries(scene.now_ns), scene.meter.checks(scene.now_ns)
    watts = min(CHECK_STEP_SHARE * scene.force.import_w, asset.charge_max_w, asset.discharge_max_w)
    if asset is not find_checking_battery(scene.house) or 2.0 * watts < STEP_MIN_W:
        return None
    if up is not None:
        return watts if up else -watts
    if part is None or orders_overrides.find_ordered_power_w(asset, scene.wishes.overrides) is not None:
        return None
    watts = min(watts, 0.5 * (room.high_w - room.low_w))
    if 2.0 * watts < STEP_MIN_W:
        return None
    return min(max(scene.meter.checked_w, room.low_w + watts), room.high_w - watts) + part * watts


def _why_no_meter(scene: CycleInputs, asset: Battery) -> Reason | None:
    """Return why there is no grid meter that a setpoint may follow; None where there is one."""
    if scene.meter.verdict is Verdict.IMPLAUSIBLE:
        return _IMPLAUSIBLE if find_check_step_w(scene, asset, PowerRange(0.0, 0.0)) is None else None
    if scene.meter.verifies(scene.now_ns):
        return _CHECKED
    if scene.lost:
        return _LOST
    return _WAS_LOST if scene.stage is ControlStage.SAFE else None


def explain_movements(
    players: Sequence[Participant], setpoints_w: Sequence[float], acted: Mapping[int, Reason]
) -> dict[int, Reason]:
    """Return the reasons of who was moved, those of batteries by what each does now.

    The step that moved a battery says how far it could have gone: one that discharges less does not charge.
    """
    found = dict(acted)
    for index, reason in acted.items():
        cause = reason.drop_last()
        if cause is not None and reason.last.code in steps.BATTERY_CODES:
            found[index] = cause.then(_battery_move(players[index].want_w, setpoints_w[index]))
    return found


def _battery_move(want_w: float, setpoint_w: float) -> Reason:
    if abs(setpoint_w) <= ZERO_W:
        return steps.STOPS_TAKING if want_w > 0 else steps.STOPS_GIVING
    if setpoint_w > 0:
        return steps.TAKES if setpoint_w >= want_w else steps.TAKES_LESS
    return steps.GIVES if setpoint_w <= want_w else steps.GIVES_LESS


def find_maintenance_points(scene: CycleInputs) -> dict[str, Reason]:
    """Return the points of flexible assets in maintenance, with the reason.

    Batteries have ``explain_battery_not_controlled``.

    What takes no order has none to give back.
    """
    overrides = scene.wishes.overrides
    if not overrides:
        return {}
    ours = (*find_flexible_assets(scene.house), *operation_modes.find_controllable(scene.house))
    return {
        find_control_point(asset): overrides[asset.name].reason
        for asset in ours
        if orders_overrides.is_in_maintenance(asset, overrides)
    }


def apply_allocation(
    scene: CycleInputs, players: Sequence[Participant], result: AllocationResult
) -> tuple[list[DesiredValue], dict[str, SwitchState]]:
    """Return what each player's point shall be, and the turns remembered."""
    turns = dict(scene.state.turns)
    wants: list[DesiredValue] = []
    left_alone = find_conflict_pauses(scene)
    spare_w = float("inf")
    if result.total_high_w is not None:
        most_w = scene.force.import_w
        if scene.duties.ceiling_w is not None:
            most_w = min(most_w, max(scene.duties.ceiling_w, result.total_high_w))
        spare_w = max(0.0, most_w - result.total_high_w)
    for index, player in enumerate(players):
        asset = player.asset
        setpoint_w = result.setpoints_w[index]
        if isinstance(asset, Battery):
            wants += _battery_want(scene, player, result, index)
            continue
        if asset.name in left_alone:
            continue  # ``conflict`` says what is written
        turn = result.back.get(index) or _turn(scene, player, result, index)
        if turn.unread_ns is not None:
            turn = unread_assets.limit_first_order(scene, player, turn)
        shares = player.allowed_w is not None or unread_assets.is_unread(scene, player)
        if (
            isinstance(asset, ChargePointAsset)
            and turn.on
            and player.usable
            and not shares
            and _plugged(scene, asset)
        ):
            turn = _fitted(asset, turn, max(0.0, setpoint_w) + spare_w, scene.now_ns)
            spare_w = max(0.0, spare_w - (_limit_w(asset, turn) - max(0.0, setpoint_w)))
        turns[asset.name] = turn
        if _known(scene, result, index, player, turn):
            want = _flexible_want(player, turn, _reason(scene, player, result, index, turn))
            wants.append(_by_hand(scene, asset, want))
            turns[asset.name] = unread_assets.note_unread_point(turn, scene.now_ns, read=True)
    return wants, turns


def _battery_want(
    scene: CycleInputs, player: Participant, result: AllocationResult, index: int
) -> list[DesiredValue]:
    asset = player.asset
    assert isinstance(asset, Battery)
    setpoint_w = float(round(result.setpoints_w[index]))
    if result.total_high_w is None:
        return []
    if scene.grid_w is None and setpoint_w == round(player.before_w):
        return []  # no refresh on a stale input: the device's own timer goes on
    reason = result.acted.get(index, player.reason or NO_REASON)
    tighter: Literal[-1, 0, 1] = 0
    if index in result.acted:
        tighter = -1 if result.setpoints_w[index] < player.want_w else 1
    return [
        DesiredValue(
            find_control_point(asset),
            setpoint_w,
            reason,
            deadband=max(10.0, 0.002 * asset.rated_w),
            refresh_s=min(REFRESH_S, asset.lease_s / 3),
            life_s=SETPOINT_LIFE_S,
            tighter=tighter,
            obeys=_follows(scene, asset),
        )
    ]


def _follows(scene: CycleInputs, asset: Battery) -> bool | None:
    """Return whether a battery gives or takes what it was ordered; None before it had the time to.

    One that stands below its order may be full, empty, or kept back by its own protection: that is no reason
    to tell it again.  One that moves the other way, or further than ordered, does not know its order.
    """
    order = scene.state.book.orders.get(find_control_point(asset))
    seen = scene.state.memories.get(f"{asset.name}.power_w")
    if order is None or order.since_ns is None or seen is None:
        return None
    if seen.taken_ns < order.since_ns + BATTERY_ANSWERS_S * 1e9:
        return None
    return is_within_order(asset, order.value, seen.value)


def _turn(scene: CycleInputs, player: Participant, result: AllocationResult, index: int) -> SwitchState:
    """The turn after the kernel moved the player, or left it."""
    asset, now_ns = player.asset, scene.now_ns
    setpoint_w = result.setpoints_w[index]
    if isinstance(asset, OperationModeAsset):
        return operation_modes.apply_mode(scene, player, setpoint_w, result.off.get(index))
    if isinstance(asset, Pv):
        return _pv_turn(scene, player, result, index)
    is_off = index in result.off
    if isinstance(asset, ChargePointAsset) and player.allowed_w is not None:
        return _car_turn(player, asset, 0.0 if is_off else result.held_w.get(index), now_ns)
    assert isinstance(asset, _Switched)
    return _switched(player, asset, setpoint_w, now_ns, is_off=is_off)


def _switched(
    player: Participant, asset: Load | ChargePointAsset, setpoint_w: float, now_ns: int, *, is_off: bool
) -> SwitchState:
    turn, want_w = player.turn, player.want_w
    if turn.on and (setpoint_w < want_w - POWER_EPSILON_W or is_off):
        before_w = max(player.present_w, 0.0)
        if setpoint_w <= 0 or isinstance(asset, Load) or is_off:
            return switch_state.switch_off(turn, before_w, now_ns, deaf=player.deaf)
        return switch_state.lower_limit(
            turn, max(setpoint_w, find_floor_power_w(asset)), before_w, now_ns, deaf=player.deaf
        )
    if setpoint_w > want_w + POWER_EPSILON_W:
        return _raised(player, asset, setpoint_w, now_ns)
    return turn


def _raised(
    player: Participant, asset: Load | ChargePointAsset, setpoint_w: float, now_ns: int
) -> SwitchState:
    """On, and a car with at least what it may take already: it may take less than that by itself."""
    turn = player.turn
    if isinstance(asset, Load):
        return switch_state.switch_on(turn, now_ns)  # it was off: to one that is on no step up is offered
    if turn.on:
        limit_w = find_limit_w(max(setpoint_w, _limit_w(asset, turn)), find_full_power_w(asset))
        return switch_state.raise_limit(turn, limit_w, now_ns, stands=is_at_order(player))
    on = switch_state.switch_on(turn, now_ns)
    return switch_state.raise_limit(
        on, find_limit_w(setpoint_w, find_full_power_w(asset)), now_ns, stands=True
    )


def _car_turn(player: Participant, ev: ChargePointAsset, held_w: float | None, now_ns: int) -> SwitchState:
    """The turn of a car that shares: as it was shared, or lower where the kernel held it."""
    turn, before_w = player.turn, max(player.present_w, 0.0)
    if held_w is None or not turn.on:
        return turn
    if held_w < find_floor_power_w(ev) - POWER_EPSILON_W:
        return switch_state.switch_off(turn, before_w, now_ns, deaf=player.deaf)
    # One that draws more than its order is reckoned with that: what is left of it may be above the order.
    return switch_state.lower_limit(turn, min(held_w, _limit_w(ev, turn)), before_w, now_ns, deaf=player.deaf)


def _pv_turn(scene: CycleInputs, player: Participant, result: AllocationResult, index: int) -> SwitchState:
    asset, turn, now_ns = player.asset, player.turn, scene.now_ns
    assert isinstance(asset, Pv)
    setpoint_w = result.setpoints_w[index]
    if asset.curtail == "relay":
        off = turn.on and index in result.acted and setpoint_w >= 0
        before_w = min(player.present_w, 0.0)
        return switch_state.switch_off(turn, before_w, now_ns, deaf=player.deaf) if off else turn
    limit_w = _limit_w(asset, turn)
    if not player.usable:
        return _pv_kept(scene, player, result, limit_w)
    if scene.lost:
        limit_w = min(limit_w, -setpoint_w)
    elif setpoint_w > player.want_w + POWER_EPSILON_W:
        turn = switch_state.lower_limit(turn, -setpoint_w, player.present_w, now_ns, deaf=player.deaf)
        limit_w = min(limit_w, -setpoint_w)
    elif scene.stage is ControlStage.WELL and turn.limit_w is not None and result.total_low_w is not None:
        limit_w = _pv_raised(scene, player, result, limit_w)
    cap_w = scene.force.generation_w
    if cap_w is not None:
        limit_w = min(limit_w, generation.find_generation_share_w(scene, asset, cap_w))
    fits_w = find_limit_w(limit_w, asset.rated_w)
    if fits_w is not None:
        turn = switch_state.hold_limit(turn, fits_w, now_ns, deaf=player.deaf)
    return replace(turn, limit_w=fits_w)


def _pv_kept(
    scene: CycleInputs, player: Participant, result: AllocationResult, limit_w: float
) -> SwitchState:
    """A PV that no cap may be taken with keeps its limit; it may come back where nothing is in the way."""
    asset, turn = player.asset, player.turn
    free = scene.stage is ControlStage.WELL and scene.force.generation_w is None
    if free and turn.limit_w is not None and result.total_low_w is not None and not scene.lost:
        limit_w = max(limit_w, _pv_raised(scene, player, result, limit_w))
    return replace(turn, limit_w=find_limit_w(limit_w, asset.rated_w))


def _pv_raised(scene: CycleInputs, player: Participant, result: AllocationResult, limit_w: float) -> float:
    """A quarter of the room under the export cap each cycle; and where batteries could take more, a little.

    That little (0.5 % of the rating a second) goes over the cap for an instant, and the kernel then
    lets a battery charge before it curtails again: so the surplus finds its way into the battery.  A room
    within the deadband of the order is none: to follow it would only move the order to and fro.
    What the building imports PV may always make: no event of the grid is served by more import, but for a
    high frequency.
    """
    assert result.total_low_w is not None
    asset, held_w = player.asset, limit_w
    gain = 0.25 * scene.state.swings.gain(asset.name)
    own_w = limit_w + gain * _worthwhile_w(asset, result.total_low_w)
    if scene.duties.pv_holds:
        return own_w if scene.duties.pv_serves else limit_w
    limit_w += gain * _worthwhile_w(asset, result.total_low_w + scene.force.export_w)
    if result.charge_room_w > 0.02 * asset.rated_w and -player.present_w > 0.9 * limit_w:
        limit_w += PV_RAISE_PER_S * asset.rated_w * scene.dt_s
    if scene.duties.pv_ramp_per_min is not None:
        ramped_w = held_w + scene.duties.pv_ramp_per_min / 60.0 * asset.rated_w * scene.dt_s
        limit_w = min(limit_w, max(ramped_w, own_w))
    return limit_w


def _worthwhile_w(asset: ControllableAsset, room_w: float) -> float:
    return room_w if room_w > _deadband_w(asset) else 0.0


def _deadband_w(asset: ControllableAsset) -> float:
    """The least rise of a generation limit that is worth an order, in W."""
    return max(PV_DEADBAND_LEAST_W, PV_DEADBAND * asset.rated_w)


def _limit_w(asset: ChargePointAsset | Pv, turn: SwitchState) -> float:
    if turn.limit_w is not None:
        return turn.limit_w
    return find_full_power_w(asset) if isinstance(asset, ChargePointAsset) else asset.rated_w


def find_limit_w(watts: float, full: float) -> float | None:
    """A limit in W, None where it is none: at the asset's full power."""
    return None if watts >= full - POWER_EPSILON_W else watts


def _plugged(scene: CycleInputs, ev: ChargePointAsset) -> bool:
    """Return whether a car may be there; unknown counts as there."""
    seen = scene.state.memories.get(f"{ev.name}.plugged_on")
    return seen is None or seen.value != 0


def _fitted(ev: ChargePointAsset, turn: SwitchState, fit_w: float, now_ns: int) -> SwitchState:
    """A limit no higher than what fits if the car takes all of it, in whole amperes, at least the floor."""
    if _limit_w(ev, turn) <= fit_w + POWER_EPSILON_W:
        return turn
    amperes = floor(fit_w / (ev.voltage_v * ev.phases_count))
    watts = max(find_floor_power_w(ev), amperes * ev.voltage_v * ev.phases_count)
    fits_w = find_limit_w(watts, find_full_power_w(ev))
    return turn if fits_w is None else switch_state.hold_limit(turn, fits_w, now_ns)


def _known(
    scene: CycleInputs, result: AllocationResult, index: int, player: Participant, turn: SwitchState
) -> bool:
    """Whether it is time to write: not before its device and the grid meter had their chance to answer.

    One that was moved is written at once, else it would count as moved and stand where it stood; so is one
    that is remembered off, for its device may have begun by itself while nobody told it anything; one that
    is not usable is not written for the first time but to come back.  What an event has off waits for no
    reading of the grid's power.
    """
    asset = player.asset
    assert not isinstance(asset, Battery)
    if isinstance(asset, OperationModeAsset) and operation_modes.is_relinquished(asset, turn):
        return False
    return find_control_point(asset) in scene.state.book.orders or _begins(scene, result, index, player, turn)


def _begins(
    scene: CycleInputs, result: AllocationResult, index: int, player: Participant, turn: SwitchState
) -> bool:
    """Return whether one that has no order of ours yet is written for the first time.

    Not one that is free while nothing may take more: what stands there may be less, for not every device
    shows what it was ordered before a restart.
    """
    asset = player.asset
    if scene.duties.holds and not (turn.is_limited or isinstance(asset, OperationModeAsset)):
        return False
    if result.total_high_w is None:
        return index in result.acted
    if not (player.usable or turn != player.turn):
        return False
    if turn.unread_ns is not None:
        return index in result.back or unread_assets.is_first_order_due(scene, player, turn)
    heard = f"{asset.name}.power_w" in scene.state.memories
    early = scene.running_s <= totals.START_WAIT_S and not scene.lost
    return heard or not turn.on or _moved(player.turn, turn) or not early


def _moved(before: SwitchState, turn: SwitchState) -> bool:
    return (before.on, before.mode, before.limit_w) != (turn.on, turn.mode, turn.limit_w)


def _flexible_want(player: Participant, turn: SwitchState, reason: Reason) -> DesiredValue:
    asset = player.asset
    if isinstance(asset, OperationModeAsset):
        return operation_modes.make_order(player, turn, reason)
    assert not isinstance(asset, Battery)
    name, is_held = find_control_point(asset), not turn.on or turn.limit_w is not None
    obeys = not player.deaf if player.seen and is_held else None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    if isinstance(asset, ChargePointAsset):
        amperes = floor(_limit_w(asset, turn) / (asset.voltage_v * asset.phases_count) * 10 + 1e-6) / 10
        kept = min(max(amperes, asset.current_min_a), asset.current_max_a)
        value = kept if turn.on else 0.0
        return DesiredValue(name, value, reason, refresh_s=kept_s, holds=is_held, tighter=-1, obeys=obeys)
    if name.endswith("_on"):
        return DesiredValue(
            name, float(turn.on), reason, refresh_s=kept_s, holds=is_held, tighter=-1, obeys=obeys
        )
    limit_w = float(floor(_limit_w(asset, turn)))  # type: ignore[arg-type]  # a Load has a relay
    deadband = 0.0 if turn.limit_w is None else _deadband_w(asset)
    refresh_s = None if turn.limit_w is None and asset.lease_s == inf else kept_s
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
    scene: CycleInputs, asset: Load | ChargePointAsset | Pv | OperationModeAsset, want: DesiredValue
) -> DesiredValue:
    """No more than is ordered of it; who ordered what it has anyway is named where it is free."""
    most = orders_overrides.find_ceiling(asset, scene.wishes.overrides)
    if most is None or want.value < most or (want.value == most and want.reason.code != NO_REASON.code):
        return want
    reason = scene.wishes.overrides[asset.name].reason
    return replace(want, value=most, reason=reason, holds=want.holds or want.value > most)


def _reason(
    scene: CycleInputs, player: Participant, result: AllocationResult, index: int, turn: SwitchState
) -> Reason:
    if index in result.acted:
        return steps.explain_first_order(player, turn, result.acted[index])
    if _runs_against_cap(scene, player, result, turn):
        return scene.force.reason("import").then(_MINIMUM_ON)
    before = scene.state.book.orders.get(find_control_point(player.asset))
    if index in result.back:
        return held_reasons.PV_FITS if isinstance(player.asset, Pv) else held_reasons.BELOW_LIMIT
    kept_off = not turn.on and orders_overrides.is_kept_off(player.asset, scene.wishes.overrides)
    if not turn.is_limited or kept_off or player.allowed_w is not None:
        by_hand = scene.wishes.overrides.get(player.name) if kept_off else None
        return player.reason or NO_REASON if by_hand is None else by_hand.reason
    return _still_held(scene, player, turn, before, result)


def _still_held(
    scene: CycleInputs, player: Participant, turn: SwitchState, before: Order | None, result: AllocationResult
) -> Reason:
    """Return why it is held still: by what is in force now."""
    if before is None and not turn.on:
        return held_reasons.FOUND_SWITCHED_OFF
    if isinstance(player.asset, Pv):
        waits = _why_pv_waits(scene, player.asset, turn, result)
    else:
        waits = held_reasons.explain_no_raise(scene, result.gate, result.spares_w, _step_w(player, turn))
    return waits if before is None else held_reasons.explain_held(scene, before.reason, waits)


def _step_w(player: Participant, turn: SwitchState) -> float:
    """Return what it may take more than now once it was raised by its next step, in W."""
    asset = player.asset
    if isinstance(asset, OperationModeAsset):
        mode = asset.normal if turn.mode is None else turn.mode
        here, there = asset.modes[mode], asset.modes[max(mode - 1, 0)]
        return max(0.0, there.power_w - here.power_w)
    assert isinstance(asset, _Switched)
    if not turn.on or isinstance(asset, Load):
        return steps.estimate_return_power_w(asset, turn)
    limit_w = _limit_w(asset, turn)
    unused_w = max(0.0, limit_w - max(0.0, player.want_w))  # it may take that at any time
    return unused_w + min(find_floor_power_w(asset) / 6, find_full_power_w(asset) - limit_w)


def _why_pv_waits(scene: CycleInputs, asset: Pv, turn: SwitchState, result: AllocationResult) -> Reason:
    low_w = result.total_low_w
    if asset.curtail == "relay":
        step_w = -turn.before_w if turn.before_w < 0 else asset.rated_w
        room_w = None if low_w is None else low_w + scene.force.export_w * switch_state.RESTORE_BELOW_SHARE
        return held_reasons.explain_no_pv_raise(scene, room_w, step_w, held_reasons.RETURNS)
    room_w = None if low_w is None else low_w + scene.force.export_w
    return held_reasons.explain_no_pv_raise(scene, room_w, _deadband_w(asset), held_reasons.RISES_SLOWLY)


def _runs_against_cap(
    scene: CycleInputs, player: Participant, result: AllocationResult, turn: SwitchState
) -> bool:
    """Return whether its minimum time alone keeps it on although the import cap does not hold."""
    asset, high_w = player.asset, result.total_high_w
    is_over = 0 in result.broken and high_w is not None and high_w > scene.force.import_w
    if not is_over or not turn.on or player.present_w <= 0:
        return False
    return isinstance(asset, Load | ChargePointAsset) and not switch_state.is_switch_allowed(
        asset, turn, scene.now_ns
    )
