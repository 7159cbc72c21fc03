"""Detect a conflict on a point that cannot be read back, by the behaviour of the device (pure).

Some devices take an order and cannot be asked for it, and others may write it too, by an app or a protocol of
the maker (KEBA: UDP). A device that obeyed, and after our next write does more than any of our last orders
allows, was allowed to by somebody else: a car takes more than its current (IEC 61851-1: it obeys within 5 s),
a load takes power while it is off, PV makes more than its limit. Once may be a person; twice is an alarm;
five times are a conflict (``conflicts``). Somebody who lowers it is not detected: doing less has reasons of
its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier.control import participants
from quartier.control.observe import charging_sessions
from quartier.control.observe.observations import LastGood, LastGoodValues, read_number
from quartier.control.orders import conflicts
from quartier.control.orders.conflicts import WITHIN_S, OrderHistory
from quartier.control.participants import find_control_point, find_flexible_assets
from quartier.control.records import ACT_S, Order
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import ChargePointAsset, Load, Pv
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace
from quartier.site.site_layout import Site

EXCESS_CURRENT_A = 1.5
"""How much the accuracy of a station, and of a car, may exceed an order, in A."""
FOREIGN_MOVES_COUNT = 2
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenConflict:
    """The state of one point.

    ``orders`` are our last orders. ``has_obeyed``: it ever kept an order that limited it. ``evaluation_ns``:
    when the order was written that was last found exceeded; ``moves_ns``: when that was found; ``value``: its
    value then. ``excess``: its present value above its order, None if it obeys.
    """

    orders: OrderHistory = ()
    has_obeyed: bool = False
    evaluation_ns: int | None = None
    moves_ns: tuple[int, ...] = ()
    value: float = 0.0
    excess: float | None = None


_UNKNOWN = HiddenConflict()


def update_hidden_conflicts(
    before: Mapping[str, HiddenConflict],
    frozen: FrozenImage,
    site: Site,
    last_good: LastGoodValues,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, HiddenConflict]:
    """Update every point that is ordered and does not show its order."""
    found = {}
    for asset in find_flexible_assets(site):
        name = find_control_point(asset)
        order = orders.get(name)
        if order is not None and not _shows_order(frozen, asset):
            one = before.get(name, _UNKNOWN)
            found[name] = _check_point(
                one, asset, _does(frozen, asset, order, last_good, now_ns), order, now_ns
            )
    return found


def _shows_order(frozen: FrozenImage, asset: Load | ChargePointAsset | Pv) -> bool:
    shows = asset.shows_order if isinstance(asset, ChargePointAsset) else True
    return shows and read_number(frozen, find_control_point(asset)) is not None


def _does(
    frozen: FrozenImage,
    asset: Load | ChargePointAsset | Pv,
    order: Order,
    last_good: LastGoodValues,
    now_ns: int,
) -> LastGood | None:
    """Return what the device reports that it may do, else what it does, in the unit of its point."""
    power = last_good.get(f"{asset.name}.power_w")
    if isinstance(asset, ChargePointAsset):
        shown = read_number(frozen, f"{asset.name}.current_limit_a")
        if shown is not None and order.value > 0:  # a paused station may report anything
            return shown
        return (
            None
            if power is None
            else LastGood(
                charging_sessions.find_drawn_current_a(asset, None, last_good, now_ns), power.taken_ns
            )
        )
    if power is None:
        return None
    watts = max(0.0, -power.value if isinstance(asset, Pv) else power.value)
    if find_control_point(asset).endswith("_w"):
        return LastGood(watts, power.taken_ns)
    return LastGood(float(watts > participants.OVER_W), power.taken_ns)


def _over(asset: Load | ChargePointAsset | Pv) -> float:
    """Return how far above its order it may be and still obey."""
    if isinstance(asset, ChargePointAsset):
        return EXCESS_CURRENT_A
    if find_control_point(asset).endswith("_w"):
        return max(participants.OVER_W, participants.OVER * asset.rated_w)
    return 0.5


def _full(asset: Load | ChargePointAsset | Pv) -> float:
    """Return the value of its point that limits nothing."""
    if isinstance(asset, ChargePointAsset):
        return asset.current_max_a
    return asset.rated_w if find_control_point(asset).endswith("_w") else 1.0


def _check_point(
    before: HiddenConflict,
    asset: Load | ChargePointAsset | Pv,
    does: LastGood | None,
    order: Order,
    now_ns: int,
) -> HiddenConflict:
    moves_ns = before.moves_ns and tuple(then for then in before.moves_ns if now_ns - then < WITHIN_S * _S)
    orders, after = conflicts.append_orders(before.orders, order, now_ns), before
    if orders is not before.orders or moves_ns != before.moves_ns:
        after = replace(before, orders=orders, moves_ns=moves_ns)
    acts_s = ACT_S if isinstance(asset, ChargePointAsset) else participants.ANSWERS_S
    if does is None or does.taken_ns < order.written_ns + acts_s * _S:
        return after
    if does.value <= order.value + _over(asset):
        obeyed = after.has_obeyed or order.value < _full(asset) - _over(asset)
        if obeyed == after.has_obeyed and after.excess is None:
            return after
        return replace(after, has_obeyed=obeyed, excess=None)
    passed = does.value > max(value for _, value in after.orders) + _over(asset)
    if not (passed and after.has_obeyed):
        return after
    if after.evaluation_ns == order.written_ns:
        return replace(after, excess=does.value)
    return replace(
        after,
        evaluation_ns=order.written_ns,
        moves_ns=(*moves_ns, now_ns),
        value=does.value,
        excess=does.value,
    )


def find_hidden_conflict_alarms(found: Mapping[str, HiddenConflict], site: Site) -> Iterator[Alarm]:
    """Yield an alarm for each device that somebody else allows more than we do."""
    repeated = [(name, one) for name, one in found.items() if len(one.moves_ns) >= FOREIGN_MOVES_COUNT]
    if not repeated:
        return
    cars = {
        find_control_point(asset)
        for asset in find_flexible_assets(site)
        if isinstance(asset, ChargePointAsset)
    }
    for name, one in repeated:
        unit = "A" if name in cars else "W" if name.endswith("_w") else ""
        does = f"take {one.value:.0f} A" if unit == "A" else f"make {one.value:.0f} W" if unit else "run"
        ordered = f"{one.orders[-1][1]:.0f} {unit} are ordered" if unit else "it is ordered off"
        words = f"{name.partition('.')[0]}: somebody else lets it {does} where {ordered}; others make room"
        yield Alarm("output.second_master", name, words)
