"""What is written to points and when: at a change, as a lease, and again when ignored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from quartier.control import reason
from quartier.control.sight import Memories, number
from quartier.house.image import Frozen
from quartier_drivers.contract import Command
from quartier_drivers.who import Who

REFRESH_S = 20.0
CONFIRM_S = 5.0
ACT_S, ANSWER_S = 3.0, 20.0
"""A reading sooner than this after an order may be of before it; an order older than this is no excuse."""
# A release value harms nobody late: it waits for a device that is away, a newer command takes its place.
RELEASE_LIFE_S = 3600.0
_S = 1_000_000_000
LOST = Who("release", "input lost")
# How far a read-back may stand from what was written, by the last word of the point.
TOLERANCE = {"w": 50.0, "a": 0.5, "on": 0.0}
_UNKNOWN: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Want:
    """What a point shall be.  A change within ``deadband`` waits for the next refresh.

    A lease is written every ``refresh_s``; None: once, and again only when read back otherwise.  The
    command is worthless after ``life_s``.  ``holds``: the reason is that of what stands there already,
    also while nothing is written.  A ``reason`` that knows who wants it (``reason.Reason``) tells the ledger.
    """

    point: str
    value: float
    reason: str
    deadband: float = 0.0
    refresh_s: float | None = REFRESH_S
    life_s: float = REFRESH_S
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What was last written to a point, when, and why it stands there now; when it last became more."""

    value: float
    written_ns: int
    reason: str
    raised_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """All orders by point, and the points given back because an input they need is lost."""

    orders: Mapping[str, Order] = field(default_factory=dict)
    released: frozenset[str] = frozenset()


def written(
    book: Book, wants: Iterable[Want], frozen: Frozen, now_ns: int, steps: Mapping[str, float] = _UNKNOWN
) -> tuple[Book, list[Command]]:
    """The commands due for ``wants``; ``steps`` are the resolutions of points, as far as they are known."""
    orders = dict(book.orders)
    released = set(book.released)
    commands = []
    for want in wants:
        released.discard(want.point)
        present = orders.get(want.point)
        if present is not None and not _due(present, want, frozen, now_ns, steps.get(want.point, 0.0)):
            if want.holds and present.reason != want.reason:
                orders[want.point] = replace(present, reason=want.reason)
            continue
        raised_ns = None if present is None else now_ns if want.value > present.value else present.raised_ns
        orders[want.point] = Order(want.value, now_ns, want.reason, raised_ns)
        commands.append(_command(want.point, want.value, now_ns + round(want.life_s * _S), want.reason))
    return Book(orders, frozenset(released)), commands


def given_back(
    book: Book, points: Mapping[str, str], values: Mapping[str, float | None], now_ns: int
) -> tuple[Book, list[Command], tuple[str, ...]]:
    """Release ``points`` (to the reason why), each once: a command, or its name where no value is known."""
    orders = dict(book.orders)
    commands, unnamed = [], []
    for point, why in points.items():
        orders.pop(point, None)
        if point in book.released:
            continue
        value = values.get(point)
        if value is None:
            unnamed.append(point)
        else:
            words = reason.Reason(f"given back: {why}", LOST)
            commands.append(_command(point, value, now_ns + round(RELEASE_LIFE_S * _S), words))
    return Book(orders, book.released | points.keys()), commands, tuple(unnamed)


def unanswered(book: Book, memories: Memories, now_ns: int) -> set[str]:
    """The assets whose order became more and whose power was not read since it had time to act."""
    found = set()
    for point, order in book.orders.items():
        name = point.partition(".")[0]
        seen = memories.get(f"{name}.power_w")
        if order.raised_ns is None or seen is None:
            continue
        young = now_ns - order.raised_ns < ANSWER_S * _S
        if young and seen.taken_ns < order.raised_ns + ACT_S * _S:
            found.add(name)
    return found


def _command(point: str, value: float, expires_ns: int, words: str) -> Command:
    return Command(point, value, expires_ns, words, reason.who(words), reason.until_utc_ms(words))


def _due(order: Order, want: Want, frozen: Frozen, now_ns: int, step: float) -> bool:
    age_s = (now_ns - order.written_ns) / _S
    if abs(want.value - order.value) > want.deadband or (
        want.refresh_s is not None and age_s >= want.refresh_s
    ):
        return True
    return age_s >= CONFIRM_S and _ignored(order, want, frozen, step)


def _ignored(order: Order, want: Want, frozen: Frozen, step: float) -> bool:
    """Whether the point, read after the write had time to act, shows another value than its register can."""
    shown = number(frozen, want.point)
    if shown is None or shown.taken_ns < order.written_ns + 2 * _S:
        return False
    kind = want.point.rsplit("_", 1)[-1]
    return abs(shown.value - order.value) > max(TOLERANCE.get(kind, 0.0), 0.02 * abs(order.value), step)
