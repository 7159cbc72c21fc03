"""The connection meter in a probe: the same limits and names as while the gateway runs."""

import pytest
from tests.gateway.commissioning.conftest import BATTERY, TIMER

from quartier.commissioning.probe import grid_meter_check, probe_subject
from quartier.commissioning.probe.probe_subject import ProbeLimits
from quartier.control.observe.meter_check.judge import EVIDENCE_CODES

WIDE = ProbeLimits(200_000, 200_000)


def judged(report):
    return grid_meter_check.evaluate_grid_meter(report.session.stage.subject, report.trace, report.seen)


def causes(report):
    found = [code for code, _ in judged(report).causes]
    assert set(found) <= EVIDENCE_CODES
    return found


@pytest.mark.parametrize(
    ("fault", "expected", "code"),
    [
        ({}, [], ""),
        ({"sees": -1.0}, ["wrong_sign"], "sign.grid"),
        ({"sees": 0.5}, ["gain_low"], "gain.grid"),
        ({"sees": 1.6}, ["gain_high"], "gain.grid"),
        ({"sees": 0.0}, ["none"], "grid.blind"),
        ({"sees": 0.1}, ["gain_low"], "factor.grid"),
        ({"sees": 10.0}, ["gain_high"], "factor.grid"),
    ],
)
@pytest.mark.parametrize("noise_w", [0.0, 25.0])
def test_fault_of_the_meter_has_the_code_of_the_judge_and_its_finding(
    probe, plant, fault, expected, code, noise_w
):
    report = probe(plant(**fault, noise_w=noise_w), bounds=WIDE)

    assert expected == causes(report)
    assert bool(code) is (code in report.faults)


def test_finding_begins_with_the_name_that_quartier_check_uses(probe, plant):
    (finding,) = [one for one in probe(plant(sees=-1.0)).found if one.code == "sign.grid"]

    assert finding.words.startswith("grid: direction of the CTs reversed: it moves against the assets' steps")
    assert "look at the direction of its CTs" in finding.words


def test_frozen_meter_is_named(probe, plant):
    report = probe(plant(phases={"l1": 0, "l2": 0, "l3": 0}, other=1.0, other_s=0.01))
    (finding,) = [one for one in report.found if one.code == "grid.frozen"]

    assert ["frozen_power_w"] == causes(report)
    assert finding.words.startswith(
        "grid: frozen values: power_w stays at 600 while assets change their power"
    )


@pytest.mark.parametrize(("phase", "channels"), [("", {0}), ("l1", {0}), ("l2", {0, 2}), ("all", {0})])
def test_phase_is_judged_where_site_file_and_meter_agree_on_it(probe, plant, phase, channels):
    of = probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None, fallback=TIMER, phase=phase)
    report = probe(plant(), of)

    assert channels == {step.channel for step in judged(report).steps}
    assert [] == causes(report)


def test_meter_of_one_phase_is_judged_in_total(probe, plant):
    report = probe(plant(phases={}))

    assert {0} == {step.channel for step in judged(report).steps}


@pytest.mark.parametrize("fault", [{"reads": -1.0}, {"reads": 10.0}, {"reads": 0.1}, {"gain": -1.0}])
def test_wrong_asset_is_no_fault_of_the_meter(probe, plant, fault):
    assert [] == causes(probe(plant(**fault), bounds=WIDE))


def test_other_controller_that_takes_the_steps_back_is_no_fault_of_the_meter(probe, plant):
    assert [] == causes(probe(plant(other=1.0, noise_w=15)))


@pytest.mark.parametrize(("sees", "expected"), [(1.0, []), (-1.0, ["wrong_sign"]), (0.5, ["gain_low"])])
def test_steps_that_cannot_be_judged_alone_count_by_the_gain_of_all(probe, plant, sees, expected):
    """The meter is too late for the time that a step is held."""
    report = probe(plant(sees=sees, grid_lag_s=3.0))

    assert 0 == judged(report).reactions.total()
    assert expected == causes(report)
    assert "grid: no step could be judged alone" == grid_meter_check.describe_meter_result(
        judged(report), "grid"
    )


def test_house_too_loud_to_tell_says_nothing_of_the_meter(probe, plant):
    assert [] == causes(probe(plant(noise_w=4_000.0)))


def test_asset_that_does_not_answer_says_nothing_of_the_meter(probe, plant):
    assert [] == causes(probe(plant(gain=0.0)))


def test_phase_with_a_wrong_factor_is_named_where_the_site_file_has_the_phases(probe, plant):
    class Miswired(plant):
        def grid(self, now_s):
            told = super().grid(now_s)
            lost_w = 0.5 * told["grid.power_l2_w"]
            return told | {
                "grid.power_l2_w": told["grid.power_l2_w"] - lost_w,
                "grid.power_w": told["grid.power_w"] - lost_w,
            }

    shares = {"l1": 1 / 3, "l2": 1 / 3, "l3": 1 / 3}
    of = probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", 1_500.0, fallback=TIMER, phase="all")
    report = probe(Miswired(phases=shares), of, bounds=WIDE)
    (finding,) = [one for one in report.found if one.code == "grid.phase"]

    assert ["gain_low_l2"] == causes(report)
    assert finding.words.startswith("grid: wrong ratio, or one phase wrong: ")
    assert "(phase L2)" in finding.words


def test_reactions_are_told_in_words_and_as_json(probe, plant):
    found = judged(probe(plant(sees=-1.0)))

    assert (
        "grid: 7 steps checked with the rules of the running gateway: 7 wrong sign"
        == grid_meter_check.describe_meter_result(found, "grid")
    )
    assert {
        "steps": {"wrong sign": 7},
        "faults": [{"fault": "direction of the CTs reversed", "code": "wrong_sign", "value": -1.0}],
    } == grid_meter_check.render_meter_result(found)


def test_curtailed_pv_shows_a_reversed_meter(probe, plant, subjects):
    roof = plant(
        name="pv1",
        point="pv1.generation_max_w",
        to_w=lambda cap_w: -min(cap_w, 4_000.0),
        low_w=-4_000.0,
        high_w=0.0,
        sees=-1.0,
        house_w=200.0,
    )
    report = probe(roof, subjects["pv"], bounds=WIDE)

    assert ["wrong_sign"] == causes(report)
    assert "sign.grid" in report.faults
