import pytest
from pydantic import ValidationError

from quartier_hil.happenings import Document, Master, swapped


def test_a_master_writes_again_and_again():
    assert 5 == Master(at_s=0, do="master", point="bat1.setpoint_w", value=4_000, for_s=60).every_s


def test_only_nonsense_that_is_known_can_be_sent():
    with pytest.raises(ValidationError, match="kind"):
        Document(at_s=0, do="document", kind="rude")


def test_swapped_phases_go_round_and_the_sum_stays():
    values = {
        "grid.power_w": 6.0,
        "grid.power_l1_w": 1.0,
        "grid.power_l2_w": 2.0,
        "grid.power_l3_w": 3.0,
        "a.power_l1_w": 9.0,
    }

    assert {"grid.power_l1_w": 2, "grid.power_l2_w": 3, "grid.power_l3_w": 1} == {
        point: value for point, value in swapped(values, "grid").items() if "grid.power_l" in point
    }
    assert (6, 9) == (swapped(values, "grid")["grid.power_w"], swapped(values, "grid")["a.power_l1_w"])
