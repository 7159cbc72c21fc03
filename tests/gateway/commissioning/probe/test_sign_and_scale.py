from dataclasses import replace

import pytest

from quartier.commissioning.probe import sign_and_scale
from quartier.commissioning.probe.step_response import Gain


def test_the_site_file_is_told_the_phase_it_does_not_know(probe, plant):
    (not_stated,) = [one for one in probe(plant()).found if one.code == "phase.not_stated"]

    assert not not_stated.is_fault
    assert ("site", "phase", "l2") == (
        not_stated.targets[0].where,
        not_stated.targets[0].key,
        not_stated.targets[0].new_value,
    )


def test_another_phase_than_the_site_file_says_is_a_fault(probe, plant, subjects):
    report = probe(plant(), replace(subjects["battery"], phase="l1"))

    assert "phase.other" in report.faults
    assert "has bat1 on L1, the grid meter saw it on L2" in " ".join(one.words for one in report.found)


def test_the_phase_that_the_site_file_says_is_well(probe, plant, subjects):
    report = probe(plant(), replace(subjects["battery"], phase="l2"))

    assert not {code for code in report.codes if code.startswith("phase")}


@pytest.mark.parametrize(
    ("share", "words"), [(-1 / 3, "is turned"), (-0.5, "on another phase than its voltage")]
)
def test_a_phase_that_goes_the_other_way_round_has_its_transformer_wrong(probe, plant, share, words):
    report = probe(plant(phases={"l1": 1.0 if share == -0.5 else 1 / 3, "l2": share, "l3": 1 / 3}))

    assert "phase.turned" in report.faults
    assert words in " ".join(one.words for one in report.found)


def test_a_second_battery_that_answers_on_all_phases_turns_no_transformer(probe, plant):
    assert "phase.turned" not in probe(plant(other=1.0)).codes


@pytest.mark.parametrize(
    ("shares", "expected"),
    [({"l1": 0, "l2": 1, "l3": 0}, "L2"), ({"l1": 1 / 3, "l2": 1 / 3, "l3": 1 / 3}, "L1, L2 and L3")],
)
def test_phases_are_told_as_people_do(probe, plant, shares, expected):
    assert expected == sign_and_scale.describe_phases(probe(plant(phases=shares)).seen)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"gain": -1.0}, "sign.command"),
        ({"reads": -1.0}, "sign.asset"),
        ({"sees": -1.0}, "sign.grid"),
        ({"gain": 10.0}, "factor.command"),
        ({"gain": 0.1}, "factor.command"),
        ({"reads": 10.0}, "factor.asset"),
        ({"reads": 0.1}, "factor.asset"),
        ({"sees": 0.001}, "factor.grid"),
        ({"sees": 10.0}, "factor.grid"),
    ],
)
@pytest.mark.parametrize("noise_w", [0.0, 25.0])
def test_who_disagrees_with_the_two_others_is_wrong(probe, plant, fault, code, noise_w):
    faults = probe(plant(**fault, noise_w=noise_w), bounds=None or _wide()).faults

    assert {code} == {one for one in faults if one.startswith(("sign", "factor"))}


def _wide():
    from quartier.commissioning.probe.probe_subject import (  # noqa: PLC0415 - a meter that shows tenfold needs room
        ProbeLimits,
    )

    return ProbeLimits(200_000, 200_000)


def test_an_asset_that_the_grid_does_not_see_hangs_elsewhere(probe, plant):
    report = probe(plant(phases={"l1": 0, "l2": 0, "l3": 0}, other=1.0, other_s=0.01, noise_w=5.0))

    assert "grid.blind" in report.faults
    assert "not seen at the grid meter" in report.sentence


def test_a_house_too_loud_for_the_steps_is_said_to_be_so(probe, plant):
    report = probe(plant(noise_w=4000.0))

    assert "grid.noise" in report.faults


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, 0),
        (-1.2, 0),
        (0.7, 0),
        (0.5, None),
        (9.0, 1),
        (0.098, -1),
        (1100.0, 3),
        (3.0, None),
        (0.0, None),
    ],
)
def test_a_power_of_ten_is_what_is_near_to_one(value, expected):
    assert expected == sign_and_scale.find_power_of_ten(Gain(value, 0.01, 8))
