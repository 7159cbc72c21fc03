"""Pages of what the scenarios prove: rows of the fail-safe specification, device classes and their faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quartier_hil.checks.check_builder import build_requested_checks
from quartier_hil.checks.promised_values import list_promised_limits
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import (
    builtin_scenarios,
    expectations,
    fault_rules,
    scenario_file,
    specification_rows,
)
from quartier_hil.scenario import scenario_file as asked
from quartier_hil.scenario.events import ClockFault, FaultEvent, FaultSequence
from quartier_hil.scenario.preparation import prepare_scenario
from quartier_sim.devices.device_faults import COMMON_FAULT_KINDS, CommonFaultKind, FaultKind
from quartier_sim.load_series.minute_series import LoadSeries

_COVERAGE_HEAD = """\
# Which scenario proves which row of the fail-safe specification

Written by `quartier-hil list --rows` from the scenario files. The rows are those of sections 2 and 4
of `gateway/docs/spec/failsafe.md`. Each row has a check that breaks if the gateway does not keep the row,
or a test elsewhere and the reason why no scenario can show it. A row with two times is kept not before
the first and not after the second.

`quartier_hil/scenario/specification_rows.py` has the names of the rows. The key `proves` of a check
names the rows that it proves. `tests/hil/synthetic/test_breaking.py` changes the gateway row by row
and requires that a check of the row breaks.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """One check of a scenario, as it is promised there."""

    scenario: str
    check: str
    promised: str


def list_proofs(scenarios: Mapping[str, Path]) -> dict[str, list[Proof]]:
    """The proofs of each row, in the order of the scenarios' names and checks."""
    found: dict[str, list[Proof]] = {name: [] for name in specification_rows.SPECIFICATION_ROWS}
    for name, path in scenarios.items():
        loaded = scenario_file.load_scenario(path)
        for check in loaded.checks:
            for row in check.proves:
                found[row].append(Proof(name, check.check, find_promise(loaded, check)))
    return found


def find_promise(loaded: scenario_file.Scenario, check: expectations.AnyExpectation) -> str:
    """Return the promise of a check, as its result states it."""
    alone = loaded.model_copy(update={"checks": (check,)})
    verdicts = [one.verdict(RunData()) for one in build_requested_checks(alone, list_promised_limits(loaded))]
    return "; ".join(verdict.promised for verdict in verdicts if _belongs_to_check(verdict.check, check))


def _belongs_to_check(name: str, check: expectations.AnyExpectation) -> bool:
    """Return whether a verdict belongs to that check, and not to a check of every run."""
    return name == check.check or isinstance(check, expectations.InvariantExpectation)


def render_coverage_page(scenarios: Mapping[str, Path]) -> str:
    """The page as Markdown."""
    return "\n".join([_COVERAGE_HEAD, *_format_tables(list_proofs(scenarios))])


def _format_tables(found: Mapping[str, list[Proof]]) -> Iterator[str]:
    for part in specification_rows.SPECIFICATION_TABLES:
        yield f"## {part.title}\n"
        yield "| row | what it says | proved by |"
        yield "| --- | --- | --- |"
        for name, row in part.rows.items():
            yield f"| `{name}` | {_escape_cell(row.words)} | {_format_proofs(row, found[name])} |"
        yield ""


def _format_proofs(row: specification_rows.SpecificationRow, found: list[Proof]) -> str:
    promises_by_scenario: dict[str, list[str]] = {}
    for one in found:
        promises_by_scenario.setdefault(one.scenario, []).append(_escape_cell(one.promised))
    words = [f"`{name}`: {'; '.join(checks)}" for name, checks in promises_by_scenario.items()]
    if row.elsewhere:
        words.append(f"`{row.elsewhere}`, for {row.why}")
    return "<br>".join(words)


def _escape_cell(text: str) -> str:
    """Return the text in a form for one cell."""
    return text.replace("|", "\\|")


Results = Mapping[tuple[str, str, str], str]
"""Results as cells of the page, by scenario, device and verb."""
CLOCK_ROW = "clock"
_EMPTY_SERIES = LoadSeries(base_w=(0.0,), solar_w_per_kw=(0.0,), origin="")
MATRIX_HEAD = """\
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
class DeviceClass:
    """A class of device: its name, one such device of a site, and the scenarios in which that one fails."""

    words: str
    device: str
    scenarios: tuple[str, ...]


DEVICE_CLASSES = (
    DeviceClass("grid meter (SDM630)", "meter", ("grid-meter-verbs", "meter-wrong-factor")),
    DeviceClass("battery and PV (Victron GX)", "gx", ("battery-gx-verbs",)),
    DeviceClass("battery (SunSpec 1xx)", "storage", ("battery-1xx-verbs",)),
    DeviceClass("battery (SunSpec 7xx)", "storage", ("battery-7xx-verbs",)),
    DeviceClass("PV inverter (SunSpec 1xx)", "solar", ("solar-1xx-verbs",)),
    DeviceClass("PV inverter (SunSpec 7xx)", "solar", ("solar-7xx-verbs",)),
    DeviceClass("charge point (KEBA P30)", "charger", ("charger-verbs",)),
    DeviceClass("relay board", "relays", ("relays-verbs",)),
    DeviceClass("input board with a contact", "inputs", ("contact-verbs",)),
    DeviceClass("meter of a load (EM24)", "heatmeter", ("heatmeter-verbs",)),
    DeviceClass("meter of a board (EM24)", "park_meter", ("board-meter-verbs",)),
    DeviceClass("street lights", "lamps1_box", ("lights-verbs",)),
    DeviceClass("heat pump (SG Ready)", "heat1_box", ("heat-verbs",)),
    DeviceClass("boiler on a relay", "boiler1_box", ("boiler-verbs",)),
    DeviceClass("cooling", "cold1_box", ("cooling-verbs",)),
    DeviceClass("substation (Modbus)", "loop1_box", ("substation-verbs",)),
    DeviceClass("substation (OPC UA)", "loop1_box", ("substation-opcua-verbs",)),
    DeviceClass("CHP", "chp1_box", ("chp-verbs",)),
    DeviceClass("waste plant (Modbus)", "waste1_box", ("waste-verbs",)),
    DeviceClass("waste plant (OPC UA)", "waste1_box", ("waste-opcua-verbs",)),
    DeviceClass("ventilation (Modbus)", "air1_box", ("ventilation-verbs",)),
    DeviceClass("ventilation (BACnet)", "air1_box", ("ventilation-bacnet-verbs",)),
    DeviceClass("plain load on a relay", "pump1_box", ("load-verbs",)),
    DeviceClass("Linky (TIC)", "tic", ("smart-meter-verbs",)),
    DeviceClass("P1 meter", "p1", ("smart-meter-verbs",)),
    DeviceClass("M-Bus meter", "mbus", ("smart-meter-verbs",)),
    DeviceClass("wall clock", CLOCK_ROW, ("clock-verbs", "clock-jumps")),
)


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """The scenario in which a device of the row fails so, or why it cannot; neither: a hole."""

    scenario: str = ""
    why_not: str = ""


def find_cell(row: DeviceClass, verb: CommonFaultKind) -> MatrixCell:
    """Return the scenario of the row that shows the verb, found in the files themselves."""
    why_not = ""
    for name in row.scenarios:
        loaded = _load_prepared(name)
        if any(found == (row.device, verb) for found in _list_faults(loaded)):
            return MatrixCell(scenario=name)
        if row.device != CLOCK_ROW:
            why_not = why_not or _explain_impossible_fault(loaded, row.device, verb)
    return MatrixCell(why_not=why_not)


def _load_prepared(name: str) -> asked.Scenario:
    return asked.load_scenario(builtin_scenarios.find_scenario(name))


def _list_faults(loaded: asked.Scenario) -> Iterator[tuple[str, FaultKind | str]]:
    """Each device that fails in a scenario, and how."""
    for event in prepare_scenario(loaded, _EMPTY_SERIES).events:
        if isinstance(event, FaultEvent) and event.at_s < loaded.duration_s:
            yield event.device, event.kind
        elif isinstance(event, ClockFault):
            yield CLOCK_ROW, event.kind


def _explain_impossible_fault(loaded: asked.Scenario, device: str, verb: CommonFaultKind) -> str:
    usual = FaultSequence(
        at_s=0, do="verbs", device=device, points="in1.input_on" if device == "inputs" else None
    )
    return fault_rules.explain_refusal(loaded.house, device, verb, usual.build_arguments(verb)).partition(
        f"{verb}: "
    )[2]


def list_matrix_scenarios() -> tuple[str, ...]:
    """The scenarios of the page, in its order."""
    return tuple(dict.fromkeys(name for row in DEVICE_CLASSES for name in row.scenarios))


def render_matrix_page(results: Results, on_wires: Mapping[str, str]) -> str:
    """The page; ``results`` are those without wires, ``on_wires`` how a scenario was kept there."""
    lines = [
        MATRIX_HEAD,
        f"| | {' | '.join(COMMON_FAULT_KINDS)} | scenario |\n",
        f"| --- |{' --- |' * (len(COMMON_FAULT_KINDS) + 1)}\n",
    ]
    lines += [_format_row(row, results, on_wires) for row in DEVICE_CLASSES]
    return "".join(lines)


def _format_row(row: DeviceClass, results: Results, on_wires: Mapping[str, str]) -> str:
    text = " | ".join(
        _format_cell(row, find_cell(row, verb), verb, results, on_wires) for verb in COMMON_FAULT_KINDS
    )
    return f"| {row.words} | {text} | {', '.join(row.scenarios)} |\n"


def _format_cell(
    row: DeviceClass, found: MatrixCell, verb: CommonFaultKind, results: Results, on_wires: Mapping[str, str]
) -> str:
    if not found.scenario:
        return f"– {found.why_not}"
    usual = f"over wires {on_wires.get(found.scenario, 'not run yet')}"
    return results.get((found.scenario, row.device, verb), usual)


def parse_wired_results(verdicts: str) -> dict[str, str]:
    """Return the promises kept, as text, of each scenario on a page of verdicts over wires."""
    rows = (line.split("|") for line in verdicts.splitlines() if line.startswith("| "))
    return {row[1].strip(): row[2].strip() for row in rows if " of " in row[2]}
