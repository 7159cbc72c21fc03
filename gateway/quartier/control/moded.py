"""Assets that run in modes, at the same table as the rest: where each stands, may be moved, and is moved to.

The class of an asset says what it would like (``classes``); here is what all of them share: the steps that a
cap may take, minimum times, and what is remembered.
"""

from collections.abc import Mapping

from quartier.control import guards, override, rivals, shed
from quartier.control.classes import catalog
from quartier.control.failsafe import Stage
from quartier.control.leaning import Leaning
from quartier.control.orders import REFRESH_S, Book, Want
from quartier.control.players import Player, Rung
from quartier.control.reason import FREE, Reason, make
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.control.sight import Memory, power_w
from quartier.house.assets import House, Moded
from quartier.house.records import replace

_NORMAL_AGAIN = make("mode.normal_again")
_EPSILON_W = 1e-6
_S = 1_000_000_000


def steered(house: House) -> list[Moded]:
    """The assets in modes that take orders."""
    return [a for a in house.assets if isinstance(a, Moded) and a.writable and guards.may_order(a)]


def met(asset: Moded, turn: Turn, found: Memory | None, now_ns: int) -> Turn:
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


def leaning_of(scene: Scene, asset: Moded) -> Leaning:
    """What its class makes it like, and what a person said instead."""
    return override.leaning(asset, scene.wishes.overrides, catalog.leaning(asset, scene))


def given_back(scene: Scene) -> dict[str, Reason]:
    """The points whose own control must have them now, with the reason (spec/failsafe.md#rule-11)."""
    found = ((asset.point, leaning_of(scene, asset).given_back) for asset in steered(scene.house))
    return {point: why for point, why in found if why}


def is_free(asset: Moded, turn: Turn) -> bool:
    """Whether its own control has it because nothing is wanted of it."""
    return asset.own_normal and turn.mode == asset.normal and turn.back_ns is None


def freed(house: House, turns: Mapping[str, Turn], book: Book) -> dict[str, Reason]:
    """The points that were ordered and are normal again, where that is their own control's doing."""
    found = (a for a in steered(house) if a.point in book.orders and is_free(a, turns.get(a.name, Turn())))
    return {asset.point: _NORMAL_AGAIN for asset in found}


def left(turn: Turn, now_ns: int) -> Turn:
    """The turn of one that its own control has, which may have moved it: it is met anew."""
    if turn.back_ns is None:
        turn = shed.veered(turn, now_ns, up=True)
        turn = replace(turn, back_ns=now_ns)
    return Turn(
        since_ns=now_ns,
        sheds_ns=turn.sheds_ns,
        turns_ns=turn.turns_ns,
        back_ns=turn.back_ns,
        unread_ns=turn.unread_ns,
    )


def seats(scene: Scene) -> list[Player]:
    """Each asset in modes that takes orders and is not given back to its own control."""
    ours = (a for a in steered(scene.house) if not override.is_maintained(a, scene.wishes.overrides))
    ours = (a for a in ours if not rivals.why_not(scene.state.rivals, a.point))
    starting = shed.starting(scene.house.assets, scene.state.turns, scene.now_ns)
    found = []
    for asset in ours:
        leaning = leaning_of(scene, asset)
        waits = shed.is_machine(asset) and bool(starting - {asset.name}) and not leaning.claims
        player = seated(scene, asset, leaning, waits=waits)
        if player is not None:
            found.append(player)
            before = asset.normal if player.turn.mode is None else player.turn.mode
            if shed.is_machine(asset) and player.mode < before:
                starting.add(asset.name)
    return found


def seated(scene: Scene, asset: Moded, leaning: Leaning, *, waits: bool = False) -> Player | None:
    """An asset in modes as it stands, with the steps it offers; none before its minimum time is over.

    One that ``waits`` goes no higher by itself: another machine was just started (``minimum_times``).
    """
    if leaning.given_back:
        return None
    turn, now_ns = scene.state.turns.get(asset.name, Turn()), scene.now_ns
    before = asset.normal if turn.mode is None else turn.mode
    turn, wanted = _asked(turn, before, leaning, now_ns)
    usable = not guards.why_not(asset, scene.state.memories)
    rises = usable and shed.may_switch(asset, turn, now_ns)
    sinks = usable and shed.may_sink(asset, turn, now_ns)
    mode = _mode(scene, turn, before, wanted, leaning) if sinks else before
    if waits or not rises:
        mode = max(before, mode)
    seen_w = power_w(scene.state.memories, asset, now_ns)
    # What is only asked to generate may not have started.
    present_w = max(0.0, asset.modes[before].power_w) if seen_w is None else seen_w
    want_w = _expected_w(asset, before, present_w, mode)
    player = Player(asset, present_w, want_w, turn, seen=seen_w is not None, usable=usable)
    player.mode, player.wanted = mode, wanted
    player.tier, player.reason = leaning.tier, _reason(asset, mode, wanted, leaning)
    if sinks and leaning.tier != "A":
        lowest, highest = leaning.lowest, leaning.highest
        downs, ups = range(mode + 1, lowest + 1), range(mode - 1, highest - 1, -1)
        player.downs = tuple(_rung(asset, before, present_w, m, leaning) for m in downs)
        player.ups = tuple(_rung(asset, before, present_w, m, leaning) for m in ups)
        if not (rises and shed.may_rise(turn, now_ns)):
            player.ups = ()
    if turn.settling(now_ns, scene.state.lag.late_s):
        player.present_w = max(present_w, turn.before_w)
    return player


def _asked(turn: Turn, before: int, leaning: Leaning, now_ns: int) -> tuple[Turn, int]:
    """The mode that it has wanted for long enough, and since when it has wanted another."""
    if turn.is_held or not leaning.after_s or leaning.wanted == before:
        return (turn if turn.asks_ns is None else replace(turn, asks_ns=None)), leaning.wanted
    since_ns = now_ns if turn.asks_ns is None else turn.asks_ns
    if now_ns - since_ns >= leaning.after_s * _S:
        return turn, leaning.wanted
    return replace(turn, asks_ns=since_ns), min(max(before, leaning.highest), leaning.lowest)


def _mode(scene: Scene, turn: Turn, before: int, wanted: int, leaning: Leaning) -> int:
    """Where it goes by itself: to what it wants; one that is held goes no further up than it is held.

    So does every one while inputs are stale or the grid is in need, or after too many turns in an hour.
    """
    mode = min(max(wanted, leaning.highest), leaning.lowest)
    held = scene.duties.keeps_down(leaning.tier) or (turn.is_held and not leaning.claims)
    if held or scene.stage is not Stage.WELL or not shed.may_rise(turn, scene.now_ns):
        mode = max(before, mode)
    return mode


def _reason(asset: Moded, mode: int, wanted: int, leaning: Leaning) -> Reason:
    """Why it stands there; ``wanted`` is what it has wanted for long enough, where it would like another."""
    cause = leaning.reason
    if cause.code == FREE.code:
        return cause
    if wanted != leaning.wanted:
        later = make(
            "mode.after", mode=asset.modes[leaning.wanted].name, after_min=round(leaning.after_s / 60, 2)
        )
        cause = cause.then(later)
    return cause.within(make("mode.stands", mode=asset.modes[mode].name))


def _rung(asset: Moded, before: int, present_w: float, mode: int, leaning: Leaning) -> Rung:
    early = mode <= asset.normal
    last = mode == leaning.lowest and leaning.last_tier is not None
    tier = leaning.last_tier if last and leaning.last_tier is not None else leaning.tier
    return Rung(
        mode,
        _expected_w(asset, before, present_w, mode),
        asset.modes[mode].name,
        "D" if early else tier,
        early,
        asset.modes[mode].power_w < 0.0,
    )


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


def turned(scene: Scene, player: Player, setpoint_w: float, off: int | None = None) -> Turn:
    """The turn after the kernel moved the player, or left it; ``off`` is the mode an event takes it to."""
    asset, turn, now_ns = player.asset, player.turn, scene.now_ns
    assert isinstance(asset, Moded)
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
        turn = shed.veered(turn, now_ns, up=mode < before)
        turn = replace(turn, on=mode < before, since_ns=now_ns, asks_ns=None)
    if lowered and mode > before:
        turn = shed.switched_off(turn, max(player.present_w, 0.0), now_ns)
    keeps = turn.is_held or scene.duties.keeps_down(player.tier)
    is_held = mode > player.wanted and (lowered or keeps)
    return replace(turn, mode=mode, is_held=is_held, back_ns=None)


def back(scene: Scene, player: Player, spare_w: float) -> Turn | None:
    """One mode up for one that is held, where that fits; None else."""
    asset, turn = player.asset, player.turn
    assert isinstance(asset, Moded)
    if not turn.is_held or player.mode <= player.wanted:
        return None
    if not (shed.may_switch(asset, turn, scene.now_ns) and shed.may_rise(turn, scene.now_ns)):
        return None
    mode = player.mode - 1
    more_w = _expected_w(asset, player.mode, player.want_w, mode) - player.want_w
    if more_w > spare_w:
        return None
    turn = shed.veered(turn, scene.now_ns, up=True)
    return replace(turn, mode=mode, on=True, since_ns=scene.now_ns, is_held=mode > player.wanted)


def order(player: Player, turn: Turn, reason: Reason) -> Want:
    """What is written to its point."""
    asset = player.asset
    assert isinstance(asset, Moded)
    assert turn.mode is not None
    kept_s = min(REFRESH_S, asset.lease_s / 3)
    return Want(
        asset.point, asset.modes[turn.mode].value, reason, refresh_s=kept_s, holds=turn.mode != asset.normal
    )


def state(asset: Moded, turn: Turn, why: Reason | None) -> Reason:
    """How it stands and why."""
    name = asset.modes[asset.normal if turn.mode is None else turn.mode].name
    if why is not None and why.code == "output.given_back":
        return why
    if turn.is_held:
        return make("state.held", mode=name)
    is_of_mode = why is not None and why.code == "mode.stands" and why.get("mode") == name
    return why if why is not None and is_of_mode else make("mode.stands", mode=name)
