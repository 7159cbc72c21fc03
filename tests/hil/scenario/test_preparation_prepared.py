import datetime as dt

from quartier_hil.scenario.events import DaemonStop
from quartier_hil.scenario.preparation import prepare_scenario
from quartier_hil.scenario.scenario_file import Scenario
from quartier_sim.load_series.minute_series import LoadSeries

KILLS = {"do": "kills", "at_s": 100, "count": 4, "until_s": 900}
SCENARIO = Scenario.model_validate(
    {"title": "x", "start": dt.datetime(2026, 6, 12), "duration_s": 1000, "events": [KILLS]}  # noqa: DTZ001 - the house's local time
)


def _series(**sizes):
    return LoadSeries(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="", **sizes)


def test_random_kills_are_drawn_from_the_seed_one_in_each_slot():
    events = prepare_scenario(SCENARIO, _series()).events

    assert events == prepare_scenario(SCENARIO, _series()).events
    assert [0, 1, 2, 3] == [int((event.at_s - 100) // 200) for event in events]
    assert all(isinstance(event, DaemonStop) for event in events)


def test_a_recorded_home_brings_its_own_sizes_and_the_rest_stays():
    house = prepare_scenario(SCENARIO, _series(pv_rated_w=4000.0, battery_wh=6400.0, battery_w=4500.0)).house

    assert (4000, 6400, 4500) == (house.pv_w, house.battery_wh, house.battery_w)
    assert 12_000 == house.contract_import_w
