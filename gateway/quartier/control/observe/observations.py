"""Observations: last good readings, their age, and the worst case of an asset's power."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from quartier.site.asset_types import (
    Asset,
    Battery,
    ChargePointAsset,
    GridMeter,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.process_image import FrozenImage
from quartier.site.site_layout import SUPPLY_POINTS, Site

SILENT_S = 15.0
SILENT_POLLS = 3.0
ABSURD_W = 1e9
APPARENT, APPARENT_EXPORT = "apparent_power_va", "apparent_power_export_va"
POWER_QUANTITIES = ("power_l1_w", "power_l2_w", "power_l3_w")
SESSION_QUANTITIES = ("session_energy_wh", "energy_wanted_wh", "departure_in_s")
"""What a charger may know of a car."""
CURRENT_QUANTITIES = ("current_l1_a", "current_l2_a", "current_l3_a")
NOMINAL_V = 230.0


class LastGood(NamedTuple):
    """The last good value of a point and when it was taken (monotonic)."""

    value: float
    taken_ns: int


LastGoodValues = Mapping[str, LastGood]


def read_number(frozen: FrozenImage, point: str) -> LastGood | None:
    """Return the point's value if it is good, finite and not absurd, so that no NaN reaches the kernel."""
    seen = frozen.good(point)
    if seen is None or not -ABSURD_W <= seen[0] <= ABSURD_W:  # NaN is in no interval
        return None
    return LastGood(*seen)


def update_last_good(frozen: FrozenImage, site: Site, before: LastGoodValues) -> dict[str, LastGood]:
    """Update the last good values: a bad reading does not erase the good one before it."""
    after = dict(before)
    for point in list_read_points(site):
        found = read_number(frozen, point)
        if found is not None:
            after[point] = found
    if site.grid.is_apparent:
        after |= _apparent(site.grid, after)
    return after


def _apparent(grid: GridMeter, last_good: LastGoodValues) -> dict[str, LastGood]:
    """Return the grid power of a meter that only reports VA: the most it can be, less reported export."""
    taken = _newest(last_good.get(f"{grid.name}.{APPARENT}"), _from_currents(grid, last_good))
    if taken is None:
        return {}
    export_va = (
        find_fresh_value(last_good, f"{grid.name}.{APPARENT_EXPORT}", grid.period_s, taken.taken_ns) or 0.0
    )
    return {f"{grid.name}.power_w": LastGood(taken.value - export_va, taken.taken_ns)}


def has_unsigned_export(grid: GridMeter, last_good: LastGoodValues) -> bool:
    """Return whether a meter that only reports VA still reports its export; in another mode it may not."""
    newest = last_good.get(f"{grid.name}.power_w")
    now_ns = 0 if newest is None else newest.taken_ns
    return find_fresh_value(last_good, f"{grid.name}.{APPARENT_EXPORT}", grid.period_s, now_ns) is not None


def _from_currents(grid: GridMeter, last_good: LastGoodValues) -> LastGood | None:
    """Return VA from A at the nominal voltage: the short frames of an over-current have nothing else."""
    currents = [
        memory for name in CURRENT_QUANTITIES if (memory := last_good.get(f"{grid.name}.{name}")) is not None
    ]
    if not currents:
        return None
    return LastGood(NOMINAL_V * sum(one.value for one in currents), min(one.taken_ns for one in currents))


def _newest(first: LastGood | None, second: LastGood | None) -> LastGood | None:
    if first is None or second is None:
        return first
    return second if second.taken_ns > first.taken_ns else first


def list_read_points(site: Site) -> list[str]:
    """Return every point that control reads of a site."""
    wanted = [f"{asset.name}.power_w" for asset in (site.grid, *site.assets)]
    if site.supplies:
        wanted.append(f"{site.grid.name}.{APPARENT}")
    if site.grid.is_apparent:
        wanted += [
            f"{site.grid.name}.{quantity}" for quantity in (APPARENT, APPARENT_EXPORT, *CURRENT_QUANTITIES)
        ]
    wanted += [f"{contact.name}.input_on" for contact in site.contacts]
    wanted += [f"{supply.name}.{name}" for supply in site.supplies for name in SUPPLY_POINTS]
    wanted += [f"{one.name}.tariff_index" for one in site.clock_sources if one.tariff_s is not None]
    wanted += [f"{one.name}.clock_offset_s" for one in site.clock_sources if one.clock_s is not None]
    if site.has_connection_tree:
        wanted += _iterate_branch_points(site)
    for asset in site.assets:
        if asset.falls_back and not asset.accepts_no_fallback:
            wanted.append(f"{asset.name}.fallback_on")
        if isinstance(asset, Battery):
            wanted.append(f"{asset.name}.soc_pct")
        elif isinstance(asset, ChargePointAsset):
            wanted += [
                f"{asset.name}.{quantity}"
                for quantity in ("plugged_on", *CURRENT_QUANTITIES, *SESSION_QUANTITIES)
            ]
        elif isinstance(asset, OperationModeAsset):
            wanted += [asset.point, *(f"{asset.name}.{quantity}" for quantity in asset.senses)]
        elif (isinstance(asset, Load) and asset.switchable) or (
            isinstance(asset, Pv) and asset.curtail == "relay"
        ):
            wanted.append(f"{asset.name}.relay_on")
    return wanted


def _iterate_branch_points(site: Site) -> Iterator[str]:
    """Yield the points that show how the power is spread over nodes and phases."""
    meters = [site.grid.name, *(node.name for node in site.nodes if node.measured)]
    yield from (
        f"{meter}.{quantity}"
        for meter in meters
        for quantity in ("power_w", *POWER_QUANTITIES, *CURRENT_QUANTITIES)
    )


def find_reading_age_s(memory: LastGood | None, now_ns: int) -> float:
    """Return the seconds since it was taken; infinite if it never was."""
    return float("inf") if memory is None else (now_ns - memory.taken_ns) / 1e9


def find_silent_after_s(period_s: float) -> float:
    """Return the age in s at which a device read each ``period_s`` is silent: 3 polls, at least 15 s."""
    return max(SILENT_S, SILENT_POLLS * period_s)


def find_fresh_value(last_good: LastGoodValues, point: str, period_s: float, now_ns: int) -> float | None:
    """Return the value while its device is not silent: not older than ``find_silent_after_s``."""
    memory = last_good.get(point)
    if memory is None:
        return None
    # Called some hundred times per cycle: ``find_reading_age_s`` and ``find_silent_after_s``, inlined.
    old_s = (now_ns - memory.taken_ns) / 1e9
    return None if old_s > SILENT_S and old_s > SILENT_POLLS * period_s else memory.value


def find_power_w(last_good: LastGoodValues, asset: Asset, now_ns: int) -> float | None:
    """Return the asset's power in W; None while it is not known."""
    return find_fresh_value(last_good, f"{asset.name}.power_w", asset.period_s, now_ns)


def find_worst_power_w(asset: Asset) -> float:
    """Return the most an asset may take when nothing is known of it, in W; generation counts as 0."""
    if isinstance(asset, Battery):
        return asset.charge_max_w
    if isinstance(asset, OperationModeAsset):
        return max(0.0, *(mode.power_w for mode in asset.modes))
    return 0.0 if isinstance(asset, Pv) else asset.rated_w
