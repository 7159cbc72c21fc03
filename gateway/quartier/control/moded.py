"""Assets that run in modes, at the same table as the rest: where each stands, may be moved, and is moved to.

The class of an asset says what it would like (``classes``); here is what all of them share: the steps that a
cap may take, minimum times, and what is remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from quartier.control import guards, shed
from quartier.control.classes import catalog
from quartier.control.leaning import Leaning
from quartier.control.orders import REFRESH_S, Want
from quartier.control.players import Player, Rung
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.control.sight import Memory, power_w
from quartier.house.assets import House, Moded

_EPSILON_W = 1e-6


def steered(house: House) -> list[Moded]:
    """The assets in modes that take orders."""
    return [a for a in house.assets if isinstance(a, Moded) and a.writable and guards.may_order(a)]


def met(asset: Moded, turn: Turn, found: Memory | None, now_ns: int) -> Turn:
    """The turn of one that was not ordered yet: it stands in the mode whose value is read nearest.

    One that takes less than normal counts as held: so a restart does not lift what a cap had lowered.
    """
    if found is None or turn.mode is not None:
        return turn
    mode = min(range(len(asset.modes)), key=lambda i: abs(asset.modes[i].value - found.value))
    held = mode > asset.normal
    return replace(turn, mode=mode, is_held=held, on=not held, since_ns=now_ns if held else None)


def seated(scene: Scene, asset: Moded) -> Player:
    """An asset in modes as it stands, with the steps it offers; none before its minimum time is over."""
    turn, now_ns = scene.state.turns.get(asset.name, Turn()), scene.now_ns
    leaning = catalog.leaning(asset, scene)
    before = asset.normal if turn.mode is None else turn.mode
    movable = shed.may_switch(asset, turn, now_ns)
    mode = _mode(turn, before, leaning) if movable else before
    seen_w = power_w(scene.state.memories, asset, now_ns)
    present_w = asset.modes[before].power_w if seen_w is None else seen_w
    want_w = _expected_w(asset, before, present_w, mode)
    player = Player(asset, present_w, want_w, turn, seen=seen_w is not None)
    player.usable = not guards.why_not(asset, scene.state.memories)
    player.mode, player.wanted = mode, leaning.wanted
    player.tier, player.reason = leaning.tier, leaning.words
    if movable and player.usable:
        player.downs = tuple(
            _rung(asset, before, present_w, m, early=m <= asset.normal)
            for m in range(mode + 1, leaning.lowest + 1)
        )
        player.ups = tuple(
            _rung(asset, before, present_w, m, early=False) for m in range(mode - 1, leaning.highest - 1, -1)
        )
    if turn.settling(now_ns):
        player.present_w = max(present_w, turn.before_w)
    return player


def _mode(turn: Turn, before: int, leaning: Leaning) -> int:
    """Where it goes by itself: to what it wants; one that is held no further up than it is held."""
    mode = max(before, leaning.wanted) if turn.is_held else leaning.wanted
    return min(max(mode, leaning.highest), leaning.lowest)


def _rung(asset: Moded, before: int, present_w: float, mode: int, *, early: bool) -> Rung:
    return Rung(mode, _expected_w(asset, before, present_w, mode), f"to {asset.modes[mode].name}", early)


def _expected_w(asset: Moded, before: int, present_w: float, mode: int) -> float:
    """What it will take in ``mode``: as much less as its modes say, but for more its whole share of them."""
    here_w, there_w = asset.modes[before].power_w, asset.modes[mode].power_w
    if mode == before:
        return present_w
    if mode < before:
        return max(there_w, present_w)
    if here_w <= 0.0 or there_w <= 0.0:
        return min(there_w, present_w)
    return min(there_w, present_w * (there_w / here_w))


def turned(scene: Scene, player: Player, setpoint_w: float) -> Turn:
    """The turn after the kernel moved the player, or left it."""
    asset, turn, now_ns = player.asset, player.turn, scene.now_ns
    assert isinstance(asset, Moded)
    mode = player.mode
    if setpoint_w < player.want_w - _EPSILON_W:
        mode = next((r.mode for r in player.downs if r.target_w <= setpoint_w + _EPSILON_W), mode)
    elif setpoint_w > player.want_w + _EPSILON_W:
        mode = next((r.mode for r in player.ups if r.target_w >= setpoint_w - _EPSILON_W), mode)
    lowered = mode > player.mode
    before = asset.normal if turn.mode is None else turn.mode
    if lowered and player.mode <= before:
        turn = shed.switched_off(turn, max(player.present_w, 0.0), now_ns)
    elif mode != before:
        turn = replace(turn, on=mode < before, since_ns=now_ns)
    return replace(turn, mode=mode, is_held=mode > player.wanted and (lowered or turn.is_held))


def back(scene: Scene, player: Player, spare_w: float) -> Turn | None:
    """One mode up for one that is held, where that fits; None else."""
    asset, turn = player.asset, player.turn
    assert isinstance(asset, Moded)
    if not turn.is_held or player.mode <= player.wanted:
        return None
    if not shed.may_switch(asset, turn, scene.now_ns):
        return None
    mode = player.mode - 1
    more_w = _expected_w(asset, player.mode, player.want_w, mode) - player.want_w
    if more_w > spare_w:
        return None
    return replace(turn, mode=mode, on=True, since_ns=scene.now_ns, is_held=mode > player.wanted)


def order(player: Player, turn: Turn, reason: str) -> Want:
    """What is written to its point."""
    asset = player.asset
    assert isinstance(asset, Moded)
    assert turn.mode is not None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    return Want(
        asset.point, asset.modes[turn.mode].value, reason, refresh_s=kept_s, holds=turn.mode != asset.normal
    )


def in_turn(players: Sequence[Player], turns: Mapping[str, Turn], now_ns: int) -> list[int]:
    """Indices of those that offer a way down, in the order in which they are taken."""
    offering = [i for i, p in enumerate(players) if p.downs and p.tier != "A"]
    return sorted(
        offering, key=lambda i: shed.place(players[i].asset, players[i].tier, turns[players[i].name], now_ns)
    )


def words(asset: Moded, turn: Turn) -> str:
    """How it stands, for a person."""
    name = asset.modes[asset.normal if turn.mode is None else turn.mode].name
    return f"held at {name}" if turn.is_held else name
