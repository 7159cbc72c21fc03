"""``quartier scan``: find the units that answer on a Modbus bus, and the profiles that they may be."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING, Any, get_args

from quartier.cli.rendering import output
from quartier.cli.rendering.terminal import ProgressLine
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.modbus.bus_section import Baud, RtuBus

if TYPE_CHECKING:
    from quartier_drivers.modbus.scan import FoundDevice, ScannedBus, ScanResult

# Short, and no repetition: most units of a scan are not there.
QUICK_SETTINGS: dict[str, Any] = {"timeout_s": 0.5, "retries_count": 0, "pause_s": 0.02}
_ALL_UNITS = range(1, 248)
# Many a device on TCP answers as 255 (Modbus Messaging on TCP/IP V1.0b, 4.4.2), which no serial line has.
_TCP_SELF_UNIT = 255


def run_scan(options: argparse.Namespace) -> int:
    """Scan a bus; exit 1 when nobody answers."""
    if options.protocol == "mbus":
        from quartier.cli.devices import scan_mbus  # noqa: PLC0415 - meters of another wire

        return scan_mbus.run_scan_mbus(options)
    if options.protocol == "bacnet":
        from quartier.cli.devices import scan_bacnet  # noqa: PLC0415 - another network

        return scan_bacnet.run_scan_bacnet(options)
    if options.secondary:
        raise ConfigError([Fault(options.url, None, "secondary", "fits mbus only")])
    from quartier_drivers.modbus import reader  # noqa: PLC0415 - imports the wires

    bus = reader.parse_target(options.url).bus
    settings = _list_settings(bus, options)
    wanted = options.units or [*_ALL_UNITS, *([] if isinstance(bus, RtuBus) else [_TCP_SELF_UNIT])]
    survey = _scan_settings(settings, wanted, options.profiles, thorough=options.thorough)
    text = render_modbus_lines(survey)
    if options.json:
        output.print_json({"url": options.url, **_render_survey(survey), "site_file": text})
    else:
        _print_survey(survey, text)
    if not survey.found:
        print(
            f"{options.url}: {survey.end_reason or _explain_none_found(bus, survey, wanted)}", file=sys.stderr
        )
    return 0 if survey.found else 1


def survey_modbus(url: str, units: Sequence[int] | None, folders: Sequence[Any] = ()) -> dict[str, Any]:
    """Scan a Modbus bus as the command does, and return what it prints as JSON.  Raises ConfigError."""
    from quartier_drivers.modbus import reader  # noqa: PLC0415 - imports the wires

    bus = reader.parse_target(url).bus
    quick = {key: value for key, value in QUICK_SETTINGS.items() if key not in bus.model_fields_set}
    wanted = units or [*_ALL_UNITS, *([] if isinstance(bus, RtuBus) else [_TCP_SELF_UNIT])]
    survey = _scan_settings([bus.model_copy(update=quick)], wanted, folders, thorough=False)
    if survey.end_reason:
        print(f"{url}: {survey.end_reason}", file=sys.stderr)
    return {"url": url, **_render_survey(survey)}


def _scan_settings(
    settings: list["ScannedBus"], wanted: Sequence[int], folders: Sequence[Any], *, thorough: bool
) -> "ScanResult":
    """Look for the units on a bus at each of its settings."""
    from quartier_drivers.modbus import scan as modbus_scan  # noqa: PLC0415 - the same
    from quartier_drivers.transport.event_loop import LoopClock  # noqa: PLC0415 - imports the wires

    loaded = [loading.load_profile(name, folders) for name in _list_loadable_profiles(folders)]
    known = [one for one in loaded if isinstance(one, loading.RegisterProfile)]
    sunspec_guesser = _make_sunspec_guesser([one for one in loaded if one.protocol == "sunspec"])
    progress = _ScanProgress()
    survey = asyncio.run(
        modbus_scan.scan_buses(
            settings, wanted, known, LoopClock(), progress, thorough=thorough, beside=sunspec_guesser
        )
    )
    progress.end()
    return survey


def _make_sunspec_guesser(profiles: Sequence[Any]) -> Any:
    """Return who knows SunSpec devices by their models."""
    from quartier_drivers.sunspec.reader import find_matches  # noqa: PLC0415 - nobody but a scan needs it

    return lambda line, unit: find_matches(line, unit, profiles)


def _list_loadable_profiles(folders: Sequence[Any]) -> list[str]:
    """List the profiles that can be loaded; name and leave out those of the site with a fault."""
    sound = []
    for name in loading.list_profiles(folders):
        try:
            loading.load_profile(name, folders)
        except ConfigError as error:
            print(f"left out: {error.faults[0]}", file=sys.stderr)
        else:
            sound.append(name)
    return sound


def _list_settings(bus: "ScannedBus", options: argparse.Namespace) -> list["ScannedBus"]:
    """Return the bus at each of the settings asked for."""
    quick = {key: value for key, value in QUICK_SETTINGS.items() if key not in bus.model_fields_set}
    if not isinstance(bus, RtuBus):
        if options.bauds or options.parities:
            where = "bauds" if options.bauds else "parities"
            raise ConfigError([Fault(options.url, None, where, "fits serial lines only")])
        return [bus.model_copy(update=quick)]
    if wrong := set(options.bauds or ()) - set(get_args(Baud)):
        raise ConfigError([Fault(options.url, None, "bauds", f"{min(wrong)} is no speed of Modbus")])
    return [
        bus.model_copy(update={**quick, "baud": baud, "parity": parity})
        for baud in options.bauds or [bus.baud]
        for parity in options.parities or [bus.parity]
    ]


def _explain_none_found(bus: "ScannedBus", survey: "ScanResult", wanted: Sequence[int]) -> str:
    numbers = output.format_count(len(wanted), "unit number")
    if survey.absent_count:
        remedy = "look at the power and unit number of the device, and at speed and wires behind the gateway"
        return f"a gateway answers, but no device under {numbers}; {remedy}"
    return f"no answer under {numbers}; {_suggest_remedy(bus)}"


def _suggest_remedy(bus: "ScannedBus") -> str:
    if isinstance(bus, RtuBus):
        return "try other --bauds and --parities, swap A and B, and look at the termination"
    return "look whether Modbus is switched on in the device, and whether another client holds its connection"


class _ScanProgress(ProgressLine):
    """Says how far a scan has come."""

    def __call__(self, bus: "ScannedBus", unit: int, place: int, count: int, found: int) -> None:
        at = f" at {bus.baud} {bus.parity}" if isinstance(bus, RtuBus) else ""
        begins = (
            f"asking {output.format_count(count, 'unit', 'units')}{at}, up to {ceil(count * bus.timeout_s)} s"
        )
        self.tell(bus, begins, f"unit {unit}{at}, {place + 1} of {count}, {found} found")


def _print_survey(survey: "ScanResult", text: str) -> None:
    for note in survey.notes:
        print(f"note: {note}")
    if not survey.found:
        return
    rows = [row for found in survey.found for row in _make_rows(found)]
    columns = (">unit", "at", "answers", "profile", "how sure", "why")
    output.make_console().print(output.make_table("", columns, rows))
    print(f"\nFor the site file:\n\n{text}")


def _format_setting(bus: "ScannedBus") -> str:
    return f"{bus.baud} {bus.parity}" if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"


def _make_rows(found: "FoundDevice") -> list[tuple[str, ...]]:
    description = "; ".join([found.answer, *(text for _, text in sorted(found.objects.items()))])
    head = (str(found.unit), _format_setting(found.bus), description)
    also = [("", "", "", "", "", _describe_other_units(found))] if found.also else []
    if not found.guesses:
        return [(*head, "–", "", "no profile knows it by its marks"), *also]
    first, *others = found.guesses
    return [
        (*head, first.profile, first.sure, first.why),
        *also,
        *(("", "", "", one.profile, one.sure, one.why) for one in others),
    ]


def _describe_other_units(found: "FoundDevice") -> str:
    """Name the other units of the same device."""
    units = [f"{unit} ({profile})" if profile else str(unit) for unit, profile in found.also.items()]
    return f"the same device answers as unit {', '.join(units)}; use unit {found.unit}"


def _render_survey(survey: "ScanResult") -> dict[str, Any]:
    units_found = [
        {
            "unit": found.unit,
            "bus": found.bus.model_dump(mode="json"),
            "answers": found.answer,
            "identity": {str(number): text for number, text in found.objects.items()},
            "guesses": [asdict(one) for one in found.guesses],
            "also": {str(unit): profile for unit, profile in found.also.items()},
        }
        for found in survey.found
    ]
    return {
        "found": units_found,
        "asked_count": survey.asked_count,
        "notes": survey.notes,
        "lost": survey.end_reason,
    }


def render_modbus_lines(survey: "ScanResult") -> str:
    """Return the lines of a site file for what was found; a comment marks guesses."""
    lines: list[str] = []
    names: dict[str, str] = {}
    devices: set[str] = set()
    for found in survey.found:
        key = _format_setting(found.bus)
        if key not in names:
            names[key] = f"bus{len(names) + 1}"
            lines += _render_bus_lines(names[key], found.bus)
        device = f"unit{found.unit}"
        device += f"_{names[key]}" if device in devices else ""  # the same number at another speed
        devices.add(device)
        lines += ["", f"[devices.{device}]", f'bus = "{names[key]}"', *_render_profile_lines(found)]
        lines.append(f"unit = {found.unit}" + (f"  # {_describe_other_units(found)}" if found.also else ""))
    return "\n".join(lines) + "\n" if lines else ""


def _render_bus_lines(name: str, bus: "ScannedBus") -> list[str]:
    keys = (
        ("kind", "port", "baud", "parity", "stop_bits")
        if isinstance(bus, RtuBus)
        else ("kind", "host", "port")
    )
    values = [(key, getattr(bus, key)) for key in keys]
    shown = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in values]
    return [f"[buses.{name}]", *shown]


def _render_profile_lines(found: "FoundDevice") -> list[str]:
    if not found.guesses:
        return ['profile = ""                  # no profile knows it; quartier profiles lists them all']
    first, *others = found.guesses
    text = "" if first.sure == "sure" else f"  # {first.sure}: compare the maker's plate"
    more = [f'# profile = "{one.profile}"  # {one.sure}' for one in others]
    return [f'profile = "{first.profile}"{text}', *more]
