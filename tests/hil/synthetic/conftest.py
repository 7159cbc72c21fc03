"""A short run in one process, from the text of a scenario."""

import pytest

from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries

SERIES = LoadSeries(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="constant")
HEAD = 'title = "short"\nstart = 2026-06-12T18:30:00\nduration_s = {duration_s}\n'


@pytest.fixture
def day(tmp_path):
    """Makes a day of a scenario's text, not yet performed."""

    def make(text="", duration_s=300, series=SERIES):
        path = tmp_path / "scenario.toml"
        path.write_text(HEAD.format(duration_s=duration_s) + text)
        return SyntheticRun(RunOptions(scenario=load_scenario(path), series=series, folder=tmp_path / "site"))

    return make
