"""Assets whose order point was not read yet: their state is not known (pure).

One counts as on, so that no cap rests on it being off.  It is not ordered on, nor may it take more, before
it was read, or its device had its time to tell; who shows no order by then, and is neither seen at work nor
remembered, comes back in its turn like one that was found off.
"""

from quartier.control import switch_state
from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations, totals
from quartier.control.observe.health import ControlStage
from quartier.control.participants import OVER_W, Participant
from quartier.control.reason import make_reason
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, ControllableAsset, Load, OperationModeAsset, Pv
from quartier.site.records import replace

_PAUSED = make_reason("charging.paused_unread")
_S = 1_000_000_000


def note_unread_point(turn: SwitchState, now_ns: int, *, read: bool) -> SwitchState:
    """The turn of one that has no order: since when its point is waited for; None once it is read."""
    if read:
        return turn if turn.unread_ns is None else replace(turn, unread_ns=None)
    return turn if turn.unread_ns is not None else replace(turn, unread_ns=now_ns)


def is_wait_over(scene: CycleInputs, asset: ControllableAsset, turn: SwitchState) -> bool:
    """Return whether its point was waited for as long as its device may be silent, and all else is well."""
    if turn.unread_ns is None or scene.lost or scene.stage is not ControlStage.WELL:
        return False
    waits_s = max(totals.START_WAIT_S, observations.find_silent_after_s(asset.period_s))
    return scene.now_ns - turn.unread_ns > waits_s * _S


def returns_staged(scene: CycleInputs, player: Participant) -> bool:
    """Return whether it is to come back in its turn: it may be off as well as idle."""
    asset, turn = player.asset, player.turn
    switched = isinstance(asset, Load | ChargePointAsset) or (
        isinstance(asset, Pv) and asset.curtail == "relay"
    )
    known = turn.since_ns is not None or player.allowed_w is not None or is_seen_running(player)
    return switched and player.usable and not known and is_wait_over(scene, asset, turn)


def is_possibly_off(scene: CycleInputs, player: Participant) -> bool:
    """Return whether it is off, or may be; one that is remembered off and was not read is told so first."""
    return not player.turn.on if player.turn.unread_ns is None else returns_staged(scene, player)


def is_unread(scene: CycleInputs, player: Participant) -> bool:
    """Return whether it is told no more than it has, for nobody knows what it has."""
    if player.turn.unread_ns is None:
        return False
    return not is_wait_over(scene, player.asset, player.turn) or returns_staged(scene, player)


def is_first_order_due(scene: CycleInputs, player: Participant, turn: SwitchState) -> bool:
    """Whether one that was not read is written: what is less than it may have at once, the rest once due.

    What is shared out to a car that is seen to charge keeps a fuse, and does not wait.
    """
    if is_wait_over(scene, player.asset, player.turn):
        return not returns_staged(scene, player)
    if isinstance(player.asset, OperationModeAsset):
        return turn.mode is not None and turn.mode > player.asset.normal
    shares = player.allowed_w is not None and is_seen_running(player)
    return shares or not turn.on or _is_lower(player.turn, turn)


def is_seen_running(player: Participant) -> bool:
    """Return whether it is seen to take, or make, what it cannot while it is off."""
    return player.seen and abs(player.present_w) > OVER_W


def limit_first_order(scene: CycleInputs, player: Participant, turn: SwitchState) -> SwitchState:
    """What of ``turn`` one that was not read may be told: what is less than it may have; else it waits.

    A lower current would wake a car that is paused: one that is not seen to charge is paused instead.
    """
    asset, before = player.asset, player.turn
    if is_wait_over(scene, asset, before):
        return _begun(scene, player, turn)
    if isinstance(asset, OperationModeAsset):
        return turn if turn.mode is not None and turn.mode > asset.normal else before
    if (
        isinstance(asset, ChargePointAsset)
        and turn.on
        and not is_seen_running(player)
        and _is_lower(before, turn)
    ):
        return switch_state.switch_off(replace(turn, limit_w=before.limit_w), 0.0, scene.now_ns)
    return turn if not turn.on or _is_lower(before, turn) else before


def _begun(scene: CycleInputs, player: Participant, turn: SwitchState) -> SwitchState:
    """Its first order after the wait; PV begins at what it makes, and rises from there as there is room."""
    asset = player.asset
    if isinstance(asset, Pv) and asset.curtail == "limit" and player.seen and player.usable:
        turn = switch_state.hold_limit(turn, max(0.0, -player.present_w), scene.now_ns)
    return turn


def _is_lower(before: SwitchState, turn: SwitchState) -> bool:
    return turn.limit_w is not None and (before.limit_w is None or turn.limit_w < before.limit_w)
