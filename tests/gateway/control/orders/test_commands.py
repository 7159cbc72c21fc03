import pytest
from tests.gateway.control.ordering import document

from quartier.control.orders.commands import (
    OPS,
    FailsafeTest,
    Ping,
    Release,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)

ALL = (
    Shed(2, 600),
    Release(),
    Setpoint("bat1", -2_000, 600),
    SetMode("manual", 600),
    Ping(),
    Replay(7, 3),
    FailsafeTest(60),
    ResetAlarm("cap.unmet"),
)


def test_each_op_has_its_name_on_the_wire():
    names = ["shed", "release", "setpoint", "mode", "ping", "replay", "test_failsafe", "reset_alarm"]

    assert names == [document(requested).op for requested in ALL] == [*OPS]


def test_what_lasts_has_a_place_of_which_the_newest_holds():
    places = ["shed", "", "setpoint bat1", "mode", "", "", "test_failsafe", ""]

    assert places == [document(requested).place for requested in ALL]


@pytest.mark.parametrize("requested", [Shed(0, 600), SetMode("auto", 600), Release(), Ping()])
def test_what_ends_something_is_done_at_once(requested):
    assert 0 == document(requested).duration_s


def test_what_moves_power_lasts_as_long_as_it_says():
    assert [600, 600, 600, 60] == [document(ALL[place]).duration_s for place in (0, 2, 3, 6)]
