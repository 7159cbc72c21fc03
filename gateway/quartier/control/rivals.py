"""A second master: somebody else moves a point that we order (pure).

A device that obeys shows what lies between its last reading and one of our last orders, however late, slow
or limited it is.  What is read back further away was moved by somebody else, also where he writes so soon
after us that our own value is never seen: once may be a device that begins anew or a person's hand, again
and again it is another controller.  Two who write in turn wear the device out and keep nobody's limit: it is
given back, and tried again after a pause.  One who always writes the same value looks like a device that
does not obey, and is told as that (``order.not_held``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier.control.orders import TOLERANCE, Order
from quartier.control.sight import Memory, number
from quartier.house.image import Frozen

MOVES_COUNT, WITHIN_S = 3, 600.0
UNSEEN_S = 30.0
TOLD_S = 20.0
"""What was ordered in the last so many seconds may still be what a device shows, or goes to."""
_TOLD_MAX = 64
PAUSE_S, PAUSE_MAX_S = 900.0, 14_400.0
CALM_S = 3_600.0
"""So long left alone, the next pause is the short one again."""
WHY = "another controller moves it too: look who else steers it"
_S = 1_000_000_000


Told = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What is known of one point.

    ``read`` is its last reading, ``told`` when we ordered what lately, the oldest first.
    ``moves_ns`` are the moves without us, ``rests_ns`` until when it is left alone, ``pauses`` how often so.
    """

    read: Memory | None = None
    told: Told = ()
    moves_ns: tuple[int, ...] = ()
    rests_ns: int | None = None
    pauses: int = 0


def watched(
    before: Mapping[str, Rival], frozen: Frozen, orders: Mapping[str, Order], now_ns: int
) -> dict[str, Rival]:
    """Every point that is ordered, or left alone, after this look."""
    found = {}
    for point in before.keys() | orders.keys():
        one = _watched(before.get(point, Rival()), number(frozen, point), orders.get(point), point, now_ns)
        if one != Rival():
            found[point] = one
    return found


def _watched(before: Rival, read: Memory | None, order: Order | None, point: str, now_ns: int) -> Rival:
    if before.rests_ns is not None:
        if now_ns < before.rests_ns:
            return before
        return Rival(pauses=before.pauses, moves_ns=(now_ns,))
    if order is None or (read is None and before.read is None):
        return replace(before, read=None, told=())
    after = replace(before, told=told(before.told, order, now_ns))
    if read is None or (before.read is not None and read.taken_ns <= before.read.taken_ns):
        return after
    return _judged(after, read, point, now_ns)


def _judged(before: Rival, read: Memory, point: str, now_ns: int) -> Rival:
    """After a new reading."""
    moves_ns = tuple(then for then in before.moves_ns if now_ns - then < CALM_S * _S)
    if _moved(before, read, point):
        moves_ns = (*moves_ns, now_ns)
    recent = [then for then in moves_ns if now_ns - then < WITHIN_S * _S]
    after = replace(before, read=read, moves_ns=moves_ns)
    if not moves_ns:
        return replace(after, pauses=0)
    if len(recent) < MOVES_COUNT:
        return after
    pause_s = min(PAUSE_S * 2**before.pauses, PAUSE_MAX_S)
    return Rival(rests_ns=now_ns + round(pause_s * _S), pauses=before.pauses + 1)


def told(before: Told, order: Order, now_ns: int) -> Told:
    """The orders that stood in the last ``TOLD_S``, with the one of now."""
    if not before or before[-1][1] != order.value:
        before = (*before, (order.written_ns, order.value))[-_TOLD_MAX:]
    past_count = sum(later_ns <= now_ns - TOLD_S * _S for later_ns, _ in before[1:])
    return before[past_count:]


def _moved(before: Rival, read: Memory, point: str) -> bool:
    """Whether it moved neither from where it was towards what we told it, nor stayed."""
    if before.read is None or read.taken_ns - before.read.taken_ns > UNSEEN_S * _S:
        return False  # nobody saw what happened: its own fall-back may have acted
    values = [before.read.value, *(value for _, value in before.told)]
    low, high = min(values), max(values)
    return not low - _allowed(point, low) <= read.value <= high + _allowed(point, high)


def _allowed(point: str, value: float) -> float:
    kind = point.rsplit("_", 1)[-1]
    return max(TOLERANCE.get(kind, 0.0), 0.02 * abs(value))


def why_not(rivals: Mapping[str, Rival], point: str) -> str:
    """Why a point is left alone now; empty where it is not."""
    one = rivals.get(point)
    return WHY if one is not None and one.rests_ns is not None else ""
