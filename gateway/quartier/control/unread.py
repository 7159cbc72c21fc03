"""Assets whose order point was not read yet: nobody knows how they stand (pure).

One counts as on, so that no cap rests on it being off.  It is not ordered on, nor may it take more, before
it was read, or its device had its time to tell; who shows no order by then, and is neither seen at work nor
remembered, comes back in its turn like one that was found off.
"""

from quartier.control import measures, shed, sight
from quartier.control.failsafe import Stage
from quartier.control.players import OVER_W, Player
from quartier.control.reason import Reason, make
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.control.steps import SLOWED
from quartier.house.assets import Ev, Load, Moded, Pv, Steered
from quartier.house.records import replace

_PAUSED = make("charging.paused_unread")
_S = 1_000_000_000


def noted(turn: Turn, now_ns: int, *, read: bool) -> Turn:
    """The turn of one that has no order: since when its point is waited for; None once it is read."""
    if read:
        return turn if turn.unread_ns is None else replace(turn, unread_ns=None)
    return turn if turn.unread_ns is not None else replace(turn, unread_ns=now_ns)


def is_due(scene: Scene, asset: Steered, turn: Turn) -> bool:
    """Whether its point was waited for as long as its device may be silent, and all else is well."""
    if turn.unread_ns is None or scene.lost or scene.stage is not Stage.WELL:
        return False
    waits_s = max(measures.START_S, sight.silent_after_s(asset.period_s))
    return scene.now_ns - turn.unread_ns > waits_s * _S


def comes_back(scene: Scene, player: Player) -> bool:
    """Whether it is to come back in its turn: it may be off as well as idle."""
    asset, turn = player.asset, player.turn
    switched = isinstance(asset, Load | Ev) or (isinstance(asset, Pv) and asset.curtail == "relay")
    known = turn.since_ns is not None or player.allowed_w is not None or is_at_work(player)
    return switched and player.usable and not known and is_due(scene, asset, turn)


def is_away(scene: Scene, player: Player) -> bool:
    """Whether it is off, or may be; one that is remembered off and was not read is told so first."""
    return not player.turn.on if player.turn.unread_ns is None else comes_back(scene, player)


def waits(scene: Scene, player: Player) -> bool:
    """Whether it is told no more than it has, for nobody knows what it has."""
    if player.turn.unread_ns is None:
        return False
    return not is_due(scene, player.asset, player.turn) or comes_back(scene, player)


def begins(scene: Scene, player: Player, turn: Turn) -> bool:
    """Whether one that was not read is written: what is less than it may have at once, the rest once due.

    What is shared out to a car that is seen to charge keeps a fuse, and does not wait.
    """
    if is_due(scene, player.asset, player.turn):
        return not comes_back(scene, player)
    if isinstance(player.asset, Moded):
        return turn.mode is not None and turn.mode > player.asset.normal
    shares = player.allowed_w is not None and is_at_work(player)
    return shares or not turn.on or _is_lower(player.turn, turn)


def is_at_work(player: Player) -> bool:
    """Whether it is seen to take, or make, what it cannot while it is off."""
    return player.seen and abs(player.present_w) > OVER_W


def cautious(scene: Scene, player: Player, turn: Turn) -> Turn:
    """What of ``turn`` one that was not read may be told: what is less than it may have; else it waits.

    A lower current would wake a car that is paused: one that is not seen to charge is paused instead.
    """
    asset, before = player.asset, player.turn
    if is_due(scene, asset, before):
        return _begun(scene, player, turn)
    if isinstance(asset, Moded):
        return turn if turn.mode is not None and turn.mode > asset.normal else before
    if isinstance(asset, Ev) and turn.on and not is_at_work(player) and _is_lower(before, turn):
        return shed.switched_off(replace(turn, limit_w=before.limit_w), 0.0, scene.now_ns)
    return turn if not turn.on or _is_lower(before, turn) else before


def told(player: Player, turn: Turn, reason: Reason) -> Reason:
    """Why one was moved, by what it is told: ``cautious`` pauses a car that was to be slowed."""
    cause = reason.without_last()
    if player.turn.unread_ns is None or turn.on or reason.last.code != SLOWED.code or cause is None:
        return reason
    return cause.then(_PAUSED)


def _begun(scene: Scene, player: Player, turn: Turn) -> Turn:
    """Its first order after the wait; PV begins at what it makes, and rises from there as there is room."""
    asset = player.asset
    if isinstance(asset, Pv) and asset.curtail == "limit" and player.seen and player.usable:
        turn = shed.held(turn, max(0.0, -player.present_w), scene.now_ns)
    return turn


def _is_lower(before: Turn, turn: Turn) -> bool:
    return turn.limit_w is not None and (before.limit_w is None or turn.limit_w < before.limit_w)
