"""Run one probe on real wires: choose its buses, keep its limits, give the point back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from quartier.commissioning.probe import probe_findings, probe_subject
from quartier.commissioning.probe.probe_session import ProbeSession
from quartier.commissioning.probe.probe_state import ProbeRequest, TimerObservation, list_probe_points
from quartier.commissioning.probe.probe_subject import ProbeLimits, ProbeSubject
from quartier.config.loading import LoadedSite
from quartier.config.sections import asset_sections, site_file
from quartier.control.link import allowed, machine
from quartier.control.records import LinkLimits
from quartier.daemon import state_files
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.daemon.assembly.bus_specs import BusSpec
from quartier.daemon.buses.lifecycle import BusManager
from quartier.runtime import release
from quartier.runtime.bus.fallback_monitor import FallbackProof
from quartier.runtime.clock import SiteClock
from quartier.site.asset_types import Asset, Battery, ChargePointAsset, Load, OperationModeAsset, Pv
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.device_profile.loading import Profile

POLL_PERIOD_S = 0.2
"""Poll period of all points, if wire and device allow it."""
STEP_PERIOD_S = 0.1
PROBE_LEAVE_TIMEOUT_S = 8.0
COMMAND_LIFE_S = 15.0
_NOMINAL_V = 230.0


class ProbeImpossible(Exception):  # noqa: N818 - a state of the site, told to the operator
    """This asset cannot be probed; the text says why and what helps."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """All that is known before anything is opened."""

    subject: ProbeSubject
    bounds: ProbeLimits
    wires: tuple[BusSpec, ...]
    devices: Mapping[str, str]
    """Device by its use: ``asset``, ``command``, ``grid``."""


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """Result of a probe: its session, why it ended (empty: as planned), what could not be given back."""

    session: ProbeSession
    end_reason: str
    failures: Sequence[str]
    identities: Mapping[str, Mapping[str, str]]
    unreached: Sequence[str] = ()
    """Devices that never answered: nothing was written to them, and nothing must be given back."""


def make_probe_plan(
    loaded: LoadedSite, name: str, step_w: float | None, now: Now, state_dir: Path
) -> ProbePlan:
    """Return the plan of a probe of ``name``, within the limits in force. Raises ProbeImpossible."""
    site = loaded.site
    section = site.assets.get(name)
    planned = bus_specs.make_bus_specs(loaded, state_dir)
    infos = bus_specs.find_declared_points(planned)
    model = site_model.make_site(site, infos, {})
    if section is None or isinstance(section, asset_sections.GridMeterSection):
        raise ProbeImpossible(f"{name!r} is no asset that takes orders; {_list_steppable(model, infos)}")
    for what in (f"assets.{name}", f"devices.{section.device}"):
        if faults := loaded.disabled.get(what):
            raise ProbeImpossible(f"{what} is put out of action by a fault: {faults[0]}")
    asset = next(one for one in model.assets if one.name == name)
    if f"{model.grid.name}.power_w" not in infos:
        raise ProbeImpossible(
            f"the grid meter tells no power with a sign ({model.grid.name}.power_w): nothing to see it by"
        )
    if f"{name}.power_w" not in infos:
        raise ProbeImpossible(f"{name} is not measured ({name}.power_w): nothing to see its answer by")
    subject = _make_subject(asset, section, infos, model, step_w)
    devices = {
        "asset": section.device,
        "grid": site.grid()[1].device,
        "command": _find_commanded_device(planned, subject),
    }
    wires = tuple(_select_buses(planned, subject, set(devices.values())))
    return ProbePlan(
        subject,
        _find_bounds(site, model, section, _find_district_limits(site, model, now, state_dir)),
        wires,
        devices,
    )


def _make_subject(
    asset: Asset, section: Any, infos: Mapping[str, PointInfo], site: Site, step_w: float | None
) -> ProbeSubject:
    quantity, why = _find_point(asset)
    point = f"{asset.name}.{quantity}"
    info = _find_steppable_point(asset, infos)
    if info is None:
        why = why or f"no device of it has a writable {quantity}"
        raise ProbeImpossible(f"{asset.name} takes no orders: {why}; {_list_steppable(site, infos)}")
    more: dict[str, Any] = {
        "fallback": info.fallback,
        "accepted": getattr(section, "accept_no_fallback", None) or "",
        "persistent": info.persistent,
        "writes_per_day": info.writes_per_day,
        "phase": getattr(section, "phase", None) or "",
        "grid": site.grid.name,
    }
    if isinstance(asset, Battery):
        return probe_subject.make_battery_subject(asset, point, step_w, **more)
    if isinstance(asset, ChargePointAsset):
        return probe_subject.make_charge_point_subject(asset, point, step_w, **more)
    if isinstance(asset, Load) or point.endswith("_on"):
        return probe_subject.make_load_subject(asset, point, **more)  # type: ignore[arg-type]  # PV behind a relay is refused before
    assert isinstance(asset, Pv)
    return probe_subject.make_pv_subject(asset, point, step_w, **more)


def _find_steppable_point(asset: Asset, infos: Mapping[str, PointInfo]) -> PointInfo | None:
    """Return the point that a probe steps; None if the asset has none that can be written."""
    quantity, _ = _find_point(asset)
    info = infos.get(f"{asset.name}.{quantity}")
    return info if info is not None and info.writable else None


def _list_steppable(site: Site, infos: Mapping[str, PointInfo]) -> str:
    """Say which assets a probe can step."""
    able = [one.name for one in site.assets if _find_steppable_point(one, infos) is not None]
    if not able:
        return "no asset of this site takes orders that a probe can step"
    return f"expected one of {', '.join(able)}"


def _find_point(asset: Asset) -> tuple[str, str]:
    if isinstance(asset, Battery):
        return "setpoint_w", ""
    if isinstance(asset, ChargePointAsset):
        return "current_max_a", ""
    if isinstance(asset, Load):
        return ("relay_on", "") if asset.switchable else ("", "it has no relay, or tier A keeps it running")
    if isinstance(asset, OperationModeAsset):
        return "", "it runs in modes, which no probe steps yet"
    assert isinstance(asset, Pv)
    if asset.curtail == "limit":
        return "generation_max_w", ""
    return "", "it takes no power limit (curtail is not 'limit')"


def _find_commanded_device(planned: Sequence[BusSpec], subject: ProbeSubject) -> str:
    quantity = subject.point.partition(".")[2]
    for wire in planned:
        for spec, profile in wire.devices:
            for part, owner in spec.owners.items():
                if owner == subject.name and quantity in profile.parts.get(part, ()):
                    return spec.name
    raise ProbeImpossible(f"no device has {subject.point}")


def _select_buses(planned: Sequence[BusSpec], subject: ProbeSubject, devices: set[str]) -> Sequence[BusSpec]:
    """Return only the buses, devices and points that a probe needs, polled as fast as they allow."""
    wanted = {*list_probe_points(subject), f"{subject.name}.plugged_on"}
    found = []
    for wire in planned:
        mine = []
        for spec, profile in wire.devices:
            if spec.name not in devices:
                continue
            owners = {
                part: owner for part, owner in spec.owners.items() if owner in {subject.name, subject.grid}
            }
            quantities = {
                part: _select_quantities(profile, part, owner, wanted) for part, owner in owners.items()
            }
            limited = quantities if hasattr(profile, "limits") else spec.points
            mine.append((replace(spec, owners=owners, points=limited, phase_ns=0), _speed_up(profile)))
        if mine:
            found.append(BusSpec(wire.name, wire.section, tuple(mine)))
    return found


def _select_quantities(profile: Profile, part: str, owner: str, wanted: set[str]) -> frozenset[str]:
    return frozenset(quantity for quantity in profile.parts.get(part, ()) if f"{owner}.{quantity}" in wanted)


def _speed_up(profile: Profile) -> Profile:
    return replace(
        profile, scan={name: min(period_s, POLL_PERIOD_S) for name, period_s in profile.scan.items()}
    )


def _find_district_limits(
    site: site_file.SiteFile, model: Site, now: Now, state_dir: Path
) -> LinkLimits | None:
    """Return the limits of the district when the daemon stopped; None if a daemon never ran."""
    record = state_files.load_link(state_dir)
    if record.state is None and not record.lost:
        return None
    params = site_settings.make_link_params(site, model.limits)
    outage, lost, rebooted = record.outage, record.lost, record.rebooted
    state = machine.start_link(params, record.state, now, outage=outage, lost=lost, rebooted=rebooted)
    return allowed.find_link_limits(state, params, now)


def _find_bounds(site: site_file.SiteFile, model: Site, section: Any, caps: LinkLimits | None) -> ProbeLimits:
    """Return hard limits and limits in force, and the fuse of every node above the asset on one phase.

    Contacts are not read during a probe, and an unread contact acts: its limits apply.
    """
    fuse_w, node = inf, section.node
    while node in site.nodes:
        fuse_w = min(fuse_w, site.nodes[node].fuse_a * _NOMINAL_V)
        node = site.nodes[node].under
    acting = [model.limits, *model.contacts] if caps is None else [model.limits, caps, *model.contacts]

    def least(*keys: str) -> float:
        limits = (getattr(one, key, None) for one in acting for key in keys)
        return min((watts for watts in limits if watts is not None), default=inf)

    return ProbeLimits(
        least("import_hard_w", "import_max_w"),
        least("export_hard_w", "export_max_w"),
        fuse_w,
        least("generation_max_w"),
        charges_from_grid=caps is None or not caps.no_grid_charge_above_reserve,
        exports_stored=caps is None or not caps.no_battery_export,
    )


def make_fallback_proof(
    subject: ProbeSubject, watch: TimerObservation | None, utc_ms: int, serial: str
) -> FallbackProof | None:
    """Return what watching the timer proves about the fallback of the point; None if it was not watched."""
    for found in probe_findings.find_timer_finding(subject, watch):
        assert watch is not None
        return FallbackProof(
            not found.is_fault, watch.expected_s, watch.action_s, found.words, utc_ms, serial
        )
    return None


async def run_probe_plan(
    plan: ProbePlan,
    request: ProbeRequest,
    clock: SiteClock,
    log: Any,
    say: Callable[[str], None],
    stop: asyncio.Event,
    *,
    runtime_dir: Path,
    state_dir: Path,
) -> ProbeOutcome:
    """Open the buses, probe, and give the point back in any case; end early when ``stop`` is set."""
    image = ProcessImage()
    counts = await asyncio.to_thread(state_files.load_write_counts, state_dir)
    session = ProbeSession(plan.subject, plan.bounds, request, clock.now_ns())
    failures: list[str] = []
    ended = "it was cut off"
    async with asyncio.TaskGroup() as group:
        fleet = BusManager(group, clock, image.put, log, counts=counts)
        await fleet.follow(plan.wires)
        try:
            await asyncio.to_thread(_save_release, runtime_dir, fleet)
            ended = await _run_steps(session, fleet, image, clock, say, stop)
        finally:
            try:
                async with asyncio.timeout(PROBE_LEAVE_TIMEOUT_S):
                    failures = await fleet.leave()
            except TimeoutError:
                failures = [f"not everything within {PROBE_LEAVE_TIMEOUT_S:.0f} s: run quartier release"]
    healths = [health for bus in fleet.buses for health in bus.devices.values()]
    identities = {health.name: dict(health.identity) for health in healths}
    unreached = [health.name for health in healths if not health.known]
    failures = [one for one in failures if one.partition(":")[0] not in unreached]
    await asyncio.to_thread(state_files.save_write_counts, state_dir, fleet.write_counts)
    return ProbeOutcome(session, ended, failures, identities, unreached)


def _save_release(runtime_dir: Path, fleet: BusManager) -> None:
    """Add what a killed probe may leave behind to the table of ``quartier release``."""
    try:
        known = release.load_release(runtime_dir)
    except ValueError:
        known = []
    known_points = {str(write.get("point")) for wire in known for write in wire.writes}
    mine = [
        replace(wire, writes=[write for write in wire.writes if str(write.get("point")) not in known_points])
        for wire in fleet.make_release_table()
    ]
    if any(wire.writes for wire in mine):
        release.save_release(runtime_dir, [*known, *(wire for wire in mine if wire.writes)])


async def _run_steps(
    session: ProbeSession,
    fleet: BusManager,
    image: ProcessImage,
    clock: SiteClock,
    say: Callable[[str], None],
    stop: asyncio.Event,
) -> str:
    point = session.stage.subject.point
    while True:
        now_ns = clock.now_ns()
        act = session.run_cycle(image.freeze(now_ns), _explain_refusal(fleet, point), now_ns)
        for text in act.texts:
            say(text)
        if act.end_reason is not None:
            return act.end_reason
        if act.value is not None:
            command = Command(point, act.value, now_ns + int(COMMAND_LIFE_S * 1e9), "probe")
            fleet.post([command], now_ns)
        if stop.is_set():
            return "it was stopped by hand"
        await _wait(stop, STEP_PERIOD_S / clock.rate)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _explain_refusal(fleet: BusManager, point: str) -> str:
    """Return why the last write failed; empty while it may still take effect."""
    for bus in fleet.buses:
        outcome = bus.mailbox.outcomes.get(point)
        if outcome is not None and outcome.verdict in {"refused", "expired"}:
            return f"{outcome.verdict}: {outcome.why}"
    return ""
