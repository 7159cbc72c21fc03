"""Check that each controlled device follows its order: its own power beside its order (pure).

A battery is evaluated once it had one order for long enough, a PV if it makes more than it may. A device that
takes *less* than it may has its own reasons (a full car, an open thermostat, a cloud) and is not reported.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier.control.observe import observations
from quartier.control.observe.meter_check.steps import GAIN_MAX, GAIN_MIN, STEP_MIN_W
from quartier.control.observe.observations import LastGoodValues
from quartier.control.records import Order
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Battery, Pv
from quartier.site.site_layout import Site

DEVICE_SHARE = 0.05
"""Orders below this share of the rating say nothing about the gain."""
DEVICE_HOLD_S = 30.0
TAPER_PCT = 5.0
"""Near the ends of its band, in percent, a battery limits itself."""
WRONG_GAINS_COUNT = 3
"""This many orders in a row that were not followed correctly are an alarm."""
_S = 1_000_000_000
_Ordered = Battery | Pv


@dataclass(frozen=True, slots=True)
class DeviceResponse:
    """One device: the order last evaluated, the number of wrong gains in a row, the last gain."""

    order_w: float = 0.0
    since_ns: int = 0
    evaluation_ns: int = 0
    wrong_count: int = 0
    gain: float = 1.0


def update_devices(
    before: Mapping[str, DeviceResponse],
    site: Site,
    last_good: LastGoodValues,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, DeviceResponse]:
    """Advance every device that has an order in W and a power meter."""
    found = {}
    for asset in site.assets:
        if not isinstance(asset, _Ordered):
            continue
        point = "setpoint_w" if isinstance(asset, Battery) else "generation_max_w"
        order = orders.get(f"{asset.name}.{point}")
        power = last_good.get(f"{asset.name}.power_w")
        if order is None or power is None:
            continue
        one = before.get(asset.name, DeviceResponse(order.value, now_ns))
        near_w = max(50.0, 0.02 * abs(one.order_w))
        if abs(order.value - one.order_w) > near_w:
            found[asset.name] = DeviceResponse(
                order.value, now_ns, one.evaluation_ns, one.wrong_count, one.gain
            )
            continue
        due_ns = max(one.since_ns, one.evaluation_ns) + round(max(DEVICE_HOLD_S, 3.0 * asset.period_s) * _S)
        gain = _find_gain(asset, order.value, power.value, last_good, now_ns)
        if gain is None or power.taken_ns < due_ns:
            found[asset.name] = one
            continue
        wrong = not GAIN_MIN <= gain <= GAIN_MAX
        found[asset.name] = DeviceResponse(
            one.order_w,
            one.since_ns,
            now_ns,
            min(one.wrong_count + 1, WRONG_GAINS_COUNT) if wrong else 0,
            gain,
        )
    return found


def _find_gain(
    asset: Battery | Pv, order_w: float, power_w: float, last_good: LastGoodValues, now_ns: int
) -> float | None:
    """Return measured power over ordered power; None if the order says nothing about it."""
    least_w = max(STEP_MIN_W, DEVICE_SHARE * asset.rated_w)
    if isinstance(asset, Pv):
        if order_w >= asset.rated_w or -power_w < least_w:
            return None
        return max(1.0, -power_w / max(order_w, least_w))
    if abs(order_w) < least_w:
        return None if abs(power_w) < least_w else GAIN_MAX + abs(power_w) / least_w
    gain = power_w / order_w
    soc_pct = observations.find_fresh_value(last_good, f"{asset.name}.soc_pct", asset.soc_period_s, now_ns)
    if gain >= GAIN_MIN:
        return gain
    if soc_pct is None:
        return None
    tapers = (
        soc_pct >= asset.soc_max_pct - TAPER_PCT if order_w > 0 else soc_pct <= asset.soc_min_pct + TAPER_PCT
    )
    return None if tapers else gain


def find_device_alarms(found: Mapping[str, DeviceResponse]) -> Iterator[Alarm]:
    """Yield an alarm for each device that does not follow its order."""
    for name, one in found.items():
        if one.wrong_count >= WRONG_GAINS_COUNT:
            words = (
                f"{name}: it was ordered {one.order_w:.0f} W and shows {one.gain:.1f} times that;"
                " others make room for what it shows"
            )
            yield Alarm("device.gain", name, words)
