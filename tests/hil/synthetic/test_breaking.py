"""What a check says it proves it sees broken: the gateway is put out of order, row by row."""

import os
import signal
import sys
import traceback
from itertools import groupby
from math import inf

import pytest
from tests.hil.synthetic.mutants import MUTANTS, Mutant
from tests.hil.synthetic.steps import lengthen_steps

from quartier_hil.checks.check_builder import build_expectation_checks
from quartier_hil.report import coverage_pages
from quartier_hil.scenario import specification_rows
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series import standard_load

# What lasts 26 hours is not put out of order here.
TOO_LONG = {"link.hold.26-h", "parameter.hold-maximum"}
SEEN, UNSEEN, FAILED = 0, 1, 2
# Only ends a copy that hangs.
HANGS_REAL_S = 600

# Python 3.12 and later warn where a process with threads forks: a worker of xdist has one that waits for words of its
# master.  The copy needs none of them: it takes no lock that they could hold, and ends by ``os._exit``.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:This process \(pid=\d+\) is multi-threaded, use of fork:DeprecationWarning"
)


class Watched:
    """A run, and the judges of each check of it."""

    def __init__(self, name, folder):
        scenario = lengthen_steps(name, load_scenario(list_builtin()[name]))
        series = standard_load.build_standard_series(scenario.start.date(), 3, scenario.seed)
        self.day = SyntheticRun(RunOptions(scenario=scenario, series=series, folder=folder))
        self.checks = [check for check in self.day.evaluated_scenario.checks if check.proves]
        self.judges = list(self._judges())

    def _judges(self):
        """Those that the day itself asks, for each check that proves something: found by their place."""
        scenario, caps = self.day.evaluated_scenario, self.day.caps
        made = [list(build_expectation_checks(check, scenario, caps)) for check in scenario.checks]
        left = self.day.checks[len(self.day.checks) - sum(map(len, made)) :]
        for check, alike in zip(scenario.checks, made, strict=True):
            own, left = left[: len(alike)], left[len(alike) :]
            assert [type(one) for one in alike] == [type(one) for one in own]
            assert all(getattr(one, "asked", check) is check for one in own)
            if check.proves:
                yield own

    def end_s(self, check):
        """When a check is over, a moment after its last second."""
        duration_s = self.day.scenario.duration_s
        return min(getattr(check, "until_s", getattr(check, "at_s", duration_s)) + 5.0, duration_s)

    def broken(self, row="", until_s=inf):
        """The checks of the row (empty: of any) that do not hold, asked whenever one is over from now on.

        Nobody lives on after the first one that did not.
        """
        asked = {n: self.end_s(check) for n, check in enumerate(self.checks) if row in {"", *check.proves}}
        for end_s in sorted(set(asked.values())):
            if not self.day.now_s < end_s <= until_s:
                continue
            self.day.run_until(end_s)
            ending = self.day.ending
            over = [judge for n, at_s in asked.items() if at_s <= end_s for judge in self.judges[n]]
            found = [one for one in (judge.verdict(ending) for judge in over) if not one.holds]
            if found:
                return found
        if until_s < inf:
            self.day.run_until(until_s)
        return []


def _apart(asked):
    """What ``asked`` finds in a copy of this process: what it puts out of order there is in order here."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(HANGS_REAL_S)
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
    """``lives(scenario, until_s)``: a run in order up to that second, which the next one asked for may go on from.

    It is judged on its way as one out of order is, and every check that is over holds.
    """
    held = {}

    def lived(name, until_s):
        watched = held.get(name)
        if watched is None or watched.day.now_s > until_s:
            watched = Watched(name, tmp_path_factory.mktemp("day"))
            held.clear()
            held[name] = watched
        assert [] == watched.broken(until_s=until_s)
        return watched

    return lived


def _cases():
    """What is put out of order in each scenario as time goes on; at last nothing is, and no check of any row breaks."""
    by_time = sorted(MUTANTS, key=lambda one: (one.scenario, one.from_s))
    for name, group in groupby(by_time, key=lambda one: one.scenario):
        mutants = list(group)
        for mutant in mutants:
            yield pytest.param(mutant, SEEN, id=f"{mutant.row}: {mutant.words}")
        nothing = Mutant("", name, lambda _: None, "in order", mutants[-1].from_s)
        yield pytest.param(nothing, UNSEEN, id=f"{name}: {nothing.words}")


@pytest.mark.parametrize(("mutant", "expected"), list(_cases()))
def test_a_check_breaks_where_the_gateway_does_not_keep_its_row_and_only_there(
    mutant, expected, lives, tmp_path
):
    watched = lives(mutant.scenario, mutant.from_s) if mutant.from_s else None

    def broken():
        mutant.breaks(pytest.MonkeyPatch())
        return (watched or Watched(mutant.scenario, tmp_path)).broken(mutant.row)

    assert expected == _apart(broken)


def test_every_row_that_a_scenario_proves_is_put_out_of_order_once():
    proven = {name for name, found in coverage_pages.list_proofs(list_builtin()).items() if found}

    assert proven - TOO_LONG == {mutant.row for mutant in MUTANTS}
    assert proven <= set(specification_rows.SPECIFICATION_ROWS)
