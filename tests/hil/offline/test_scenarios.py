"""Our scenarios in one process: every promise of each is kept.  `make days` runs the long ones too."""

from pathlib import Path

import pytest

from quartier_hil.fittings import names
from quartier_hil.offline.day import Day, Options, fits
from quartier_hil.records import standard
from quartier_hil.scenario import load
from quartier_hil.shelf import builtin

# A cycle of control costs about a millisecond, and as much again for each five further assets: what takes longer is
# left to `make days`.
CYCLES_MAX, WORK_MAX = 7_500, 20_000
PAGES = Path(__file__).parents[3] / "gateway" / "docs" / "assets"
LONG = {"battery-band", "day", "evening-peak-cars", "hold-longest", "kill-nine", "winter-week"}


def _is_short(scenario):
    assets_count = sum(len(names(asset)) for asset in scenario.house.assets)
    cycles_count = scenario.duration_s / scenario.cycle_s
    return cycles_count <= CYCLES_MAX and cycles_count * (1 + assets_count / 5) <= WORK_MAX


def _short():
    return [name for name, path in builtin().items() if fits(path) and _is_short(load(path))]


@pytest.fixture(scope="module", params=_short())
def done(request, tmp_path_factory):
    """Each scenario once, performed."""
    scenario = load(builtin()[request.param])
    days_count = int((scenario.duration_s + 2 * 86_400) // 86_400)
    series = standard.make(scenario.start.date(), days_count, scenario.seed)
    return Day(Options(scenario=scenario, series=series, folder=tmp_path_factory.mktemp("day"))).perform()


def test_a_scenario_keeps_every_promise_without_wires(done):
    assert [] == [(one.check, one.promised, one.measured) for one in done.verdicts() if not one.holds]


def test_the_pictures_in_the_pages_are_what_a_scenario_gives_now(done):
    """Else: quartier-hil day SCENARIO --pictures gateway/docs/assets, and read its page again."""
    for name, drawn in done.pictures().items():
        assert (PAGES / name).read_text(encoding="utf-8") == drawn, name


def test_every_picture_in_the_pages_is_of_a_scenario_that_is_run_here():
    drawn = [f"{one.name}.svg" for name in _short() for one in load(builtin()[name]).pictures]

    assert sorted(path.name for path in PAGES.glob("*.svg")) == sorted(drawn)


def test_the_long_ones_are_known_by_name():
    assert set(_short()).isdisjoint(LONG)
    assert set(builtin()) >= LONG
