"""Tells what a scan of an M-Bus line found: the meters, and their lines for the site file."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier_drivers.device_reports import ScanListener, ScanReport, ScanRequest, format_count
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.meter.bus_section import MbusBus
from quartier_drivers.meter.discovery.capture_decoding import list_protocol_profiles
from quartier_drivers.meter.discovery.recognition import MeterIdentity, ProfileSuggestion, find_fitting
from quartier_drivers.meter.mbus.header import ANY_ADDRESS, parse_mask
from quartier_drivers.meter.mbus.scan import MbusScanResult, MbusScanTarget, parse_target, scan_line
from quartier_drivers.meter.mbus.search import PRIMARY_ADDRESSES, FoundMeter
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.transport.event_loop import LoopClock

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = (
    *(">address", "secondary address", "maker", "medium", ">serial", ">version", "note"),
    *("profile", "how sure", "why"),
)


def scan(request: ScanRequest, listener: ScanListener) -> ScanReport:
    """Scan a line; what was found before an interruption is told too.  Raises ConfigError."""
    buses = _list_settings(parse_target(request.url), request)
    results: list[MbusScanResult] = []
    interrupted = False

    def progress(bus: MbusBus, what: str, found_count: int) -> None:
        at = f" at {bus.baud}" if bus.baud else ""
        kind = what.split(maxsplit=1)[0]
        words = "searching by secondary address" if kind == "secondary" else "asking primary addresses"
        listener.tell((bus, kind), f"{words}{at}, {found_count} found", f"{what}{at}, {found_count} found")

    try:
        asyncio.run(scan_line(buses, _make_quest(request), LoopClock(), progress, results))
    except KeyboardInterrupt:
        interrupted = True
    profiles = list_protocol_profiles("mbus", request.folders)
    found = [one for result in results for one in result.survey.found]
    lost = next((result.end_reason for result in results if result.end_reason), "")
    return ScanReport(
        found_count=len(found),
        columns=_COLUMNS,
        rows=[row for one in found for row in _make_rows(one, profiles)],
        notes=[note for result in results for note in result.survey.notes],
        data=_render_survey(results, profiles),
        site_lines=render_mbus_lines(results, request.folders),
        end=lost or ("" if found else _suggest_remedy(results)),
        is_interrupted=interrupted,
    )


def _list_settings(bus: MbusBus, request: ScanRequest) -> list[MbusBus]:
    """Return the line at each of the speeds asked for."""
    if request.parities:
        raise ConfigError([Fault(request.url, None, "parities", "do not fit M-Bus, expected ?framing=8N1")])
    if request.bauds and bus.port.startswith("tcp://"):
        raise ConfigError([Fault(request.url, None, "bauds", "fits serial lines only")])
    return [bus.model_copy(update={"baud": baud}) for baud in request.bauds or (bus.baud,)]


def _make_quest(request: ScanRequest) -> MbusScanTarget:
    if request.units and (wrong := [unit for unit in request.units if unit not in PRIMARY_ADDRESSES]):
        raise ConfigError(
            [Fault(request.url, None, "units", f"{wrong[0]} is wrong, expected 0..{PRIMARY_ADDRESSES[-1]}")]
        )
    wanted = None if request.units else ANY_ADDRESS
    if request.secondary:
        try:
            wanted = parse_mask(request.secondary)
        except ValueError as error:
            raise ConfigError([Fault(request.url, None, "secondary", str(error))]) from error
    primary = request.units or (() if request.secondary else PRIMARY_ADDRESSES)
    return MbusScanTarget(wanted, primary, is_thorough=request.is_thorough)


def _suggest_remedy(results: Sequence[MbusScanResult]) -> str:
    asked_count = sum(result.survey.asked_count for result in results)
    look = (
        "look at the level converter, its supply and its speed, try other --bauds, measure the bus: some 36 V"
    )
    return f"no answer to {format_count(asked_count, 'request')}; {look}"


def _make_rows(one: FoundMeter, profiles: Sequence[MeterProfile]) -> Iterator[tuple[str, ...]]:
    address = "–" if one.primary is None else str(one.primary)
    version = str(one.version) if one.secondary else ""
    medium = one.medium.replace("_", " ")
    head = (address, one.secondary or "–", one.maker, medium, one.serial, version, one.note)
    found = find_suggestions(one, profiles)
    if not found:
        yield (*head, "–", "", "no profile fits its medium")
    for place, guess in enumerate(found):
        yield (*(head if place == 0 else ("",) * len(head)), guess.profile, guess.sure, guess.why)


def _render_survey(results: Sequence[MbusScanResult], profiles: Sequence[MeterProfile]) -> dict[str, Any]:
    return {
        "found": [
            {
                **asdict(one),
                "bus": result.bus.model_dump(mode="json"),
                "guesses": [
                    {"profile": guess.profile, "sure": guess.sure, "why": guess.why}
                    for guess in find_suggestions(one, profiles)
                ],
            }
            for result in results
            for one in result.survey.found
        ],
        "asked_count": sum(result.survey.asked_count for result in results),
        "notes": [note for result in results for note in result.survey.notes],
        "lost": next((result.end_reason for result in results if result.end_reason), ""),
    }


def render_mbus_lines(results: Sequence[MbusScanResult], folders: "Sequence[Path]" = ()) -> str:
    """Return the lines of a site file for what was found, by primary address where no other meter has it."""
    profiles = list_protocol_profiles("mbus", folders)
    lines: list[str] = []
    for number, result in enumerate((one for one in results if one.survey.found), start=1):
        bus = result.bus
        lines += [f"[buses.mbus{number}]", 'kind = "mbus"', f'port = "{bus.port}"']
        lines += [f"baud = {bus.baud}"] if bus.baud else []
        lines += [f'framing = "{bus.framing}"'] if bus.framing else []
        names: dict[str, int] = {}
        for one in result.survey.found:
            if one.serial:
                same = names[one.serial] = names.get(one.serial, 0) + 1
                name = f"m{one.serial.lower()}" + (f"_{same}" if same > 1 else "")
                lines += _render_device_lines(name, f"mbus{number}", one, result.survey.found, profiles)
    return "\n".join(lines) + "\n" if lines else ""


def find_suggestions(one: FoundMeter, profiles: Sequence[MeterProfile]) -> list[ProfileSuggestion]:
    """Return the profiles that fit by maker, medium and version, the best first; empty where none does."""
    return find_fitting(profiles, MeterIdentity(maker=one.maker, medium=one.medium, version=one.version))


def _render_device_lines(
    name: str, bus: str, one: FoundMeter, others: Sequence[FoundMeter], profiles: "Sequence[MeterProfile]"
) -> list[str]:
    shared = sum(other.primary == one.primary for other in others) > 1
    own = one.primary not in (None, 0) and not shared
    found = find_suggestions(one, profiles)
    first = found[0] if found else None
    who = f"{one.maker} {one.medium}".replace("_", " ").strip()
    why = (
        f"no profile fits its medium ({who}); see quartier profiles"
        if first is None
        else f"{first.sure}: {first.why}"
    )
    return [
        "",
        f"[devices.{name}]",
        f'bus = "{bus}"',
        f'profile = "{first.profile if first else ""}"  # {why}',
        *(f'# profile = "{other.profile}"  # {other.sure}: {other.why}' for other in found[1:]),
        f"unit = {one.primary}" if own or not one.secondary else f'address = "{one.secondary}"',
    ]
