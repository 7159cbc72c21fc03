"""Our scenarios in one process: every promise of each is kept.  `make days` runs the long ones too."""

from pathlib import Path

import pytest
from tests.hil.offline.steps import lengthen_steps

from quartier_hil import matrix
from quartier_hil.devices.fault import VERBS
from quartier_hil.fittings import names
from quartier_hil.offline import cells
from quartier_hil.offline.refusal import fits
from quartier_hil.scenario import load
from quartier_hil.shelf import SHORT, builtin

# A cycle of control costs about a millisecond, and as much again for each five further assets; a plan for several
# assets costs a second.  What takes longer than half a minute in all is left to `make days`, part of `make test-deep`.
CYCLES_MAX, WORK_MAX = 7_500, 20_000
PAGES = Path(__file__).parents[3] / "gateway" / "docs" / "assets"
LONG = {
    "battery-band",
    "day",
    "day-tariff",
    "day-tempo-red",
    "evening-peak-cars",
    "hold-longest",
    "kill-nine",
    "plan-ejp",
    "plan-tariff",
    "plan-tempo-red",
    "winter-week",
} | {
    "clock-change-autumn",
    "clock-change-spring",
}
# Short, but made of plans.  The four that prove safety are run here: a limit, the clock, a planner that is killed.
PLANNED = {
    "plan-back-test",
    "plan-batch",
    "plan-car-killed",
    "plan-day-peak",
    "plan-forecast-high",
    "plan-forecast-low",
    "plan-month-peak",
    "plan-slow-car",
    "plan-tank",
    "plan-waste",
}
# Without wires a device is its points, whatever the protocol: a test compares the results of each pair, in longer steps.
ALIKE = {
    "battery-7xx-verbs": "battery-1xx-verbs",
    "substation-opcua-verbs": "substation-verbs",
    "ventilation-bacnet-verbs": "ventilation-verbs",
    "waste-opcua-verbs": "waste-verbs",
}
# The same promises of the other generation of SunSpec: their short forms are run over wires.
WIRED = {"cap-stays-7xx": "cap-stays-1xx", "timers-7xx": "timers-1xx"}


def _is_short(scenario):
    assets_count = sum(len(names(asset)) for asset in scenario.house.assets)
    cycles_count = scenario.duration_s / scenario.cycle_s
    return cycles_count <= CYCLES_MAX and cycles_count * (1 + assets_count / 5) <= WORK_MAX


def _short():
    # The stage "scenarios" runs those of SHORT over wires.
    left = PLANNED | ALIKE.keys() | WIRED.keys() | SHORT.keys()
    known = ((name, path) for name, path in builtin().items() if name not in left and fits(path))
    return [name for name, path in known if _is_short(load(path))]


@pytest.fixture(scope="module", params=_short())
def name(request):
    """Each scenario that CI runs."""
    return request.param


@pytest.fixture(scope="module")
def done(name, tmp_path_factory):
    """Each of them once, performed."""
    scenario = load(builtin()[name])
    shown = scenario.pictures or any(name in row.scenarios for row in matrix.ROWS)  # in its own steps
    made = scenario if shown else lengthen_steps(name, scenario)
    return cells.performed(made, tmp_path_factory.mktemp("day"))


def test_a_scenario_keeps_every_promise_without_wires(done):
    assert [] == [(one.check, one.promised, one.words) for one in done.verdicts() if not one.is_kept]


def test_the_pictures_in_the_pages_are_what_a_scenario_gives_now(done):
    """Else: quartier-hil day SCENARIO --pictures gateway/docs/assets, and read its page again."""
    for name, drawn in done.pictures().items():
        assert (PAGES / name).read_text(encoding="utf-8") == drawn, name


def test_each_cell_of_the_matrix_has_a_result_that_keeps_its_promise(name, done):
    results = cells.told(name, done)
    lines = [line.strip("| ").split(" | ") for line in matrix.page(results, {}).splitlines()]
    for row in matrix.ROWS:
        for place, verb in enumerate(VERBS, start=1):
            if matrix.cell(row, verb).scenario == name:
                (line,) = [one for one in lines if one[0] == row.words]
                assert results[name, row.device, verb] == line[place] != "broken", (row.words, verb)


@pytest.mark.parametrize(("left", "played"), ALIKE.items(), ids=str)
def test_a_scenario_that_is_left_out_for_another_differs_from_it_by_the_protocol_alone(
    left, played, tmp_path
):
    def asked(name):
        told = load(builtin()[name]).model_dump(exclude={"title", "story"})
        told["house"]["battery"] = None
        for one in (*told["house"]["assets"], *told["checks"]):
            one.pop("protocol", None), one.pop("told_s", None)
        return told

    def on_the_page(name):
        (tmp_path / name).mkdir()
        results = cells.told(
            name, cells.performed(lengthen_steps(name, load(builtin()[name])), tmp_path / name)
        )
        (words,) = [row.words for row in matrix.ROWS if name in row.scenarios]
        (line,) = [one for one in matrix.page(results, {}).splitlines() if one.startswith(f"| {words} |")]
        return line.strip("| ").split(" | ")[1 : 1 + len(VERBS)]

    assert asked(played) == asked(left)
    expected = on_the_page(played)
    assert [] == [cell for cell in expected if "not run yet" in cell]
    assert expected == on_the_page(left)


@pytest.mark.parametrize(("left", "played"), WIRED.items(), ids=str)
def test_a_scenario_that_is_left_to_its_short_form_over_wires_promises_what_the_other_one_does(left, played):
    assert f"short-{left}" in SHORT
    assert load(builtin()[played]).events == load(builtin()[left]).events
    assert load(builtin()[played]).checks == load(builtin()[left]).checks


def test_every_picture_in_the_pages_is_of_a_scenario_that_is_run_here():
    drawn = [f"{one.name}.svg" for name in _short() for one in load(builtin()[name]).pictures]

    assert sorted(path.name for path in PAGES.glob("*.svg")) == sorted(drawn)


def test_scenarios_that_are_left_to_make_days_are_known_by_name():
    left = {name for name, path in builtin().items() if fits(path)} - set(_short())

    assert left >= PLANNED
    assert set(builtin()) >= LONG
    assert set(_short()).isdisjoint(LONG)
