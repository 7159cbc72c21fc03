"""Make the cells of the page of classes and verbs from a run without wires."""

from pathlib import Path

from quartier_hil import matrix
from quartier_hil.devices.fault import VERBS
from quartier_hil.offline.day import Day, Options
from quartier_hil.records import standard
from quartier_hil.scenario import Scenario
from quartier_hil.verdict.faults import Case


def told(name: str, done: Day) -> dict[tuple[str, str, str], str]:
    """Return the cells of the page from a run without wires: by scenario, device and verb."""
    ending = done.ending
    cases = [judge for judge in done.judges if isinstance(judge, Case)]
    found = {
        (name, one.failure.device, str(one.failure.kind)): one.short(ending)
        for one in reversed(cases)  # the first of a device and verb is the one of its turn
    }
    if found:
        return found
    words = "kept" if all(verdict.is_kept for verdict in done.verdicts()) else "broken"
    devices = {row.device for row in matrix.ROWS if name in row.scenarios}
    return {(name, device, verb): words for device in devices for verb in VERBS}


def performed(scenario: Scenario, folder: Path) -> Day:
    """A scenario of ours, run with the standard series."""
    days_count = int((scenario.duration_s + 2 * 86_400) // 86_400)
    series = standard.make(scenario.start.date(), days_count, scenario.seed)
    return Day(Options(scenario=scenario, series=series, folder=folder)).perform()
