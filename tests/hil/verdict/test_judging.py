from quartier_hil import scenario as asked_caps
from quartier_hil import wanted as asked
from quartier_hil.verdict.alarmed import AlarmsHeld
from quartier_hil.verdict.checks import Alive, Balance, Ending
from quartier_hil.verdict.judging import asked_for, judges, verdicts
from quartier_hil.verdict.limits import CapKept
from quartier_hil.verdict.promise import caps


def test_every_run_is_judged_by_balance_life_and_alarms_that_do_not_flap(prepared):
    assert [Balance, Alive, AlarmsHeld] == [type(judge) for judge in judges(prepared.scenario, ())]


def test_each_check_has_its_judge_and_invariants_have_several(prepared):
    checks = (asked.CapKept(check="cap-kept"), asked.Invariants(check="invariants", without=("reasons",)))
    scenario = prepared.scenario.model_copy(update={"checks": checks})
    found = list(asked_for(scenario, caps(scenario)))

    assert [AlarmsHeld, CapKept] == [type(judge) for judge in found[:2]]
    assert ["BandKept", "MinimumTimes", "Switchings"] == [type(judge).__name__ for judge in found[2:5]]
    assert "Reasons" not in [type(judge).__name__ for judge in found]


def test_a_reaction_that_nothing_called_for_is_no_promise_unless_the_scenario_asks_for_it(prepared):
    cap = asked_caps.Caps(at_s=10, do="caps", for_s=60, import_max_w=4_000)
    told = []
    for checks in (
        (),
        (asked.Tightened(check="tightening"),),
        (asked.Tightened(check="tightening", guard="idle"),),
    ):
        scenario = prepared.scenario.model_copy(update={"events": (cap,), "checks": checks})
        found = list(asked_for(scenario, caps(scenario)))
        for judge in found:
            judge.step(20.0, 1.0, {"grid.power_w": 500.0})
        told.append([(one.check, one.result) for one in verdicts(found, Ending())])

    held = ("alarms-held", "kept")
    assert [[held], [held, ("tightening", "not shown")], [held, ("tightening", "kept")]] == told


def test_a_cap_that_tightens_is_timed_in_every_run(prepared):
    cap = asked_caps.Caps(at_s=10, do="caps", for_s=60, import_max_w=4_000)
    scenario = prepared.scenario.model_copy(update={"events": (cap,)})

    assert ["AlarmsHeld", "Tightening"] == [
        type(judge).__name__ for judge in asked_for(scenario, caps(scenario))
    ]
