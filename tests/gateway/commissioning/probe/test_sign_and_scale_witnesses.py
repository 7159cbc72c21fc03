import pytest

from quartier.commissioning.probe import sign_and_scale
from quartier.commissioning.probe.step_response import Gain


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
