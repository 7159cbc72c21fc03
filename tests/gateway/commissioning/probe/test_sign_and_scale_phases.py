from dataclasses import replace

import pytest

from quartier.commissioning.probe import sign_and_scale


def test_the_site_file_is_told_the_phase_it_does_not_know(probe, plant):
    (unsaid,) = [one for one in probe(plant()).found if one.code == "phase.unsaid"]

    assert not unsaid.is_fault
    assert ("site", "phase", "l2") == (
        unsaid.targets[0].where,
        unsaid.targets[0].key,
        unsaid.targets[0].new_value,
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
