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
from typing import Any, TypeVar

from quartier.cli import output
from quartier.cli.listen import site_keys
from quartier.cli.scan import survey_of
from quartier.commissioning import firstsite
from quartier.commissioning.firstsite import BATTERY, EV, GRID, LOAD, NONE, PV, Candidate, Chosen, FoundDevice
from quartier.config import load
from quartier_drivers import profile
from quartier_drivers.errors import ConfigError, LinkLost

LISTEN_S = 30.0
_ENCRYPTING = ("dlms", "p1", "mbus")
_Said = TypeVar("_Said")
_FILE_BUS = ("kind", "host", "port", "baud", "parity", "stop_bits")
_ASSET_NAMES = {GRID: "grid", BATTERY: "bat", PV: "pv", EV: "ev", LOAD: "load"}


class _Missing(Exception):  # noqa: N818 - a state, not an error
    """Answers are missing, and there is no terminal to ask for them."""


def init(options: argparse.Namespace) -> int:
    """Find, ask, write; exit 1 when nothing was found, 2 for missing or wrong answers, 78 for faults."""
    if options.output.exists() or options.output.is_symlink():
        print(f"{options.output} already exists; give another name with --output", file=sys.stderr)
        return 2
    try:
        answers = Answers(dict(_answer(one) for one in options.answer))
        answers.check({"contract": firstsite.read_contract_w, "export": firstsite.read_power_w})
        devices = firstsite.name_devices([one for where in options.where for one in _find(where, options)])
    except (ValueError, ConfigError, LinkLost) as error:
        print(f"quartier init: {error}", file=sys.stderr)
        return 2
    if not devices:
        print("no device was found; quartier scan and quartier listen show why", file=sys.stderr)
        return 1
    _show(devices)
    try:
        text = _compose(devices, answers, options)
    except (EOFError, _Missing):
        return _tell_missing(answers)
    except ValueError as error:
        print(f"quartier init: {error}", file=sys.stderr)
        return 2
    return _write(options, text)


def _answer(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"--answer {text}: expected KEY=VALUE")
    return key.strip(), value.strip()


# Finding devices


def _find(where: str, options: argparse.Namespace) -> list[FoundDevice]:
    """The devices of a place: the output of ``scan --json``, a Modbus address, or a port of a meter."""
    if Path(where).is_file():
        return list(_from_scan(_read_scan(Path(where)), where))
    if where.startswith(("tcp://", "rtu://")):
        address, _, unit = where.partition("?unit=")
        if unit.isdigit():
            return list(_from_scan(survey_of(address, [int(unit)], options.profiles), where))
        return list(_from_scan(survey_of(where, options.units, options.profiles), where))
    return asyncio.run(_hear(where, options))


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


def _from_scan(result: Any, where: str) -> Iterator[FoundDevice]:
    for one in result["found"]:
        guesses = one["guesses"]
        if not guesses:
            print(f"{where}: unit {one['unit']} fits no profile; left out", file=sys.stderr)
            continue
        bus = {key: one["bus"][key] for key in _FILE_BUS if key in one["bus"]}
        sure = guesses[0]["sure"] == "sure"
        yield FoundDevice(bus, guesses[0]["profile"], one["unit"], one["answers"], sure)


async def _hear(port: str, options: argparse.Namespace) -> list[FoundDevice]:
    """Listen on a port until the meter's profile is known."""
    from quartier_drivers.meter import keys  # noqa: PLC0415 - imports what decrypts
    from quartier_drivers.meter import listen as listening  # noqa: PLC0415 - opens ports
    from quartier_drivers.meter.decode import Capture  # noqa: PLC0415 - the same

    known = keys.load(options.key_file or "")
    found = await listening.find(port, lambda text: print(text, file=sys.stderr), known)
    if not found.protocol or found.asked:
        print(f"{port}: {found.advice or 'answers only on request; use quartier scan mbus'}", file=sys.stderr)
        return []
    over_tcp = port.startswith("tcp://")
    capture = Capture(
        found.protocol, keys=known, folders=options.profiles, is_capture=False, over_tcp=over_tcp
    )
    key_file = _key_file(options, found.protocol)
    best = None
    try:
        async with asyncio.timeout(LISTEN_S):
            async for data in listening.chunks(port, found):
                for frame in capture.feed(data):
                    best = frame.by or best
                    if best is not None and (frame.telegram.meter or frame.number >= 3):
                        sure = best.sure == "sure"
                        return [
                            FoundDevice(
                                site_keys(port, found),
                                best.profile,
                                said=best.why,
                                sure=sure,
                                key_file=key_file,
                            )
                        ]
    except TimeoutError:
        pass
    return (
        []
        if best is None
        else [
            FoundDevice(site_keys(port, found), best.profile, None, best.why, sure=False, key_file=key_file)
        ]
    )


def _key_file(options: argparse.Namespace, protocol: str) -> str:
    """Return the path of the key file for the site file; empty where the protocol does not encrypt."""
    has_keys = bool(options.key_file) and protocol in _ENCRYPTING
    return str(Path(options.key_file).absolute()) if has_keys else ""


def _show(devices: Mapping[str, FoundDevice]) -> None:
    rows = [
        (name, one.profile, "" if one.unit is None else str(one.unit), _where(one), one.said)
        for name, one in devices.items()
    ]
    output.console().print(output.table("", ("device", "profile", ">unit", "at", "says"), rows))


def _where(one: FoundDevice) -> str:
    return f"{one.bus['host']}:{one.bus['port']}" if "host" in one.bus else str(one.bus.get("port", ""))


# Asking


class Answers:
    """What was answered with ``--answer``, and what a person at the terminal says."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._used: set[str] = set()
        self.missing: dict[str, str] = {}

    def ask(self, key: str, question: str, read: Callable[[str], _Said], default: str = "") -> _Said | None:
        """Find an answer and parse it; None without a terminal (``missing`` then has the question).

        Raises ValueError where the text of ``--answer`` cannot be parsed.
        """
        self._used.add(key)
        if key in self._given:
            try:
                return read(self._given[key])
            except ValueError as error:
                raise ValueError(f"--answer {key}: {error}") from None
        if not sys.stdin.isatty():
            if default:
                return read(default)
            self.missing[key] = question
            return None
        while True:
            said = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
            try:
                return read(said)
            except ValueError as error:
                print(error)

    def check(self, known: Mapping[str, Callable[[str], Any]]) -> None:
        """Read the answers that need no device, before anything is searched.  Raises ValueError."""
        for key in known.keys() & self._given.keys():
            self.ask(key, "", known[key])

    @property
    def unused(self) -> list[str]:
        """Keys of ``--answer`` that no question has: misspelt, or for another building."""
        return sorted(self._given.keys() - self._used)


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r}: expected one of {', '.join(known)}")
        return text

    return read


def _word(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text):
        raise ValueError(f"{text!r}: expected lower-case letters, digits, - and _")
    return text


def _count(text: str) -> int:
    if text not in {"1", "3"}:
        raise ValueError(f"{text!r}: expected 1 or 3")
    return int(text)


def _amperes(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*a?", text.strip(), re.IGNORECASE)
    if found is None or not 6 <= (current_a := firstsite.read_number(found[1], "A")) <= 80:
        raise ValueError(f"{text!r}: expected 6 to 80 A")
    return current_a


def _compose(devices: Mapping[str, FoundDevice], answers: Answers, options: argparse.Namespace) -> str:
    ident = answers.ask("id", "Name of the building in the district", _word, _hostname())
    district = answers.ask("district", "Name of the district", _word, "local")
    contract_w = answers.ask(
        "contract", "Import power of the contract (12 kVA, 9 kW, 45 A, 3x25 A)", firstsite.read_contract_w
    )
    export_w = answers.ask(
        "export", "Export power agreed with the grid operator (0 W: none)", firstsite.read_power_w
    )
    assets = list(_assets(devices, answers, options.profiles))
    if unused := answers.unused:
        raise ValueError(f"--answer {unused[0]}: no question has this key")
    if answers.missing:
        raise _Missing
    assert ident is not None
    assert district is not None
    assert contract_w is not None
    assert export_w is not None
    here = options.output.absolute().parent
    folders = tuple(os.path.relpath(folder.absolute(), here) for folder in options.profiles)
    building = firstsite.Building(ident, district, contract_w, export_w, _time_zone(), folders)
    used = {one.device for one in assets}
    supplies = [name for name, one in devices.items() if one.bus["kind"] == "tic" and name not in used]
    return firstsite.write_site(building, devices, assets, supplies)


def _assets(
    devices: Mapping[str, FoundDevice], answers: Answers, folders: Sequence[Path]
) -> Iterator[Chosen]:
    candidates = [
        one
        for name, device in devices.items()
        for one in firstsite.find_candidates(name, profile.load(device.profile, folders).parts)
    ]
    grid = _grid(candidates, answers)
    counts: dict[str, int] = {}
    for one in candidates:
        role: str | None = GRID if one is grid else one.roles[0]
        if one is not grid and len(others := [known for known in one.roles if known != GRID]) > 1:
            question = f"What does {one.label} measure ({', '.join(others)})"
            role = answers.ask(f"{one.label}.role", question, _one_of(others))
        elif one is not grid and role == GRID:
            role = NONE
        if role is None or role == NONE:
            continue
        counts[role] = counts.get(role, 0) + 1
        name = _ASSET_NAMES[role] + ("" if role == GRID else str(counts[role]))
        yield Chosen(name, role, one.device, one.part, dict(_ratings(name, role, answers)))


def _grid(candidates: Sequence[Candidate], answers: Answers) -> Candidate | None:
    able = {one.label: one for one in candidates if GRID in one.roles}
    if not able:
        raise ValueError(
            "no device can be the connection meter: add the address of the meter at the connection"
        )
    if len(able) == 1:
        return next(iter(able.values()))
    question = f"Which meter is at the connection to the grid ({', '.join(able)})"
    named = [label for label, one in able.items() if one.part == GRID]
    chosen = answers.ask("grid", question, _one_of(list(able)), named[0] if len(named) == 1 else "")
    return able.get(chosen or "")


def _ratings(name: str, role: str, answers: Answers) -> Iterator[tuple[str, float | int]]:
    asked: list[tuple[str, str, Callable[[str], Any], str]] = []
    if role in {BATTERY, PV, LOAD}:
        asked.append(("rated_w", f"Rated power of {name} (5 kW)", firstsite.read_power_w, ""))
    if role == BATTERY:
        asked.append(("capacity_wh", f"Usable energy of {name} (10 kWh)", firstsite.read_energy_wh, ""))
    if role == EV:
        asked.append(("phases_count", f"Phases of {name} (1 or 3)", _count, ""))
        asked.append(
            ("current_max_a", f"Largest current that cable and fuse of {name} allow", _amperes, "16 A")
        )
    for key, question, read, default in asked:
        value = answers.ask(f"{name}.{key}", question, read, default)
        if value is not None:
            yield key, value


def _hostname() -> str:
    return re.sub(r"[^a-z0-9-]", "-", os.uname().nodename.lower()).strip("-")[:63] or "building"


def _time_zone() -> str:
    """The time zone of this machine; Europe/Paris where it has none."""
    target = os.path.realpath("/etc/localtime")
    zone = target.partition("/zoneinfo/")[2]
    return zone if "/" in zone else "Europe/Paris"


def _tell_missing(answers: Answers) -> int:
    if not answers.missing:
        print("the input ended before every question was answered; nothing was written", file=sys.stderr)
        return 2
    print("there is no terminal to ask; nothing was written. Give these answers:", file=sys.stderr)
    for key, question in answers.missing.items():
        print(f"  --answer {key}=…    {question}", file=sys.stderr)
    return 2


def _write(options: argparse.Namespace, text: str) -> int:
    try:
        checked = load.check(options.output, load.Instead(str(options.output), text))
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        print(text)
        return os.EX_CONFIG
    for warning in checked.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    with options.output.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"{options.output} was written and has no fault. Next:")
    for command, does in _next_steps(options.output, checked):
        print(f"  {command:<44}  {does}")
    return 0


def _next_steps(path: Path, checked: load.Loaded) -> Iterator[tuple[str, str]]:
    """The commands that come next, in the order of the page for installers, and what each does."""
    file = shlex.quote(str(path))
    yield f"quartier check {file}", "show faults and warnings, and which meter faults can be seen"
    ordered = {BATTERY: "setpoint_w", EV: "current_max_a", PV: "generation_max_w"}
    points = {name: _points(checked, asset) for name, asset in checked.site.assets.items()}
    steered = [
        name
        for role, quantity in ordered.items()
        for name, asset in checked.site.assets.items()
        if asset.role == role and quantity in points[name] and points[name][quantity].writable
    ]
    if steered:
        yield f"quartier arm --config {file}", "write each fall-back, read it back (stop the daemon first)"
    seen = [name for name in steered if "power_w" in points[name]]
    if seen and "power_w" in points[checked.site.grid()[0]]:
        also = f"; then {', '.join(seen[1:])}" if seen[1:] else ""
        yield f"quartier probe {seen[0]} --config {file}", f"check sign and scale with small steps{also}"


def _points(checked: load.Loaded, asset: Any) -> Mapping[str, firstsite.Quantity]:
    return checked.profiles[asset.device].parts.get(asset.part or "", {})
