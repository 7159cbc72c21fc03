"""Assets met for the first time are taken as they stand, so that a restart does not lift what was limited."""

from dataclasses import replace

from quartier.control import moded, outcome, shed, sight
from quartier.control.players import flexible, full_w
from quartier.control.shed import Turn
from quartier.control.state import State
from quartier.house.assets import Ev, Load, Pv
from quartier.house.image import Frozen


def turns(frozen: Frozen, state: State, now_ns: int) -> dict[str, Turn]:
    """The turn of each flexible asset; one met for the first time is taken as it stands.

    So a restart neither forgets what was shed nor lifts what was limited: it is restored staged.  What is
    remembered of it, its least times and its sheds, stays.
    """
    known = dict(state.turns)
    for one in moded.steered(state.house):
        if one.point not in state.book.orders:
            turn = known.get(one.name, Turn())
            if one.point in state.book.released and not moded.is_free(one, turn):
                turn = moded.left(turn, now_ns)
            known[one.name] = moded.met(one, turn, sight.number(frozen, one.point), now_ns)
    for asset in flexible(state.house):
        if outcome.point(asset) not in state.book.orders:
            known[asset.name] = _met(frozen, asset, known.get(asset.name, Turn()), now_ns)
    return known


def _met(frozen: Frozen, asset: Load | Ev | Pv, turn: Turn, now_ns: int) -> Turn:
    point = outcome.point(asset)
    found = sight.number(frozen, point)
    if found is None or not turn.on or turn.limit_w is not None:
        return turn
    if point.endswith("_on"):
        return turn if found.value else replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
    if isinstance(asset, Ev):
        if found.value < asset.current_min_a:
            return replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
        watts = found.value * asset.voltage_v * asset.phases_count
        return turn if watts >= full_w(asset) else shed.held(turn, watts, now_ns)
    return turn if found.value >= asset.rated_w else shed.held(turn, max(0.0, found.value), now_ns)
