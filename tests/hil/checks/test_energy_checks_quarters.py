"""Judges of stored quarter hours, held against rows that are right and rows that are not."""

import pytest

from quartier_hil.checks import energy_checks
from quartier_hil.checks.run_record import StoredHistory
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario import preparation
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.scenario_file import load_scenario

IMPORT, POWER = "grid.energy_import_wh", "grid.power_w"
POWER_W, BEFORE_WH = 3_600.0, 500.0  # a watt-hour a second


@pytest.fixture
def scenario():
    night = load_scenario(list_builtin()["clock-change-night"])
    return night.model_copy(update={"duration_s": 4_500.0})


def _verdicts(scenario, rows, means=None, samples=None, downs=(), zero_s=0.0):
    """What is said of 75 minutes at a steady power; ``rows`` and ``means`` are the stored values."""
    check = asked.QuarterHourExpectation(check="quarters", counters=(IMPORT,))
    found = list(energy_checks.build_quarter_checks(scenario, check))
    for second in range(1, 4_501):
        values = {IMPORT: BEFORE_WH + second, POWER: POWER_W}
        for judge in found:
            judge.step(float(second), 1.0, values)
    labels = preparation.make_quarter_span(scenario).labels
    means = means or [(label, POWER_W) for label in labels]
    told = StoredHistory({IMPORT: rows, POWER: means}, {IMPORT: samples or rows})
    return {
        one.check: one
        for one in (judge.verdict(RunData(stored=told, downs=downs, zero_s=zero_s)) for judge in found)
    }


def _rows(scenario, late_s=40.0):
    return [
        (label, BEFORE_WH + (number + 1) * 900.0 - late_s)
        for number, label in enumerate(preparation.make_quarter_span(scenario).labels)
    ]


def test_five_quarters_each_once_and_as_the_plant_counted_hold(scenario):
    found = _verdicts(scenario, _rows(scenario))

    assert all(one.holds for one in found.values())
    assert "5 of each" == found["quarters"].measured
    assert "3600.0 Wh in 4 steps, 3600.0 by the plant; 5 samples" == found["counters"].measured


@pytest.mark.parametrize(
    ("spoils", "words"),
    [
        (lambda rows: rows[:-1], "4 values, the 5. is the end, not 2026-10-25 02:45:00+02:00"),
        (lambda rows: [*rows[:2], rows[1], *rows[2:]], "6 values, the 3. is 2026-10-25 02:00:00+02:00"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "5 values, the 1. is 2026-10-25 02:00:00+02:00"),
        (lambda rows: [*rows[:4], ("2026-10-25 02:45:00+01:00", rows[4][1])], "the 5. is 2026-10-25 02:45"),
    ],
)
def test_a_quarter_that_is_missing_doubled_misplaced_or_of_another_hour_breaks_the_list(
    scenario, spoils, words
):
    found = _verdicts(scenario, spoils(_rows(scenario)))["quarters"]

    assert not found.holds
    assert words in found.measured


def test_a_counter_that_went_back_between_two_quarters_is_seen_in_its_samples(scenario):
    rows = _rows(scenario)
    blip = [rows[0], ("2026-10-25 02:01:00+02:00", 0.0), *rows[1:]]
    found = _verdicts(scenario, rows, samples=blip)["counters"]

    assert not found.holds
    assert "1 go back, first at 2026-10-25 02:01:00+02:00" in found.measured


@pytest.mark.parametrize(("late_s", "holds"), [(1.0, True), (70.0, True), (72.0, False), (-5.0, False)])
def test_a_value_that_is_older_than_the_pace_or_that_nobody_can_have_seen_yet_is_off(scenario, late_s, holds):
    assert holds == _verdicts(scenario, _rows(scenario, late_s))["counters"].holds


def test_while_the_gateway_was_away_a_value_may_be_as_old_as_that(scenario):
    rows = _rows(scenario)
    rows[1] = (rows[1][0], rows[1][1] - 200.0)

    assert not _verdicts(scenario, rows)["counters"].holds
    assert _verdicts(scenario, rows, downs=((1_600.0, 1_790.0),))["counters"].holds


def test_a_mean_that_is_too_far_from_the_plants_breaks_the_powers(scenario):
    means = [
        (label, POWER_W + 200.0 * (number == 2))
        for number, label in enumerate(preparation.make_quarter_span(scenario).labels)
    ]
    found = _verdicts(scenario, _rows(scenario), means)["quarters-power"]

    assert not found.holds
    assert "4550 Wh, 4500 by the plant; at most 200 W off" in found.measured
    assert _verdicts(scenario, _rows(scenario), means, downs=((2_000.0, 2_100.0),))["quarters-power"].holds


def test_over_wires_second_0_comes_after_the_begin_of_the_first_quarter(scenario):
    rows = [(label, value - 60.0) for label, value in _rows(scenario)]

    assert not _verdicts(scenario, rows)["counters"].holds
    assert all(one.holds for one in _verdicts(scenario, rows, zero_s=60.0).values())
    assert not _verdicts(scenario, _rows(scenario), zero_s=60.0)["counters"].holds


def test_what_flowed_before_second_0_is_not_judged(scenario):
    means = [
        (label, POWER_W - 200.0 * (number == 0))
        for number, label in enumerate(preparation.make_quarter_span(scenario).labels)
    ]
    rows = [(label, value - 60.0) for label, value in _rows(scenario)]

    assert not _verdicts(scenario, _rows(scenario), means)["quarters-power"].holds
    assert _verdicts(scenario, rows, means, zero_s=60.0)["quarters-power"].holds


def test_a_history_that_gave_nothing_holds_nothing(scenario):
    check = asked.QuarterHourExpectation(check="quarters", counters=(IMPORT,))
    judges = list(energy_checks.build_quarter_checks(scenario, check))
    for judge in judges:
        judge.step(1.0, 1.0, {IMPORT: 0.0, POWER: 0.0})

    assert [False] * 3 == [judge.verdict(RunData()).holds for judge in judges]
