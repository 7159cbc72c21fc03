"""Write the fallbacks of a whole site into its devices and read them back, without a daemon."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.config.loading import LoadedSite
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.daemon.reports import fallback_report
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.clock import SiteClock
from quartier.site.asset_types import ControllableAsset
from quartier_drivers.abilities import ArmableDriver
from quartier_drivers.contract import ArmedFallback, Driver, Line, PointInfo
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.errors import LinkLost, WireError
from quartier_drivers.registry import load_factory

ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ArmableDevice:
    """One device on its line; ``points`` are the writable ones."""

    bus: str
    name: str
    driver: Driver
    points: dict[str, PointInfo]


@dataclass(slots=True)
class ArmableSite:
    """The devices of a site, ready to be asked.

    ``used`` maps a point to the asset that control commands by it.
    """

    lines: dict[str, Line]
    stations: list[ArmableDevice]
    used: dict[str, ControllableAsset]
    reasons: dict[str, str]


def make_armable_site(loaded: LoadedSite, clock: SiteClock, state_dir: Path | None = None) -> ArmableSite:
    """Make lines and drivers of every writable device; nothing is sent yet."""
    planned = bus_specs.make_bus_specs(loaded, state_dir)
    lines: dict[str, Line] = {}
    stations = []
    infos: dict[str, PointInfo] = {}
    for wire in planned:
        line = load_factory(wire.section.kind).line(wire.name, wire.section, clock)
        for spec, profile in wire.devices:
            if not _takes_orders(profile):
                continue  # a meter is not opened: its keys may be readable for the service only
            driver = load_factory(wire.section.kind, profile.protocol).driver(line, spec, profile, clock)
            infos |= driver.points
            writable = {point: info for point, info in driver.points.items() if info.writable}
            if writable:
                lines[wire.name] = line
                stations.append(ArmableDevice(wire.name, spec.name, driver, writable))
    site = site_model.make_site(loaded.site, infos, bus_specs.find_release_values(planned, infos))
    used = {point: asset for asset, point in fallback_report.find_controllable_assets(site)}
    return ArmableSite(lines, stations, used, site_settings.find_no_fallback_reasons(loaded.site))


def _takes_orders(profile: Profile) -> bool:
    return any(point.writable for points in profile.parts.values() for point in points.values())


async def arm_site(
    site: ArmableSite, known: KnownFallbacks, clock: SiteClock, say: ReportProgress, *, writes: bool
) -> list[dict[str, Any]]:
    """Return a row for each writable point, in the order of the site file; note results in ``known``.

    All buses run at once, the devices of a bus one after another. A device that does not answer is named in
    its rows (state ``no answer``); the others go on.
    """
    asked = [station for station in site.stations if _has_fallback(station)]
    failures: dict[str, str] = {}
    done_count = 0

    async def on_bus(bus: str) -> None:
        nonlocal done_count
        for station in asked:
            if station.bus == bus:
                try:
                    found = await _arm_device(site.lines[bus], station, known, clock, writes=writes)
                    text = _describe_arming(station, found, writes=writes)
                except WireError as error:
                    failures[station.name] = str(error)
                    text = f"no answer: {error}"
                done_count += 1
                say(f"{done_count}/{len(asked)} {station.name} on {bus}: {text}")
        await site.lines[bus].close()

    await asyncio.gather(*(on_bus(bus) for bus in dict.fromkeys(station.bus for station in asked)))
    return [
        row
        for station in site.stations
        for row in _render_rows(site, station, known, failures, clock.utc_ms())
    ]


def _has_fallback(station: ArmableDevice) -> bool:
    return any(info.fallback is not None for info in station.points.values())


async def _arm_device(
    line: Line, station: ArmableDevice, known: KnownFallbacks, clock: SiteClock, *, writes: bool
) -> Sequence[ArmedFallback]:
    """Arm one device; return what it shows.  Raises WireError if it does not answer."""
    try:
        await line.open()
        identity = await station.driver.open()
        for point, info in station.points.items():
            if info.fallback is not None:
                known.drop_outdated_proof(point, info.fallback.after_s, identity.get("serial", ""))
        armed = await _read_fallbacks(station, writes=writes)
    except LinkLost:
        await line.close()
        raise
    for found in armed:
        known.note(found, clock.utc_ms())
    return armed


def _describe_arming(station: ArmableDevice, armed: Sequence[ArmedFallback], *, writes: bool) -> str:
    """Return what was done, as text."""
    if not any(found.is_verified for found in armed):
        return "answers; its manual states the fallback, and the device does not show it"
    fallbacks = (info.fallback for info in station.points.values())
    is_written = writes and any(one is not None and one.register for one in fallbacks)
    return "written and read back" if is_written else "read back"


async def _read_fallbacks(station: ArmableDevice, *, writes: bool) -> Sequence[ArmedFallback]:
    driver = station.driver
    if isinstance(driver, ArmableDriver):
        return await driver.arm(writes=writes)
    return [
        ArmedFallback(point, info.fallback.value, info.fallback.after_s, is_verified=False)
        for point, info in station.points.items()
        if info.fallback is not None
    ]


def _render_rows(
    site: ArmableSite, station: ArmableDevice, known: KnownFallbacks, failures: dict[str, str], utc_ms: int
) -> list[dict[str, Any]]:
    rows = []
    for point, info in station.points.items():
        owner = point.partition(".")[0]
        row: dict[str, Any] = {"bus": station.bus, "device": station.name, "asset": owner, "point": point}
        row |= fallback_report.render_fallback(info, known, utc_ms)
        row |= {"used": point in site.used, "accepted": site.reasons.get(owner)}
        if station.name in failures and info.fallback is not None:
            row |= {"state": "no answer", "problem": failures[station.name]}
        row["prove"] = fallback_report.find_probe_command(site.used.get(point), row)
        rows.append(row)
    return rows


def is_settled(row: dict[str, Any]) -> bool:
    """Return whether nothing is left to do: as declared, or accepted, or not used by control at all."""
    if row["state"] == "none":
        return bool(row["accepted"]) or not row["used"]
    return row["state"] in ("verified", "armed", "declared")
