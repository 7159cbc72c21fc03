import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.scenario import load
from quartier_hil.shelf import WIRES_MAX_S, builtin, find, on_wires


def test_scenarios_are_found_by_name_and_by_path(tmp_path):
    assert builtin()["demo"] == find("demo")
    assert tmp_path / "mine.toml" == find(str(tmp_path / "mine.toml"))
    with pytest.raises(ConfigError, match="three-meters"):
        find("four-meters")


def test_over_wires_no_scenario_lasts_longer_than_two_hours():
    short = on_wires()

    assert "winter-week" not in short
    assert max(load(path).duration_s for path in short.values()) <= WIRES_MAX_S
