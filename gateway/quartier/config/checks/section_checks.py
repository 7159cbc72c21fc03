"""Checks that need two sections."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from quartier.config.checks.connection_checks import (
    find_contact_faults,
    find_supply_faults,
    find_tree_faults,
)
from quartier.config.checks.device_checks import find_part_faults
from quartier.config.checks.fault_text import FileFault
from quartier.config.checks.plausibility import explain_low_contract
from quartier.config.checks.share_checks import find_share_faults
from quartier.config.checks.similar_names import suggest_names
from quartier.config.checks.site_draft import SiteDraft
from quartier.config.sections.asset_sections import (
    BatterySection,
    ChargePointSection,
    LoadSection,
    PvSection,
)
from quartier.config.sections.connection_sections import ROOT_NODE, DistrictLinkSection
from quartier.config.sections.operation_mode_sections import (
    ChpSection,
    CoolingSection,
    HeatSection,
    OperationModeSection,
    SubstationSection,
    VentilationSection,
)
from quartier.config.sections.planning_sections import PRICES_BY_CONTRACT, PlanningSection, TariffSection
from quartier.config.sections.site_file import LimitsSection  # noqa: TC001 - type hints are read at run time too
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.registry import BUS_KINDS, load_bus_protocol

# A Modbus unit has one octet; a kind of bus with larger units declares it.
_UNIT_MAX = 255
_DAY_MIN, _QUARTER_MIN = 1_440, 15
_RUN_MARGIN_MIN = 5


def find_section_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield all faults between sections; ``profiles`` by device, those that could be loaded."""
    for check in (
        _find_name_faults,
        _find_missing_references,
        _find_shared_wires,
        _find_unit_faults,
        _find_grid_meter_faults,
        _find_limit_faults,
        _find_district_link_faults,
        _find_location_faults,
    ):
        yield from check(draft)
    yield from _find_protocol_faults(draft, profiles)
    yield from find_part_faults(draft, profiles)
    yield from find_contact_faults(draft, profiles)
    yield from find_supply_faults(draft, profiles)
    yield from find_tree_faults(draft, profiles)
    yield from find_share_faults(draft, profiles)
    yield from find_planning_faults(draft)
    for name, asset in draft.assets.items():
        yield from (FileFault(("assets", name, key), what) for key, what in _find_contradictions(asset))


def _find_name_faults(draft: SiteDraft) -> Iterator[FileFault]:
    # An asset keeps its name: control needs it more than a bus does.
    taken = dict.fromkeys(draft.find_raw_entries("assets"), "an asset")
    for table, word in (
        ("contacts", "a contact"),
        ("supplies", "a supply"),
        ("devices", "a device"),
        ("buses", "a bus"),
        ("shares", "a share"),
    ):
        for name in draft.find_raw_entries(table):
            if name in taken:
                yield FileFault((table, name), f"{name!r} is {taken[name]} too; expected another name")
            taken.setdefault(name, word)
    for name in (name for name, node in draft.nodes.items() if node.device is not None and name in taken):
        what = f"{name!r} is {taken[name]} too; expected another name for a node with a meter"
        yield FileFault(("nodes", name, "device"), what)


def _find_shared_wires(draft: SiteDraft) -> Iterator[FileFault]:
    def endpoint(bus: Any) -> object:
        return load_bus_protocol(bus.kind).find_endpoint(bus)

    for first, name in _find_repeated(draft.buses, endpoint):
        yield FileFault(("buses", name), f"is the same connection as {first!r}; expected one bus for both")


def _find_missing_references(draft: SiteDraft) -> Iterator[FileFault]:
    nodes = {ROOT_NODE: None, **draft.find_raw_entries("nodes")}
    for table, key, word, known in (
        ("devices", "bus", "bus", draft.find_raw_entries("buses")),
        ("shares", "bus", "bus", draft.find_raw_entries("buses")),
        ("assets", "device", "device", draft.find_raw_entries("devices")),
        ("assets", "switch_device", "device", draft.find_raw_entries("devices")),
        ("contacts", "device", "device", draft.find_raw_entries("devices")),
        ("supplies", "device", "device", draft.find_raw_entries("devices")),
        ("nodes", "device", "device", draft.find_raw_entries("devices")),
        ("assets", "node", "node", nodes),
        ("nodes", "under", "node", nodes),
    ):
        for name, text in draft.iterate_texts(table, key):
            if text not in known:
                others = [one for one in known if one != name]
                help_ = (
                    suggest_names(text, others)
                    if others
                    else f"the file has no {'other ' * bool(known)}{word}"
                )
                what = f"there is no {word} {text!r}; {help_}"
                yield FileFault((table, name, key), what)


def _find_unit_faults(draft: SiteDraft) -> Iterator[FileFault]:
    for name, device in draft.devices.items():
        bus = draft.buses.get(device.bus)
        most = getattr(bus, "unit_max", _UNIT_MAX)
        if bus is not None and device.unit > most:
            yield FileFault(("devices", name, "unit"), f"{device.unit} is outside 0..{most}")
        misfit = getattr(bus, "misfit", None)
        if misfit is not None and (found := misfit(device.unit, device.address)):
            key, what = found
            yield FileFault(("devices", name, key), what)
    by_unit = {
        name: device
        for name, device in draft.devices.items()
        if getattr(draft.buses.get(device.bus), "has_units", True)
    }
    for first, name in _find_repeated(by_unit, lambda device: (device.bus, device.unit, device.address)):
        device = draft.devices[name]
        key, shown = ("address", device.address) if device.address else ("unit", str(device.unit))
        yield FileFault(
            ("devices", name, key), f"{shown} is the {key} of {first!r} too; expected another one"
        )


def _find_protocol_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    for name, profile in profiles.items():
        bus = draft.buses.get(draft.devices[name].bus) if name in draft.devices else None
        spoken = BUS_KINDS[bus.kind].protocols if bus is not None else (profile.protocol,)
        if profile.protocol not in spoken:
            known = " or ".join(spoken)
            what = f"{profile.name!r} speaks {profile.protocol}; expected a profile of the bus's {known}"
            yield FileFault(("devices", name, "profile"), what)


def _find_grid_meter_faults(draft: SiteDraft) -> Iterator[FileFault]:
    grids = [name for name, raw in draft.find_raw_entries("assets").items() if _read_role(raw) == "grid"]
    if not grids and "assets" in draft.raw:
        yield FileFault(("assets",), 'no asset has role = "grid"; expected exactly one, the connection meter')
    for name in grids[1:]:
        yield FileFault(("assets", name, "role"), f"is 'grid' like {grids[0]!r}; expected exactly one")


def _read_role(raw: object) -> object:
    return raw.get("role") if isinstance(raw, dict) else None


def _find_limit_faults(draft: SiteDraft) -> Iterator[FileFault]:
    limits: LimitsSection | None = draft.fixed.get("limits")
    if limits is None:
        return
    for side, hard_w in (("import", limits.import_hard_w), ("export", limits.export_hard_w)):
        contract = f"contract_{side}_w"
        keys = (f"failsafe_{side}_w", f"autonomous_{side}_w")
        above = {key: value_w for key in keys if (value_w := getattr(limits, key) or 0.0) > hard_w}
        if above and (what := explain_low_contract(contract, getattr(limits, contract))):
            others = " and ".join(f"{key} = {value_w:g}" for key, value_w in above.items())
            yield FileFault(("limits", contract), f"{what}; {others} is above it")
            continue
        for key, value_w in above.items():
            what = f"{value_w:g} is above the hard {side} limit; expected at most {hard_w:g}"
            yield FileFault(("limits", key), what)


def _find_district_link_faults(draft: SiteDraft) -> Iterator[FileFault]:
    link: DistrictLinkSection | None = draft.fixed.get("district_link")
    if link is None:
        return
    twice = [url for place, url in enumerate(link.urls) if url in link.urls[:place]]
    if twice:
        yield FileFault(
            ("district_link", "further_urls"), f"{twice[0]!r} is listed twice; expected each broker once"
        )
    pairs = (("user", "password_file"), ("cert_file", "key_file"))
    for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
        if getattr(link, one) is not None and getattr(link, other) is None:
            yield FileFault(("district_link", other), f"is missing; {one} needs it")
    for key in ("ca_file", "cert_file"):
        if not link.tls and getattr(link, key) is not None:
            yield FileFault(("district_link", key), "cannot be used with mqtt://, which has no certificates")


def _find_location_faults(draft: SiteDraft) -> Iterator[FileFault]:
    building = draft.fixed.get("site")
    if building is None:
        return
    written = draft.raw["site"]
    for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
        # A faulty value is None too; it has a fault of its own.
        if getattr(building, one) is not None and getattr(building, other) is None and other not in written:
            yield FileFault(("site", other), f"is missing; {one} needs it")


_RISING_KEYS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (BatterySection, ("soc_min_pct", "reserve_soc_pct", "soc_max_pct")),
    (ChargePointSection, ("current_min_a", "current_max_a")),
    (HeatSection, ("comfort_min_c", "comfort_max_c")),
    (CoolingSection, ("comfort_min_c", "comfort_max_c")),
    (SubstationSection, ("pump_min_pct", "pump_normal_pct")),
    (SubstationSection, ("supply_min_c", "supply_max_c")),
    (SubstationSection, ("return_min_c", "return_max_c")),
    (VentilationSection, ("speed_min_pct", "speed_normal_pct")),
)


def _find_contradictions(asset: object) -> Iterator[tuple[str, str]]:
    if isinstance(asset, BatterySection):
        for key in ("charge_max_w", "discharge_max_w"):
            value_w = getattr(asset, key)
            if value_w is not None and value_w > asset.rated_w:
                yield key, f"{value_w:g} is above rated_w; expected at most {asset.rated_w:g}"
    elif isinstance(asset, ChargePointSection):
        if asset.phases_count == 1 and asset.l1_on is not None:
            yield "l1_on", "is for three phases, but the charge point has one; expected phase"
        if asset.phases_count == 3 and asset.phase not in {None, "all"}:
            yield "phase", f"{asset.phase!r} is for one phase, but the charge point has three; expected l1_on"
    elif isinstance(asset, ChpSection) and asset.led == "electricity" and asset.start_import_w is None:
        yield "start_import_w", 'is missing; led = "electricity" needs it'
    yield from _find_batch_faults(asset)
    yield from _find_tank_faults(asset)
    yield from _find_order_faults(asset)
    if (
        isinstance(asset, PvSection | LoadSection | OperationModeSection)
        and asset.switch_part
        and asset.switch_device is None
    ):
        yield "switch_part", "is set without switch_device; expected both"


def _find_batch_faults(load: object) -> Iterator[tuple[str, str]]:
    if not isinstance(load, LoadSection):
        return
    if load.run_w and max(load.run_w) > load.rated_w:
        yield "run_w", f"{max(load.run_w):g} is above rated_w; expected at most {load.rated_w:g}"
    if load.run_w and max(load.run_w) == 0.0:
        yield "run_w", "has no power above 0; expected the power in each quarter of an hour"
    for key in ("window_start", "deadline"):
        if getattr(load, key) is not None and not load.run_w:
            yield key, "is set without run_w; expected both"
    if not load.run_resumes and not load.run_w:
        yield "run_resumes", "is set without run_w; expected both"
    run_min = _QUARTER_MIN * len(load.run_w)
    # control starts the run at the latest this long before the deadline
    needed_min = run_min + max(0.1 * run_min, _RUN_MARGIN_MIN, load.min_off_s / 60)
    hours_min = _count_window_minutes(load)
    if load.run_w and needed_min > hours_min:
        key = "run_w" if load.window_start is None else "deadline"
        what = f"a run of {run_min} min in {hours_min} min"
        yield key, f"{what} cannot end before its deadline; expected a window of {needed_min:g} min or more"


def _count_window_minutes(load: LoadSection) -> int:
    """Return how many minutes a run has, from its window's start to its deadline."""
    begin, end = (
        60 * int(text[:2]) + int(text[3:])
        for text in (load.window_start or "00:00", load.deadline or "00:00")
    )
    return _DAY_MIN if load.window_start is None else (end - begin) % _DAY_MIN or _DAY_MIN


def _find_tank_faults(heat: object) -> Iterator[tuple[str, str]]:
    if not isinstance(heat, HeatSection):
        return
    if heat.tank_m3 is None:
        if heat.tank_loss_w is not None:
            yield "tank_loss_w", "is set without tank_m3; expected both"
        return
    for key in ("comfort_min_c", "comfort_max_c"):
        if getattr(heat, key) is None:
            yield key, "is missing; tank_m3 needs it"
    if heat.comfort_min_c is not None and heat.comfort_min_c < heat.around_c:
        what = f"{heat.comfort_min_c:g} is below around_c; expected at least {heat.around_c:g}"
        yield "comfort_min_c", what


def _find_order_faults(asset: object) -> Iterator[tuple[str, str]]:
    for kind, names in _RISING_KEYS:
        for lower, upper in pairwise(names) if isinstance(asset, kind) else ():
            low, high = getattr(asset, lower), getattr(asset, upper)
            if None not in {low, high} and low > high:
                yield lower, f"{low:g} is above {upper} = {high:g}"


def _find_repeated(entries: Mapping[str, Any], key: Callable[[Any], object]) -> Iterator[tuple[str, str]]:
    """Yield (first, other) for each entry whose key an earlier one has."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name, entry in entries.items():
        groups[key(entry)].append(name)
    for first, *others in groups.values():
        yield from ((first, other) for other in others)


def find_owner_path(path: KeyPath, tables: tuple[str, ...]) -> KeyPath:
    """Return the entry or section that a path belongs to."""
    return path[:2] if path[0] in tables else path[:1]


_KEYS_BY_CONTRACT = {"off_peak_weekend": ("hchp", "two_rates"), "off_peak_index": ("two_rates",)}
"""Keys that only some contracts have."""


_PRICE_KEYS = tuple(dict.fromkeys(name for names in PRICES_BY_CONTRACT.values() for name in names))


def find_planning_faults(draft: SiteDraft) -> Iterator[FileFault]:
    """Yield a plan without prices or assets, prices of another contract, and a signal without a district."""
    tariff: TariffSection | None = draft.fixed.get("tariff")
    planning: PlanningSection | None = draft.fixed.get("planning")
    if "planning" in draft.raw:
        if "tariff" not in draft.raw:
            yield FileFault(("planning",), "needs prices; expected a section [tariff]")
        if not any(_is_planned(raw) for raw in draft.find_raw_entries("assets").values()):
            yield FileFault(("planning",), "has nothing to plan; expected a battery or a charge point")
    if planning is not None and planning.peak_eur_per_w > 0.0 < planning.day_peak_eur_per_w:
        what = "peak_eur_per_w prices the largest import too; expected only one of the two"
        yield FileFault(("planning", "day_peak_eur_per_w"), what)
    if planning is not None and _plans_for_nothing(planning):
        what = "has no cost to limit; expected co2_eur_per_g or day_peak_eur_per_w above 0"
        yield FileFault(("planning", "rule_bound"), what)
    if planning is not None and planning.peak_by_month and planning.peak_eur_per_w == 0.0:
        what = "the peak of a month has no price; expected peak_eur_per_w above 0 as well"
        yield FileFault(("planning", "peak_by_month"), what)
    if tariff is None:
        return
    if tariff.contract == "signal" and "district_link" not in draft.raw:
        what = "the prices come from the signal of the district; expected a section [district_link]"
        yield FileFault(("tariff", "contract"), what)
    yield from _find_tariff_faults(tariff)


def _plans_for_nothing(planning: PlanningSection) -> bool:
    return planning.rule_bound and not planning.co2_eur_per_g and not planning.day_peak_eur_per_w


def _find_tariff_faults(tariff: TariffSection) -> Iterator[FileFault]:
    """Yield missing prices of the contract, and keys of another one."""
    needed = PRICES_BY_CONTRACT[tariff.contract]
    for name in _PRICE_KEYS:
        has = getattr(tariff, name) is not None
        if name in needed and not has:
            yield FileFault(("tariff", name), f'is missing; contract = "{tariff.contract}" needs it')
        elif has and name not in needed:
            yield FileFault(
                ("tariff", name), f'cannot be used with contract = "{tariff.contract}"; expected no such key'
            )
    for name, contracts in _KEYS_BY_CONTRACT.items():
        if name in tariff.model_fields_set and tariff.contract not in contracts:
            yield FileFault(
                ("tariff", name), f'cannot be used with contract = "{tariff.contract}"; expected no such key'
            )


def _is_planned(raw: object) -> bool:
    return isinstance(raw, dict) and raw.get("role") in {"battery", "ev"}
