"""Restore what was shed: staged, and only where it fits with room to spare (spec/failsafe.md#release)."""

from collections.abc import Sequence
from math import inf

from quartier.control import balance, measures, moded, override, shed, steps, tree, unread
from quartier.control.failsafe import Stage
from quartier.control.outcome import Result, find_left_alone, is_left_alone, limit
from quartier.control.players import Player, floor_w, full_w, stands
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.house.assets import Ev, Load, Moded, Pv, Tier
from quartier.house.records import replace


def restored(scene: Scene, players: Sequence[Player], result: Result) -> Result:
    """Let at most one load, EV or PV come back, when the gate is open and it fits with 10 % to spare."""
    cap_w = scene.force.import_w * shed.RESTORE_BELOW
    if scene.duties.ceiling_w is not None:
        cap_w = min(cap_w, scene.duties.ceiling_w)
    high_w = result.total_high_w
    below = high_w is not None and scene.grid_w is not None and max(high_w, scene.grid_w) < cap_w
    gate = shed.passed(
        scene.state.gate, below=below, common=scene.common, seed=scene.house.seed, now_ns=scene.now_ns
    )
    rooms, looks = tree.rooms(scene, result.grove, players, result.setpoints_w)
    back: dict[int, Turn] = {}
    spares_w = _spares_w(scene, players, high_w)
    if high_w is not None and scene.stage is Stage.WELL and not (result.acted or scene.duties.holds):
        if gate.is_open(scene.now_ns):
            spare_w = (
                cap_w - high_w - balance.silent_w(scene.house.assets, scene.state.memories, scene.now_ns)
            )
            spare_w = min(spare_w, _consumption_spare_w(scene, players))
            back = _next_back(scene, players, [min(spare_w, room_w) for room_w in rooms])
            if back:
                gate = replace(gate, last_ns=scene.now_ns)
        back = back or _pv_back(scene, players, result)
    return replace(result, gate=gate, back=back, looks=looks, spares_w=spares_w)


def _spares_w(scene: Scene, players: Sequence[Player], high_w: float | None) -> dict[str, float]:
    """What the limits leave for what comes back, in W; empty where nothing is held, or nothing is known."""
    if high_w is None or scene.grid_w is None or not any(player.turn.is_limited for player in players):
        return {}
    silent_w = balance.silent_w(scene.house.assets, scene.state.memories, scene.now_ns)
    spare_w = scene.force.import_w * shed.RESTORE_BELOW - max(high_w, scene.grid_w) - silent_w
    return {"import": spare_w, "consumption": _consumption_spare_w(scene, players)}


def _consumption_spare_w(scene: Scene, players: Sequence[Player]) -> float:
    cap_w = scene.force.consumption_w
    if cap_w is None:
        return inf
    return cap_w * shed.RESTORE_BELOW - measures.consumed_w(scene, players)


def _next_back(scene: Scene, players: Sequence[Player], spares_w: Sequence[float]) -> dict[int, Turn]:
    """In reverse of the order of shedding, the first that fits; ``spares_w`` by player."""
    place = {player.name: index for index, player in enumerate(players)}
    turns = scene.state.turns
    starting = shed.starting(scene.house.assets, turns, scene.now_ns)
    tiers = {player.name: _tier(player) for player in players}
    order = [p.asset for p in players if isinstance(p.asset, Load | Ev | Moded) and tiers[p.name] != "A"]
    order.sort(key=lambda a: shed.place(a, tiers[a.name], turns[a.name], scene.now_ns))
    left_alone = find_left_alone(scene)
    for asset in reversed(order):
        turn, spare_w = turns[asset.name], spares_w[place[asset.name]]
        # A new limit must find one machine at most that has to stay on.
        waits = (shed.is_machine(asset) and bool(starting - {asset.name})) or asset.name in left_alone
        barred = override.keeps_off(asset, scene.wishes.overrides) or tiers[asset.name] in scene.duties.off
        if waits or barred:
            continue
        if isinstance(asset, Moded):
            risen = moded.back(scene, players[place[asset.name]], spare_w)
            if risen is not None:
                return {place[asset.name]: risen}
        elif _is_away(scene, players[place[asset.name]]):
            fits = steps.returning_w(asset, turn) <= spare_w
            if fits and shed.may_return(asset, turn, scene.now_ns):
                return {place[asset.name]: _switched_on(asset, turn, scene.now_ns)}
    for asset in reversed(order):
        turn, spare_w = turns[asset.name], spares_w[place[asset.name]]
        shares = players[place[asset.name]].allowed_w is not None
        waits = shares or tiers[asset.name] in scene.duties.off or asset.name in left_alone
        if isinstance(asset, Ev) and turn.on and turn.limit_w is not None and not waits:
            limit_w = min(full_w(asset), turn.limit_w + spare_w)
            if limit_w >= min(full_w(asset), turn.limit_w + floor_w(asset) / 6):
                at_limit = stands(players[place[asset.name]])
                more_w = limit(limit_w, full_w(asset))
                return {place[asset.name]: shed.raised(turn, more_w, scene.now_ns, stands=at_limit)}
    return {}


def _switched_on(asset: Load | Ev, turn: Turn, now_ns: int) -> Turn:
    on = shed.switched_on(turn, now_ns)
    return shed.raised(on, floor_w(asset), now_ns, stands=True) if isinstance(asset, Ev) else on


def _is_away(scene: Scene, player: Player) -> bool:
    """Whether it may return here: cars that share do by turns of their own."""
    return player.allowed_w is None and unread.is_away(scene, player)


def _tier(player: Player) -> Tier:
    """Its turn now: that of an asset in modes changes with its comfort, or its deadline."""
    return player.tier if isinstance(player.asset, Moded) else player.asset.tier


def _pv_back(scene: Scene, players: Sequence[Player], result: Result) -> dict[int, Turn]:
    """A PV behind a relay comes back when what it made before it was switched off fits."""
    assert result.total_low_w is not None
    if scene.duties.pv_holds or scene.duties.pv_ramp_per_min is not None:
        return {}
    spare_w = result.total_low_w + scene.force.export_w * shed.RESTORE_BELOW
    cap_w = scene.force.generation_w
    if cap_w is not None:
        made_w = balance.generation_w(scene.house, scene.state.memories, scene.now_ns)
        spare_w = min(spare_w, cap_w * shed.RESTORE_BELOW - made_w)
    for index, player in enumerate(players):
        asset, turn = player.asset, player.turn
        if not isinstance(asset, Pv) or override.keeps_off(asset, scene.wishes.overrides):
            continue
        if is_left_alone(scene, asset):
            continue
        if not unread.is_away(scene, player):
            continue
        expected_w = -turn.before_w if turn.before_w < 0 else asset.rated_w
        if expected_w <= spare_w and shed.may_switch(asset, turn, scene.now_ns):
            return {index: shed.switched_on(turn, scene.now_ns)}
    return {}
