"""Our scenarios in one process: every promise of each is kept.  `make days` runs the long ones too."""

import pytest

from quartier_hil.offline.day import Day, Options, fits
from quartier_hil.records import standard
from quartier_hil.scenario import load
from quartier_hil.shelf import builtin

# A cycle of control costs about a millisecond: what takes longer is left to `make days`.
CYCLES_MAX = 7_500
LONG = {"battery-band", "chp-night", "day", "evening-peak-cars", "kill-nine", "winter-week"}


def _short():
    return [
        name
        for name, path in builtin().items()
        if fits(path) and load(path).duration_s / load(path).cycle_s <= CYCLES_MAX
    ]


@pytest.mark.parametrize("name", _short())
def test_a_scenario_keeps_every_promise_without_wires(name, tmp_path):
    scenario = load(builtin()[name])
    series = standard.make(
        scenario.start.date(), int((scenario.duration_s + 2 * 86_400) // 86_400), scenario.seed
    )
    done = Day(Options(scenario=scenario, series=series, folder=tmp_path)).perform()

    assert [] == [(one.check, one.promised, one.measured) for one in done.verdicts() if not one.holds]


def test_the_long_ones_are_known_by_name():
    assert set(_short()).isdisjoint(LONG)
    assert set(builtin()) >= LONG
