import pytest
from pydantic import ValidationError

from quartier_hil.happenings import Blackout, ClockFault, Document, Master, Plan, swapped


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


def test_swapped_clamps_show_a_balanced_house_that_takes_nothing():
    values = {"grid.power_w": 6_900.0} | {
        f"grid.{kind}_l{phase}_{unit}": value
        for phase in (1, 2, 3)
        for kind, unit, value in (("power", "w", 2_300.0), ("voltage", "v", 230.0), ("current", "a", 10.0))
    }
    shown = swapped(values, "grid", "clamps")

    assert [-1_150, -1_150, 2_300, 0] == [
        shown[f"grid.{quantity}"] for quantity in ("power_l1_w", "power_l2_w", "power_l3_w", "power_w")
    ]


def test_swapped_clamps_give_each_phase_the_others_current():
    values = {"grid.power_w": 2_300.0} | {
        f"grid.{kind}_l{phase}_{unit}": value if phase == 1 else 230.0 if kind == "voltage" else 0.0
        for phase in (1, 2, 3)
        for kind, unit, value in (("power", "w", 2_300.0), ("voltage", "v", 230.0), ("current", "a", 10.0))
    }
    shown = swapped(values, "grid", "clamps")

    assert (0, -1_150, 0, 10) == tuple(
        shown[f"grid.{quantity}"] for quantity in ("power_l1_w", "power_l2_w", "current_l1_a", "current_l2_a")
    )


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        ("stuck", 0, ""),
        ("wrong", -60, ""),
        ("slow", 0, "seconds: 0; a clock that is slow needs how many"),
        ("delayed", -3, "seconds: -3; a clock that is delayed needs how many"),
        ("off", 3, "seconds: a clock that is off knows none"),
    ],
)
def test_a_clock_says_how_far_it_lies_where_its_kind_needs_that(kind, seconds, expected):
    assert expected == ClockFault(at_s=0, do="clock", kind=kind, seconds=seconds).fault


@pytest.mark.parametrize(("backed", "away_s"), [((), 90), (("gateway",), None)])
def test_a_gateway_without_a_battery_is_away_until_its_machine_has_started(backed, away_s):
    assert away_s == Blackout(at_s=0, do="blackout", for_s=60, backed=backed).gateway_s


def test_a_plan_of_the_district_says_a_power_or_a_state_of_charge():
    power = Plan(at_s=0, do="schedule", asset="bat1", for_s=600, power_w=-1_500)
    target = Plan(at_s=0, do="schedule", asset="bat1", for_s=600, soc_pct=80)

    assert ({"duration_s": 600, "power_w": -1_500}, {"duration_s": 600, "soc_pct": 80}) == (
        power.interval,
        target.interval,
    )
    assert ("schedule of bat1: -1.5 kW for 10 min", "schedule of bat1: 80 % for 10 min") == (
        power.words,
        target.words,
    )
