"""What a check says it proves it sees broken: the gateway is put out of order, row by row."""

import os
import sys
import traceback

import pytest
from tests.hil.offline.mutants import MUTANTS

from quartier_hil import coverage, rows
from quartier_hil.offline.day import Day, Options
from quartier_hil.records import standard
from quartier_hil.scenario import load
from quartier_hil.shelf import builtin

# What lasts 26 hours is not put out of order here.
TOO_LONG = {"link.hold.26-h", "parameter.hold-maximum"}
SEEN, UNSEEN, FAILED = 0, 1, 2


def _end_s(scenario, check):
    """When a check is over."""
    until_s = getattr(check, "until_s", getattr(check, "at_s", scenario.duration_s))
    return min(until_s + 5.0, scenario.duration_s)


def _is_broken(day, row):
    """Whether a check of the row breaks from now on; nobody lives on after the first one that did."""
    scenario = day.options.scenario
    checks = [check for check in scenario.checks if row in check.proves]
    for end_s in sorted({_end_s(scenario, check) for check in checks}):
        if end_s <= day.now_s:
            continue
        day.perform_until(end_s)
        over = [check for check in checks if _end_s(scenario, check) <= end_s]
        asked = {coverage.promised(scenario, check) for check in over}
        if not all(one.holds for one in day.verdicts() if one.promised in asked):
            return True
    return False


def _apart(asked):
    """What ``asked`` finds in a copy of this process: what it puts out of order there is in order here."""
    pid = os.fork()
    if pid == 0:
        code = FAILED
        try:
            code = SEEN if asked() else UNSEEN
        except BaseException:  # noqa: BLE001 - the copy ends here, whatever it was
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """``lives(scenario, until_s)``: a run in order up to that second, which the next one asked for may go on from."""
    held = {}

    def lived(name, until_s):
        day = held.get(name)
        if day is None or day.now_s > until_s:
            scenario = load(builtin()[name])
            series = standard.make(scenario.start.date(), 3, scenario.seed)
            day = Day(Options(scenario=scenario, series=series, folder=tmp_path_factory.mktemp("day")))
            held.clear()
            held[name] = day
        day.perform_until(until_s)
        return day

    return lived


@pytest.mark.parametrize(
    "mutant",
    sorted(MUTANTS, key=lambda one: (one.scenario, one.from_s)),
    ids=lambda one: f"{one.row}: {one.words}",
)
def test_a_gateway_that_does_not_keep_a_row_breaks_a_check_that_proves_it(mutant, lives):
    day = lives(mutant.scenario, mutant.from_s) if mutant.from_s else None

    def broken():
        mutant.breaks(pytest.MonkeyPatch())
        return _is_broken(day or lives(mutant.scenario, -60.0), mutant.row)

    assert SEEN == _apart(broken)


def test_every_row_that_a_scenario_proves_is_put_out_of_order_once():
    proven = {name for name, found in coverage.proofs(builtin()).items() if found}

    assert proven - TOO_LONG == {mutant.row for mutant in MUTANTS}
    assert proven <= set(rows.ROWS)
