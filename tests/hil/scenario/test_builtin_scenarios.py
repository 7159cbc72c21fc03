import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.scenario.builtin_scenarios import (
    SHORT_SCENARIOS,
    WIRES_MAX_S,
    find_scenario,
    list_builtin,
    list_short,
    list_wired,
)
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.suite.scenario_queue import SET_UP_REAL_S


def test_scenarios_are_found_by_name_and_by_path(tmp_path):
    assert list_builtin()["demo"] == find_scenario("demo")
    assert tmp_path / "mine.toml" == find_scenario(str(tmp_path / "mine.toml"))
    with pytest.raises(ConfigError, match="three-meters"):
        find_scenario("four-meters")


def test_over_wires_no_scenario_lasts_longer_than_two_hours():
    short = list_wired()

    assert "winter-week" not in short
    assert max(load_scenario(path).duration_s for path in short.values()) <= WIRES_MAX_S


def test_the_short_set_takes_a_ci_system_less_than_ten_minutes_two_at_once():
    loaded = [load_scenario(path) for path in list_short().values()]

    assert sum(one.duration_s / one.rate + SET_UP_REAL_S for one in loaded) / 2 < 500


def test_the_short_set_has_every_wire_and_each_has_its_reason():
    loaded = [load_scenario(path) for path in list_short().values()]
    protocols = {getattr(asset, "protocol", None) for one in loaded for asset in one.house.assets}
    houses = [one.house for one in loaded]

    assert {"bacnet", "opcua"} <= protocols
    assert {"tic", "p1", "mbus"} == {name for house in houses for name in house.meters}
    assert {"sunspec-1xx", "sunspec-7xx"} <= {house.battery for house in houses} & {
        house.pv for house in houses
    }
    assert all(SHORT_SCENARIOS.values())


def test_each_scenario_that_calls_itself_short_is_in_the_short_set():
    assert {name for name in list_builtin() if name.startswith("short-")} <= set(SHORT_SCENARIOS)


def test_what_is_to_the_second_is_not_run_over_wires():
    assert "link-lost" in list_builtin()
    assert "link-lost" not in list_wired()
