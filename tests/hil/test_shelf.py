import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.scenario import load
from quartier_hil.shelf import SHORT, WIRES_MAX_S, builtin, find, on_wires, short
from quartier_hil.suite.progress import SET_UP_REAL_S


def test_scenarios_are_found_by_name_and_by_path(tmp_path):
    assert builtin()["demo"] == find("demo")
    assert tmp_path / "mine.toml" == find(str(tmp_path / "mine.toml"))
    with pytest.raises(ConfigError, match="three-meters"):
        find("four-meters")


def test_over_wires_no_scenario_lasts_longer_than_two_hours():
    short = on_wires()

    assert "winter-week" not in short
    assert max(load(path).duration_s for path in short.values()) <= WIRES_MAX_S


def test_the_short_set_takes_a_ci_system_less_than_ten_minutes_two_at_once():
    loaded = [load(path) for path in short().values()]

    assert sum(one.duration_s / one.rate + SET_UP_REAL_S for one in loaded) / 2 < 500


def test_the_short_set_has_every_wire_and_each_has_its_reason():
    loaded = [load(path) for path in short().values()]
    protocols = {getattr(asset, "protocol", None) for one in loaded for asset in one.house.assets}
    houses = [one.house for one in loaded]

    assert {"bacnet", "opcua"} <= protocols
    assert {"tic", "p1", "mbus"} == {name for house in houses for name in house.meters}
    assert {"sunspec-1xx", "sunspec-7xx"} <= {house.battery for house in houses} & {
        house.pv for house in houses
    }
    assert all(SHORT.values())


def test_each_scenario_that_calls_itself_short_is_in_the_short_set():
    assert {name for name in builtin() if name.startswith("short-")} <= set(SHORT)


def test_what_is_to_the_second_is_not_run_over_wires():
    assert "link-lost" in builtin()
    assert "link-lost" not in on_wires()
