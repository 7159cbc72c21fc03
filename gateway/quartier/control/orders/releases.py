"""Release points, and repeat this until the device shows that it took it (pure). spec/failsafe.md#rule-11.

An output is given back with a release value, or to its device's own control. A point that was given back (an
``Order`` in ``OrderBook.returns``) has one of two states. *Open*: the device was not seen to take it. *Kept*
(``is_kept``): the value was read back, the battery's power agrees, or our last order is no longer shown.

Invariants: a kept value is not refreshed, so that the device's own fallback acts. An open value is written at
most each ``CONFIRM_INTERVAL_S`` for ``RELEASE_MAX_S``, counted from when the device is heard. After that it
is written only to a device that surely does otherwise, first each ``STANDING_ORDER_S``, later each
``LATER_MAX_S``. A battery's release value is open again when the device shows another one or its power
contradicts it, for example after a restart. A mode, and a point under its device's own control, may change by
itself: once kept it is left alone. Charging currents, curtailments and sheds are limits: these orders are
refreshed on.
"""

from collections.abc import Iterator, Mapping
from math import inf, isnan

from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations
from quartier.control.observe.observations import LastGood
from quartier.control.orders import book as orders_book
from quartier.control.orders import conflicts
from quartier.control.orders.book import CONFIRM_INTERVAL_S, RELEASE_LIFE_S, REWRITES_MAX, STANDING_ORDER_S
from quartier.control.participants import find_control_point
from quartier.control.reason import Reason
from quartier.control.records import ACT_S, DesiredValue, Order, OrderBook
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Battery, OperationModeAsset
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace
from quartier.site.site_layout import Site
from quartier_drivers.contract import Command

BATTERY_ANSWERS_S, BATTERY_OVER_W, BATTERY_OVER_SHARE = 10.0, 300.0, 0.1
"""The time in s in which a battery must follow, and how far it may miss its order, in W or as share of its
rating.
"""


def is_within_order(asset: Battery, value: float, power_w: float) -> bool:
    """Return whether a battery's power agrees with an order of ``value`` in W, or is less of it."""
    over_w = max(BATTERY_OVER_W, BATTERY_OVER_SHARE * asset.rated_w)
    return min(value, 0.0) - over_w <= power_w <= max(value, 0.0) + over_w


RELEASE_MAX_S = 30.0
LATER_SHARE, LATER_MAX_S = 0.1, 300.0
"""A device that still does otherwise gets it again after this share of that time, at most this long."""


RELEASE_SHOWN_S = 2.0
"""A reading sooner than this after a write, in s, may be from before it."""


_S = 1_000_000_000
_Released = Battery | OperationModeAsset


def repeat_releases(
    inputs: CycleInputs, book: OrderBook, lost: Mapping[str, Reason], frozen: FrozenImage
) -> tuple[OrderBook, list[Command], dict[str, Reason]]:
    """Release again what devices did not take; ``lost`` are the points whose inputs are lost now.

    Returns the new book, the commands for points with a release value, and the points that are given to their
    device's own control once more, with the reason.
    """
    returns, commands, again = dict(book.returns), [], {}
    for asset, point in _ours(inputs, book, lost):
        is_own = point in inputs.site.own_controls
        order, is_due = _next(inputs, asset, returns[point], frozen, is_own=is_own)
        returns[point] = order
        if not is_due:
            continue
        if is_own:
            again[point] = lost.get(point) or _why(order)
            continue
        expires_ns = inputs.now_ns + round(RELEASE_LIFE_S * _S)
        commands.append(orders_book.make_command(point, order.value, expires_ns, order.reason))
    return (replace(book, returns=returns) if returns else book), commands, again


def find_release_alarms(inputs: CycleInputs, lost: Mapping[str, Reason]) -> Iterator[Alarm]:
    """Yield an alarm for each device that did not take its release in time."""
    book = inputs.state.book
    for _, point in _ours(inputs, book, lost):
        order = book.returns[point]
        if order.is_kept or not order.rewritten_ns or _since_s(order, inputs.now_ns) < RELEASE_MAX_S:
            continue
        if point in inputs.site.own_controls:
            words = f"{point} is not taken back by its device: it was given back for {RELEASE_MAX_S:.0f} s"
            words += f" and still shows {order.value:g}"
        else:
            text = f"it was written {order.value:g} for {RELEASE_MAX_S:.0f} s and does otherwise"
            words = f"{point} does not take its release value: {text}"
        yield Alarm("output.not_taken_back", point, words)


def _ours(inputs: CycleInputs, book: OrderBook, lost: Mapping[str, Reason]) -> list[tuple[_Released, str]]:
    """Return the points on which the release is insisted, not those of a person or another controller.

    A mode may have been given back because it is normal again: then no input is lost.
    """
    if not book.returns:
        return []
    assets = ((one, find_control_point(one)) for one in inputs.site.assets if isinstance(one, _Released))
    return [
        (asset, point)
        for asset, point in assets
        if point in book.returns
        and (point in lost or isinstance(asset, OperationModeAsset))
        and not _is_others(lost.get(point) or _why(book.returns[point]))
        and not conflicts.explain_no_raise(inputs.state.conflicts, point)
    ]


def _why(order: Order) -> Reason:
    """Return why it was given back."""
    return order.reason.more or order.reason


def _is_others(why: Reason) -> bool:
    return why.code == conflicts.CONFLICT_REASON.code or why.who.kind in {"person", "document"}


def _next(
    inputs: CycleInputs, asset: _Released, order: Order, frozen: FrozenImage, *, is_own: bool
) -> tuple[Order, bool]:
    """Return the updated release, and whether it is written again now."""
    if order.is_kept and (is_own or isinstance(asset, OperationModeAsset)):
        return order, False
    point, now_ns = find_control_point(asset), inputs.now_ns
    shown = observations.read_number(frozen, point)
    if not _is_heard(inputs, asset, order, shown):
        return replace(order, since_ns=now_ns), False  # it waits on its bus
    if not is_own and _fell_back(inputs.site, point, order, shown, now_ns):
        return order, False
    obeys = _obeys(inputs, asset, order, is_own=is_own)
    if is_own:
        shows = _shows_own(inputs, order, point, frozen, obeys=obeys)
        order = orders_book.confirm_order(order, now_ns, keeps=shows is True)
        is_against = shows is False
    else:
        step = inputs.site.steps.get(point, 0.0)
        desired = DesiredValue(point, order.value, order.reason, refresh_s=None, obeys=obeys)
        order = orders_book.check_order(order, desired, frozen, now_ns, step)
        is_against = orders_book.contradicts_order(order, desired, frozen, step)
    age_s, since_s = (now_ns - order.written_ns) / _S, _since_s(order, now_ns)
    if is_against:
        if not _may_insist(order, age_s, since_s):
            return order, False
        since_ns = order.since_ns
        if order.is_kept:  # its power had the time to follow already
            since_ns = now_ns - (round(BATTERY_ANSWERS_S * _S) if obeys is False else 0)
        rewritten_ns = (*order.rewritten_ns, now_ns)[-REWRITES_MAX:]
        order = replace(order, is_kept=False, since_ns=since_ns, rewritten_ns=rewritten_ns)
    elif order.is_kept or age_s < CONFIRM_INTERVAL_S or since_s >= RELEASE_MAX_S:
        return order, False
    return replace(order, written_ns=now_ns), True


def _may_insist(order: Order, age_s: float, since_s: float) -> bool:
    """Return whether the release is written again now to a device that does otherwise."""
    if len(order.rewritten_ns) < REWRITES_MAX and (order.is_kept or since_s < RELEASE_MAX_S):
        return order.is_kept or age_s >= CONFIRM_INTERVAL_S
    return age_s >= min(max(STANDING_ORDER_S, LATER_SHARE * since_s), LATER_MAX_S)


def _since_s(order: Order, now_ns: int) -> float:
    """Return how long the value is open, in s."""
    assert order.since_ns is not None
    return (now_ns - order.since_ns) / _S


def _is_heard(inputs: CycleInputs, asset: _Released, order: Order, shown: LastGood | None) -> bool:
    """Return whether any of its points was read since the last write; one never read counts as heard."""
    last_good = inputs.state.last_good
    seen = (shown, last_good.get(f"{asset.name}.power_w"), last_good.get(f"{asset.name}.soc_pct"))
    taken_ns = [one.taken_ns for one in seen if one is not None]
    return not taken_ns or max(taken_ns) > order.written_ns


def _fell_back(site: Site, point: str, order: Order, shown: LastGood | None, now_ns: int) -> bool:
    """Return whether the device's own timer may have acted since, and it does what it then does."""
    fallback, after_s = site.fallbacks.get(point, (None, inf))
    if now_ns - order.written_ns < after_s * _S:
        return False
    step = site.steps.get(point, 0.0)
    return fallback is None or (
        shown is not None and conflicts.is_same_value(point, shown.value, fallback, step)
    )


def _obeys(inputs: CycleInputs, asset: _Released, order: Order, *, is_own: bool) -> bool | None:
    """Return whether its power agrees with the release; None if that is not known (yet).

    What its own control does is not known: a battery that surely does not follow our last order obeys.
    """
    assert order.since_ns is not None
    last_good = inputs.state.last_good.get(f"{asset.name}.power_w")
    if (
        isinstance(asset, OperationModeAsset)
        or last_good is None
        or last_good.taken_ns < order.since_ns + ACT_S * _S
    ):
        return None
    within = is_within_order(asset, order.value, last_good.value)
    if is_own:
        return None if within or isnan(order.value) else True
    if within:
        return True
    return None if last_good.taken_ns < order.since_ns + BATTERY_ANSWERS_S * _S else False


def _shows_own(
    inputs: CycleInputs, order: Order, point: str, frozen: FrozenImage, *, obeys: bool | None
) -> bool | None:
    """Return whether the device's own control has the point: our last order is gone. None: unknown."""
    value = frozen.get(point)
    if value is None or not inputs.site.own_controls[point]:
        return obeys
    if inputs.now_ns - value.age_s * _S < order.written_ns + RELEASE_SHOWN_S * _S:
        return None
    shown = observations.read_number(frozen, point)
    if shown is None:
        return True  # no order is in force
    if order.value == 0.0 or isnan(order.value):  # its own control may show 0 too
        return obeys
    return not conflicts.is_same_value(point, shown.value, order.value, inputs.site.steps.get(point, 0.0))
