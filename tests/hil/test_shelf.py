import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.shelf import builtin, find


def test_scenarios_are_found_by_name_and_by_path(tmp_path):
    assert builtin()["demo"] == find("demo")
    assert tmp_path / "mine.toml" == find(str(tmp_path / "mine.toml"))
    with pytest.raises(ConfigError, match="three-meters"):
        find("four-meters")
