"""A second master: somebody else moves a point that we order (pure).

What is read back agreed with our order and then moves, though we wrote nothing else, or moves away from it
while it stands: once may be a device that begins anew or a person's hand, again and again it is another
controller.  Two who write in turn wear the device out and keep nobody's limit: it is given back, and tried
again after a pause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier.control.orders import CONFIRM_S, TOLERANCE, Order
from quartier.control.sight import Memory, number
from quartier.house.image import Frozen

MOVES_COUNT, WITHIN_S = 3, 600.0
UNSEEN_S = 30.0
PAUSE_S, PAUSE_MAX_S = 900.0, 14_400.0
CALM_S = 3_600.0
"""So long left alone, the next pause is the short one again."""
WHY = "another controller moves it too: look who else steers it"
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What is known of one point.

    ``read`` is its last reading, ``value`` the order that stood then, ``agreed`` whether they were the same.
    ``moves_ns`` are the moves without us, ``rests_ns`` until when it is left alone, ``pauses`` how often so.
    """

    read: Memory | None = None
    value: float | None = None
    agreed: bool = False
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
    if order is None or read is None or (before.read is not None and read.taken_ns <= before.read.taken_ns):
        return before
    agrees = abs(read.value - order.value) <= _allowed(point, order.value)
    moves_ns = tuple(then for then in before.moves_ns if now_ns - then < CALM_S * _S)
    if not agrees and _moved(before, read, order, point):
        moves_ns = (*moves_ns, now_ns)
    recent = [then for then in moves_ns if now_ns - then < WITHIN_S * _S]
    after = replace(before, read=read, value=order.value, agreed=agrees, moves_ns=moves_ns)
    if not moves_ns:
        return replace(after, pauses=0)
    if len(recent) < MOVES_COUNT:
        return after
    pause_s = min(PAUSE_S * 2**before.pauses, PAUSE_MAX_S)
    return Rival(rests_ns=now_ns + round(pause_s * _S), pauses=before.pauses + 1)


def _moved(before: Rival, read: Memory, order: Order, point: str) -> bool:
    """Whether it moved though we wrote nothing new: from what we wrote, or further away from it."""
    if before.read is None or before.value != order.value:
        return False
    if read.taken_ns - before.read.taken_ns > UNSEEN_S * _S:
        return False  # nobody saw what happened: its own fall-back may have acted
    if before.agreed:
        return True
    has_settled = before.read.taken_ns - order.written_ns >= CONFIRM_S * _S
    step = abs(read.value - before.read.value) > _allowed(point, order.value)
    away = abs(read.value - order.value) > abs(before.read.value - order.value)
    return has_settled and step and away


def _allowed(point: str, value: float) -> float:
    kind = point.rsplit("_", 1)[-1]
    return max(TOLERANCE.get(kind, 0.0), 0.02 * abs(value))


def why_not(rivals: Mapping[str, Rival], point: str) -> str:
    """Why a point is left alone now; empty where it is not."""
    one = rivals.get(point)
    return WHY if one is not None and one.rests_ns is not None else ""
