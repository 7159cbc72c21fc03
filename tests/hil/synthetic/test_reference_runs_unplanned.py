"""The same days without a plan, for a run over wires."""

import json

import pytest

from quartier_hil.runner.planner import SERIES_ADAPTER
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic import reference_runs
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series import standard_load

TEXT = """
title = "short"
start = 2026-03-11T03:00:00
duration_s = 600
cycle_s = 5
[house]
meters = ["tic"]
soc_pct = 40
[house.tariff]
contract = "hc"
[house.planning]
history_days = 7
[[events]]
at_s = 100
do = "planner"
[[checks]]
check = "saved"
low_eur = -5
"""


def test_they_cost_what_a_run_without_wires_holds_its_plan_against(tmp_path, capsys):
    path = tmp_path / "asked.toml"
    path.write_text(TEXT)
    scenario = load_scenario(path)
    series = standard_load.build_standard_series(scenario.start.date(), 1, scenario.seed)
    (tmp_path / "scenario.json").write_text(scenario.model_dump_json())
    (tmp_path / "series.json").write_bytes(SERIES_ADAPTER.dump_json(series))
    assert 0 == reference_runs.main([str(tmp_path)])
    found = json.loads(capsys.readouterr().out)

    done = SyntheticRun(RunOptions(scenario=scenario, series=series, folder=tmp_path / "day")).perform()
    assert found["cost_eur"] == done.saving.unplanned_eur
    assert pytest.approx(done.plant.battery.energy_wh - done.saving.stored_wh) == found["stored_wh"]
