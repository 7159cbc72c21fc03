"""What a request of the local plan asks of a battery, by what the grid shows."""

from math import inf

import pytest

from quartier.control.requests import AckReason, InstructionStatus, PlanAim, ReceptionStatus


def test_receptions_and_statuses_are_those_of_s2():
    receptions = "OK INVALID_DATA INVALID_MESSAGE INVALID_CONTENT TEMPORARY_ERROR PERMANENT_ERROR"
    statuses = "NEW ACCEPTED REJECTED REVOKED STARTED SUCCEEDED ABORTED"

    assert receptions.split() == [one.value for one in ReceptionStatus]
    assert statuses.split() == [one.value for one in InstructionStatus]


def test_the_reasons_are_those_of_the_contract():
    reasons = (
        "BAD_SIG REPLAY EXPIRED NOT_YET CLOCK BOUNDS UNKNOWN_DEVICE LOCAL_OVERRIDE SELF_PROTECTION SAFETY "
        "REGULATORY UNCONTROLLED_LOADS"
    )

    assert reasons.split() == [one.value for one in AckReason]


POWERS = [
    # the aim, what the grid shows without the battery, what the battery shall do
    (PlanAim(1, 0.0, 0.0, 0.0), 800.0, -800.0),  # the rule of self-consumption
    (PlanAim(1, 0.0, 0.0, 0.0), -800.0, 800.0),
    (PlanAim(1, 0.0, 0.0, inf), 800.0, 0.0),  # kept for later, the sun is taken in
    (PlanAim(1, 0.0, 0.0, inf), -800.0, 800.0),
    (PlanAim(1, 2000.0, 0.0, inf), 800.0, 2000.0),  # bought
    (PlanAim(1, 2000.0, 0.0, inf), -3000.0, 3000.0),  # more sun than was to be bought
    (PlanAim(1, 2000.0, 0.0, 2500.0), 800.0, 1700.0),  # bought below a peak
    (PlanAim(1, 0.0, 0.0, 2500.0), 4000.0, -1500.0),  # a peak is cut
    (PlanAim(1, 0.0, -inf, 0.0), -800.0, 0.0),  # the sun is sold
    (PlanAim(1, -2000.0, -inf, 0.0), 500.0, -2000.0),  # the store is sold
    (PlanAim(1, -2000.0, -inf, 0.0), 2500.0, -2500.0),
]


@pytest.mark.parametrize(("aim", "net_w", "power_w"), POWERS)
def test_an_aim_follows_what_is_measured(aim, net_w, power_w):
    assert power_w == aim.find_power_w(net_w)
