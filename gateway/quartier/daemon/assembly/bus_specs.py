"""Make the specification of every bus from the site file: devices, points, poll phases, release values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quartier.config.loading import LoadedSite
from quartier.config.sections import asset_sections, site_file
from quartier.config.sections.operation_mode_sections import (
    CONTROL_QUANTITIES,
    OperationModeSection,
    has_switch_device,
)
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import SLOT_NS, DeviceSpec, PointInfo
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.registry import load_factory, load_protocol

# The most points that are polled in one batch; the next batch follows POLL_PHASE_NS later.  Points that are
# read every second have five batches, which share whatever exceeds this number.
BATCH_POINTS_COUNT_MAX = 1_000
POLL_PHASE_NS = 2 * SLOT_NS
# The control cycle begins just before the second batch, when the first batch is over.  The grid meter is in
# the first batch, wherever it is in the site file.
CYCLE_PHASE_NS = POLL_PHASE_NS - 1_000_000


@dataclass(frozen=True, slots=True)
class BusSpec:
    """One bus with its devices; a bus does not restart if its specification stays equal."""

    name: str
    section: Any
    devices: tuple[tuple[DeviceSpec, Profile], ...]


def make_bus_specs(loaded: LoadedSite, state_dir: Path | None = None) -> list[BusSpec]:
    """Make the specification of every bus of the site, with the points that are wanted from its devices.

    An asset, contact, supply or node may name a device that is disabled: then nothing is polled for it.
    ``state_dir`` is where a bus keeps its files; it is not needed if no bus is opened.
    """
    site = loaded.site
    owners: dict[str, dict[str, str]] = {name: {} for name in site.devices}
    wanted: dict[str, dict[str, frozenset[str]]] = {name: {} for name in site.devices}
    caps: dict[str, dict[str, float]] = {name: {} for name in site.devices}
    for name, asset in site.assets.items():
        if asset.device in site.devices:
            owners[asset.device][asset.part] = name
            caps[asset.device] |= _find_release_limits(site, name, asset)
        if (
            isinstance(asset, asset_sections.PvSection | asset_sections.LoadSection)
            and asset.switch_device in site.devices
        ):
            owners[asset.switch_device][asset.switch_part] = name
            wanted[asset.switch_device][asset.switch_part] = frozenset({"relay_on"})
            caps[asset.switch_device] |= _find_release_limits(site, name, asset)
        elif (
            isinstance(asset, OperationModeSection)
            and has_switch_device(asset)
            and asset.switch_device in site.devices
        ):
            owners[asset.switch_device][asset.switch_part] = name
            wanted[asset.switch_device][asset.switch_part] = frozenset(CONTROL_QUANTITIES[asset.role])
    for name, contact in site.contacts.items():
        if contact.device in site.devices:
            owners[contact.device][contact.part] = name
            wanted[contact.device][contact.part] = frozenset({"input_on"})
    others: dict[str, Any] = {**site.supplies, **site.nodes}
    for name, meter in others.items():
        if meter.device in site.devices:
            owners[meter.device][meter.part] = name
    specs = {
        name: _make_device_spec(name, device, owners[name], wanted[name], caps[name])
        for name, device in site.devices.items()
        if owners[name] and device.bus in site.buses
    }
    counts = {name: _count_points(spec, loaded.profiles[name]) for name, spec in specs.items()}
    grid = site.grid()[1].device
    phases_ns = _find_poll_phases_ns(
        {name: counts[name] for name in sorted(counts, key=lambda name: name != grid)}
    )
    return [
        BusSpec(
            bus,
            _add_state_dir(section, state_dir),
            tuple(
                (replace(spec, phase_ns=phases_ns[name]), find_polled_profile(loaded, name))
                for name, spec in specs.items()
                if site.devices[name].bus == bus
            ),
        )
        for bus, section in site.buses.items()
    ]


def _add_state_dir(section: Any, state_dir: Path | None) -> Any:
    """Give the state directory to a bus that keeps files.

    The code that writes its release values knows no site file.
    """
    resolve_paths = getattr(section, "resolve_paths", None)
    return section if resolve_paths is None or state_dir is None else resolve_paths(state_dir)


def _make_device_spec(
    name: str,
    device: site_file.DeviceSection,
    owners: Mapping[str, str],
    wanted: Mapping[str, frozenset[str]],
    caps: Mapping[str, float],
) -> DeviceSpec:
    return DeviceSpec(name, device.unit, owners, wanted, caps, device.address, device.key_file or "")


def _count_points(spec: DeviceSpec, profile: Profile) -> int:
    return sum(len(spec.points.get(part, profile.parts.get(part, ()))) for part in spec.owners)


def _find_poll_phases_ns(counts: Mapping[str, int]) -> dict[str, int]:
    """Find the poll phase of each device in ns: batches are filled one after the other (decision 0015)."""
    found: dict[str, int] = {}
    phase_ns = held_count = 0
    for name, count in counts.items():
        if held_count and held_count + count > BATCH_POINTS_COUNT_MAX:
            phase_ns, held_count = phase_ns + POLL_PHASE_NS, 0
        found[name] = phase_ns
        held_count += count
    return found


def _find_release_limits(site: site_file.SiteFile, name: str, asset: Any) -> dict[str, float]:
    """Return the values that ``on_release = "cap"`` writes.

    They are the fail-safe values of the points that can be a limit.
    """
    if isinstance(asset, asset_sections.PvSection):
        return {f"{name}.generation_max_w": min(asset.rated_w, site.limits.export_failsafe_w)}
    if isinstance(asset, asset_sections.ChargePointSection):
        return {f"{name}.current_max_a": asset.current_min_a}
    return {}


def find_declared_points(planned: Sequence[BusSpec]) -> dict[str, PointInfo]:
    """Return every point of the site, as far as it is known without opening a device."""
    clock = SiteClock()
    found: dict[str, PointInfo] = {}
    for wire in planned:
        line = load_factory(wire.section.kind).line(wire.name, wire.section, clock)
        for spec, profile in wire.devices:
            found |= (
                load_factory(wire.section.kind, profile.protocol).driver(line, spec, profile, clock).points
            )
    return found


def find_release_values(
    planned: Sequence[BusSpec], points: Mapping[str, PointInfo]
) -> dict[str, float | None]:
    """Return the values that control writes if an input of a setpoint is lost (spec/failsafe.md#rule-11).

    None means that nothing is written: the device's own timer or control takes over.
    """
    caps = {
        point: value for wire in planned for spec, _ in wire.devices for point, value in spec.caps.items()
    }
    return {point: _find_release_value(info, caps) for point, info in points.items() if info.writable}


def _find_release_value(info: PointInfo, caps: Mapping[str, float]) -> float | None:
    if info.on_release == "cap":
        return caps.get(info.point)
    return float(info.on_release) if isinstance(info.on_release, int | float) else None


FREQUENCY_QUANTITY, VOLTAGE_QUANTITIES = (
    "frequency_hz",
    frozenset({"voltage_l1_v", "voltage_l2_v", "voltage_l3_v"}),
)
VOLTAGE_PERIOD_S = 1.0


def find_polled_profile(loaded: LoadedSite, device: str) -> Profile:
    """Return the profile of a device as it is polled; that of the grid meter is sped up for grid events."""
    _, grid = loaded.site.grid()
    profile = loaded.profiles[device]
    return speed_up_profile(profile, grid.part, grid.frequency_period_s) if grid.device == device else profile


def find_frequency_period_s(loaded: LoadedSite) -> float | None:
    """Return the period in s at which the grid meter gives its frequency; None if it gives none."""
    _, grid = loaded.site.grid()
    profile = find_polled_profile(loaded, grid.device)
    point = profile.parts.get(grid.part, {}).get(FREQUENCY_QUANTITY)
    return None if point is None else profile.scan[point.scan]


def speed_up_profile(profile: Profile, part: str, frequency_s: float) -> Profile:
    """Return the profile with ``part`` read faster: frequency every ``frequency_s``, voltages every second.

    A point that the profile already reads more often keeps its period.
    """
    points = profile.parts.get(part)
    if points is None or not load_protocol(profile.protocol).is_polled:
        return profile
    wanted = {FREQUENCY_QUANTITY: frequency_s, **dict.fromkeys(VOLTAGE_QUANTITIES, VOLTAGE_PERIOD_S)}
    scan, changed = dict(profile.scan), dict(points)
    for quantity, period_s in wanted.items():
        if quantity in points and profile.scan[points[quantity].scan] > period_s:
            name = next((n for n, each_s in scan.items() if each_s == period_s), f"every {period_s:g} s")
            scan[name] = period_s
            changed[quantity] = points[quantity].model_copy(update={"scan": name})
    if changed == points:
        return profile
    return replace(profile, scan=scan, parts={**profile.parts, part: changed})
