"""Assets met for the first time are taken as they stand, so that a restart does not lift what was limited."""

from quartier.control import moded, shed, sight, unread
from quartier.control.players import flexible, full_w, steering_point
from quartier.control.shed import Turn
from quartier.control.state import State
from quartier.house.assets import Ev, Load, Pv
from quartier.house.image import Frozen
from quartier.house.records import replace


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
            found = sight.number(frozen, one.point)
            turn = moded.met(one, turn, found, now_ns)
            known[one.name] = unread.noted(turn, now_ns, read=found is not None)
    for asset in flexible(state.house):
        if steering_point(asset) not in state.book.orders:
            point = steering_point(asset)
            found = sight.number(frozen, point)
            turn = known.get(asset.name, Turn())
            if found is not None and (turn.limit_w is None or turn.unread_ns is not None):
                turn = _met(point, asset, turn, found.value, now_ns)
            known[asset.name] = unread.noted(turn, now_ns, read=found is not None)
    return known


def _met(point: str, asset: Load | Ev | Pv, turn: Turn, value: float, now_ns: int) -> Turn:
    if not turn.on:
        return turn
    if point.endswith("_on"):
        return turn if value else replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
    if isinstance(asset, Ev):
        if value < asset.current_min_a:
            return replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
        watts = value * asset.voltage_v * asset.phases_count
        return turn if watts >= full_w(asset) else shed.held(turn, watts, now_ns)
    return turn if value >= asset.rated_w else shed.held(turn, max(0.0, value), now_ns)
