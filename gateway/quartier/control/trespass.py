"""A second master on a charging point that does not tell what it was ordered (pure).

Some stations take an order and cannot be asked for it, and others may write it too, over an app or a
protocol of the maker's own (KEBA: UDP).  A car never takes more than its station lets it (IEC 61851-1, 5 s
after a change): one that obeyed, and after our next write may take more, or takes more, than any of our last
orders was let to by somebody else.  Once may be a person's hand; again it is another controller.  It is told
and no more: what stands there is above our order, and to step back would leave it so.  Who lowers the current
is not found: a car that takes less has its own reasons.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from quartier.control import rivals, stay
from quartier.control.orders import ACT_S, Order
from quartier.control.rivals import WITHIN_S, Told
from quartier.control.sight import Memories, Memory, number
from quartier.house.alarm import Alarm
from quartier.house.assets import Ev, House
from quartier.house.image import Frozen

OVER_A = 1.5
"""What a station's accuracy, and a car's, may add to an order."""
MOVES_COUNT = 2
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trespass:
    """What is known of one charging point.

    ``told`` are our last orders, ``obeyed`` whether it ever kept to one that held it, ``judged_ns`` when the
    order was written that was found passed last, ``moves_ns`` when it was, ``seen_a`` with how much.
    """

    told: Told = ()
    obeyed: bool = False
    judged_ns: int | None = None
    moves_ns: tuple[int, ...] = ()
    seen_a: float = 0.0


def watched(
    before: Mapping[str, Trespass],
    frozen: Frozen,
    house: House,
    memories: Memories,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, Trespass]:
    """Every charging point that is ordered and does not show its order, after this look."""
    found = {}
    for ev in house.assets:
        order = orders.get(f"{ev.name}.current_max_a")
        if isinstance(ev, Ev) and order is not None and not _shows_order(frozen, ev):
            one = before.get(ev.name, Trespass())
            found[ev.name] = _looked(one, ev, _may_a(frozen, ev, order, memories, now_ns), order, now_ns)
    return found


def _shows_order(frozen: Frozen, ev: Ev) -> bool:
    return ev.shows_order and number(frozen, f"{ev.name}.current_max_a") is not None


def _may_a(frozen: Frozen, ev: Ev, order: Order, memories: Memories, now_ns: int) -> Memory | None:
    """What the car may take as the station says, else what it takes; a paused station may say either."""
    shown = number(frozen, f"{ev.name}.current_limit_a")
    if shown is not None and order.value > 0:
        return shown
    power = memories.get(f"{ev.name}.power_w")
    return None if power is None else Memory(stay.drawn_a(ev, None, memories, now_ns), power.taken_ns)


def _looked(before: Trespass, ev: Ev, may: Memory | None, order: Order, now_ns: int) -> Trespass:
    moves_ns = tuple(then for then in before.moves_ns if now_ns - then < WITHIN_S * _S)
    after = replace(before, told=rivals.told(before.told, order, now_ns), moves_ns=moves_ns)
    if may is None or may.taken_ns < order.written_ns + ACT_S * _S:
        return after
    if may.value <= order.value + OVER_A:
        return replace(after, obeyed=after.obeyed or order.value < ev.current_max_a - OVER_A)
    passed = may.value > max(value for _, value in after.told) + OVER_A
    if not (passed and after.obeyed) or after.judged_ns == order.written_ns:
        return after
    return replace(after, judged_ns=order.written_ns, moves_ns=(*moves_ns, now_ns), seen_a=may.value)


def alarms(found: Mapping[str, Trespass]) -> Iterator[Alarm]:
    """Which charging points somebody else lets take more than we do."""
    for name, one in found.items():
        if len(one.moves_ns) >= MOVES_COUNT:
            words = (
                f"{name}: somebody else lets it take {one.seen_a:.0f} A where {one.told[-1][1]:.0f} A are"
                " ordered; it is ordered on, and others make room"
            )
            yield Alarm("output.second_master", f"{name}.current_max_a", words)
