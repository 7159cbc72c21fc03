"""Keeps a cap on generation with the PV that is seen; what is not seen counts at its worst (pure).

A PV whose power is not known may not have got its order, so that the others are held to what is left beside
its rating; it is ordered its share by itself, and keeps to that order while nobody sees it.
"""

from collections.abc import Iterator, Mapping, Sequence

from quartier.control import balance, guards, measures, override, shed, sight, unread
from quartier.control.failsafe import Stage
from quartier.control.orders import Order
from quartier.control.players import Player
from quartier.control.reason import Reason, make
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.control.sight import Memories, Memory
from quartier.control.steps import CURTAILED
from quartier.house.assets import House, Pv
from quartier.house.modes import Chp

_LEAST_W = 1e-6
_SHARE = make("generation.share")
AT_LIMIT = 0.9
"""PV that makes this part of its limit stands at it."""
POTENTIAL_S, ON_ITS_WAY_S = 3600.0, 15.0


def capped(scene: Scene, players: Sequence[Player], wants: list[float], acted: dict[int, Reason]) -> None:
    """Lower ``wants`` (W, generating is minus) into the cap, each in proportion; ``acted`` says why."""
    cap_w = scene.force.generation_w
    if cap_w is None:
        return
    cap = scene.force.reason("generation")
    mine: list[int] = []
    for index, player in enumerate(players):
        asset = player.asset
        if not isinstance(asset, Pv) or not player.usable or player.deaf or wants[index] >= 0:
            continue
        if player.seen or asset.curtail == "relay":
            mine.append(index)
        elif -wants[index] > (held_w := share_w(scene, asset, cap_w)) + _LEAST_W:
            wants[index] = -held_w
            acted[index] = cap.then(_SHARE)
    made_w = sum(_most_w(scene, pv, cap_w) for pv in _pvs(scene)) + _chp_w(scene)
    own_w = -sum(wants[index] for index in mine)
    if made_w <= cap_w or own_w <= 0:
        return
    part = max(0.0, own_w - (made_w - cap_w)) / own_w
    for index in mine:
        asset = players[index].asset
        assert isinstance(asset, Pv)
        wants[index] *= part if asset.curtail == "limit" else 0.0
        acted[index] = cap.then(CURTAILED)


def share_w(scene: Scene, asset: Pv, cap_w: float) -> float:
    """What a PV that can be limited may make of the cap, by the ratings, in W.

    A silent one: of what those without a limit leave.  The others: of what it leaves too, at its worst.
    """
    free = [pv for pv in _pvs(scene) if _is_free(scene, pv)]
    silent = [pv for pv in free if _is_silent(scene, pv)]
    left_w = cap_w - sum(_most_w(scene, pv, cap_w) for pv in _pvs(scene) if pv not in free) - _chp_w(scene)
    if asset not in silent:
        left_w -= sum(pv.rated_w for pv in silent)
        free = [pv for pv in free if pv not in silent]
    whole_w = sum(pv.rated_w for pv in free)
    return max(0.0, left_w) * (asset.rated_w / whole_w if whole_w > 0 else 1.0)


def returned(
    scene: Scene, players: Sequence[Player], total_low_w: float | None, acted: Mapping[int, Reason]
) -> dict[int, Turn]:
    """Switch one PV behind a relay on again while an event of the grid keeps down what consumes.

    An event holds consumption, not the sun: what was off for an export cap comes back once it fits there.
    After an outage it must fit into what the building takes itself.  ``total_low_w`` is the grid's power at
    its least, in W; ``acted`` are the players that were moved.
    """
    duties = scene.duties
    pv_waits = duties.pv_holds and not duties.pv_serves
    if total_low_w is None or not duties.holds or pv_waits or scene.stage is not Stage.WELL:
        return {}
    spare_w = total_low_w
    if not duties.pv_holds:
        spare_w += scene.force.export_w * shed.RESTORE_BELOW
    if scene.force.generation_w is not None:
        made_w = balance.generation_w(scene.house, scene.state.memories, scene.now_ns)
        spare_w = min(spare_w, scene.force.generation_w * shed.RESTORE_BELOW - made_w)
    for index, player in enumerate(players):
        asset, turn = player.asset, player.turn
        if not isinstance(asset, Pv) or index in acted or not unread.is_away(scene, player):
            continue
        expected_w = -turn.before_w if turn.before_w < 0 else asset.rated_w
        is_barred = override.keeps_off(asset, scene.wishes.overrides) or not player.usable
        if not is_barred and expected_w <= spare_w and shed.may_switch(asset, turn, scene.now_ns):
            return {index: shed.switched_on(turn, scene.now_ns)}
    return {}


def potentials(
    before: Mapping[str, Memory],
    house: House,
    memories: Memories,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, Memory]:
    """Return what each PV that can be limited was last seen able to make, in W and plus, and when.

    One that stands at its limit could make more: what it made before is remembered.
    """
    found = {}
    for pv in house.assets:
        seen = memories.get(f"{pv.name}.power_w")
        if not isinstance(pv, Pv) or pv.curtail != "limit" or seen is None:
            continue
        made, known = Memory(-min(0.0, seen.value), seen.taken_ns), before.get(pv.name)
        order = orders.get(f"{pv.name}.generation_max_w")
        held = order is not None and (made.value >= AT_LIMIT * order.value or _is_new(order, now_ns))
        found[pv.name] = known if held and known is not None and known.value > made.value else made
    return found


def _is_new(order: Order, now_ns: int) -> bool:
    """Whether a device may still be on its way to this value."""
    return order.since_ns is not None and now_ns - order.since_ns < ON_ITS_WAY_S * 1e9


def curtailed_w(scene: Scene) -> float:
    """Return what PV could make more if the building took it, in W: what an export limit curtails now.

    Nothing where generation itself is limited, by a cap, a person or a high frequency, and nothing that was
    not seen for an hour, for the sun moves.
    """
    if scene.force.generation_w is not None or scene.duties.pv_holds:
        return 0.0
    more_w = 0.0
    for pv in _pvs(scene):
        order = scene.state.book.orders.get(f"{pv.name}.generation_max_w")
        could = scene.state.potentials.get(pv.name)
        made_w = sight.power_w(scene.state.memories, pv, scene.now_ns)
        if order is None or could is None or made_w is None or pv.name in scene.wishes.overrides:
            continue
        is_held = order.value < pv.rated_w and -made_w >= AT_LIMIT * order.value
        if is_held and scene.now_ns - could.taken_ns <= POTENTIAL_S * 1e9:
            more_w += max(0.0, could.value + made_w)
    return more_w


def _pvs(scene: Scene) -> Iterator[Pv]:
    return (asset for asset in scene.house.assets if isinstance(asset, Pv))


def _chp_w(scene: Scene) -> float:
    """What is generated that no cap may stop, in W: a silent one counts at its rating if it ever told."""
    memories = scene.state.memories
    total_w = 0.0
    for asset in scene.house.assets:
        if isinstance(asset, Chp):
            seen_w = sight.power_w(memories, asset, scene.now_ns)
            ever = f"{asset.name}.power_w" in memories
            total_w += -min(0.0, seen_w) if seen_w is not None else asset.rated_w * ever
    return total_w


def _is_free(scene: Scene, pv: Pv) -> bool:
    return pv.curtail == "limit" and not guards.why_not(pv, scene.state.memories)


def _is_silent(scene: Scene, pv: Pv) -> bool:
    """Whether it should tell its power and does not; one that never did has its time to begin."""
    memories = scene.state.memories
    if not pv.measured or sight.power_w(memories, pv, scene.now_ns) is not None:
        return False
    return f"{pv.name}.power_w" in memories or scene.running_s > measures.START_S


def _most_w(scene: Scene, pv: Pv, cap_w: float) -> float:
    """The most that it may be making now, in W.

    Of one that nobody measures the order is all that is known, where it takes one; else its rating.
    """
    memories = scene.state.memories
    seen_w = sight.power_w(memories, pv, scene.now_ns)
    if seen_w is not None:
        return -min(0.0, seen_w)
    if _is_silent(scene, pv):
        is_off = f"{pv.name}.power_w" not in memories and not scene.state.turns.get(pv.name, Turn()).on
        return 0.0 if is_off else pv.rated_w
    if pv.measured:
        return 0.0
    turn = scene.state.turns.get(pv.name, Turn())
    if not turn.on:
        return 0.0
    return min(pv.rated_w, share_w(scene, pv, cap_w)) if _is_free(scene, pv) else pv.rated_w
