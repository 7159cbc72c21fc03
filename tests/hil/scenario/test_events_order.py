import pytest
from pydantic import ValidationError

from quartier_hil.scenario.events import (
    AssetSchedule,
    Blackout,
    ClockFault,
    InvalidDocument,
    SecondMaster,
)


def test_a_master_writes_again_and_again():
    assert 5 == SecondMaster(at_s=0, do="master", point="bat1.setpoint_w", value=4_000, for_s=60).every_s


def test_only_invalid_envelopes_that_are_known_can_be_sent():
    with pytest.raises(ValidationError, match="kind"):
        InvalidDocument(at_s=0, do="document", kind="rude")


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
    power = AssetSchedule(at_s=0, do="schedule", asset="bat1", for_s=600, power_w=-1_500)
    target = AssetSchedule(at_s=0, do="schedule", asset="bat1", for_s=600, soc_pct=80)

    assert ({"duration_s": 600, "power_w": -1_500}, {"duration_s": 600, "soc_pct": 80}) == (
        power.interval,
        target.interval,
    )
    assert ("schedule of bat1: -1.5 kW for 10 min", "schedule of bat1: 80 % for 10 min") == (
        power.words,
        target.words,
    )
