"""``quartier init``: write a first site file from the devices that answer; ask for what cannot be found."""

import argparse
import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.cli.devices.scan import scan_bus
from quartier.cli.installer.installer_answers import (
    InstallerAnswers,
    MissingAnswersError,
    make_choice_parser,
    parse_building_id,
    parse_current_a,
    parse_given_answer,
    parse_name,
    parse_phases_count,
)
from quartier.cli.rendering import output
from quartier.commissioning import first_site_file
from quartier.commissioning.first_site_file import (
    BATTERY,
    CHARGE_POINT,
    GRID_METER,
    LOAD,
    NO_ROLE,
    PV,
    AssetCandidate,
    ChosenAsset,
    FoundDevice,
)
from quartier.config import loading
from quartier_drivers.device_profile import loading as device_profile_loading
from quartier_drivers.device_reports import ScanRequest
from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.registry import SCANNED_PROTOCOLS, load_bus_protocol, load_protocol

LISTEN_S = 30.0
_BUS_KEYS = ("kind", "host", "port", "baud", "parity", "stop_bits")
_ASSET_NAMES = {GRID_METER: "grid", BATTERY: "bat", PV: "pv", CHARGE_POINT: "ev", LOAD: "load"}


def run_init(options: argparse.Namespace) -> int:
    """Find, ask, write.

    Exit 1: no device; 2: missing or wrong answers; 73: the file cannot be created; 78: faults.
    """
    if options.output.exists() or options.output.is_symlink():
        print(f"{options.output} already exists; give another name with --output", file=sys.stderr)
        return 2
    if not _is_writable(options.output.parent):
        print(
            f"{options.output} cannot be written: {options.output.parent} is missing, or you may not write "
            "there; create the folder, or choose another place with --output",
            file=sys.stderr,
        )
        return os.EX_CANTCREAT
    try:
        answers = InstallerAnswers(dict(parse_given_answer(one) for one in options.answer))
        answers.check(
            {"contract": first_site_file.parse_contract_w, "export": first_site_file.parse_export_w}
        )
        if not answers.is_complete:
            return answers.print_problems()
        devices = first_site_file.name_devices(
            [one for where in options.where for one in _find_devices(where, options)]
        )
    except (ValueError, ConfigError, LinkLost) as error:
        print(f"quartier init: {error}", file=sys.stderr)
        return 2
    if not devices:
        print("no device was found; quartier scan and quartier listen show why", file=sys.stderr)
        return 1
    _print_devices(devices)
    return _ask_and_write(devices, answers, options)


def _is_writable(folder: Path) -> bool:
    """Return whether a file can be created in the folder; it is checked before the questions."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _ask_and_write(
    devices: Mapping[str, FoundDevice], answers: InstallerAnswers, options: argparse.Namespace
) -> int:
    try:
        text = _compose_site_file(devices, answers, options)
    except (EOFError, MissingAnswersError):
        return answers.print_problems()
    except ValueError as error:
        print(f"quartier init: {error}", file=sys.stderr)
        return 2
    return _write_site_file(options, text)


# Finding devices


def _find_devices(where: str, options: argparse.Namespace) -> list[FoundDevice]:
    """Find the devices of a place: output of ``scan --json``, a Modbus address, or a port of a meter."""
    if Path(where).is_file():
        return list(_read_found_devices(_read_scan(Path(where)), where))
    for protocol in SCANNED_PROTOCOLS:
        if where.startswith(load_protocol(protocol).scanned_urls):
            return list(_read_found_devices(_scan_bus(protocol, where, options), where))
    return asyncio.run(_listen_to_port(where, options))


def _scan_bus(protocol: str, where: str, options: argparse.Namespace) -> Mapping[str, Any]:
    """Scan a bus as the command does, and return what it prints as JSON.  Raises ConfigError."""
    address, _, unit = where.partition("?unit=")
    url, units = (address, [int(unit)]) if unit.isdigit() else (where, options.units)
    report = scan_bus(protocol, ScanRequest(url, options.profiles, units))
    if report.data["lost"]:
        print(f"{url}: {report.end}", file=sys.stderr)
    return {"url": url, **report.data}


def _read_scan(path: Path) -> Any:
    """Read the output of a scan.  Raises ValueError that names the file."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        is_scan = all(one.keys() >= {"unit", "bus", "guesses", "answers"} for one in result["found"])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, OSError):
        is_scan = False
    if not is_scan:
        raise ValueError(f"{path}: expected the output of quartier scan modbus --json")
    return result


def _read_found_devices(result: Any, where: str) -> Iterator[FoundDevice]:
    for one in result["found"]:
        guesses = one["guesses"]
        if not guesses:
            print(f"{where}: unit {one['unit']} fits no profile; left out", file=sys.stderr)
            continue
        bus = {key: one["bus"][key] for key in _BUS_KEYS if key in one["bus"]}
        sure = guesses[0]["sure"] == "sure"
        texts = [*one.get("identity", {}).values(), guesses[0].get("why", "").partition("; ")[0]]
        identity = next((text for text in texts if text), one["answers"])
        yield FoundDevice(bus, guesses[0]["profile"], one["unit"], identity, sure)


async def _listen_to_port(port: str, options: argparse.Namespace) -> list[FoundDevice]:
    """Listen on a port until the meter's profile is known."""
    from quartier_drivers.meter import keys  # noqa: PLC0415 - imports what decrypts
    from quartier_drivers.meter.discovery import listen  # noqa: PLC0415 - decrypts, and opens ports
    from quartier_drivers.meter.discovery.capture_decoding import CaptureDecoder  # noqa: PLC0415 - the same

    known = keys.load_keys(options.key_file or "")
    found = await listen.find_meter(port, lambda text: print(text, file=sys.stderr), known)
    if not found.protocol or found.was_asked:
        print(f"{port}: {found.advice or 'answers only on request; use quartier scan mbus'}", file=sys.stderr)
        return []
    over_tcp = port.startswith("tcp://")
    capture = CaptureDecoder(
        found.protocol, keys=known, folders=options.profiles, is_capture=False, over_tcp=over_tcp
    )
    key_file = _find_key_file(options, found.protocol)
    best = None
    try:
        async with asyncio.timeout(LISTEN_S):
            async for data in listen.read_chunks(port, found):
                for frame in capture.feed(data):
                    best = frame.by or best
                    if best is not None and (frame.telegram.meter or frame.number >= 3):
                        sure = best.sure == "sure"
                        return [
                            FoundDevice(
                                listen.make_bus_keys(port, found),
                                best.profile,
                                profile_reason=best.why,
                                is_profile_sure=sure,
                                key_file=key_file,
                            )
                        ]
    except TimeoutError:
        pass
    return (
        []
        if best is None
        else [
            FoundDevice(
                listen.make_bus_keys(port, found),
                best.profile,
                None,
                best.why,
                is_profile_sure=False,
                key_file=key_file,
            )
        ]
    )


def _find_key_file(options: argparse.Namespace, protocol: str) -> str:
    """Return the path of the key file for the site file; empty where the protocol does not encrypt."""
    has_keys = bool(options.key_file) and load_protocol(protocol).encrypts
    return str(Path(options.key_file).absolute()) if has_keys else ""


def _print_devices(devices: Mapping[str, FoundDevice]) -> None:
    rows = [
        (name, one.profile, "" if one.unit is None else str(one.unit), _format_place(one), one.profile_reason)
        for name, one in devices.items()
    ]
    output.make_console().print(
        output.make_table("", ("device", "profile", ">unit", "at", "recognised by"), rows)
    )


def _format_place(one: FoundDevice) -> str:
    return f"{one.bus['host']}:{one.bus['port']}" if "host" in one.bus else str(one.bus.get("port", ""))


# Asking


def _compose_site_file(
    devices: Mapping[str, FoundDevice], answers: InstallerAnswers, options: argparse.Namespace
) -> str:
    ident = answers.ask("id", "Name of the building in the district", parse_building_id, _find_host_name())
    district = answers.ask("district", "Name of the district", parse_name, "local")
    contract_w = answers.ask(
        "contract",
        "Import power of the contract (12 kVA, 9 kW, 45 A, 3x25 A)",
        first_site_file.parse_contract_w,
    )
    export_w = answers.ask(
        "export", "Export power agreed with the grid operator (0 W: none)", first_site_file.parse_export_w
    )
    assets = list(_choose_assets(devices, answers, options.profiles))
    answers.check_unused()
    if not answers.is_complete:
        raise MissingAnswersError
    assert ident is not None
    assert district is not None
    assert contract_w is not None
    assert export_w is not None
    here = options.output.absolute().parent
    folders = tuple(os.path.relpath(folder.absolute(), here) for folder in options.profiles)
    building = first_site_file.SiteAnswers(ident, district, contract_w, export_w, _find_time_zone(), folders)
    used = {one.device for one in assets}
    supplies = [
        name
        for name, one in devices.items()
        if load_bus_protocol(str(one.bus["kind"])).reports_supply and name not in used
    ]
    return first_site_file.render_site_file(building, devices, assets, supplies)


def _choose_assets(
    devices: Mapping[str, FoundDevice], answers: InstallerAnswers, folders: Sequence[Path]
) -> Iterator[ChosenAsset]:
    candidates = [
        one
        for name, device in devices.items()
        for one in first_site_file.find_asset_candidates(
            name, device_profile_loading.load_profile(device.profile, folders).parts
        )
    ]
    grid = _choose_grid_meter(candidates, answers)
    counts: dict[str, int] = {}
    # Those whose role is asked for come last: an answer then changes the name of no other asset.
    for one in sorted(candidates, key=lambda one: one is not grid and len(_list_other_roles(one)) > 1):
        role = GRID_METER if one is grid else _choose_role(one, answers, is_grid_known=grid is not None)
        if role is None or role == NO_ROLE:
            continue
        counts[role] = counts.get(role, 0) + 1
        name = _ASSET_NAMES[role] + ("" if role == GRID_METER else str(counts[role]))
        by = one.label if len(_list_other_roles(one)) > 1 else name
        yield ChosenAsset(name, role, one.device, one.part, dict(_ask_ratings(name, by, role, answers)))


def _list_other_roles(one: AssetCandidate) -> Sequence[str]:
    """Return what it may be where it is not the meter of the connection."""
    return [role for role in one.roles if role != GRID_METER] or [NO_ROLE]


def _choose_role(one: AssetCandidate, answers: InstallerAnswers, *, is_grid_known: bool) -> str | None:
    """Choose the role of what is not known as the connection meter; None where the answer is missing."""
    roles = _list_other_roles(one)
    if len(roles) == 1:
        return roles[0]
    unless = "" if is_grid_known else f"; leave out with grid={one.label}"
    role = answers.ask(
        f"{one.label}.role",
        f"What does {one.label} measure ({', '.join(roles)}){unless}",
        make_choice_parser(roles),
    )
    key = f"{one.label}.rated_w"
    if answers.take_option(key) is None and role is None:
        answers.missing[key] = (
            f"Rated power of what it measures (such as 5 kW); only with {one.label}.role=pv or load"
        )
    return role


def _choose_grid_meter(
    candidates: Sequence[AssetCandidate], answers: InstallerAnswers
) -> AssetCandidate | None:
    """Choose the connection meter: the only one, or the answered one; None where the answer is missing."""
    able = {one.label: one for one in candidates if GRID_METER in one.roles}
    roles = {label: answers.take_option(f"{label}.role") for label in able}
    left = [label for label, role in roles.items() if role in {None, GRID_METER}]
    labels = [label for label in left if roles[label] == GRID_METER] or left
    if answers.take_option("grid") is None and len(labels) <= 1:
        if not labels:
            raise ValueError(
                "no device can be the connection meter: add the address of the meter at the connection"
            )
        return able[labels[0]]
    question = f"Which meter is at the connection to the grid ({', '.join(labels)})"
    named = [label for label in labels if able[label].part == GRID_METER]
    # Without a terminal there is no default: the limits are kept by this meter.
    default = named[0] if len(named) == 1 and sys.stdin.isatty() else ""
    return able.get(answers.ask("grid", question, make_choice_parser(labels), default) or "")


def _ask_ratings(
    name: str, by: str, role: str, answers: InstallerAnswers
) -> Iterator[tuple[str, float | int]]:
    asked: list[tuple[str, str, Callable[[str], Any], str]] = []
    if role in {BATTERY, PV, LOAD}:
        asked.append(("rated_w", f"Rated power of {name} (such as 5 kW)", first_site_file.parse_power_w, ""))
    if role == BATTERY:
        asked.append(
            ("capacity_wh", f"Usable energy of {name} (such as 10 kWh)", first_site_file.parse_energy_wh, "")
        )
    if role == CHARGE_POINT:
        asked.append(("phases_count", f"Phases of {name} (1 or 3)", parse_phases_count, ""))
        asked.append(
            ("current_max_a", f"Largest current that cable and fuse of {name} allow", parse_current_a, "16 A")
        )
    for key, question, read, default in asked:
        value = answers.ask(f"{by}.{key}", question, read, default, also=f"{name}.{key}")
        if value is not None:
            yield key, value


def _find_host_name() -> str:
    return re.sub(r"[^a-z0-9-]", "-", os.uname().nodename.lower()).strip("-")[:63] or "building"


def _find_time_zone() -> str:
    """Return the time zone of this machine; Europe/Paris where it has none."""
    target = os.path.realpath("/etc/localtime")
    zone = target.partition("/zoneinfo/")[2]
    return zone if "/" in zone else "Europe/Paris"


def _write_site_file(options: argparse.Namespace, text: str) -> int:
    try:
        checked = loading.check_site_file(options.output, loading.ReplacementText(str(options.output), text))
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        print(text)
        return os.EX_CONFIG
    for warning in checked.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    try:
        with options.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        print(text)
        print(f"{options.output} cannot be written: {error.strerror}; its text is above", file=sys.stderr)
        return os.EX_CANTCREAT
    print(f"{options.output} was written and has no fault. Next:")
    for command, does in _list_next_steps(options.output, checked):
        print(f"  {command:<44}  {does}")
    return 0


def _list_next_steps(path: Path, checked: loading.LoadedSite) -> Iterator[tuple[str, str]]:
    """List the commands that come next, in the order of the page for installers, and what each does."""
    file = shlex.quote(str(path))
    yield f"quartier check {file}", "show faults and warnings, and which meter faults can be seen"
    ordered = {BATTERY: "setpoint_w", CHARGE_POINT: "current_max_a", PV: "generation_max_w"}
    points = {name: _find_points(checked, asset) for name, asset in checked.site.assets.items()}
    controllable = [
        name
        for role, quantity in ordered.items()
        for name, asset in checked.site.assets.items()
        if asset.role == role and quantity in points[name] and points[name][quantity].writable
    ]
    if controllable:
        yield f"quartier arm --config {file}", "write each fallback, read it back (stop the daemon first)"
    seen = [name for name in controllable if "power_w" in points[name]]
    if seen and "power_w" in points[checked.site.grid()[0]]:
        also = f"; then {', '.join(seen[1:])}" if seen[1:] else ""
        yield f"quartier probe {seen[0]} --config {file}", f"check sign and scale with small steps{also}"


def _find_points(checked: loading.LoadedSite, asset: Any) -> Mapping[str, first_site_file.ProfileQuantity]:
    return checked.profiles[asset.device].parts.get(asset.part or "", {})
