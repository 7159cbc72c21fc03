from dataclasses import replace

import pytest

from quartier_hil.checks.check_builder import (
    build_checks,
    build_requested_checks,
    collect_verdicts,
    name_proved_rows,
)
from quartier_hil.checks.daemon_checks import BalanceCheck, DaemonAliveCheck
from quartier_hil.checks.invariant_checks import (
    BatteryBandCheck,
    MinimumTimeCheck,
    ReasonPresenceCheck,
    SwitchingRateCheck,
)
from quartier_hil.checks.limit_reaction import ReactionCheck
from quartier_hil.checks.promised_values import list_promised_limits
from quartier_hil.checks.quantity_checks import LimitCheck
from quartier_hil.checks.status_checks import AlarmFlappingCheck
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.outside_events import LimitEnvelope
from quartier_hil.scenario.scenario_file import load_scenario


def test_every_run_is_judged_by_balance_life_and_alarms_that_do_not_flap(prepared):
    assert [BalanceCheck, DaemonAliveCheck, AlarmFlappingCheck] == [
        type(judge) for judge in build_checks(prepared.scenario, ())
    ]


def test_each_check_has_its_judge_and_invariants_have_several(prepared):
    checks = (
        asked.LimitExpectation(check="cap-kept"),
        asked.InvariantExpectation(check="invariants", without=("reasons",)),
    )
    scenario = prepared.scenario.model_copy(update={"checks": checks})
    found = list(build_requested_checks(scenario, list_promised_limits(scenario)))

    assert [AlarmFlappingCheck, LimitCheck] == [type(judge) for judge in found[:2]]
    assert [BatteryBandCheck, MinimumTimeCheck, SwitchingRateCheck] == [type(judge) for judge in found[2:5]]
    assert ReasonPresenceCheck not in [type(judge) for judge in found]


def test_a_reaction_that_nothing_called_for_is_no_promise_unless_the_scenario_asks_for_it(prepared):
    cap = LimitEnvelope(at_s=10, do="caps", for_s=60, import_max_w=4_000)
    told = []
    for checks in (
        (),
        (asked.ReactionExpectation(check="tightening"),),
        (asked.ReactionExpectation(check="tightening", guard="idle"),),
    ):
        scenario = prepared.scenario.model_copy(update={"events": (cap,), "checks": checks})
        found = list(build_requested_checks(scenario, list_promised_limits(scenario)))
        for judge in found:
            judge.step(20.0, 1.0, {"grid.power_w": 500.0})
        told.append([(one.check, one.result) for one in collect_verdicts(found, RunData())])

    held = ("alarms-held", "kept")
    assert [[held], [held, ("tightening", "not shown")], [held, ("tightening", "kept")]] == told


def test_a_cap_that_tightens_is_timed_in_every_run(prepared):
    cap = LimitEnvelope(at_s=10, do="caps", for_s=60, import_max_w=4_000)
    scenario = prepared.scenario.model_copy(update={"events": (cap,)})

    assert [AlarmFlappingCheck, ReactionCheck] == [
        type(judge) for judge in build_requested_checks(scenario, list_promised_limits(scenario))
    ]


@pytest.mark.parametrize("name", sorted(list_builtin()))
def test_a_verdict_names_the_rows_that_its_check_proves(name):
    scenario = load_scenario(list_builtin()[name])
    caps = list_promised_limits(scenario)
    verdicts = [one.verdict(RunData()) for one in build_checks(scenario, caps)]
    named = name_proved_rows(verdicts, scenario, caps)

    assert {row for check in scenario.checks for row in check.proves} == {
        row for verdict in named for row in verdict.proves
    }
    assert verdicts == [replace(one, proves=()) for one in named]
