"""Warn of allowed values that hardly any site has.

Every threshold is far from the values of real sites. A warning changes nothing: the value is used as written.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from zoneinfo import TZPATH

from quartier.config.checks.device_checks import is_curtailable
from quartier.config.checks.fault_text import FileFault
from quartier.config.checks.site_draft import SiteDraft
from quartier.config.sections.asset_sections import (
    BatterySection,
    ChargePointSection,
    GridMeterSection,
    LoadSection,
    PvSection,
)
from quartier.config.sections.planning_sections import PRICES_BY_CONTRACT, PlanningSection, TariffSection
from quartier.config.sections.site_file import LimitsSection, SiteSection
from quartier_drivers.device_profile.loading import Profile

if TYPE_CHECKING:
    from quartier_drivers.device_profile.toml_positions import KeyPath

# The smallest French contract has 3 kVA.
_CONTRACT_MIN_W = 1_000.0
_KVA_W = 900.0
# A lower limit of a whole site was probably typed in kW.
_LIMIT_MIN_W = 100.0
# A lower rated power was probably typed in kW; by role.
_RATED_MIN_W: Mapping[str, float] = {
    "battery": 200,
    "pv": 100,
    "ev": 1_000,
    "load": 5,
    "lights": 10,
    "ventilation": 10,
}
_RATED_MIN_OTHERS_W = 50.0
# No run stays below this part of the asset's rated power.
_RUN_MIN = 0.01
_KEYS_WITHOUT_LIMIT = {"contract_import_w", "unlisted_generation_w", "unmeasured_w"}
_RATED_KEYS = ("rated_w", "charge_max_w", "discharge_max_w", "normal_w")
# No asset has more than this many times the connection's power.
_RATED_TIMES_MAX = 20.0
_CAPACITY_MIN_WH = 100.0
_CHARGING_MIN_H, _CHARGING_MAX_H = 0.1, 100.0
_CAR_MIN_WH = 500.0
_LINE_TO_LINE_V = (370.0, 430.0)
_PHASES = 3
_ISO_6709 = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")
_EARTH_KM = 6_371.0
# A zone's coast may be this far from its principal city; beyond the second figure nothing is.
_ZONE_KM, _ZONE_MAX_KM = 1_500.0, 3_500.0


def find_implausible_values(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Warn of values that are allowed, but implausible."""
    yield from _check_coordinates(draft.fixed.get("site"))
    limits: LimitsSection | None = draft.fixed.get("limits")
    if limits is not None:
        yield from _check_contract(limits)
        yield from _check_without_district(limits, draft)
        yield from _check_export(limits, draft, profiles)
        yield from _check_fuses(limits, draft)
        yield from _check_sizes(limits, draft)
    for table in ("nodes", "contacts"):
        for name, entry in getattr(draft, table).items():
            yield from _check_limit_keys(entry, (table, name))
    for name, asset in draft.assets.items():
        yield from (FileFault(("assets", name, key), what) for key, what in _check_asset(asset))
    planning: PlanningSection | None = draft.fixed.get("planning")
    if planning is not None:
        yield from (
            FileFault(("planning", key), what)
            for key, what in _check_percentages(planning, ("round_trip_pct",))
        )
    tariff: TariffSection | None = draft.fixed.get("tariff")
    if tariff is not None:
        yield from _check_prices(tariff)


def explain_low_contract(key: str, value_w: float) -> str:
    """Say that a contract was probably typed in another unit than W; empty for a usual one."""
    if key == "contract_export_w":
        is_low = 0 < value_w < _LIMIT_MIN_W
        return f"{value_w:g} W is a very low limit; {_suggest_kilo(value_w, 'W')}" if is_low else ""
    if value_w >= _CONTRACT_MIN_W:
        return ""
    return (
        f"{value_w:g} W is less than any contract, probably kVA or kW typed as W; write"
        f" {value_w * _KVA_W:g} for {value_w:g} kVA, {value_w * 1e3:g} for {value_w:g} kW"
    )


def _check_contract(limits: LimitsSection) -> Iterator[FileFault]:
    if what := explain_low_contract("contract_import_w", limits.contract_import_w):
        yield FileFault(("limits", "contract_import_w"), what)
    yield from _check_limit_keys(limits, ("limits",))


def _check_limit_keys(entry: Any, path: tuple[str, ...]) -> Iterator[FileFault]:
    """Yield limits of a site, a node or a contact that were probably typed in kW."""
    for key in sorted(entry.model_fields_set - _KEYS_WITHOUT_LIMIT):
        value = getattr(entry, key)
        if key.endswith("_w") and value is not None and 0 < value < _LIMIT_MIN_W:
            yield FileFault((*path, key), f"{value:g} W is a very low limit; {_suggest_kilo(value, 'W')}")


def _check_without_district(limits: LimitsSection, draft: SiteDraft) -> Iterator[FileFault]:
    """Warn that a site without a district always runs at its autonomous limit."""
    if limits.contract_import_w < _CONTRACT_MIN_W:
        return  # reported already
    lower_w, hard_w = limits.import_autonomous_w, limits.import_hard_w
    if "district_link" not in draft.raw and limits.autonomous_import_w is None and lower_w < hard_w:
        what = (
            f"is missing, and there is no [district_link]: the import is limited to {lower_w:g} W, 80 % of"
            f" contract_import_w; write autonomous_import_w = {hard_w:g} to use all of it"
        )
        yield FileFault(("limits", "autonomous_import_w"), what)


def _check_export(
    limits: LimitsSection, draft: SiteDraft, profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    if "contract_export_w" in limits.model_fields_set:
        return
    able = {
        name: is_curtailable(asset, profiles)
        for name, asset in draft.assets.items()
        if isinstance(asset, PvSection)
    }
    if not able:
        return
    parts = ["is missing, so no export is allowed"]
    for is_able, words in (
        (True, "is curtailed to zero export"),
        (False, "cannot be curtailed and may export"),
    ):
        if names := [name for name, found in able.items() if found is is_able]:
            parts.append(f"PV ({', '.join(names)}) {words}")
    parts.append("write the power agreed with the grid operator, or 0 where there is none")
    yield FileFault(("limits", "contract_export_w"), "; ".join(parts))


def _check_fuses(limits: LimitsSection, draft: SiteDraft) -> Iterator[FileFault]:
    fuse_a = limits.main_fuse_a
    grid = next((asset for asset in draft.assets.values() if isinstance(asset, GridMeterSection)), None)
    if fuse_a is not None and grid is not None:
        fuse_w = _PHASES * fuse_a * grid.voltage_v
        if fuse_w < limits.import_hard_w:
            what = (
                f"{fuse_a:g} A carry {fuse_w:g} W on three phases of {grid.voltage_v:g} V, less than the"
                f" import limit of {limits.import_hard_w:g} W; check both against the connection"
            )
            yield FileFault(
                ("limits", "main_fuse_a"), what, contradicted_path=("limits", "contract_import_w")
            )
    for name, asset in draft.assets.items():
        if not isinstance(asset, ChargePointSection):
            continue
        fuses: list[tuple[float, str, KeyPath]] = []
        fuses += [(fuse_a, "main_fuse_a", ("limits", "main_fuse_a"))] if fuse_a is not None else []
        if asset.node in draft.nodes:
            fuse = draft.nodes[asset.node].fuse_a
            fuses.append((fuse, f"fuse_a of {asset.node!r}", ("nodes", asset.node, "fuse_a")))
        for value_a, word, place in fuses:
            if asset.current_max_a > value_a:
                what = f"{asset.current_max_a:g} A is more than {word}, {value_a:g} A"
                yield FileFault(("assets", name, "current_max_a"), what, contradicted_path=place)
                break


def _check_sizes(limits: LimitsSection, draft: SiteDraft) -> Iterator[FileFault]:
    """Yield assets that are far too large for the connection."""
    most_w = max(limits.import_hard_w, limits.export_hard_w)
    if limits.contract_import_w < _CONTRACT_MIN_W:
        return  # reported already
    for name, asset in draft.assets.items():
        rated_w = getattr(asset, "rated_w", None)
        if rated_w is not None and rated_w > _RATED_TIMES_MAX * most_w:
            what = f"{rated_w:g} W is more than {_RATED_TIMES_MAX:g} times the connection's {most_w:g} W"
            yield FileFault(("assets", name, "rated_w"), f"{what}; compare the units")


def _check_asset(asset: Any) -> Iterator[tuple[str, str]]:
    for key in _RATED_KEYS:
        value_w = getattr(asset, key, None)
        if value_w is not None and 0 < value_w < _RATED_MIN_W.get(asset.role, _RATED_MIN_OTHERS_W):
            yield key, f"{value_w:g} W is very little for {asset.role}; {_suggest_kilo(value_w, 'W')}"
    if isinstance(asset, LoadSection) and asset.run_w and 0 < max(asset.run_w) < asset.rated_w * _RUN_MIN:
        most_w = max(asset.run_w)
        what = f"{most_w:g} W at most is very little for {asset.rated_w:g} W; {_suggest_kilo(most_w, 'W')}"
        yield "run_w", f"{what}, and a decimal comma makes two values of one"
    if isinstance(asset, BatterySection):
        yield from _check_battery(asset)
        yield from _check_percentages(asset, ("soc_min_pct", "soc_max_pct", "reserve_soc_pct"))
    elif isinstance(asset, ChargePointSection):
        if asset.energy_wanted_wh is not None and asset.energy_wanted_wh < _CAR_MIN_WH:
            value_wh = asset.energy_wanted_wh
            yield (
                "energy_wanted_wh",
                f"{value_wh:g} Wh is very little for a car; {_suggest_kilo(value_wh, 'Wh')}",
            )
    elif isinstance(asset, GridMeterSection) and _LINE_TO_LINE_V[0] < asset.voltage_v < _LINE_TO_LINE_V[1]:
        neutral_v = asset.voltage_v / sqrt(3)
        what = f"{asset.voltage_v:g} V is a voltage between phases"
        yield "voltage_v", f"{what}; expected the voltage to neutral, {neutral_v:.0f} V"


def _check_battery(battery: BatterySection) -> Iterator[tuple[str, str]]:
    capacity_wh = battery.capacity_wh
    if battery.rated_w < _RATED_MIN_W["battery"]:
        return  # reported already
    full_h = capacity_wh / battery.rated_w
    if capacity_wh < _CAPACITY_MIN_WH or full_h < _CHARGING_MIN_H:
        what = f"{capacity_wh:g} Wh is very little for a battery of {battery.rated_w:g} W"
        yield "capacity_wh", f"{what}; {_suggest_kilo(capacity_wh, 'Wh')}"
    elif full_h > _CHARGING_MAX_H:
        what = f"{capacity_wh:g} Wh take {full_h:.0f} h to charge at {battery.rated_w:g} W"
        yield "capacity_wh", f"{what}; compare both units"


def _check_percentages(entry: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield percentages that were written as 0..1."""
    for key in keys:
        value = getattr(entry, key)
        if 0 < value <= 1 and key in entry.model_fields_set:
            yield key, f"{value:g} % is implausible; the range is 0..100, so {value:g} may be {100 * value:g}"


def _check_prices(tariff: TariffSection) -> Iterator[FileFault]:
    """Yield off-peak prices above the peak price: mostly the two are swapped."""
    needed = PRICES_BY_CONTRACT[tariff.contract]
    for low in (key for key in needed if "off_peak" in key):
        high = low.replace("off_peak", "peak")
        if getattr(tariff, low) is not None and getattr(tariff, high) is not None:
            low_eur, high_eur = getattr(tariff, low), getattr(tariff, high)
            if low_eur > high_eur:
                what = f"{low_eur:g} is above {high}, {high_eur:g}; are they swapped?"
                yield FileFault(("tariff", low), what, contradicted_path=("tariff", high))


def _check_coordinates(site: SiteSection | None) -> Iterator[FileFault]:
    if site is None or site.latitude is None or site.longitude is None:
        return
    known = find_principal_city(site.time_zone)
    if known is None:
        return
    here, swapped = (site.latitude, site.longitude), (site.longitude, site.latitude)
    away_km = _find_distance_km(here, known)
    is_swapped = abs(site.longitude) <= 90 and _find_distance_km(swapped, known) < min(_ZONE_KM, away_km / 2)
    if away_km > (_ZONE_KM if is_swapped else _ZONE_MAX_KM):
        what = f"{here[0]:g}, {here[1]:g} is {away_km:.0f} km from {site.time_zone}, the site's time zone"
        hint = "latitude and longitude may be swapped" if is_swapped else "compare both with time_zone"
        yield FileFault(("site", "latitude"), f"{what}; {hint}")


@cache
def find_principal_city(zone: str) -> tuple[float, float] | None:
    """Return latitude and longitude of a time zone's principal city, from zone.tab; None if unknown."""
    for text in _read_zone_tables():
        for row in text.splitlines():
            fields = row.split("\t")
            if len(fields) > 2 and fields[2] == zone and (place := _ISO_6709.fullmatch(fields[1])):
                return _parse_degrees(*place.group(1, 2, 3, 4)), _parse_degrees(*place.group(5, 6, 7, 8))
    return None


def _read_zone_tables() -> Iterator[str]:
    """Yield zone.tab of the machine, or of the Python package if the machine has none."""
    for folder in TZPATH:
        with suppress(OSError):
            yield (FilePath(folder) / "zone.tab").read_text(encoding="utf-8")
            return
    with suppress(OSError, ImportError):
        yield (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")


def _parse_degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return -value if sign == "-" else value


def _find_distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance by the haversine formula."""
    (lat, lon), (lat_2, lon_2) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((lat_2 - lat) / 2) ** 2 + cos(lat) * cos(lat_2) * sin((lon_2 - lon) / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(half)))


def _suggest_kilo(value: float, unit: str) -> str:
    return f"{value:g} k{unit} are {1000 * value:.12g} {unit}"
