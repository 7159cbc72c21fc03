"""Steps of a probe have the reactions and the fault names of the running gateway's own judge."""

from dataclasses import replace

import pytest
from tests.gateway.control.observe.meter_check.conftest import BATTERY, S

from quartier.control.observe.meter_check.causes import name_fault
from quartier.control.observe.meter_check.commanded import (
    combine_steps,
    evaluate_commanded_steps,
    evaluate_gain,
)
from quartier.control.observe.meter_check.judge import EVIDENCE_CODES
from quartier.control.observe.meter_check.samples import MeterSample, take_sample
from quartier.control.observe.meter_check.steps import MeterTiming, Reaction

TIMING = MeterTiming(period_s=1.0, late_s=0.0, assets_s=(1.0,))
REVERSED, RATIO = "direction of the CTs reversed", "wrong ratio, or one phase wrong"
DEAD = "no reaction (dead, or of another building)"


def probed(p, *, levels=(500.0, 0.0, -500.0, 0.0), hold_s=12):
    """Step the battery of a building twice through ``levels`` after a rest, and give back all samples."""
    samples = []
    for watts in (0.0, *levels, *levels):
        p.order("bat1", watts)
        for _ in range(hold_s):
            p.step()
            memories = p.read | {f"grid.{name}": memory for name, memory in p.shown.items()}
            samples.append(take_sample(p.house, memories, p.orders, p.t * S))
    return samples


def times(factor):
    return lambda phases: tuple(factor * watts for watts in phases)


@pytest.mark.parametrize(
    ("factor", "reaction", "code"),
    [
        (1.0, Reaction.GOOD, ""),
        (0.75, Reaction.GOOD, ""),
        (1.25, Reaction.GOOD, ""),
        (-1.0, Reaction.WRONG_SIGN, "wrong_sign"),
        (0.5, Reaction.LOW, "gain_low"),
        (0.65, Reaction.LOW, "gain_low"),
        (1.35, Reaction.HIGH, "gain_high"),
        (0.0, Reaction.NONE, "none"),
    ],
)
def test_step_of_a_battery_has_the_same_reaction_in_a_probe_and_while_the_gateway_runs(
    building, factor, reaction, code
):
    p = building(BATTERY, fault=times(factor))
    judged = evaluate_commanded_steps(probed(p), TIMING)
    evidence = [step for step in p.state.evidence if step.channel == 0]
    steps = [step for step in judged.steps if step.channel == 0]

    assert {reaction} == {step.reaction for step in steps}
    assert len(steps) >= 6
    assert [replace(one, grew_w=0.0) for one in evidence] == [
        replace(one, grew_w=0.0) for one in steps if one.reaction is not Reaction.GOOD
    ], "the judge keeps what is not good"
    assert code == "".join(name for name, _ in judged.causes)
    assert judged.is_good is (reaction is Reaction.GOOD)


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5])
def test_fault_of_one_phase_is_named_where_the_total_is_right(building, factor):
    battery = replace(BATTERY, phase="all")
    p = building(battery, fault=lambda phases: (phases[0], factor * phases[1], phases[2]))
    judged = evaluate_commanded_steps(probed(p, levels=(3_000.0, 0.0, -3_000.0, 0.0)), TIMING)

    (code,) = [name for name, _ in judged.causes]
    assert RATIO == name_fault(code)


def test_meter_that_stands_still_during_the_probe_is_frozen(building):
    p = building(BATTERY)
    first = probed(p)
    p.frozen = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w")
    judged = evaluate_commanded_steps([*first, *probed(p)], TIMING)

    assert ["frozen_power_w"] == [code for code, _ in judged.causes]


@pytest.mark.parametrize(("shown_w", "code"), [(412.0, "frozen_power_w"), (0.0, "none")])
def test_meter_that_never_shows_another_value_is_frozen_or_at_0_w_dead(building, shown_w, code):
    p = building(BATTERY, fault=lambda _: (shown_w / 4, shown_w / 4, shown_w / 2))

    assert [code] == [name for name, _ in evaluate_commanded_steps(probed(p), TIMING).causes]


def test_still_building_whose_asset_is_not_stepped_is_not_frozen(building):
    p = building(BATTERY, ripple_w=0.0)
    judged = evaluate_commanded_steps(probed(p, levels=(0.0, 0.0)), TIMING)

    assert ((), (), False) == (judged.steps, judged.causes, judged.is_good)


def test_nothing_is_held_against_a_meter_without_samples():
    assert ((), ()) == (
        evaluate_commanded_steps([], TIMING).steps,
        evaluate_commanded_steps([], TIMING).causes,
    )


def test_curtailed_pv_shows_a_reversed_meter():
    samples = [
        MeterSample(t * S, (500.0 + t % 3 - watts,), (0.0,), watts, t // 20, 0, (watts,))
        for t in range(120)
        for watts in [-3_000.0 if t // 20 % 2 else -1_500.0]
    ]

    assert ["wrong_sign"] == [
        code for code, _ in evaluate_commanded_steps(samples, TIMING, generation=True).causes
    ]


@pytest.mark.parametrize(
    ("reactions", "code"),
    [
        ([Reaction.WRONG_SIGN], ""),
        ([Reaction.WRONG_SIGN] * 2, "wrong_sign"),
        ([Reaction.GOOD] * 2, ""),
        ([Reaction.WRONG_SIGN] * 3 + [Reaction.GOOD], "wrong_sign"),
        ([Reaction.WRONG_SIGN] * 2 + [Reaction.GOOD] * 2, ""),
        ([Reaction.LOW, Reaction.NONE, Reaction.NONE], "gain_low"),
    ],
)
def test_two_steps_that_agree_are_enough_and_one_in_four_may_be_spoilt(reactions, code):
    assert code == combine_steps(reactions)


@pytest.mark.parametrize(
    ("gain", "code"),
    [
        (1.0, ""),
        (0.7, ""),
        (1.3, ""),
        (0.69, "gain_low"),
        (1.31, "gain_high"),
        (0.1, "none"),
        (-0.1, "none"),
        (-1.0, "wrong_sign"),
    ],
)
def test_gain_of_all_steps_has_the_limits_of_one(gain, code):
    assert code == "".join(name for name, _ in evaluate_gain(gain))


def test_every_code_of_the_judge_has_a_fault_name_but_the_one_that_waits_for_the_next_step():
    waits = {code for code in EVIDENCE_CODES if not name_fault(code)}

    assert {"one_step", "one_step_l1", "one_step_l2", "one_step_l3"} == waits
    assert [REVERSED, RATIO, RATIO, DEAD] == [
        name_fault(code) for code in ("wrong_sign", "gain_low", "wrong_sign_l2", "none")
    ]
