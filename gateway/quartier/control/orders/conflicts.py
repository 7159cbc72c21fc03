"""Detect another controller that moves a point that we order: spec/failsafe.md#conflict (pure).

A device that obeys shows one of our last orders, or a value on its way there, however late, slow, coarse or
limited it is; or its declared fallback. A value beyond these by more than its resolution was set by somebody
else. Once may be a device that restarted, or a person; five times in ten minutes is another controller. Two
controllers that write in turn wear the device out and keep no limit. So we give up first:
``conflict_response`` decides what is still written.

Each of these counts once: the value leaves what we ordered; it goes on to another foreign value; it is there
again, and above our order, after a new write of ours. If a device does less than ordered (it derates, clamps
or is full), that is not foreign.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from quartier.control.observe.observations import LastGood, read_number
from quartier.control.orders.book import DISCRETE_KINDS, find_value_tolerance
from quartier.control.reason import Reason, make_reason
from quartier.control.records import ACT_S, Order
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace

MOVES_COUNT, WITHIN_S = 5, 600.0
CONFLICT_MIN_COUNT = 2
"""So many times are enough once the point has been in conflict."""
FOREIGN_UNSEEN_S = 30.0
ORDER_HISTORY_S = 20.0
"""A device may still show, or move to, any order of the last so many seconds."""
_TOLD_MAX = 64
PAUSE_S, PAUSE_MAX_S = 900.0, 14_400.0
CONFLICT_CALM_S = 3_600.0
"""After this time in s without a foreign value, the next pause is the short one again."""
GRAIN_COUNT, GRAINS_MAX, GRAIN_SHARE_MAX = 4, 8, 0.25
"""A device that shows so many values, no two nearer than a step, rounds to that step if the step is at most
this share of the largest value.
"""
CONFLICT_REASON = make_reason("output.second_master")
_S = 1_000_000_000


OrderHistory = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointConflict:
    """The state of one point.

    ``read`` is its last reading. ``orders`` are our recent orders with their times, the oldest first;
    ``is_as_ordered``: the last reading was what we ordered. ``foreign`` is the value that somebody else set
    last, while it is there; ``last_foreign`` is kept after that. ``counted_ns``: when our write was made that
    was last found overridden. ``moves_ns`` are the times that count. ``rests_ns``: until when the point is in
    conflict; ``pauses``: how many conflicts there were. ``written_ns``: when we wrote it in this conflict.
    ``offs_ns``: when we opened its contactor in conflicts of the last hour. ``readings`` are the last values
    that it showed.
    """

    read: LastGood | None = None
    orders: OrderHistory = ()
    is_as_ordered: bool = False
    foreign: float | None = None
    last_foreign: float | None = None
    counted_ns: int | None = None
    moves_ns: tuple[int, ...] = ()
    rests_ns: int | None = None
    pauses: int = 0
    written_ns: int | None = None
    offs_ns: tuple[int, ...] = ()
    readings: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """The known facts of the devices behind points: resolutions (``steps``), fallbacks (value, after s).

    A fallback whose value is None is the device's own control. ``releases`` are the values that we write to
    give a point back.
    """

    steps: Mapping[str, float] = field(default_factory=dict)
    fallbacks: Mapping[str, tuple[float | None, float]] = field(default_factory=dict)
    releases: Mapping[str, float | None] = field(default_factory=dict)


NO_DEVICE_FACTS = DeviceFacts()
_UNKNOWN = PointConflict()


def update_conflicts(
    before: Mapping[str, PointConflict],
    frozen: FrozenImage,
    orders: Mapping[str, Order],
    now_ns: int,
    *,
    device: DeviceFacts = NO_DEVICE_FACTS,
    passed: Mapping[str, float | None] | None = None,
    moved: Collection[str] = (),
) -> dict[str, PointConflict]:
    """Update every point that is ordered, or in conflict.

    ``passed`` are the points that cannot be read and are seen to be above their order, with their values
    (None: they obey). ``moved`` are those of them that were found so after a write of ours
    (``hidden_conflicts``).
    """
    found = {}
    for point in before.keys() | orders.keys():
        one, order = before.get(point, _UNKNOWN), orders.get(point)
        read = read_number(frozen, point)
        if passed is not None and point in passed:
            value = passed[point]
            last_foreign = one.last_foreign if value is None else value
            if (one.foreign, one.last_foreign) != (value, last_foreign):
                one = replace(one, foreign=value, last_foreign=last_foreign)
            one = _count_move(one, point in moved, now_ns)
        else:
            one = _watch_point(one, read, order, point, device, now_ns)
        if one != _UNKNOWN:
            found[point] = one
    return found


def _watch_point(
    before: PointConflict,
    read: LastGood | None,
    order: Order | None,
    point: str,
    device: DeviceFacts,
    now_ns: int,
) -> PointConflict:
    if order is None or (read is None and before.read is None):
        after = _count_move(before, moved=False, now_ns=now_ns)
        after = replace(
            after, read=None, orders=(), is_as_ordered=False, foreign=None, counted_ns=None, readings=()
        )
        ours, step = device.releases.get(point), device.steps.get(point, 0.0)
        is_ours = ours is not None and read is not None and is_same_value(point, read.value, ours, step)
        if after.rests_ns is None or read is None or is_ours:
            return after
        # In conflict a setpoint has no order of ours; the value it shows still counts.
        return replace(after, foreign=read.value, last_foreign=read.value)
    ordered = append_orders(before.orders, order, now_ns)
    after = before if ordered is before.orders else replace(before, orders=ordered)
    if read is None or (before.read is not None and read.taken_ns <= before.read.taken_ns):
        return _count_move(after, moved=False, now_ns=now_ns)
    return _evaluate_reading(after, read, order, point, device, now_ns)


def _evaluate_reading(
    before: PointConflict, read: LastGood, order: Order, point: str, device: DeviceFacts, now_ns: int
) -> PointConflict:
    """Evaluate a new reading."""
    value, step = read.value, device.steps.get(point, 0.0)
    is_order = value == order.value  # as nearly always: nothing below can change that
    agreed = is_order or any(is_same_value(point, value, ours, step) for _, ours in before.orders)
    is_fallback = not is_order and _is_fallback(point, value, order, device, now_ns)
    moved = not (is_order or is_fallback) and _is_foreign(before, read, point, step)
    counted_ns, foreign = before.counted_ns, before.foreign
    if agreed or is_fallback:
        foreign = None
    elif moved:
        foreign, counted_ns = value, order.written_ns
    elif foreign is not None and not is_same_value(point, value, foreign, step):
        foreign = None
    elif foreign is not None and counted_ns != order.written_ns:
        # Still there after a new write of ours that had time to act.
        is_more = not _is_less(value, [ours for _, ours in before.orders])
        if is_more and read.taken_ns >= order.written_ns + ACT_S * _S:
            moved, counted_ns = True, order.written_ns
    shown = before.readings
    if value not in shown:
        shown = (*shown, value)[-GRAINS_MAX:]
    after = replace(
        before,
        read=read,
        is_as_ordered=agreed,
        foreign=foreign,
        last_foreign=before.last_foreign if foreign is None else foreign,
        counted_ns=counted_ns,
        readings=shown,
    )
    return _count_move(after, moved=moved, now_ns=now_ns)


def _count_move(before: PointConflict, moved: bool, now_ns: int) -> PointConflict:  # noqa: FBT001 - the one thing that is counted
    """Count a foreign move; five in ten minutes are a conflict, which ends by itself."""
    if before.rests_ns is not None:
        if now_ns < before.rests_ns:
            return before
        # It is tried again, and given up sooner than at first. The last value of the other controller counts
        # on while it may come back (``conflict_response``).
        counted_ns = (before.rests_ns,) * (MOVES_COUNT - CONFLICT_MIN_COUNT)
        before = replace(before, rests_ns=None, written_ns=None, moves_ns=counted_ns)
    if not (moved or before.moves_ns or before.pauses or before.offs_ns):
        return before
    moves_ns = tuple(then for then in before.moves_ns if now_ns - then < CONFLICT_CALM_S * _S)
    if moved:
        moves_ns = (*moves_ns, now_ns)
    after = replace(before, moves_ns=moves_ns)
    if not moves_ns:
        return replace(after, pauses=0, offs_ns=())
    if sum(now_ns - then < WITHIN_S * _S for then in moves_ns) < MOVES_COUNT:
        return after
    pause_s = min(PAUSE_S * 2**before.pauses, PAUSE_MAX_S)
    return replace(after, rests_ns=now_ns + round(pause_s * _S), pauses=before.pauses + 1, written_ns=None)


def append_orders(before: OrderHistory, order: Order, now_ns: int) -> OrderHistory:
    """Return the orders of the last ``ORDER_HISTORY_S``, including the present one."""
    if not before or before[-1][1] != order.value:
        before = (*before, (order.written_ns, order.value))[-_TOLD_MAX:]
    past_count = sum(later_ns <= now_ns - ORDER_HISTORY_S * _S for later_ns, _ in before[1:])
    return before[past_count:]


def _is_foreign(before: PointConflict, read: LastGood, point: str, step: float) -> bool:
    """Return whether the value is foreign: not unchanged, not on its way to an order, and not just less."""
    if before.read is None or read.taken_ns - before.read.taken_ns > FOREIGN_UNSEEN_S * _S:
        return False  # nobody saw what happened: its own fallback may have acted
    ours = [value for _, value in before.orders]
    values = [before.read.value, *ours]
    low, high = min(values), max(values)
    least = low - find_value_tolerance(point, low, step)
    if least <= read.value <= high + find_value_tolerance(point, high, step):
        return False
    if not before.is_as_ordered and _is_less(read.value, [before.read.value]) and _is_less(read.value, ours):
        return False  # it does less and less of its order: it derates, or is nearly full
    grain = _grain(before.readings) if len(ours) > 1 else 0.0
    return all(abs(read.value - value) > grain for value in ours)


def _is_less(value: float, than: Collection[float]) -> bool:
    """Return whether a value lies between 0 and one of the others."""
    return any(min(0.0, one) <= value <= max(0.0, one) for one in than)


def _grain(shown: tuple[float, ...]) -> float:
    """Return the step to which a device rounds, as far as its readings show; 0 if they do not."""
    if len(shown) < GRAIN_COUNT:
        return 0.0
    grain = min(later - sooner for sooner, later in pairwise(sorted(shown)))
    return grain if grain <= GRAIN_SHARE_MAX * max(map(abs, shown)) else 0.0


def _is_fallback(point: str, value: float, order: Order, device: DeviceFacts, now_ns: int) -> bool:
    """Return whether the value is the one that the device takes by itself once nobody writes."""
    fallback, after_s = device.fallbacks.get(point, (None, float("inf")))
    age_s = (now_ns - order.written_ns) / _S
    if fallback is None:
        return age_s >= after_s
    if point.rsplit("_", 1)[-1] in DISCRETE_KINDS and age_s < after_s / 2.0:
        return False  # one of few positions is the fallback's; its timer cannot have acted yet
    return is_same_value(point, value, fallback, device.steps.get(point, 0.0))


def is_same_value(point: str, value: float, other: float, step: float) -> bool:
    """Return whether two values of a point are the same for its device."""
    return abs(value - other) <= find_value_tolerance(point, other, step)


def explain_no_raise(conflicts: Mapping[str, PointConflict], point: str) -> Reason | None:
    """Return why nobody may raise a point now; None if it is not in conflict."""
    one = conflicts.get(point)
    return CONFLICT_REASON if one is not None and one.rests_ns is not None else None


def find_foreign_value(conflicts: Mapping[str, PointConflict], point: str) -> float:
    """Return the last foreign value of a point in conflict; 0 if it is not in conflict."""
    one = conflicts.get(point)
    return 0.0 if one is None or one.rests_ns is None else one.last_foreign or 0.0
