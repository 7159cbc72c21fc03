"""Render points, buses, devices and assets for the local socket (JSON-ready)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from quartier.daemon.assembly.bus_specs import BusSpec
from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.reports import fallback_report
from quartier.daemon.reports.write_ledger import WriteLedger
from quartier.runtime.bus.device_health import NOT_YET_ASKED, DeviceHealth
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.mailbox import WriteOutcome
from quartier.runtime.bus.poll import Bus
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.runtime.ticker import Ticker
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import Fault
from quartier_drivers.points import UCUM_UNITS, parse_quantity, split_point
from quartier_drivers.readings import Quality

NOT_READ = "not read: no device on it belongs to an asset, a contact, a supply or a node"


def render_points(
    frozen: FrozenImage, infos: Mapping[str, PointInfo], fleet: BusManager, utc_ms: int
) -> Iterator[dict[str, Any]]:
    """Render every point with its last write and write counts: served points in order, then the others.

    All values are those at the time of the call, however late the iterator is consumed.
    """
    names = [*infos, *(point for point in frozen if point not in infos)]
    return _render_all(names, frozen, infos, fleet, utc_ms)


def render_points_of_owner(
    owner: str, frozen: FrozenImage, fleet: BusManager, utc_ms: int
) -> Iterator[dict[str, Any]] | None:
    """Render the points of one device or one asset; None if nothing has the name ``owner``."""
    infos: dict[str, PointInfo] = {}
    known = False
    for health in (health for bus in fleet.buses for health in bus.devices.values()):
        if health.name == owner or owner in health.owners:
            known = True
            served = health.driver.points
            infos |= served if health.name == owner else _select_owned(served, owner)
    return _render_all(list(infos), frozen, infos, fleet, utc_ms) if known else None


def _select_owned(infos: Mapping[str, PointInfo], owner: str) -> dict[str, PointInfo]:
    return {point: info for point, info in infos.items() if point.startswith(f"{owner}.")}


def _render_all(
    names: Iterable[str], frozen: FrozenImage, infos: Mapping[str, PointInfo], fleet: BusManager, utc_ms: int
) -> Iterator[dict[str, Any]]:
    outcomes = {point: outcome for bus in fleet.buses for point, outcome in bus.mailbox.outcomes.items()}
    return (
        _render_point_with_writes(name, frozen, infos.get(name), outcomes.get(name), fleet, utc_ms)
        for name in names
    )


def _render_point_with_writes(
    name: str,
    frozen: FrozenImage,
    info: PointInfo | None,
    outcome: WriteOutcome | None,
    fleet: BusManager,
    utc_ms: int,
) -> dict[str, Any]:
    found = _render_point(name, frozen, info, outcome, fleet.fallbacks, utc_ms)
    if info is not None and info.writable:
        found["writes"] = _render_writes(info, fleet.write_counts, utc_ms)
        probe = fleet.probes.get(name.partition(".")[0])
        if probe is not None and probe.point == name:
            found["probed"] = asdict(probe)
    return found


def _render_writes(info: PointInfo, counts: WriteCounts, utc_ms: int) -> dict[str, Any]:
    return {
        "today": counts.today(info.point, utc_ms),
        "budget": info.writes_per_day or None,
        "total": counts.total(info.point),
        "persistent": info.persistent,
    }


def _render_point(
    name: str,
    frozen: FrozenImage,
    info: PointInfo | None,
    outcome: WriteOutcome | None,
    known: KnownFallbacks,
    utc_ms: int,
) -> dict[str, Any]:
    value = frozen.get(name)
    found: dict[str, Any] = {
        "point": name,
        "value": None if value is None or value.quality is Quality.BAD else value.value,
        "unit": _find_unit(name),
        "quality": "never read" if value is None else value.quality.name.lower(),
        "age_s": None if value is None else round(value.age_s, 2),
        "address": "" if info is None else info.address,
    }
    if info is not None and info.writable:
        found["writable"] = True
        found["on_release"] = info.on_release
        found["fallback"] = (
            None if info.fallback is None else fallback_report.render_fallback(info, known, utc_ms)
        )
    if outcome is not None:
        found["written"] = render_last_write(outcome, frozen.now_ns)
    return found


def _find_unit(name: str) -> str:
    unit = parse_quantity(split_point(name)[1]).unit
    return UCUM_UNITS.get(unit, "")


def render_last_write(outcome: WriteOutcome, now_ns: int) -> dict[str, Any]:
    """Render the last command of a point and its outcome."""
    return {
        "value": outcome.command.value,
        "verdict": outcome.verdict,
        "why": outcome.why,
        "reason": outcome.command.reason,
        **render_reason(outcome.command.cause),
        "age_s": round((now_ns - outcome.since_ns) / 1e9, 1),
    }


def render_reason(cause: Mapping[str, object]) -> dict[str, object]:
    """Return code and values of a reason, as they stand beside its text; the code is empty for text alone."""
    return {"code": "", "values": {}, **cause}


def render_buses(fleet: BusManager, frozen: FrozenImage) -> list[dict[str, Any]]:
    """Render each bus with its slack, its devices and its shares."""
    return [
        _render_one_bus(bus, wire, frozen) | {"shares": fleet.shares.render_shares(bus.name)}
        for bus, wire in zip(fleet.buses, fleet.wires, strict=True)
    ]


def render_bus(name: str, fleet: BusManager, frozen: FrozenImage) -> dict[str, Any] | None:
    """Render one bus; None if there is no bus ``name``."""
    return next((found for found in render_buses(fleet, frozen) if found["name"] == name), None)


def render_device(name: str, fleet: BusManager, now_ns: int) -> dict[str, Any] | None:
    """Render one device and its bus; None if there is no device ``name``."""
    for bus in fleet.buses:
        if name in bus.devices:
            return {**_render_health(bus.devices[name], now_ns), "bus": bus.name, "online": bus.online}
    return None


def render_asset(
    name: str, view: Mapping[str, Any], fleet: BusManager, ledger: WriteLedger, now: Now
) -> dict[str, Any] | None:
    """Render one asset with the outcome of its last command and its last ledger rows; None if unknown."""
    found = view.get("assets", {}).get(name)
    if found is None:
        return None
    command = found.get("command")
    outcome = None if command is None else _find_outcome(command["point"], fleet)
    return {
        "name": name,
        **found,
        "written": None if outcome is None else render_last_write(outcome, now.ns),
        "ledger": ledger.render_rows(name, now.ns),
    }


def _find_outcome(point: str, fleet: BusManager) -> WriteOutcome | None:
    return next((bus.mailbox.outcomes[point] for bus in fleet.buses if point in bus.mailbox.outcomes), None)


def _render_one_bus(bus: Bus, wire: BusSpec, frozen: FrozenImage) -> dict[str, Any]:
    return {
        "name": bus.name,
        "online": bus.online,
        "why": bus.why or (bus.account.advice if bus.devices else NOT_READ),
        "weakness": getattr(wire.section, "weakness", ""),
        "slack_pct": _find_value(frozen, f"{bus.name}.slack_pct"),
        "lateness_s": _find_value(frozen, f"{bus.name}.lateness_s"),
        "counts": {name: int(count) for name, count in bus.counts.items()},
        "devices": [_render_health(health, frozen.now_ns) for health in bus.devices.values()],
    }


def _find_value(frozen: FrozenImage, point: str) -> float | None:
    value = frozen.number(point, float("inf"))
    return None if value is None else round(value, 3)


def _render_health(health: DeviceHealth, now_ns: int) -> dict[str, Any]:
    proved = health.known and health.why != NOT_YET_ASKED
    state = "silent" if health.silent else "set aside" if health.aside else "good" if proved else "opening"
    return {
        "name": health.name,
        "state": state,
        "why": health.why,
        "age_s": round((now_ns - health.since_good_ns) / 1e9, 1),
        "errors_count": health.errors_count,
        "identity": dict(health.identity),
    }


def render_outcomes(fleet: BusManager, now_ns: int) -> dict[str, Any]:
    """Return the outcome of the last command of each point."""
    return {
        point: render_last_write(outcome, now_ns)
        for bus in fleet.buses
        for point, outcome in bus.mailbox.outcomes.items()
    }


def render_cycle_times(ticker: Ticker) -> dict[str, Any]:
    """Return cycle counts and the lateness of the cycle in s of gateway time."""
    return {
        "count": ticker.cycles_count,
        "skipped_count": ticker.skipped_count,
        "late_p999_s": ticker.lateness.quantile_s(0.999),
        "late_max_s": round(ticker.lateness.max_s, 4),
    }


def render_disabled_parts(faults: Mapping[str, Iterable[Fault]]) -> dict[str, list[str]]:
    """Return the parts that faults of the site file disabled, each with its faults as text."""
    return {name: [str(fault) for fault in found] for name, found in faults.items()}
