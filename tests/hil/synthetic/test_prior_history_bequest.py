"""The days before a scenario stand in the history as the gateway's own reader and its forecast find them."""

from zoneinfo import ZoneInfo

import pytest

from quartier.planning.forecast.learning import Learner
from quartier.planning.service import planner_inputs
from quartier.planning.service.training import ForecastTraining
from quartier.store.history_reader import read_history
from quartier_hil.scenario.plant_assets import ZONE_NAME, build_plant_spec
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic import prior_history, site_assembly
from quartier_hil.synthetic.prior_history import simulate_prior_history

TEXT = """
title = "short"
start = 2026-03-11T09:00:00
duration_s = 60
[house]
meters = ["tic"]
[house.tariff]
contract = "hc"
[house.planning]
history_days = 2
load_factor = 1.5
sun_factor = 0.5
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "asked.toml"
    path.write_text(TEXT)
    return load_scenario(path)


def _start_ms(scenario):
    return int(scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp() * 1000)


def test_two_days_stand_in_the_history_up_to_the_daemons_start(scenario, tmp_path):
    count = prior_history.write_history(scenario, tmp_path, 600.0)

    assert 2 * 1440 + 9 * 60 - 10 == count
    end_ms = _start_ms(scenario) - 600_000
    rows = list(
        read_history(
            tmp_path / "state/history.db", tmp_path / "runtime", ["pv1.power_w"], 0, end_ms + 3_600_000
        )
    )
    assert end_ms - 60_000 * 60 <= max(row.utc_ms for row in rows) <= end_ms
    assert -3_500 < min(row.value for row in rows) < -500


def test_what_the_gateways_forecast_learns_from_it_is_what_was_lived(scenario, tmp_path):
    prior_history.write_history(scenario, tmp_path, 0.0)
    site = site_assembly.assemble_scenario_site(scenario, tmp_path / "site")
    told = site.premises, site.loaded.site, tmp_path / "state/history.db", tmp_path / "runtime", tmp_path
    training, other = (
        ForecastTraining(*told, planner_inputs.make_plan_backtest(site.loaded.site)),
        Learner(site.premises),
    )
    assert training.catch_up(_start_ms(scenario) / 1000)
    other.learn(
        simulate_prior_history(
            scenario, build_plant_spec(scenario), 2, load_factor=1.5, sun_factor=0.5
        ).history
    )

    # the store keeps what changes by 50 W or 1 % alone, and its last minute is not over
    assert other.newest == training.learner.newest
    for ahead in range(1, 25):
        pairs = zip(
            *(one.bands(int(other.newest) + ahead, ahead) for one in (other, training.learner)), strict=True
        )
        for expected, found in pairs:
            assert pytest.approx(expected[0], rel=0.03, abs=60) == found[0]


def test_the_command_reads_the_scenario_and_ends_with_1_where_there_is_nothing_to_write(scenario, tmp_path):
    (tmp_path / "scenario.json").write_text(scenario.model_dump_json())
    assert 0 == prior_history.main([str(tmp_path), "--before-s", "600"])
    assert (tmp_path / "state/history.db").stat().st_size > 20_000

    idle = scenario.model_copy(update={"house": scenario.house.model_copy(update={"planning": None})})
    (tmp_path / "scenario.json").write_text(idle.model_dump_json())
    assert 1 == prior_history.main([str(tmp_path)])
