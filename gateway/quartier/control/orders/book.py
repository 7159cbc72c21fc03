"""The order book: what is written to points and when: at a change, as a lease, and again when ignored."""

from collections.abc import Collection, Iterable, Mapping
from math import nan
from types import MappingProxyType

from quartier.control.observe.observations import read_number
from quartier.control.reason import Reason, make_reason, render_data
from quartier.control.records import _S, DesiredValue, Order, OrderBook
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace
from quartier_drivers.contract import Command, Origin

CONFIRM_INTERVAL_S = 5.0
REWRITES_MAX, REWRITES_WITHIN_S = 6, 600.0
"""A device that rounds, is late or does not obey gets so many rewrites in this time, then refreshes only."""


STANDING_ORDER_S = 60.0
"""How often it is rewritten after that if nothing refreshes the order, in s."""


# A late release value does no harm: it waits for a device that is away; a newer command replaces it.
RELEASE_LIFE_S = 3600.0
GATEWAY_RELEASES = Origin("release")
"""Who gives an output back if the gateway decided it, and neither a person nor the district."""


# The tolerance of a read-back by the last word of the point.
VALUE_TOLERANCE = {"w": 50.0, "a": 0.5, "on": 0.0}
DISCRETE_KINDS = frozenset({"on", "state"})
"""The last words of points whose values are positions: one step apart they already differ."""
_UNKNOWN: Mapping[str, float] = MappingProxyType({})


def find_due_commands(
    book: OrderBook,
    desired_values: Iterable[DesiredValue],
    frozen: FrozenImage,
    now_ns: int,
    steps: Mapping[str, float] = _UNKNOWN,
) -> tuple[OrderBook, list[Command]]:
    """Return the commands due for ``desired_values``; ``steps``: resolutions of points, as far as known."""
    orders = dict(book.orders)
    released = set(book.released)
    commands = []
    for desired in desired_values:
        released.discard(desired.point)
        present, step = orders.get(desired.point), steps.get(desired.point, 0.0)
        if present is None:
            order = Order(desired.value, now_ns, desired.reason, since_ns=now_ns)
        else:
            present = orders[desired.point] = check_order(present, desired, frozen, now_ns, step)
            due = _next(present, desired, frozen, now_ns, step)
            if due is None:
                if desired.holds and present.reason != desired.reason:
                    orders[desired.point] = _give_new_reason(present, desired.reason)
                continue
            order = due
        orders[desired.point] = order
        commands.append(
            make_command(desired.point, order.value, now_ns + round(desired.life_s * _S), desired.reason)
        )
    returns = {point: one for point, one in book.returns.items() if point in released}
    return OrderBook(orders, frozenset(released), returns), commands


def find_release_commands(
    book: OrderBook,
    points: Mapping[str, Reason],
    values: Mapping[str, float | None],
    now_ns: int,
    own: Collection[str] = (),
) -> tuple[OrderBook, list[Command], tuple[str, ...]]:
    """Release ``points`` (with the reason), each once: by a command, or by name if no value is known.

    ``own`` are those that go back to their device's own control.
    """
    orders, returns = dict(book.orders), dict(book.returns)
    commands, unnamed = [], []
    for point, why in points.items():
        last = orders.pop(point, None)
        if point in book.released:
            continue
        value = values.get(point)
        reason = make_release_reason(why)
        if value is None:
            unnamed.append(point)
            if point in own:
                ordered = nan if last is None else last.value
                returns[point] = Order(ordered, now_ns, reason, since_ns=now_ns)
        else:
            commands.append(make_command(point, value, now_ns + round(RELEASE_LIFE_S * _S), reason))
            returns[point] = Order(value, now_ns, reason, since_ns=now_ns)
    return OrderBook(orders, book.released | points.keys(), returns), commands, tuple(unnamed)


def make_release_reason(why: Reason) -> Reason:
    """Make the reason of an output that is given back: wanted by whoever ordered it, or by the gateway."""
    who = GATEWAY_RELEASES if why.who.kind == "rule" else why.who
    return make_reason("output.given_back", who, more=why)


def make_command(point: str, value: float, expires_ns: int, reason: Reason) -> Command:
    """Make a command with its requester, and until when it is wanted."""
    who, until_utc_ms = reason.who, reason.until_utc_ms
    return Command(point, value, expires_ns, str(reason), who, until_utc_ms, cause=render_data(reason))


def _next(order: Order, desired: DesiredValue, frozen: FrozenImage, now_ns: int, step: float) -> Order | None:
    """Return the order to write now; None if the present one stays. A refresh keeps its value."""
    age_s = (now_ns - order.written_ns) / _S
    if _is_changed(order, desired):
        raised_ns = now_ns if desired.value > order.value else order.raised_ns
        return Order(
            desired.value, now_ns, desired.reason, raised_ns, rewritten_ns=order.rewritten_ns, since_ns=now_ns
        )
    if desired.refresh_s is not None and age_s >= desired.refresh_s:
        value = order.value if desired.tighter else desired.value
        return replace(order, value=value, written_ns=now_ns, reason=desired.reason, written_reason=None)
    if contradicts_order(order, desired, frozen, step) and _may_rewrite(order, desired, frozen, age_s):
        rewritten_ns = (*order.rewritten_ns, now_ns)[-REWRITES_MAX:]
        return replace(
            order,
            written_ns=now_ns,
            reason=desired.reason,
            written_reason=None,
            is_kept=False,
            rewritten_ns=rewritten_ns,
        )
    return None


def _give_new_reason(order: Order, reason: Reason) -> Order:
    """Return the order with why it stands now; why it was written stays known."""
    written = order.written_reason or order.reason
    return replace(order, reason=reason, written_reason=None if written == reason else written)


def _is_changed(order: Order, desired: DesiredValue) -> bool:
    more = desired.value - order.value
    return abs(more) > desired.deadband or more * desired.tighter > 0


def check_order(order: Order, desired: DesiredValue, frozen: FrozenImage, now_ns: int, step: float) -> Order:
    """Record whether the device keeps the order; forget rewrites of long ago."""
    agrees = _shows(order, desired, frozen, step)
    keeps = desired.obeys is not False and (agrees or (agrees is None and desired.obeys is True))
    # Its power follows later than its read-back.
    return confirm_order(
        order, now_ns, keeps=bool(keeps) and now_ns - order.written_ns >= CONFIRM_INTERVAL_S * _S
    )


def confirm_order(order: Order, now_ns: int, *, keeps: bool) -> Order:
    """Record that the device was seen to keep the order; forget rewrites of long ago."""
    is_kept = order.is_kept or keeps
    since_ns = now_ns - round(REWRITES_WITHIN_S * _S)
    recent_ns = order.rewritten_ns and tuple(then for then in order.rewritten_ns if then > since_ns)
    if is_kept == order.is_kept and recent_ns == order.rewritten_ns:
        return order
    return replace(order, is_kept=is_kept, rewritten_ns=recent_ns)


def contradicts_order(order: Order, desired: DesiredValue, frozen: FrozenImage, step: float) -> bool:
    """Return whether the device shows another value than ordered, or its power contradicts the order."""
    return _shows(order, desired, frozen, step) is False or desired.obeys is False


def _may_rewrite(order: Order, desired: DesiredValue, frozen: FrozenImage, age_s: float) -> bool:
    """Return whether the order is rewritten now to a device that does not keep it.

    It is rewritten at once if the device kept this very order until now and now has more: it restarted, or
    somebody else moved it. Else it gets time to act.
    """
    if len(order.rewritten_ns) >= REWRITES_MAX:
        return desired.refresh_s is None and age_s >= STANDING_ORDER_S
    if age_s >= CONFIRM_INTERVAL_S:
        return True
    shown = read_number(frozen, desired.point)
    is_more = shown is None or desired.tighter == 0 or (shown.value - order.value) * desired.tighter < 0
    return order.is_kept and (is_more or desired.obeys is False)


def _shows(order: Order, desired: DesiredValue, frozen: FrozenImage, step: float) -> bool | None:
    """Return whether the point, read after the write had time to act, shows the order within its tolerance.

    None if it was not read since.
    """
    shown = read_number(frozen, desired.point)
    if shown is None or shown.taken_ns < order.written_ns + 2 * _S:
        return None
    return abs(shown.value - order.value) <= find_value_tolerance(desired.point, order.value, step)


def find_value_tolerance(point: str, value: float, step: float) -> float:
    """Return by how much a read-back may differ from a value; ``step`` is the resolution of the device."""
    kind = point.rsplit("_", 1)[-1]
    return 0.0 if kind in DISCRETE_KINDS else max(VALUE_TOLERANCE.get(kind, 0.0), 0.02 * abs(value), step)
