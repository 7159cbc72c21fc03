import datetime as dt
from math import inf

import pytest

from quartier_hil.checks.limit_reaction import (
    ReactionCheck,
    collect_reaction_figures,
    list_limit_reductions,
)
from quartier_hil.checks.promised_values import PromisedLimit, list_promised_limits
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.expectations import ReactionExpectation
from quartier_hil.scenario.scenario_file import Scenario

CONTRACT = {"import_w": 12_000.0, "export_w": 6_000.0, "whose": "contract"}
TIGHT = {**CONTRACT, "import_w": 4_000.0, "whose": "district"}
CAP = {"at_s": 100, "do": "caps", "import_max_w": 4_000, "for_s": 600}


def _scenario(*events, **house):
    start = dt.datetime(2026, 6, 12, 18, 30)  # noqa: DTZ001 - the house's local time
    return Scenario.model_validate(
        {"title": "x", "start": start, "duration_s": 900, "house": house, "events": [CAP, *events]}
    )


def _judge(*events, **house):
    scenario = _scenario(*events, **house)
    return ReactionCheck(scenario, list_promised_limits(scenario))


def _go(judge, *steps):
    """Each step: second, grid in W, battery order, car order."""
    for now_s, grid_w, battery_w, car_a in steps:
        values = {"grid.power_w": grid_w, "order.battery_w": battery_w, "order.current_max_a": car_a}
        judge.step(now_s, 0.0, values)
    return judge


def test_only_what_is_tighter_than_before_is_a_tightening():
    before, tight = PromisedLimit(from_s=0, **CONTRACT), PromisedLimit(from_s=100, **TIGHT)
    wide = PromisedLimit(from_s=700, **CONTRACT)
    outward = PromisedLimit(from_s=800, **{**CONTRACT, "export_w": 1_000.0})

    assert [(tight, 700), (outward, inf)] == list_limit_reductions([before, tight, wide, outward])


def test_command_and_meter_are_timed_from_the_moment_of_the_cap():
    judge = _go(
        _judge(),
        (99, 10_000, 0, 16),
        (100, 10_000, 0, 16),
        (101, 10_000, -200, 16),
        (101.5, 10_000, -200, 8),
        (104, 3_900, -200, 8),
        (110, 3_900, -200, 8),
    )

    assert (
        {"tighten_command_s": 1.5, "tighten_inside_s": 4.0}
        == judge.figures
        == collect_reaction_figures([judge])
    )
    verdict = judge.verdict(RunData())
    assert verdict.holds
    assert "command after 1.5 s, inside after 4.0 s at most (1 of 1 limit reduction" in verdict.measured


@pytest.mark.parametrize(
    ("steps", "measured"),
    [
        (((100, 10_000, 0, 16), (103, 10_000, 0, 6), (106, 3_000, 0, 6)), "command after 3.0 s"),
        (((100, 10_000, 0, 16), (101, 10_000, 0, 6), (140, 3_000, 0, 6)), "inside after 40.0 s"),
        (((100, 10_000, 0, 16), (101, 10_000, 0, 6)), "inside after never"),
        (((100, 10_000, 0, 16), (104, 3_000, 0, 16), (110, 3_000, 0, 16)), "command after never"),
    ],
)
def test_who_is_late_or_never_there_has_broken_the_promise(steps, measured):
    verdict = _go(_judge(), (99, 10_000, 0, 16), *steps).verdict(RunData())

    assert not verdict.holds
    assert measured in verdict.measured


def test_a_moment_inside_is_not_yet_inside_and_what_comes_later_is_another_matter():
    judge = _go(
        _judge(),
        (99, 10_000, 0, 16),
        (100, 10_000, 0, 6),
        (103, 3_000, 0, 6),
        (105, 5_000, 0, 6),
        (109, 3_000, 0, 6),
        (115, 3_000, 0, 6),
        (400, 9_000, 0, 6),
    )

    assert 9.0 == judge.figures["tighten_inside_s"]


def test_a_house_that_is_inside_already_has_nothing_to_answer():
    judge = _go(_judge(), (99, 3_000, 0, 16), (100, 3_000, 0, 16), (200, 9_000, 0, 16))

    assert {} == judge.figures
    assert "1 limit reduction, the house was inside each" == judge.verdict(RunData()).measured


def test_the_houses_own_noise_is_no_command():
    judge = _go(_judge(), (99, 10_000, 0, 16), (100, 10_000, -900, 16), (101, 10_000, -1_500, 16))

    assert 1.0 == judge.figures["tighten_command_s"]  # a quarter of 6 kW


def test_an_export_is_taken_back_by_more_charging_or_less_generation():
    outward = {"at_s": 100, "do": "caps", "export_max_w": 1_000, "for_s": 600}
    scenario = _scenario(outward).model_copy(update={"events": ()})
    judge = ReactionCheck(
        scenario, [PromisedLimit(0, 12_000, 6_000, "contract"), PromisedLimit(100, 12_000, 1_000, "district")]
    )
    for now_s, generation_w in ((99, 6_000), (100, 6_000), (101, 3_000)):
        values = {"grid.power_w": -5_000, "order.battery_w": 0, "order.generation_max_w": generation_w}
        judge.step(now_s, 0.0, values)

    assert 1.0 == judge.figures["tighten_command_s"]


def test_what_only_its_load_knows_counts_when_it_is_switched():
    lamps = {"kind": "lights", "name": "lamps1", "rated_w": 9_000}
    judge = _judge(assets=[lamps])
    for now_s, dim_pct in ((99, 100), (100, 100), (101, 50)):
        judge.step(now_s, 0.0, {"grid.power_w": 10_000, "order.lamps1.dim_pct": dim_pct})

    assert 1.0 == judge.figures["tighten_command_s"]


@pytest.mark.parametrize(
    "event",
    [
        {"at_s": 90, "do": "kill", "down_s": 20},
        {"at_s": 110, "do": "freeze", "for_s": 20},
        {"at_s": 50, "do": "blackout", "for_s": 60},
    ],
)
def test_nothing_is_asked_of_a_gateway_that_is_not_there(event):
    assert {} == _go(_judge(event), (99, 10_000, 0, 16), (100, 10_000, 0, 16)).figures


def test_an_order_that_acts_in_a_step_stood_when_the_step_began():
    judge = _judge()
    for now_s, car_a in ((99, 16), (101, 16), (103, 6)):
        judge.step(now_s, 2.0, {"grid.power_w": 10_000, "order.current_max_a": car_a})

    assert 1.0 == judge.figures["tighten_command_s"]


def test_a_house_with_a_slow_cycle_has_that_cycle_and_a_second_for_its_command():
    scenario = _scenario().model_copy(update={"cycle_s": 5.0})

    assert (2.0, 6.0) == (
        _judge().command_max_s,
        ReactionCheck(scenario, list_promised_limits(scenario)).command_max_s,
    )


def test_a_minimum_time_may_be_allowed_its_own_limits():
    scenario = _scenario()
    check = ReactionExpectation(check="tightening", command_max_s=60, inside_max_s=200)
    steps = (
        (99, 9_000, 0, 16),
        (100, 9_000, 0, 16),
        (150, 9_000, 0, 0),
        (260, 3_900, 0, 0),
        (270, 3_900, 0, 0),
    )
    strict = _go(ReactionCheck(scenario, list_promised_limits(scenario), is_asked=True), *steps).verdict(
        RunData()
    )
    found = _go(
        ReactionCheck(scenario, list_promised_limits(scenario), is_asked=True, asked=check), *steps
    ).verdict(RunData())

    assert (False, True) == (strict.holds, found.holds)
    assert "the command on the wire in 60 s and the meter inside in 200 s" in found.promised


def _lost(*steps, district=False):
    """Limits of 12 and then 4 kW, or of the district before; a step: second, grid, car order, gateway's limit."""
    promised = [PromisedLimit(from_s=0, **CONTRACT), PromisedLimit(100, 4_000, 6_000, "fail-safe")]
    if district:
        promised[:0] = [
            PromisedLimit(0, 12_000, 6_000, "contract"),
            PromisedLimit(20, 8_000, 6_000, "district"),
        ]
        promised[2] = PromisedLimit(30, 12_000, 6_000, "contract")
    judge = ReactionCheck(_scenario(), promised, is_asked=True)
    for now_s, grid_w, car_a, limit_w in steps:
        limits = {"limit.import_w": limit_w, "limit.export_w": 6_000.0}
        judge.step(now_s, 1.0, {"grid.power_w": grid_w, "order.current_max_a": car_a, **limits})
    return judge.verdict(RunData())


EARLY = (87, 9_000, 16, 12_000), (90, 3_900, 8, 4_000), (99, 3_900, 8, 4_000), (100, 3_900, 8, 4_000)


def test_what_the_gateway_took_back_before_the_limit_was_promised_is_told_and_shows_nothing():
    early = _lost(*EARLY)

    assert (
        "1 limit reduction, the house was inside each; before 1 of them the gateway had curtailed"
        in early.measured
    )
    assert "all was taken back before the limit was due" == early.unshown
    assert "not shown" == early.result


def test_a_reduction_before_the_limit_was_promised_counts_as_required():
    led = (19, 11_000, 16, 12_000), (20, 11_000, 16, 8_000), (21, 7_900, 10, 8_000), (29, 7_900, 10, 8_000)

    assert (
        "(2 of 2 limit reductions required curtailment, 1 of them before it was due: the gateway kept the limit already)"
    ) in _lost(*led, *EARLY, district=True).measured


def test_a_limit_that_the_gateway_showed_only_after_it_was_due_counts_from_when_it_was_kept():
    promised = [PromisedLimit(from_s=0, **CONTRACT), PromisedLimit(100, 4_000, 6_000, "fail-safe")]
    judge = ReactionCheck(_scenario(), promised, is_asked=True)
    for now_s, grid_w, car_a in ((98, 4_900, 16), (99, 3_900, 14.7), (100, 3_900, 14.7)):
        values = {"grid.power_w": grid_w, "order.current_max_a": car_a}
        judge.step(now_s, 1.0, values | {"limit.import_w": 12_000.0, "limit.export_w": 6_000.0})
    unrevised = judge.verdict(RunData())
    judge.revise_limits(98.85, {"limit.import_w": 4_000.0, "limit.export_w": 6_000.0})

    assert "nothing had to be taken back" == unrevised.unshown
    assert "all was taken back before the limit was due" == judge.verdict(RunData()).unshown


@pytest.mark.parametrize(
    "before",
    [
        ((87, 9_000, 16, 12_000), (99, 3_900, 8, 12_000)),  # the gateway did not keep the limit yet
        ((87, 9_000, 16, 12_000), (99, 3_900, 16, 4_000)),  # nothing was ordered
        ((87, 3_900, 16, 12_000), (99, 3_900, 8, 4_000)),  # nothing was over the limit
        ((30, 9_000, 16, 12_000), (99, 3_900, 8, 4_000)),  # that was long before
    ],
)
def test_a_house_that_was_inside_for_another_reason_required_no_curtailment(before):
    assert "the house was inside each" == _lost(*before, (100, 3_900, 8, 4_000)).measured.partition(", ")[2]
