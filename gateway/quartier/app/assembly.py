"""From what the site file says to what the rooms take: wires, the house, the release values."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from quartier.app import modes, nodes, offers, pace, witnesses
from quartier.config import capping, model
from quartier.config.load import Loaded
from quartier.config.modes import MODED, QUANTITIES, quantity, switched
from quartier.control.link.allowed import LinkParameters
from quartier.house import assets
from quartier.runtime.clock import HouseClock
from quartier.store.deadband import Deadband, Deadbands
from quartier.store.ledger import Store
from quartier_drivers.contract import SLOT_NS, DeviceSpec, PointInfo
from quartier_drivers.profile import Profile
from quartier_drivers.registry import door

# So many points are asked for in one moment, and the next as much later: what is read every second has five
# moments, which share what is more.
MOMENT_POINTS_MAX = 1_000
PHASE_NS = 2 * SLOT_NS
# The control cycle begins when the first moment is over, that of the connection meter wherever it stands in
# the file, and just before the second.
CYCLE_PHASE_NS = PHASE_NS - 1_000_000


@dataclass(frozen=True, slots=True)
class Wire:
    """One bus with its devices; two equal wires need no restart between them."""

    name: str
    section: Any
    devices: tuple[tuple[DeviceSpec, Profile], ...]


def wires(loaded: Loaded, state_dir: Path | None = None) -> list[Wire]:
    """Every bus of the site with what is wanted from its devices.

    An asset, contact, supply or node may stand on a device that is disabled: then nothing is asked for it.
    What a bus keeps lies in ``state_dir``; who opens none needs to know none.
    """
    site = loaded.site
    owners: dict[str, dict[str, str]] = {name: {} for name in site.devices}
    wanted: dict[str, dict[str, frozenset[str]]] = {name: {} for name in site.devices}
    caps: dict[str, dict[str, float]] = {name: {} for name in site.devices}
    for name, asset in site.assets.items():
        if asset.device in site.devices:
            owners[asset.device][asset.part] = name
            caps[asset.device] |= _caps(site, name, asset)
        if isinstance(asset, model.Pv | model.Load) and asset.switch_device in site.devices:
            owners[asset.switch_device][asset.switch_part] = name
            wanted[asset.switch_device][asset.switch_part] = frozenset({"relay_on"})
            caps[asset.switch_device] |= _caps(site, name, asset)
        elif isinstance(asset, MODED) and switched(asset) and asset.switch_device in site.devices:
            owners[asset.switch_device][asset.switch_part] = name
            wanted[asset.switch_device][asset.switch_part] = frozenset(QUANTITIES[asset.role])
    for name, contact in site.contacts.items():
        if contact.device in site.devices:
            owners[contact.device][contact.part] = name
            wanted[contact.device][contact.part] = frozenset({"input_on"})
    others: dict[str, Any] = {**site.supplies, **site.nodes}
    for name, meter in others.items():
        if meter.device in site.devices:
            owners[meter.device][meter.part] = name
    specs = {
        name: _spec(name, device, owners[name], wanted[name], caps[name])
        for name, device in site.devices.items()
        if owners[name] and device.bus in site.buses
    }
    counts = {name: _points_count(spec, loaded.profiles[name]) for name, spec in specs.items()}
    grid = site.grid()[1].device
    phases_ns = _phases_ns({name: counts[name] for name in sorted(counts, key=lambda name: name != grid)})
    return [
        Wire(
            bus,
            _placed(section, state_dir),
            tuple(
                (replace(spec, phase_ns=phases_ns[name]), pace.asked(loaded, name))
                for name, spec in specs.items()
                if site.devices[name].bus == bus
            ),
        )
        for bus, section in site.buses.items()
    ]


def _placed(section: Any, state_dir: Path | None) -> Any:
    """A bus that keeps files is told where: whoever makes its safe values knows no site file."""
    placed = getattr(section, "placed", None)
    return section if placed is None or state_dir is None else placed(state_dir)


def _spec(
    name: str,
    device: model.Device,
    owners: Mapping[str, str],
    wanted: Mapping[str, frozenset[str]],
    caps: Mapping[str, float],
) -> DeviceSpec:
    return DeviceSpec(name, device.unit, owners, wanted, caps, device.address, device.key_file or "")


def _points_count(spec: DeviceSpec, profile: Profile) -> int:
    return sum(len(spec.points.get(part, profile.parts.get(part, ()))) for part in spec.owners)


def _phases_ns(counts: Mapping[str, int]) -> dict[str, int]:
    """When in its periods each device is asked: one moment is filled, then the next (decision 0015)."""
    found: dict[str, int] = {}
    phase_ns = held_count = 0
    for name, count in counts.items():
        if held_count and held_count + count > MOMENT_POINTS_MAX:
            phase_ns, held_count = phase_ns + PHASE_NS, 0
        found[name] = phase_ns
        held_count += count
    return found


def _caps(site: model.Site, name: str, asset: Any) -> dict[str, float]:
    """What ``on_release = "cap"`` writes: the fail-safe value of each point that can be a cap."""
    if isinstance(asset, model.Pv):
        return {f"{name}.generation_max_w": min(asset.rated_w, site.limits.export_failsafe_w)}
    if isinstance(asset, model.Ev):
        return {f"{name}.current_max_a": asset.current_min_a}
    return {}


def known_points(planned: Sequence[Wire]) -> dict[str, PointInfo]:
    """Return every point of the site, as far as it is known without opening anything."""
    clock = HouseClock()
    found: dict[str, PointInfo] = {}
    for wire in planned:
        line = door(wire.section.kind).line(wire.name, wire.section, clock)
        for spec, profile in wire.devices:
            found |= door(wire.section.kind, profile.protocol).driver(line, spec, profile, clock).points
    return found


def known_house(loaded: Loaded) -> assets.House:
    """Return the building as control will see it, without opening anything: for ``quartier check``."""
    return house(loaded.site, known_points(wires(loaded)), {})


def house(
    site: model.Site, points: Mapping[str, PointInfo], values: Mapping[str, float | None]
) -> assets.House:
    """The building as control sees it; ``points`` are those that the site's devices serve.

    ``values`` are the release values (see ``release_values``).
    """
    grid_name, grid = site.grid()
    limits = site.limits
    here = site.site.latitude, site.site.longitude
    place = None if here[0] is None or here[1] is None else (here[0], here[1])
    is_apparent = f"{grid_name}.power_w" not in points and f"{grid_name}.apparent_power_va" in points
    return assets.House(
        name=site.site.id,
        grid=assets.Grid(
            name=grid_name,
            rated_w=limits.import_hard_w,
            period_s=offers.period_s(
                points, f"{grid_name}.{'apparent_power_va' if is_apparent else 'power_w'}"
            ),
            is_apparent=is_apparent,
            frequency_period_s=offers.measured_s(points, f"{grid_name}.frequency_hz"),
            voltage_period_s=offers.measured_s(points, f"{grid_name}.voltage_l1_v"),
            voltage_v=grid.voltage_v,
        ),
        assets=tuple(
            _asset(name, asset, points, place)
            for name, asset in site.assets.items()
            if not isinstance(asset, model.Grid)
        ),
        limits=assets.Limits(
            import_hard_w=limits.import_hard_w,
            export_hard_w=limits.export_hard_w,
            import_failsafe_w=limits.import_failsafe_w,
            export_failsafe_w=limits.export_failsafe_w,
            import_autonomous_w=limits.import_autonomous_w,
            export_autonomous_w=limits.export_autonomous_w,
        ),
        unlisted_generation_w=limits.unlisted_generation_w,
        grid_target_w=site.control.grid_target_w,
        cycle_s=site.control.cycle_s,
        release_values=values,
        own_controls=offers.own_controls(points),
        seed=seed(site),
        contacts=tuple(_contact(name, contact, points) for name, contact in site.contacts.items()),
        supplies=witnesses.supplies(site, points),
        zone=site.site.time_zone,
        nodes=tuple(nodes.node(name, node, points) for name, node in site.nodes.items()),
        main_fuse_a=inf if limits.main_fuse_a is None else limits.main_fuse_a,
        witnesses=tuple(witnesses.heard(site, points)),
        clock_differs_max_s=site.clock.meter_differs_max_s,
        plans=site.planning is not None,
    )


def _contact(name: str, contact: capping.Contact, points: Mapping[str, PointInfo]) -> assets.Contact:
    return assets.Contact(
        name=name,
        acts_open=contact.acts == "open",
        import_max_w=contact.import_max_w,
        export_max_w=contact.export_max_w,
        generation_max_w=contact.generation_max_w,
        consumption_max_w=contact.consumption_max_w,
        debounce_s=contact.debounce_s,
        release_s=contact.release_s,
        period_s=offers.period_s(points, f"{name}.input_on"),
    )


def seed(site: model.Site) -> int:
    """A number of this building's own, the same at every start, that spreads random delays."""
    return zlib.crc32(f"{site.site.district}.{site.site.id}".encode())


def link_params(site: model.Site, limits: assets.Limits) -> LinkParameters:
    """What the link-state machine is told."""
    return LinkParameters(
        limits=limits,
        heartbeat_timeout_s=site.limits.heartbeat_timeout_s,
        failsafe_min_s=site.limits.failsafe_min_s,
        hold_max_s=site.limits.hold_max_s,
        heartbeat_offset_max_s=site.clock.heartbeat_offset_max_s,
        seed=seed(site),
    )


def reasons(site: model.Site) -> dict[str, str]:
    """Why assets may be given orders that their device does not forget by itself, as the site file says."""
    found = {name: getattr(asset, "accept_no_fallback", None) for name, asset in site.assets.items()}
    return {name: reason for name, reason in found.items() if reason is not None}


def local(site: model.Site) -> tuple[str, ...]:
    """The assets whose data never leave the building."""
    return tuple(name for name, asset in site.assets.items() if asset.share == "local")


def store(site: model.Site, runtime_dir: Path, state_dir: Path) -> Store:
    """The local history as the site file wants it; not yet opened."""
    return Store(
        site.store.file(state_dir),
        runtime_dir,
        size_max_bytes=site.store.size_max_mb * 1_000_000,
        commit_s=site.store.commit_s,
        chunk_count=site.store.chunk_count,
        deadbands=Deadbands(deadbands(site)),
        assets=tuple(site.assets),
        local_streams=local(site),
        outbox=site.district_link is not None,
    )


def deadbands(site: model.Site) -> dict[str, Deadband]:
    """The site's deadbands, by unit or kind of value."""
    said = site.store.deadbands
    power = Deadband(said.power_w, said.power_pct, said.power_period_s)
    counter = Deadband(period_s=said.counter_period_s)
    return {
        **dict.fromkeys(("w", "va", "var"), power),
        **dict.fromkeys(("wh", "varh", "m3", "count"), counter),
        "v": Deadband(said.voltage_v),
        "a": Deadband(said.current_a, share_pct=1.0, period_s=said.power_period_s),
        "hz": Deadband(said.frequency_hz),
        "c": Deadband(said.temperature_k),
        "k": Deadband(said.temperature_k),
        "pct": Deadband(said.soc_pct),
    }


def _asset(
    name: str, asset: Any, points: Mapping[str, PointInfo], place: tuple[float, float] | None
) -> assets.Steered:
    shared: dict[str, Any] = {
        "name": name,
        "node": asset.node,
        "phase": asset.phase,
        "period_s": offers.period_s(points, f"{name}.power_w"),
        "measured": f"{name}.power_w" in points,
        "accepts_no_fallback": asset.accept_no_fallback is not None,
    }
    if isinstance(asset, MODED):
        chosen = quantity(asset.role, lambda one: offers.writable(points, f"{name}.{one}"))
        point = f"{name}.{chosen}"
        written = {
            **_sensed(name, asset.role, points),
            "quantity": chosen,
            "writable": offers.writable(points, point),
            "falls_back": offers.falls_back(points, point),
            "lease_s": offers.lease_s(points, point),
            "own_normal": asset.role in modes.OWN_NORMAL and offers.gives_back(points, point),
        }
        return modes.moded(asset, shared | written, place)
    if isinstance(asset, model.Battery):
        return _battery(asset, shared, points)
    if isinstance(asset, model.Pv):
        curtail = _curtail(name, asset, points)
        point = f"{name}.{'relay_on' if curtail == 'relay' else 'generation_max_w'}"
        falls_back = curtail == "none" or offers.falls_back(points, point)
        lease_s = offers.lease_s(points, point)
        return assets.Pv(
            **shared, rated_w=asset.rated_w, curtail=curtail, falls_back=falls_back, lease_s=lease_s
        )
    if isinstance(asset, model.Ev):
        return assets.Ev(
            **shared,
            tier=asset.tier,
            rated_w=asset.rated_w or asset.current_max_a * asset.voltage_v * asset.phases_count,
            phases_count=asset.phases_count,
            voltage_v=asset.voltage_v,
            current_min_a=asset.current_min_a,
            current_max_a=asset.current_max_a,
            min_on_s=asset.min_on_s,
            min_off_s=asset.min_off_s,
            l1_on=asset.l1_on,
            departure_s=None if asset.departure is None else modes.seconds(asset.departure),
            energy_wanted_wh=asset.energy_wanted_wh,
            writable=offers.writable(points, f"{name}.current_max_a"),
            falls_back=offers.falls_back(points, f"{name}.current_max_a"),
            lease_s=offers.lease_s(points, f"{name}.current_max_a"),
            shows_order=offers.reads_back(points, f"{name}.current_max_a"),
        )
    is_switched = asset.tier != "A" and offers.writable(points, f"{name}.relay_on")
    falls_back = asset.tier == "A" or offers.falls_back(points, f"{name}.relay_on")
    lease_s = offers.lease_s(points, f"{name}.relay_on")
    if asset.run_w:
        sensed = _sensed(name, "load", points)
        period_s = max(sensed["sense_period_s"], offers.period_s(points, f"{name}.relay_on"))
        written = {
            "quantity": "relay_on",
            "writable": is_switched,
            "falls_back": falls_back,
            "lease_s": lease_s,
        }
        return modes.run(asset, {**shared, **sensed, **written, "sense_period_s": period_s})
    return assets.Load(
        **shared,
        tier=asset.tier,
        rated_w=asset.rated_w,
        switchable=is_switched,
        falls_back=falls_back,
        lease_s=lease_s,
        min_on_s=asset.min_on_s,
        min_off_s=asset.min_off_s,
    )


def _sensed(name: str, role: str, points: Mapping[str, PointInfo]) -> dict[str, Any]:
    """What is looked at beside its power, as far as it is served."""
    senses = [point for one in modes.SENSES.get(role, ()) if (point := f"{name}.{one}") in points]
    return {
        "senses": tuple(point.partition(".")[2] for point in senses),
        "sense_period_s": max((points[point].period_s for point in senses), default=5.0),
    }


def _battery(
    asset: model.Battery, shared: Mapping[str, Any], points: Mapping[str, PointInfo]
) -> assets.Battery:
    setpoint = points.get(f"{shared['name']}.setpoint_w")
    timer = None if setpoint is None else setpoint.fallback
    lease_s = 60.0 if timer is None else min(timer.after_s, 3 * (timer.refresh_s or timer.after_s / 3))
    return assets.Battery(
        **shared,
        tier=asset.tier,
        rated_w=asset.rated_w,
        capacity_wh=asset.capacity_wh,
        charge_max_w=asset.rated_w if asset.charge_max_w is None else asset.charge_max_w,
        discharge_max_w=asset.rated_w if asset.discharge_max_w is None else asset.discharge_max_w,
        ramp_max_w_per_s=asset.ramp_max_w_per_s or asset.rated_w / 5 or 1.0,
        soc_min_pct=asset.soc_min_pct,
        soc_max_pct=asset.soc_max_pct,
        reserve_soc_pct=asset.reserve_soc_pct,
        soc_period_s=offers.period_s(points, f"{shared['name']}.soc_pct"),
        lease_s=min(lease_s, 60.0),
        writable=setpoint is not None and setpoint.writable,
        # A setpoint must end when we read on but no longer decide: a timer that reading keeps alive does not.
        falls_back=setpoint is None or (timer is not None and timer.kept_by == "writes"),
    )


def _curtail(name: str, asset: model.Pv, points: Mapping[str, PointInfo]) -> Any:
    able = "none"
    if offers.writable(points, f"{name}.relay_on"):
        able = "relay"
    if offers.writable(points, f"{name}.generation_max_w"):
        able = "limit"
    return able if asset.curtail is None or able == "none" else asset.curtail


def release_values(planned: Sequence[Wire], points: Mapping[str, PointInfo]) -> dict[str, float | None]:
    """What control writes when an input that a setpoint needs is lost (spec/failsafe.md#rule-11).

    None where nothing is to be written: the device's own timer or control takes over.
    """
    caps = {
        point: value for wire in planned for spec, _ in wire.devices for point, value in spec.caps.items()
    }
    return {point: _release(info, caps) for point, info in points.items() if info.writable}


def _release(info: PointInfo, caps: Mapping[str, float]) -> float | None:
    if info.on_release == "cap":
        return caps.get(info.point)
    return float(info.on_release) if isinstance(info.on_release, int | float) else None
