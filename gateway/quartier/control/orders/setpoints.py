"""Setpoints of a battery: its power range, and a setpoint that follows its target without hunting.

The target comes from a balance that does not contain the battery (grid minus the battery's own measured
power), so the device's delay alone cannot make it hunt: the loop is open. A lag between the two meters closes
it. With a lag of at most L cycles the error is ``p(t) - p(t-L)``; by the small-gain theorem a first-order
filter with gain k is stable for any device delay when k * min(2, wL) stays below |1 - (1-k)e^-jw| for every
w; for L = 3 that is k < 0.28. Chosen: k = 0.25 per second. Limits do not wait for the filter, they bind at
once.

DISPATCH_SETPOINT and CHARGE_STATE_SETPOINT of OpenADR 3.1 in this gateway's sign: plus takes energy.
"""

from collections.abc import Sequence

from quartier.control import participants
from quartier.control.participants import has_writable_point
from quartier.control.records import PowerRange
from quartier.site.asset_types import Battery, ChargePointAsset, ControllableAsset, OperationModeAsset, Pv

GAIN_PER_S = 0.25
TAPER_PCT = 1.0
BATTERY_DEADBAND_W = 20.0
BATTERY_DEADBAND = 0.005


def find_power_range(battery: Battery, soc_pct: float) -> PowerRange:
    """Return the range that SoC band and reserve allow; the power tapers off in the last percent.

    The reserve is kept: discharging ends there, not at the lower edge of the band.
    """
    floor_pct = max(battery.soc_min_pct, battery.reserve_soc_pct)
    down = _taper(soc_pct - floor_pct)
    up = _taper(battery.soc_max_pct - soc_pct)
    return PowerRange(-battery.discharge_max_w * down, battery.charge_max_w * up)


def _taper(left_pct: float) -> float:
    share = min(max(left_pct / TAPER_PCT, 0.0), 1.0)
    return share if share >= 0.05 else 0.0


def narrow_ranges(rooms: Sequence[PowerRange], *, low_w: float, high_w: float) -> list[PowerRange]:
    """Return ranges whose sum stays inside ``low_w`` (<= 0) .. ``high_w`` (>= 0), shared in proportion."""
    down = _share(-sum(r.low_w for r in rooms), -low_w)
    up = _share(sum(r.high_w for r in rooms), high_w)
    return [PowerRange(r.low_w * down, r.high_w * up) for r in rooms]


def _share(whole_w: float, allowed_w: float) -> float:
    return 1.0 if whole_w <= allowed_w else max(0.0, allowed_w) / whole_w


def split_power(desired_w: float, rooms: Sequence[PowerRange]) -> list[float]:
    """Split ``desired_w`` over several batteries, in proportion to the range of each in that direction."""
    reach = [r.high_w if desired_w > 0 else -r.low_w for r in rooms]
    whole_w = sum(reach)
    if whole_w <= 0:
        return [0.0 for _ in rooms]
    part = min(abs(desired_w) / whole_w, 1.0)
    return [(part if desired_w > 0 else -part) * w for w in reach]


def follow_target(
    battery: Battery, before_w: float, desired_w: float, allowed: PowerRange, dt_s: float, gain: float = 1.0
) -> float:
    """Return the next setpoint from the last one: filtered, ramped, and finally inside ``allowed``.

    ``gain`` is the share of the filter's own gain that is used, 0..1.
    """
    filtered_w = before_w
    if abs(desired_w - before_w) > max(BATTERY_DEADBAND_W, BATTERY_DEADBAND * battery.rated_w):
        filtered_w = before_w + min(1.0, GAIN_PER_S * gain * dt_s) * (desired_w - before_w)
    return ramp_to(battery, before_w, filtered_w, allowed, dt_s)


def ramp_to(battery: Battery, before_w: float, target_w: float, allowed: PowerRange, dt_s: float) -> float:
    """Return the next setpoint on the ramp to ``target_w``, and finally inside ``allowed``."""
    step_w = battery.ramp_max_w_per_s * dt_s
    ramped_w = min(max(target_w, before_w - step_w), before_w + step_w)
    return min(max(ramped_w, allowed.low_w), allowed.high_w)


BAND, BAND_W, BAND_RATED = 0.02, 200.0, 0.05
"""A measured power within 2 % or 200 W of the wanted one is kept; for a small asset 5 % of its rating."""


SOC_BAND_PCT = 0.5
_LEAST_LEFT_S = 60.0
"""A target is followed as if at least a minute were left, so that nothing jumps in the last second."""


_ROUNDING_W = 1.0


def find_power_fault(asset: ControllableAsset, power_w: float) -> str:
    """Describe why the asset can never have ``power_w``; empty if it can."""
    if not has_writable_point(asset):
        return f"{asset.name} takes no order"
    if isinstance(asset, Battery):
        return _outside(power_w, -asset.discharge_max_w, asset.charge_max_w)
    if isinstance(asset, ChargePointAsset) and power_w:
        return _outside(
            power_w, participants.find_floor_power_w(asset), participants.find_full_power_w(asset)
        )
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return _outside(power_w, -asset.rated_w, 0.0)
    if isinstance(asset, OperationModeAsset):
        powers = [mode.power_w for mode in asset.modes]
        return _outside(power_w, min(powers), max(powers))
    run_w = -asset.rated_w if isinstance(asset, Pv) else asset.rated_w  # a car that pauses takes 0
    return "" if power_w in (0, run_w) else f"{power_w:g} W is neither 0 nor {run_w:g} W"


def find_soc_fault(asset: ControllableAsset, soc_pct: float) -> str:
    """Describe why a state of charge is no target for the asset; empty if it is one."""
    if not isinstance(asset, Battery):
        return f"{asset.name} tells no state of charge"
    if not has_writable_point(asset):
        return f"{asset.name} takes no order"
    low_pct = max(asset.soc_min_pct, asset.reserve_soc_pct)
    inside = low_pct <= soc_pct <= asset.soc_max_pct
    return "" if inside else f"{soc_pct:g} % is outside {low_pct:g}..{asset.soc_max_pct:g} %"


def convert_power(asset: ControllableAsset, power_w: float) -> float:
    """Convert a power without ``find_power_fault`` to the value that is ordered, as in ``Override``.

    It is W for a battery and for a PV's limit, A for a charge point, 1 or 0 for a relay. For operation modes
    it is the first mode that takes no more.
    """
    if isinstance(asset, Battery):
        return power_w
    if isinstance(asset, ChargePointAsset):
        amperes = power_w / (asset.voltage_v * asset.phases_count)
        return min(max(amperes, asset.current_min_a), asset.current_max_a) if power_w else 0.0
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return abs(power_w)
    if isinstance(asset, OperationModeAsset):
        fitting = (i for i, mode in enumerate(asset.modes) if mode.power_w <= power_w + _ROUNDING_W)
        return float(next(fitting, len(asset.modes) - 1))  # rounding may miss the lowest mode
    return float(power_w != 0)


def find_power_to_target_w(battery: Battery, soc_pct: float, target_pct: float, left_s: float) -> float:
    """Return the power in W that brings a battery to its target in time, within its limits; 0 once there."""
    missing_pct = target_pct - soc_pct
    if abs(missing_pct) < SOC_BAND_PCT / 2:
        return 0.0
    wanted_w = missing_pct / 100.0 * battery.capacity_wh * 3600.0 / max(left_s, _LEAST_LEFT_S)
    return min(max(wanted_w, -battery.discharge_max_w), battery.charge_max_w)


def is_setpoint_reached(asset: ControllableAsset, power_w: float, measured_w: float) -> bool:
    """Return whether the measured power is inside the band; PV may make less than it was allowed."""
    band_w = max(BAND * abs(power_w), min(BAND_W, BAND_RATED * asset.rated_w))
    if isinstance(asset, Pv) and power_w < 0:
        return power_w - band_w <= measured_w <= band_w
    return abs(measured_w - power_w) <= band_w


def _outside(power_w: float, low_w: float, high_w: float) -> str:
    inside = low_w - _ROUNDING_W <= power_w <= high_w + _ROUNDING_W
    return "" if inside else f"{power_w:g} W is outside {low_w:g}..{high_w:g} W"
