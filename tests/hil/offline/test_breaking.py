"""What a check says it proves it sees broken: the gateway is put out of order, row by row."""

import pytest
from tests.hil.offline.mutants import MUTANTS

from quartier_hil import coverage, rows
from quartier_hil.offline.day import Day, Options
from quartier_hil.records import standard
from quartier_hil.scenario import load
from quartier_hil.shelf import builtin

# What lasts 26 hours is not put out of order here.
TOO_LONG = {"link.hold.26-h", "parameter.hold-maximum"}


def _cut(scenario, row):
    """The scenario with the checks of one row alone, until the last of them is over."""
    checks = tuple(check for check in scenario.checks if row in check.proves)
    ends = [getattr(check, "until_s", getattr(check, "at_s", scenario.duration_s)) for check in checks]
    duration_s = min(max(ends) + 5.0, scenario.duration_s)
    events = tuple(event for event in scenario.events if event.at_s < duration_s)
    return scenario.model_copy(update={"checks": checks, "duration_s": duration_s, "events": events})


def _judged(scenario, folder):
    series = standard.make(scenario.start.date(), 3, scenario.seed)
    day = Day(Options(scenario=scenario, series=series, folder=folder)).perform()
    asked = {coverage.promised(scenario, check) for check in scenario.checks}
    return [one.holds for one in day.verdicts() if one.promised in asked]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.row}: {one.words}")
def test_a_gateway_that_does_not_keep_a_row_breaks_a_check_that_proves_it(mutant, monkeypatch, tmp_path):
    scenario = _cut(load(builtin()[mutant.scenario]), mutant.row)
    mutant.breaks(monkeypatch)

    assert not all(_judged(scenario, tmp_path))


def test_every_row_that_a_scenario_proves_is_put_out_of_order_once():
    proven = {name for name, found in coverage.proofs(builtin()).items() if found}

    assert proven - TOO_LONG == {mutant.row for mutant in MUTANTS}
    assert proven <= set(rows.ROWS)
