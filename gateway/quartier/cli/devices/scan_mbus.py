"""``quartier scan mbus``: find the meters on an M-Bus line, and their lines for the site file."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier.cli.rendering import output
from quartier.cli.rendering.terminal import ProgressLine
from quartier_drivers.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from quartier_drivers.meter.bus_section import MbusBus
    from quartier_drivers.meter.discovery.recognition import ProfileSuggestion
    from quartier_drivers.meter.mbus.scan import MbusScanResult, MbusScanTarget
    from quartier_drivers.meter.mbus.search import FoundMeter
    from quartier_drivers.meter.profile import MeterProfile

_INTERRUPTED = 130
_COLUMNS = (
    *(">address", "secondary address", "maker", "medium", ">serial", ">version", "note"),
    *("profile", "how sure", "why"),
)


def run_scan_mbus(options: argparse.Namespace) -> int:
    """Scan a line; exit 1 when nobody answers, 130 when it was interrupted (what was found is shown)."""
    from quartier_drivers.meter.mbus import scan as mbus_scan  # noqa: PLC0415 - imports the wires
    from quartier_drivers.transport.event_loop import LoopClock  # noqa: PLC0415 - the same

    buses = _list_settings(mbus_scan.parse_target(options.url), options)
    progress = _ScanProgress()
    results: list[MbusScanResult] = []
    interrupted = False
    try:
        asyncio.run(mbus_scan.scan_line(buses, _make_quest(options), LoopClock(), progress, results))
    except KeyboardInterrupt:
        interrupted = True
    progress.end()
    code = _print_results(options, results)
    if interrupted:
        print(f"{options.url}: interrupted; there may be more meters", file=sys.stderr)
        return _INTERRUPTED
    return code


def _list_settings(bus: "MbusBus", options: argparse.Namespace) -> "list[MbusBus]":
    """Return the line at each of the speeds asked for."""
    if options.parities:
        raise ConfigError([Fault(options.url, None, "parities", "do not fit M-Bus, expected ?framing=8N1")])
    if options.bauds and bus.port.startswith("tcp://"):
        raise ConfigError([Fault(options.url, None, "bauds", "fits serial lines only")])
    return [bus.model_copy(update={"baud": baud}) for baud in options.bauds or [bus.baud]]


def _make_quest(options: argparse.Namespace) -> "MbusScanTarget":
    from quartier_drivers.meter.mbus.header import (  # noqa: PLC0415 - brings nothing heavy, but its room
        ANY_ADDRESS,
        parse_mask,
    )
    from quartier_drivers.meter.mbus.scan import MbusScanTarget  # noqa: PLC0415 - imports the wires
    from quartier_drivers.meter.mbus.search import PRIMARY_ADDRESSES  # noqa: PLC0415 - the same

    if options.units and (wrong := [unit for unit in options.units if unit not in PRIMARY_ADDRESSES]):
        raise ConfigError(
            [Fault(options.url, None, "units", f"{wrong[0]} is wrong, expected 0..{PRIMARY_ADDRESSES[-1]}")]
        )
    wanted = None if options.units else ANY_ADDRESS
    if options.secondary:
        try:
            wanted = parse_mask(options.secondary)
        except ValueError as error:
            raise ConfigError([Fault(options.url, None, "secondary", str(error))]) from error
    primary = options.units or (() if options.secondary else PRIMARY_ADDRESSES)
    return MbusScanTarget(wanted, primary, is_thorough=options.thorough)


class _ScanProgress(ProgressLine):
    """Says how far a search has come."""

    def __call__(self, bus: "MbusBus", what: str, found_count: int) -> None:
        at = f" at {bus.baud}" if bus.baud else ""
        kind = what.split(maxsplit=1)[0]
        words = "searching by secondary address" if kind == "secondary" else "asking primary addresses"
        self.tell((bus, kind), f"{words}{at}, {found_count} found", f"{what}{at}, {found_count} found")


def _print_results(options: argparse.Namespace, results: "Sequence[MbusScanResult]") -> int:
    found = [one for result in results for one in result.survey.found]
    text = render_mbus_lines(results, options.profiles)
    if options.json:
        output.print_json(
            {"url": options.url, **_render_survey(results, options.profiles), "site_file": text}
        )
    else:
        _print_table(results, text, options.profiles)
    lost = next((result.end_reason for result in results if result.end_reason), "")
    if lost or not found:
        print(f"{options.url}: {lost or _suggest_remedy(results)}", file=sys.stderr)
    return 0 if found else 1


def _suggest_remedy(results: "Sequence[MbusScanResult]") -> str:
    asked_count = sum(result.survey.asked_count for result in results)
    look = (
        "look at the level converter, its supply and its speed, try other --bauds, measure the bus: some 36 V"
    )
    return f"no answer to {output.format_count(asked_count, 'request')}; {look}"


def _print_table(results: "Sequence[MbusScanResult]", text: str, folders: "Sequence[Path]") -> None:
    from quartier_drivers.meter.discovery.capture_decoding import (  # noqa: PLC0415 - imports the wires
        list_protocol_profiles,
    )

    for result in results:
        for note in result.survey.notes:
            print(f"note: {note}")
    profiles = list_protocol_profiles("mbus", folders)
    rows = [row for result in results for one in result.survey.found for row in _make_rows(one, profiles)]
    if rows:
        output.make_console().print(output.make_table("", _COLUMNS, rows))
        print(f"\nFor the site file:\n\n{text}")


def _make_rows(one: "FoundMeter", profiles: "Sequence[MeterProfile]") -> "Iterator[tuple[str, ...]]":
    address = "–" if one.primary is None else str(one.primary)
    version = str(one.version) if one.secondary else ""
    medium = one.medium.replace("_", " ")
    head = (address, one.secondary or "–", one.maker, medium, one.serial, version, one.note)
    found = find_suggestions(one, profiles)
    if not found:
        yield (*head, "–", "", "no profile fits its medium")
    for place, guess in enumerate(found):
        yield (*(head if place == 0 else ("",) * len(head)), guess.profile, guess.sure, guess.why)


def _render_survey(results: "Sequence[MbusScanResult]", folders: "Sequence[Path]") -> dict[str, Any]:
    from quartier_drivers.meter.discovery.capture_decoding import (  # noqa: PLC0415 - imports the wires
        list_protocol_profiles,
    )

    profiles = list_protocol_profiles("mbus", folders)
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


def render_mbus_lines(results: "Sequence[MbusScanResult]", folders: "Sequence[Path]" = ()) -> str:
    """Return the lines of a site file for what was found, by primary address where no other meter has it."""
    from quartier_drivers.meter.discovery.capture_decoding import (  # noqa: PLC0415 - imports the wires
        list_protocol_profiles,
    )

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


def find_suggestions(one: "FoundMeter", profiles: "Sequence[MeterProfile]") -> "list[ProfileSuggestion]":
    """Return the profiles that fit by maker, medium and version, the best first; empty where none does."""
    from quartier_drivers.meter.discovery.recognition import (  # noqa: PLC0415 - imports the wires
        MeterIdentity,
        find_fitting,
    )

    return find_fitting(profiles, MeterIdentity(maker=one.maker, medium=one.medium, version=one.version))


def _render_device_lines(
    name: str, bus: str, one: "FoundMeter", others: "Sequence[FoundMeter]", profiles: "Sequence[MeterProfile]"
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
