"""Whole runs for other uses: the cells of the page of device classes and faults, and a scenario without
its plan.

``python -m quartier_hil.synthetic.reference_runs FOLDER`` runs a scenario without its plan, to compare it
with
a run over wires: the scenario and its input are ``scenario.json`` and ``series.json`` in the folder; the
cost
and the energy in the battery at the end are printed as JSON.
"""

import json
import sys
from pathlib import Path

from quartier_hil.checks.fault_checks import FaultCase
from quartier_hil.report import coverage_pages
from quartier_hil.runner.planner import SERIES_ADAPTER
from quartier_hil.scenario.preparation import remove_planner
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.devices.device_faults import COMMON_FAULT_KINDS
from quartier_sim.load_series import standard_load
from quartier_sim.plant import building_model


def make_matrix_cells(name: str, done: SyntheticRun) -> dict[tuple[str, str, str], str]:
    """Return the cells of the page from a run without wires: by scenario, device and verb."""
    ending = done.ending
    cases = [check for check in done.checks if isinstance(check, FaultCase)]
    found = {
        (name, one.failure.device, str(one.failure.kind)): one.short(ending)
        for one in reversed(cases)  # the first of a device and verb is the one of its turn
    }
    if found:
        return found
    words = "kept" if all(verdict.is_kept for verdict in done.verdicts()) else "broken"
    devices = {row.device for row in coverage_pages.DEVICE_CLASSES if name in row.scenarios}
    return {(name, device, verb): words for device in devices for verb in COMMON_FAULT_KINDS}


def run_with_standard_series(scenario: Scenario, folder: Path) -> SyntheticRun:
    """A scenario of ours, run with the standard series."""
    days_count = int((scenario.duration_s + 2 * 86_400) // 86_400)
    series = standard_load.build_standard_series(scenario.start.date(), days_count, scenario.seed)
    return SyntheticRun(RunOptions(scenario=scenario, series=series, folder=folder)).perform()


def simulate_without_plan(folder: Path) -> dict[str, float]:
    """Cost in EUR, and Wh in battery and hot water at the end."""
    scenario = Scenario.model_validate_json((folder / "scenario.json").read_text())
    series = SERIES_ADAPTER.validate_json((folder / "series.json").read_bytes())
    alone = remove_planner(scenario)
    options = RunOptions(scenario=alone, series=series, folder=folder / "unplanned")
    done = SyntheticRun(options).perform()
    left_wh = {
        "stored_wh": done.plant.battery.energy_wh,
        "heat_wh": building_model.get_hot_water_wh(done.plant),
    }
    return {"cost_eur": done.kpis.cost_eur, **left_wh}


def main(words: list[str]) -> int:
    """Print it."""
    sys.stdout.write(json.dumps(simulate_without_plan(Path(words[0]))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
