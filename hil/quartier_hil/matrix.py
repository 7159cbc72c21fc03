"""Each class of device and each of the seven ways to fail: which scenario shows it, and what came of it.

The page is written by ``quartier-hil matrix`` and held to what the scenarios give by their tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier_hil import scenario as asked
from quartier_hil import shelf, verbs
from quartier_hil.devices.fault import VERBS, Kind, Verb
from quartier_hil.happenings import ClockFault, Verbs
from quartier_hil.prepared import prepared
from quartier_hil.records.series import Series

Results = Mapping[tuple[str, str, str], str]
"""What came of a scenario, a device and a verb, as a cell of the page tells it."""
CLOCK = "clock"
_NOTHING = Series(base_w=(0.0,), solar_w_per_kw=(0.0,), origin="")
HEAD = """\
# Each class of device, and each way to fail

Written by `quartier-hil matrix --page hil/matrix.md`. A test fails where a cell is empty, and where a
scenario without wires gives something else than what stands here. What the seven ways are says
[the rig's page](README.md#how-things-fail).

In a cell: after how many seconds the loss was told by name (promised: 18 s, which are the 15 s of
[spec/failsafe.md](../gateway/docs/spec/failsafe.md#device-silent), a cycle and what looking costs), how many
seconds after the device was well again it was no longer told (15 s), and how full the tightest cap was
from 30 s after each change on (110 % for more than
5 s would be broken). *No loss*: the device is heard, whatever it says, and the cap holds all the same.
*By its bus*: control has no row for it; the alarm `device.silent` is judged over wires alone, and does
not hold there yet ([verdicts](verdicts.md)).

Each scenario holds the invariants beside that, and most end with their device and the grid meter silent
at once: then the device counts at its worst, and its own timer has the last word.

"""


@dataclass(frozen=True, slots=True)
class Row:
    """A class of device: what it is, the name of one in a house, the scenarios in which that one fails."""

    words: str
    device: str
    scenarios: tuple[str, ...]


ROWS = (
    Row("grid meter (SDM630)", "meter", ("grid-meter-verbs", "meter-wrong-factor")),
    Row("battery and PV (Victron GX)", "gx", ("battery-gx-verbs",)),
    Row("battery (SunSpec 1xx)", "storage", ("battery-1xx-verbs",)),
    Row("battery (SunSpec 7xx)", "storage", ("battery-7xx-verbs",)),
    Row("PV inverter (SunSpec 1xx)", "solar", ("solar-1xx-verbs",)),
    Row("PV inverter (SunSpec 7xx)", "solar", ("solar-7xx-verbs",)),
    Row("charging point (KEBA P30)", "charger", ("charger-verbs",)),
    Row("relay board", "relays", ("relays-verbs",)),
    Row("input board with a contact", "inputs", ("contact-verbs",)),
    Row("meter of a load (EM24)", "heatmeter", ("heatmeter-verbs",)),
    Row("meter of a board (EM24)", "park_meter", ("board-meter-verbs",)),
    Row("street lights", "lamps1_box", ("lights-verbs",)),
    Row("heat pump (SG Ready)", "heat1_box", ("heat-verbs",)),
    Row("boiler on a relay", "boiler1_box", ("boiler-verbs",)),
    Row("cooling", "cold1_box", ("cooling-verbs",)),
    Row("substation (Modbus)", "loop1_box", ("substation-verbs",)),
    Row("substation (OPC UA)", "loop1_box", ("substation-opcua-verbs",)),
    Row("CHP", "chp1_box", ("chp-verbs",)),
    Row("waste plant (Modbus)", "waste1_box", ("waste-verbs",)),
    Row("waste plant (OPC UA)", "waste1_box", ("waste-opcua-verbs",)),
    Row("ventilation (Modbus)", "air1_box", ("ventilation-verbs",)),
    Row("ventilation (BACnet)", "air1_box", ("ventilation-bacnet-verbs",)),
    Row("plain load on a relay", "pump1_box", ("load-verbs",)),
    Row("Linky (TIC)", "tic", ("smart-meter-verbs",)),
    Row("P1 meter", "p1", ("smart-meter-verbs",)),
    Row("M-Bus meter", "mbus", ("smart-meter-verbs",)),
    Row("wall clock", CLOCK, ("clock-verbs", "clock-jumps")),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The scenario in which a device of the row fails so, or why it cannot; neither: a hole."""

    scenario: str = ""
    why_not: str = ""


def cell(row: Row, verb: Verb) -> Cell:
    """Return which scenario of the row shows the verb, found in the files themselves."""
    why_not = ""
    for name in row.scenarios:
        loaded = _loaded(name)
        if any(found == (row.device, verb) for found in _failing(loaded)):
            return Cell(scenario=name)
        if row.device != CLOCK:
            why_not = why_not or _refusal(loaded, row.device, verb)
    return Cell(why_not=why_not)


def _loaded(name: str) -> asked.Scenario:
    return asked.load(shelf.find(name))


def _failing(loaded: asked.Scenario) -> Iterator[tuple[str, Kind | str]]:
    """Each device that fails in a scenario, and how."""
    for event in prepared(loaded, _NOTHING).events:
        if isinstance(event, asked.Failure) and event.at_s < loaded.duration_s:
            yield event.device, event.kind
        elif isinstance(event, ClockFault):
            yield CLOCK, event.kind


def _refusal(loaded: asked.Scenario, device: str, verb: Verb) -> str:
    usual = Verbs(at_s=0, do="verbs", device=device, points="in1.input_on" if device == "inputs" else None)
    return verbs.refusal(loaded.house, device, verb, usual.told(verb)).partition(f"{verb}: ")[2]


def names() -> tuple[str, ...]:
    """The scenarios of the page, in its order."""
    return tuple(dict.fromkeys(name for row in ROWS for name in row.scenarios))


def page(results: Results, on_wires: Mapping[str, str]) -> str:
    """The page; ``results`` are those without wires, ``on_wires`` how a scenario was kept there."""
    lines = [HEAD, f"| | {' | '.join(VERBS)} | scenario |\n", f"| --- |{' --- |' * (len(VERBS) + 1)}\n"]
    lines += [_line(row, results, on_wires) for row in ROWS]
    return "".join(lines)


def _line(row: Row, results: Results, on_wires: Mapping[str, str]) -> str:
    told = " | ".join(_told(row, cell(row, verb), verb, results, on_wires) for verb in VERBS)
    links = ", ".join(f"[{name}](quartier_hil/scenarios/{name}.toml)" for name in row.scenarios)
    return f"| {row.words} | {told} | {links} |\n"


def _told(row: Row, found: Cell, verb: Verb, results: Results, on_wires: Mapping[str, str]) -> str:
    if not found.scenario:
        return f"– {found.why_not}"
    usual = f"over wires {on_wires.get(found.scenario, 'not run yet')}"
    return results.get((found.scenario, row.device, verb), usual)


def kept_on_wires(verdicts: str) -> dict[str, str]:
    """Of each scenario of a page of verdicts over wires how many promises were kept there."""
    rows = (line.split("|") for line in verdicts.splitlines() if line.startswith("| "))
    return {row[1].strip(): row[2].strip() for row in rows if " of " in row[2]}
