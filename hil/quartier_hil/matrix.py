"""The table of device classes and ways to fail: the scenario of each cell, and its result.

``quartier-hil matrix`` runs the scenarios and writes the page.
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
"""Results as cells of the page, by scenario, device and verb."""
CLOCK = "clock"
_NOTHING = Series(base_w=(0.0,), solar_w_per_kw=(0.0,), origin="")
HEAD = """\
# Each class of device, and each way to fail

Written by `quartier-hil matrix`. The section *How things fail* of `hil/README.md` explains the seven ways.

A cell has three values:

- Seconds until the loss was reported by name. At most 18 s are allowed: the 15 s of section
  *device silent* of `gateway/docs/spec/failsafe.md`, one cycle, and the time of the query.
- Seconds from the recovery of the device until the report ended. At most 15 s are allowed.
- The highest share of the tightest limit, from 30 s after each change. The cell is *broken* if the
  share was above 110 % for more than 5 s.

*no loss*: the device answers, with right or wrong values, and the limit is kept. *by its bus*: control has no
row for this device. The alarm `device.silent` reports it, and only a run over wires checks the alarm.

Each scenario also checks the invariants. In most of them device and grid meter fall silent at once at
the end: then the gateway counts the device at its largest power, and the timer of the device decides.

"""


@dataclass(frozen=True, slots=True)
class Row:
    """A class of device: its name, one such device of a site, and the scenarios in which that one fails."""

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
    """Return the scenario of the row that shows the verb, found in the files themselves."""
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
    return f"| {row.words} | {told} | {', '.join(row.scenarios)} |\n"


def _told(row: Row, found: Cell, verb: Verb, results: Results, on_wires: Mapping[str, str]) -> str:
    if not found.scenario:
        return f"– {found.why_not}"
    usual = f"over wires {on_wires.get(found.scenario, 'not run yet')}"
    return results.get((found.scenario, row.device, verb), usual)


def kept_on_wires(verdicts: str) -> dict[str, str]:
    """Return the promises kept, as text, of each scenario on a page of verdicts over wires."""
    rows = (line.split("|") for line in verdicts.splitlines() if line.startswith("| "))
    return {row[1].strip(): row[2].strip() for row in rows if " of " in row[2]}
