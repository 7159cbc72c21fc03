"""Tells what a scan of a Modbus bus found: the units that answer, and the profiles that they may be."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from math import ceil
from typing import Any, get_args

from quartier_drivers.device_profile import loading
from quartier_drivers.device_reports import ScanListener, ScanReport, ScanRequest, format_count
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.modbus.bus_section import Baud, RtuBus
from quartier_drivers.modbus.discovery import reader
from quartier_drivers.modbus.discovery.scan import FoundDevice, ScannedBus, ScanResult, scan_buses
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.registry import PROTOCOLS, load_protocol
from quartier_drivers.transport.event_loop import LoopClock

# Short, and no repetition: most units of a scan are not there.
QUICK_SETTINGS: dict[str, Any] = {"timeout_s": 0.5, "retries_count": 0, "pause_s": 0.02}
_ALL_UNITS = range(1, 248)
# Many a device on TCP answers as 255 (Modbus Messaging on TCP/IP V1.0b, 4.4.2), which no serial line has.
_TCP_SELF_UNIT = 255
_COLUMNS = (">unit", "at", "answers", "profile", "how sure", "why")


def scan(request: ScanRequest, listener: ScanListener) -> ScanReport:
    """Scan a bus.  Raises ConfigError for a wrong URL or setting."""
    if request.secondary:
        raise ConfigError([Fault(request.url, None, "secondary", "fits mbus only")])
    bus = reader.parse_target(request.url).bus
    settings = _list_settings(bus, request)
    wanted = request.units or [*_ALL_UNITS, *([] if isinstance(bus, RtuBus) else [_TCP_SELF_UNIT])]
    survey = _scan_settings(settings, wanted, request, listener)
    return ScanReport(
        found_count=len(survey.found),
        columns=_COLUMNS,
        rows=[row for found in survey.found for row in _make_rows(found)],
        notes=survey.notes,
        data=_render_survey(survey),
        site_lines=render_modbus_lines(survey),
        end=survey.end_reason or ("" if survey.found else _explain_none_found(bus, survey, wanted)),
    )


def _scan_settings(
    settings: list[ScannedBus], wanted: Sequence[int], request: ScanRequest, listener: ScanListener
) -> ScanResult:
    """Look for the units on a bus at each of its settings."""
    loaded = _load_profiles(request, listener)
    known = [one for one in loaded if isinstance(one, loading.RegisterProfile)]
    guests = [load_protocol(name) for name, entry in PROTOCOLS.items() if entry.on == "modbus"]

    async def find_guests(line: ModbusLine, unit: int) -> list[loading.ProfileMatch]:
        return [
            match
            for guest in guests
            for match in await guest.find_matches(
                line, unit, [one for one in loaded if one.protocol == guest.name]
            )
        ]

    def progress(bus: ScannedBus, unit: int, place: int, count: int, found: int) -> None:
        at = f" at {bus.baud} {bus.parity}" if isinstance(bus, RtuBus) else ""
        begins = f"asking {format_count(count, 'unit')}{at}, up to {ceil(count * bus.timeout_s)} s"
        listener.tell(bus, begins, f"unit {unit}{at}, {place + 1} of {count}, {found} found")

    return asyncio.run(
        scan_buses(
            settings, wanted, known, LoopClock(), progress, thorough=request.is_thorough, beside=find_guests
        )
    )


def _load_profiles(request: ScanRequest, listener: ScanListener) -> list[loading.Profile]:
    """Load the profiles; name and leave out those of the site with a fault."""
    sound = []
    for name in loading.list_profiles(request.folders):
        try:
            sound.append(loading.load_profile(name, request.folders))
        except ConfigError as error:
            listener.warn(f"left out: {error.faults[0]}")
    return sound


def _list_settings(bus: ScannedBus, request: ScanRequest) -> list[ScannedBus]:
    """Return the bus at each of the settings asked for."""
    quick = {key: value for key, value in QUICK_SETTINGS.items() if key not in bus.model_fields_set}
    if not isinstance(bus, RtuBus):
        if request.bauds or request.parities:
            where = "bauds" if request.bauds else "parities"
            raise ConfigError([Fault(request.url, None, where, "fits serial lines only")])
        return [bus.model_copy(update=quick)]
    if wrong := set(request.bauds or ()) - set(get_args(Baud)):
        raise ConfigError([Fault(request.url, None, "bauds", f"{min(wrong)} is no speed of Modbus")])
    return [
        bus.model_copy(update={**quick, "baud": baud, "parity": parity})
        for baud in request.bauds or [bus.baud]
        for parity in request.parities or [bus.parity]
    ]


def _explain_none_found(bus: ScannedBus, survey: ScanResult, wanted: Sequence[int]) -> str:
    numbers = format_count(len(wanted), "unit number")
    if survey.absent_count:
        remedy = "look at the power and unit number of the device, and at speed and wires behind the gateway"
        return f"a gateway answers, but no device under {numbers}; {remedy}"
    return f"no answer under {numbers}; {_suggest_remedy(bus)}"


def _suggest_remedy(bus: ScannedBus) -> str:
    if isinstance(bus, RtuBus):
        return "try other --bauds and --parities, swap A and B, and look at the termination"
    return "look whether Modbus is switched on in the device, and whether another client holds its connection"


def _format_setting(bus: ScannedBus) -> str:
    return f"{bus.baud} {bus.parity}" if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"


def _make_rows(found: FoundDevice) -> list[tuple[str, ...]]:
    said = "; ".join([found.answer, *(text for _, text in sorted(found.objects.items()))])
    head = (str(found.unit), _format_setting(found.bus), said)
    also = [("", "", "", "", "", _describe_other_units(found))] if found.also else []
    if not found.guesses:
        return [(*head, "–", "", "no profile knows it by its marks"), *also]
    first, *others = found.guesses
    return [
        (*head, first.profile, first.sure, first.why),
        *also,
        *(("", "", "", one.profile, one.sure, one.why) for one in others),
    ]


def _describe_other_units(found: FoundDevice) -> str:
    """Name the other units of the same device."""
    units = [f"{unit} ({profile})" if profile else str(unit) for unit, profile in found.also.items()]
    return f"the same device answers as unit {', '.join(units)}; use unit {found.unit}"


def _render_survey(survey: ScanResult) -> dict[str, Any]:
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


def render_modbus_lines(survey: ScanResult) -> str:
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


def _render_bus_lines(name: str, bus: ScannedBus) -> list[str]:
    keys = (
        ("kind", "port", "baud", "parity", "stop_bits")
        if isinstance(bus, RtuBus)
        else ("kind", "host", "port")
    )
    values = [(key, getattr(bus, key)) for key in keys]
    shown = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in values]
    return [f"[buses.{name}]", *shown]


def _render_profile_lines(found: FoundDevice) -> list[str]:
    if not found.guesses:
        return ['profile = ""                  # no profile knows it; quartier profiles lists them all']
    first, *others = found.guesses
    text = "" if first.sure == "sure" else f"  # {first.sure}: compare the maker's plate"
    more = [f'# profile = "{one.profile}"  # {one.sure}' for one in others]
    return [f'profile = "{first.profile}"{text}', *more]
