"""A power wanted of an asset, as the value that its point takes; and what it can never do (pure).

OpenADR 3.1's DISPATCH_SETPOINT and CHARGE_STATE_SETPOINT in this house's sign: plus takes energy.
"""

from quartier.control import guards, players
from quartier.house.assets import Battery, Ev, Moded, Pv, Steered

BAND, BAND_W, BAND_RATED = 0.02, 200.0, 0.05
"""Inside 2 % or 200 W a measured power is the one that was wanted; of a small asset, 5 % of its rating."""
SOC_BAND_PCT = 0.5
_LEAST_LEFT_S = 60.0
"""A target is gone for as if at least a minute were left: nothing jumps in the last second."""
_ROUNDING_W = 1.0


def fault(asset: Steered, power_w: float) -> str:
    """Why ``power_w`` can never be had of the asset; empty when it can."""
    if not takes_orders(asset):
        return f"{asset.name} takes no order"
    if isinstance(asset, Battery):
        return _outside(power_w, -asset.discharge_max_w, asset.charge_max_w)
    if isinstance(asset, Ev) and power_w:
        return _outside(power_w, players.floor_w(asset), players.full_w(asset))
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return _outside(power_w, -asset.rated_w, 0.0)
    if isinstance(asset, Moded):
        powers = [mode.power_w for mode in asset.modes]
        return _outside(power_w, min(powers), max(powers))
    run_w = -asset.rated_w if isinstance(asset, Pv) else asset.rated_w  # a car that pauses takes 0
    return "" if power_w in (0, run_w) else f"{power_w:g} W is neither 0 nor {run_w:g} W"


def soc_fault(asset: Steered, soc_pct: float) -> str:
    """Why a state of charge is no target for the asset; empty when it is one."""
    if not isinstance(asset, Battery):
        return f"{asset.name} tells no state of charge"
    if not takes_orders(asset):
        return f"{asset.name} takes no order"
    low_pct = max(asset.soc_min_pct, asset.reserve_soc_pct)
    inside = low_pct <= soc_pct <= asset.soc_max_pct
    return "" if inside else f"{soc_pct:g} % is outside {low_pct:g}..{asset.soc_max_pct:g} %"


def takes_orders(asset: Steered) -> bool:
    """Whether it has a point that we may write."""
    if isinstance(asset, Battery | Moded):
        return asset.writable and guards.may_order(asset)
    return players.takes_orders(asset)


def value(asset: Steered, power_w: float) -> float:
    """What is ordered for a power without ``fault``, as ``control.override`` takes it.

    W of a battery and of a PV's limit, A of a charging point, 1 or 0 of a relay; of modes the first that
    takes no more.
    """
    if isinstance(asset, Battery):
        return power_w
    if isinstance(asset, Ev):
        amperes = power_w / (asset.voltage_v * asset.phases_count)
        return min(max(amperes, asset.current_min_a), asset.current_max_a) if power_w else 0.0
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return abs(power_w)
    if isinstance(asset, Moded):
        fitting = (i for i, mode in enumerate(asset.modes) if mode.power_w <= power_w + _ROUNDING_W)
        return float(next(fitting, len(asset.modes) - 1))  # a sum of fractions may miss the lowest by a hair
    return float(power_w != 0)


def toward_w(battery: Battery, soc_pct: float, target_pct: float, left_s: float) -> float:
    """The power that brings a battery to its target by the end, inside its own; 0 when it is there."""
    missing_pct = target_pct - soc_pct
    if abs(missing_pct) < SOC_BAND_PCT / 2:
        return 0.0
    wanted_w = missing_pct / 100.0 * battery.capacity_wh * 3600.0 / max(left_s, _LEAST_LEFT_S)
    return min(max(wanted_w, -battery.discharge_max_w), battery.charge_max_w)


def is_met(asset: Steered, power_w: float, measured_w: float) -> bool:
    """Whether what is measured is inside the band; the sun may give less than a PV was allowed."""
    band_w = max(BAND * abs(power_w), min(BAND_W, BAND_RATED * asset.rated_w))
    if isinstance(asset, Pv) and power_w < 0:
        return power_w - band_w <= measured_w <= band_w
    return abs(measured_w - power_w) <= band_w


def _outside(power_w: float, low_w: float, high_w: float) -> str:
    inside = low_w - _ROUNDING_W <= power_w <= high_w + _ROUNDING_W
    return "" if inside else f"{power_w:g} W is outside {low_w:g}..{high_w:g} W"
