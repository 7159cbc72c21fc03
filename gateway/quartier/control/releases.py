"""Release values of batteries: written again until the device shows them, or its power follows (pure).

States of a release value (an ``Order`` in ``Book.returns``): *open*, nobody saw yet that the device took it;
*kept* (``is_kept``), it was read back, or the battery's power agrees.  From *kept* it is open again when the
device shows another value or its power contradicts it: it started anew, say.

Invariants: a kept value is not refreshed, so that the device's own fallback acts.  An open one is written at
most each ``CONFIRM_S`` for ``UNTIL_S``, counted from when the device is heard.  After that it is written only
to a device that surely does otherwise, first each ``STANDING_S``, later each ``LATER_MAX_S``.  failsafe.md
rule 11.  Charging currents, curtailments and sheds are limits: those are orders, which go on being refreshed.
"""

from collections.abc import Iterator, Mapping
from math import inf

from quartier.control import orders, rivals, sight
from quartier.control.orders import (
    ACT_S,
    CONFIRM_S,
    RELEASE_LIFE_S,
    REWRITES_MAX,
    STANDING_S,
    Book,
    Order,
    Want,
)
from quartier.control.outcome import BATTERY_ANSWERS_S, is_within
from quartier.control.reason import Reason
from quartier.control.scene import Scene
from quartier.control.sight import Memory
from quartier.house.alarm import Alarm
from quartier.house.assets import Battery, House
from quartier.house.image import Frozen
from quartier.house.records import replace
from quartier_drivers.contract import Command

UNTIL_S = 30.0
LATER_SHARE, LATER_MAX_S = 0.1, 300.0
"""A device that goes on to do otherwise is told again after this part of the time that it does, at most."""
_S = 1_000_000_000


def insisted(
    scene: Scene, book: Book, lost: Mapping[str, Reason], frozen: Frozen
) -> tuple[Book, list[Command]]:
    """Write the values of ``lost`` points (to the reason why) again that their devices did not take."""
    returns, commands = dict(book.returns), []
    for asset, point in _ours(scene.house, book, lost):
        order, is_due = _next(scene, asset, returns[point], frozen)
        returns[point] = order
        if is_due:
            expires_ns = scene.now_ns + round(RELEASE_LIFE_S * _S)
            commands.append(orders.command(point, order.value, expires_ns, order.reason))
    return (replace(book, returns=returns) if returns else book), commands


def alarms(scene: Scene, lost: Mapping[str, Reason]) -> Iterator[Alarm]:
    """The devices that did not take their release value in the time for it."""
    book = scene.state.book
    for _, point in _ours(scene.house, book, lost):
        order = book.returns[point]
        if not order.is_kept and order.rewritten_ns and _since_s(order, scene.now_ns) >= UNTIL_S:
            told = f"it was written {order.value:g} for {UNTIL_S:.0f} s and does otherwise"
            yield Alarm("output.not_taken_back", point, f"{point} does not take its release value: {told}")


def _ours(house: House, book: Book, lost: Mapping[str, Reason]) -> list[tuple[Battery, str]]:
    """The batteries whose release value is insisted on: not where a person or another controller has them."""
    if not book.returns:
        return []
    batteries = ((one, f"{one.name}.setpoint_w") for one in house.assets if isinstance(one, Battery))
    return [
        (asset, point)
        for asset, point in batteries
        if point in book.returns and point in lost and not _is_others(lost[point])
    ]


def _is_others(why: Reason) -> bool:
    return why.code == rivals.WHY.code or why.who.kind in {"person", "document"}


def _next(scene: Scene, asset: Battery, order: Order, frozen: Frozen) -> tuple[Order, bool]:
    """The release value after this look, and whether it is written now."""
    point, now_ns = f"{asset.name}.setpoint_w", scene.now_ns
    step = scene.house.steps.get(point, 0.0)
    shown = sight.number(frozen, point)
    if not _is_heard(scene, asset, order, shown):
        return replace(order, since_ns=now_ns), False  # it waits at its bus
    if _fell_back(scene.house, point, order, shown, now_ns):
        return order, False
    seen = scene.state.memories.get(f"{asset.name}.power_w")
    want = Want(point, order.value, order.reason, refresh_s=None, obeys=_obeys(asset, order, seen))
    order = orders.observed(order, want, frozen, now_ns, step)
    age_s, since_s = (now_ns - order.written_ns) / _S, _since_s(order, now_ns)
    if orders.contradicts(order, want, frozen, step):
        if not _may_insist(order, age_s, since_s):
            return order, False
        since_ns = order.since_ns
        if order.is_kept:  # its power had the time to follow already
            since_ns = now_ns - (round(BATTERY_ANSWERS_S * _S) if want.obeys is False else 0)
        rewritten_ns = (*order.rewritten_ns, now_ns)[-REWRITES_MAX:]
        order = replace(order, is_kept=False, since_ns=since_ns, rewritten_ns=rewritten_ns)
    elif order.is_kept or age_s < CONFIRM_S or since_s >= UNTIL_S:
        return order, False
    return replace(order, written_ns=now_ns), True


def _may_insist(order: Order, age_s: float, since_s: float) -> bool:
    """Whether a device that does otherwise is told again now."""
    if len(order.rewritten_ns) < REWRITES_MAX and (order.is_kept or since_s < UNTIL_S):
        return order.is_kept or age_s >= CONFIRM_S
    return age_s >= min(max(STANDING_S, LATER_SHARE * since_s), LATER_MAX_S)


def _since_s(order: Order, now_ns: int) -> float:
    """For how long the value is open, in s."""
    assert order.since_ns is not None
    return (now_ns - order.since_ns) / _S


def _is_heard(scene: Scene, asset: Battery, order: Order, shown: Memory | None) -> bool:
    """Whether anything of it was read since the last write; one that is never read counts as heard."""
    memories = scene.state.memories
    seen = (shown, memories.get(f"{asset.name}.power_w"), memories.get(f"{asset.name}.soc_pct"))
    taken_ns = [one.taken_ns for one in seen if one is not None]
    return not taken_ns or max(taken_ns) > order.written_ns


def _fell_back(house: House, point: str, order: Order, shown: Memory | None, now_ns: int) -> bool:
    """Whether the device's own timer may have acted since, and it does what it then does."""
    fallback, after_s = house.fallbacks.get(point, (None, inf))
    if now_ns - order.written_ns < after_s * _S:
        return False
    step = house.steps.get(point, 0.0)
    return fallback is None or (shown is not None and rivals.is_near(point, shown.value, fallback, step))


def _obeys(asset: Battery, order: Order, seen: Memory | None) -> bool | None:
    """Whether its power agrees with its release value; None where that is not known yet."""
    assert order.since_ns is not None
    if seen is None or seen.taken_ns < order.since_ns + ACT_S * _S:
        return None
    if is_within(asset, order.value, seen.value):
        return True
    return None if seen.taken_ns < order.since_ns + BATTERY_ANSWERS_S * _S else False
