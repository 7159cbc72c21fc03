"""Our scenarios in one process: every promise of each is kept.  `make days` runs the long ones too."""

from pathlib import Path

import pytest
from tests.hil.synthetic.steps import lengthen_steps

from quartier_hil.report import coverage_pages
from quartier_hil.scenario.builtin_scenarios import SHORT_SCENARIOS, list_builtin
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.scenario.site import list_asset_names
from quartier_hil.synthetic import reference_runs
from quartier_hil.synthetic.event_actions import runs_without_wires
from quartier_sim.devices.device_faults import COMMON_FAULT_KINDS

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
    "plan-batch-killed",
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
    assets_count = sum(len(list_asset_names(asset)) for asset in scenario.house.assets)
    cycles_count = scenario.duration_s / scenario.cycle_s
    return cycles_count <= CYCLES_MAX and cycles_count * (1 + assets_count / 5) <= WORK_MAX


def _short():
    # The stage "scenarios" runs those of SHORT over wires.
    left = PLANNED | ALIKE.keys() | WIRED.keys() | SHORT_SCENARIOS.keys()
    known = (
        (name, path) for name, path in list_builtin().items() if name not in left and runs_without_wires(path)
    )
    return [name for name, path in known if _is_short(load_scenario(path))]


@pytest.fixture(scope="module", params=_short())
def name(request):
    """Each scenario that CI runs."""
    return request.param


@pytest.fixture(scope="module")
def done(name, tmp_path_factory):
    """Each of them once, performed."""
    scenario = load_scenario(list_builtin()[name])
    shown = scenario.pictures or any(
        name in row.scenarios for row in coverage_pages.DEVICE_CLASSES
    )  # in its own steps
    made = scenario if shown else lengthen_steps(name, scenario)
    return reference_runs.run_with_standard_series(made, tmp_path_factory.mktemp("day"))


def test_a_scenario_keeps_every_promise_without_wires(done):
    assert [] == [(one.check, one.promised, one.words) for one in done.verdicts() if not one.is_kept]


def test_the_pictures_in_the_pages_are_what_a_scenario_gives_now(done):
    """Else: quartier-hil day SCENARIO --pictures gateway/docs/assets, and read its page again."""
    for name, drawn in done.pictures().items():
        assert (PAGES / name).read_text(encoding="utf-8") == drawn, name


def test_each_cell_of_the_matrix_has_a_result_that_keeps_its_promise(name, done):
    results = reference_runs.make_matrix_cells(name, done)
    lines = [
        line.strip("| ").split(" | ") for line in coverage_pages.render_matrix_page(results, {}).splitlines()
    ]
    for row in coverage_pages.DEVICE_CLASSES:
        for place, verb in enumerate(COMMON_FAULT_KINDS, start=1):
            if coverage_pages.find_cell(row, verb).scenario == name:
                (line,) = [one for one in lines if one[0] == row.words]
                assert results[name, row.device, verb] == line[place] != "broken", (row.words, verb)


@pytest.mark.parametrize(("left", "played"), ALIKE.items(), ids=str)
def test_a_scenario_that_is_left_out_for_another_differs_from_it_by_the_protocol_alone(
    left, played, tmp_path
):
    def asked(name):
        told = load_scenario(list_builtin()[name]).model_dump(exclude={"title", "story"})
        told["house"]["battery"] = None
        for one in (*told["house"]["assets"], *told["checks"]):
            one.pop("protocol", None), one.pop("report_max_s", None)
        return told

    def on_the_page(name):
        (tmp_path / name).mkdir()
        results = reference_runs.make_matrix_cells(
            name,
            reference_runs.run_with_standard_series(
                lengthen_steps(name, load_scenario(list_builtin()[name])), tmp_path / name
            ),
        )
        (words,) = [row.words for row in coverage_pages.DEVICE_CLASSES if name in row.scenarios]
        (line,) = [
            one
            for one in coverage_pages.render_matrix_page(results, {}).splitlines()
            if one.startswith(f"| {words} |")
        ]
        return line.strip("| ").split(" | ")[1 : 1 + len(COMMON_FAULT_KINDS)]

    assert asked(played) == asked(left)
    expected = on_the_page(played)
    assert [] == [cell for cell in expected if "not run yet" in cell]
    assert expected == on_the_page(left)


@pytest.mark.parametrize(("left", "played"), WIRED.items(), ids=str)
def test_a_scenario_that_is_left_to_its_short_form_over_wires_promises_what_the_other_one_does(left, played):
    assert f"short-{left}" in SHORT_SCENARIOS
    assert load_scenario(list_builtin()[played]).events == load_scenario(list_builtin()[left]).events
    assert load_scenario(list_builtin()[played]).checks == load_scenario(list_builtin()[left]).checks


def test_every_picture_in_the_pages_is_of_a_scenario_that_is_run_here():
    drawn = [f"{one.name}.svg" for name in _short() for one in load_scenario(list_builtin()[name]).pictures]

    assert sorted(path.name for path in PAGES.glob("*.svg")) == sorted(drawn)


def test_scenarios_that_are_left_to_make_days_are_known_by_name():
    left = {name for name, path in list_builtin().items() if runs_without_wires(path)} - set(_short())

    assert left >= PLANNED
    assert set(list_builtin()) >= LONG
    assert set(_short()).isdisjoint(LONG)
