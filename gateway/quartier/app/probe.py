"""One probe on real wires: which buses it needs, what it may do, and that the point is given back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from quartier.app import assembly, keeper, wear
from quartier.app.assembly import Wire
from quartier.app.fleet import Fleet
from quartier.commissioning import findings
from quartier.commissioning import subject as subjects
from quartier.commissioning.bounds import Bounds
from quartier.commissioning.session import Session
from quartier.commissioning.stage import Watch, Wish, points
from quartier.commissioning.subject import Subject
from quartier.config import model
from quartier.config.load import Loaded
from quartier.control.link import allowed, machine
from quartier.control.records import LinkLimits
from quartier.house.assets import Asset, Battery, Ev, House, Load, Moded, Pv
from quartier.house.image import Image
from quartier.house.now import Now
from quartier.runtime import release
from quartier.runtime.clock import HouseClock
from quartier.runtime.proof import Proof
from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.profile import Profile

FAST_S = 0.2
"""How often everything is asked for, where wire and device allow it."""
TURN_S = 0.1
LEAVE_S = 8.0
LIFE_S = 15.0
_NOMINAL_V = 230.0


class Impossible(Exception):  # noqa: N818 - a state of the site, told to the operator
    """This asset cannot be probed; says why and what helps."""


@dataclass(frozen=True, slots=True)
class Errand:
    """All that is known before anything is opened."""

    subject: Subject
    bounds: Bounds
    wires: tuple[Wire, ...]
    devices: Mapping[str, str]
    """Which device is for what: ``asset``, ``command``, ``grid``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe left: its session, why it ended (empty: as planned), what could not be given back."""

    session: Session
    ended: str
    failures: Sequence[str]
    identities: Mapping[str, Mapping[str, str]]
    unreached: Sequence[str] = ()
    """Devices that never answered: nothing was written to them, and nothing has to be given back."""


def errand(loaded: Loaded, name: str, step_w: float | None, now: Now, state_dir: Path) -> Errand:
    """What probing ``name`` means in this site, under the caps that stand.  Raises Impossible."""
    site = loaded.site
    section = site.assets.get(name)
    if section is None or isinstance(section, model.Grid):
        able = ", ".join(one for one, asset in site.assets.items() if not isinstance(asset, model.Grid))
        raise Impossible(f"{name!r} is no asset that takes orders; expected one of {able or 'none'}")
    for what in (f"assets.{name}", f"devices.{section.device}"):
        if faults := loaded.disabled.get(what):
            raise Impossible(f"{what} is put out of action by a fault: {faults[0]}")
    planned = assembly.wires(loaded, state_dir)
    infos = assembly.known_points(planned)
    house = assembly.house(site, infos, {})
    asset = next(one for one in house.assets if one.name == name)
    if f"{house.grid.name}.power_w" not in infos:
        raise Impossible(
            f"the grid meter tells no power with a sign ({house.grid.name}.power_w): nothing to see it by"
        )
    if f"{name}.power_w" not in infos:
        raise Impossible(f"{name} is not measured ({name}.power_w): nothing to see its answer by")
    subject = _subject(asset, section, infos, house, step_w)
    devices = {
        "asset": section.device,
        "grid": site.grid()[1].device,
        "command": _commanded(planned, subject),
    }
    wires = tuple(_wires(planned, subject, set(devices.values())))
    return Errand(subject, _bounds(site, house, section, _caps(site, house, now, state_dir)), wires, devices)


def _subject(
    asset: Asset, section: Any, infos: Mapping[str, PointInfo], house: House, step_w: float | None
) -> Subject:
    quantity, why = _point(asset)
    point = f"{asset.name}.{quantity}"
    info = infos.get(point)
    if not quantity or info is None or not info.writable:
        raise Impossible(
            f"{asset.name} takes no orders: {why or f'no device of it has a writable {quantity}'}"
        )
    more: dict[str, Any] = {
        "fallback": info.fallback,
        "accepted": getattr(section, "accept_no_fallback", None) or "",
        "persistent": info.persistent,
        "writes_per_day": info.writes_per_day,
        "phase": getattr(section, "phase", None) or "",
        "grid": house.grid.name,
    }
    if isinstance(asset, Battery):
        return subjects.battery(asset, point, step_w, **more)
    if isinstance(asset, Ev):
        return subjects.ev(asset, point, step_w, **more)
    if isinstance(asset, Load) or point.endswith("_on"):
        return subjects.load(asset, point, **more)  # type: ignore[arg-type]  # PV behind a relay is refused before
    assert isinstance(asset, Pv)
    return subjects.pv(asset, point, step_w, **more)


def _point(asset: Asset) -> tuple[str, str]:
    if isinstance(asset, Battery):
        return "setpoint_w", ""
    if isinstance(asset, Ev):
        return "current_max_a", ""
    if isinstance(asset, Load):
        return ("relay_on", "") if asset.switchable else ("", "it has no relay, or tier A keeps it running")
    if isinstance(asset, Moded):
        return "", "it runs in modes, which no probe steps yet"
    assert isinstance(asset, Pv)
    if asset.curtail == "limit":
        return "generation_max_w", ""
    return "", "it takes no power limit (curtail is not 'limit')"


def _commanded(planned: Sequence[Wire], subject: Subject) -> str:
    quantity = subject.point.partition(".")[2]
    for wire in planned:
        for spec, profile in wire.devices:
            for part, owner in spec.owners.items():
                if owner == subject.name and quantity in profile.parts.get(part, ()):
                    return spec.name
    raise Impossible(f"no device has {subject.point}")


def _wires(planned: Sequence[Wire], subject: Subject, devices: set[str]) -> Sequence[Wire]:
    """Only the buses, devices and points that a probe needs, asked as fast as they allow."""
    wanted = {*points(subject), f"{subject.name}.plugged_on"}
    found = []
    for wire in planned:
        mine = []
        for spec, profile in wire.devices:
            if spec.name not in devices:
                continue
            owners = {
                part: owner for part, owner in spec.owners.items() if owner in {subject.name, subject.grid}
            }
            quantities = {part: _wanted(profile, part, owner, wanted) for part, owner in owners.items()}
            limited = quantities if hasattr(profile, "limits") else spec.points
            mine.append((replace(spec, owners=owners, points=limited, phase_ns=0), _fast(profile)))
        if mine:
            found.append(Wire(wire.name, wire.section, tuple(mine)))
    return found


def _wanted(profile: Profile, part: str, owner: str, wanted: set[str]) -> frozenset[str]:
    return frozenset(quantity for quantity in profile.parts.get(part, ()) if f"{owner}.{quantity}" in wanted)


def _fast(profile: Profile) -> Profile:
    return replace(profile, scan={name: min(period_s, FAST_S) for name, period_s in profile.scan.items()})


def _caps(site: model.Site, house: House, now: Now, state_dir: Path) -> LinkLimits | None:
    """What the district had in force when the daemon stopped; None where there never was a daemon."""
    kept = keeper.recalled(state_dir)
    if kept.state is None and not kept.lost:
        return None
    params = assembly.link_params(site, house.limits)
    outage, lost, rebooted = kept.outage, kept.lost, kept.rebooted
    state = machine.start_link(params, kept.state, now, outage=outage, lost=lost, rebooted=rebooted)
    return allowed.find_link_limits(state, params, now)


def _bounds(site: model.Site, house: House, section: Any, caps: LinkLimits | None) -> Bounds:
    """Hard limits and caps in force, and the fuse of every node above the asset on one phase.

    Contacts are not read meanwhile, and one that is not read acts: what they cap is capped.
    """
    fuse_w, node = inf, section.node
    while node in site.nodes:
        fuse_w = min(fuse_w, site.nodes[node].fuse_a * _NOMINAL_V)
        node = site.nodes[node].under
    acting = [house.limits, *house.contacts] if caps is None else [house.limits, caps, *house.contacts]

    def least(*keys: str) -> float:
        told = (getattr(one, key, None) for one in acting for key in keys)
        return min((watts for watts in told if watts is not None), default=inf)

    return Bounds(
        least("import_hard_w", "import_max_w"),
        least("export_hard_w", "export_max_w"),
        fuse_w,
        least("generation_max_w"),
        charges_from_grid=caps is None or not caps.no_grid_charge_above_reserve,
        exports_stored=caps is None or not caps.no_battery_export,
    )


def proof(subject: Subject, watch: Watch | None, utc_ms: int, serial: str) -> Proof | None:
    """What watching its timer says of the fall-back of the point; None where it was not watched."""
    for found in findings.timed(subject, watch):
        assert watch is not None
        return Proof(not found.is_fault, watch.expected_s, watch.seen_s, found.words, utc_ms, serial)
    return None


async def run(
    plan: Errand,
    wish: Wish,
    clock: HouseClock,
    log: Any,
    say: Callable[[str], None],
    stop: asyncio.Event,
    *,
    runtime_dir: Path,
    state_dir: Path,
) -> Outcome:
    """Open, probe, give back; ends early when ``stop`` is set.  The point is given back whatever happens."""
    image = Image()
    tally = await asyncio.to_thread(wear.recalled, state_dir)
    session = Session(plan.subject, plan.bounds, wish, clock.now_ns())
    failures: list[str] = []
    ended = "it was cut off"
    async with asyncio.TaskGroup() as group:
        fleet = Fleet(group, clock, image.put, log, tally)
        await fleet.follow(plan.wires)
        try:
            await asyncio.to_thread(_keep_release, runtime_dir, fleet)
            ended = await _turns(session, fleet, image, clock, say, stop)
        finally:
            try:
                async with asyncio.timeout(LEAVE_S):
                    failures = await fleet.leave()
            except TimeoutError:
                failures = [f"not everything within {LEAVE_S:.0f} s: run quartier release"]
    healths = [health for bus in fleet.buses for health in bus.devices.values()]
    identities = {health.name: dict(health.identity) for health in healths}
    unreached = [health.name for health in healths if not health.known]
    failures = [one for one in failures if one.partition(":")[0] not in unreached]
    await asyncio.to_thread(wear.keep, state_dir, fleet.tally)
    return Outcome(session, ended, failures, identities, unreached)


def _keep_release(runtime_dir: Path, fleet: Fleet) -> None:
    """Have ``quartier release`` know what we may leave behind if we are killed, beside what it knows."""
    try:
        known = release.load(runtime_dir)
    except ValueError:
        known = []
    told = {str(write.get("point")) for wire in known for write in wire.writes}
    mine = [
        replace(wire, writes=[write for write in wire.writes if str(write.get("point")) not in told])
        for wire in fleet.release_table()
    ]
    if any(wire.writes for wire in mine):
        release.save(runtime_dir, [*known, *(wire for wire in mine if wire.writes)])


async def _turns(
    session: Session,
    fleet: Fleet,
    image: Image,
    clock: HouseClock,
    say: Callable[[str], None],
    stop: asyncio.Event,
) -> str:
    point = session.stage.subject.point
    while True:
        now_ns = clock.now_ns()
        act = session.turn(image.freeze(now_ns), _refused(fleet, point), now_ns)
        for text in act.said:
            say(text)
        if act.ended is not None:
            return act.ended
        if act.value is not None:
            command = Command(point, act.value, now_ns + int(LIFE_S * 1e9), "probe")
            fleet.post([command], now_ns)
        if stop.is_set():
            return "it was stopped by hand"
        await _nap(stop, TURN_S / clock.rate)


async def _nap(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _refused(fleet: Fleet, point: str) -> str:
    """Why the last write came to nothing; empty while it may still have its effect."""
    for bus in fleet.buses:
        outcome = bus.mailbox.outcomes.get(point)
        if outcome is not None and outcome.verdict in {"refused", "expired"}:
            return f"{outcome.verdict}: {outcome.why}"
    return ""
