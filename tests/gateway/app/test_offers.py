from math import inf

import pytest

from quartier.app import offers
from quartier_drivers.contract import Fallback, PointInfo


def info(**more: object) -> dict[str, PointInfo]:
    return {"loop.pump_pct": PointInfo("loop.pump_pct", "float", "holding:10", 5.0, **more)}


def test_a_point_that_is_not_there_takes_nothing_and_needs_no_fall_back():
    assert not offers.writable({}, "loop.pump_pct")
    assert not offers.gives_back({}, "loop.pump_pct")
    assert offers.falls_back({}, "loop.pump_pct")
    assert (inf, 1.0) == (offers.lease_s({}, "loop.pump_pct"), offers.period_s({}, "loop.pump_pct"))


@pytest.mark.parametrize(
    ("fallback", "falls_back", "lease_s"),
    [(None, False, inf), (Fallback(100, 600), True, 600), (Fallback(100, 600, "", 60), True, 180)],
)
def test_an_order_stands_until_its_timer_or_three_missed_refreshes(fallback, falls_back, lease_s):
    points = info(writable=True, fallback=fallback)

    assert falls_back is offers.falls_back(points, "loop.pump_pct")
    assert lease_s == offers.lease_s(points, "loop.pump_pct")


@pytest.mark.parametrize(("on_release", "gives_back"), [("own", True), (100.0, False), ("hold", False)])
def test_only_own_control_is_given_back_to(on_release, gives_back):
    assert gives_back is offers.gives_back(info(writable=True, on_release=on_release), "loop.pump_pct")


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, {"loop.pump_pct": False}),
        ({"shows_own": True}, {"loop.pump_pct": True}),
        ({"shows_own": True, "read_back": False}, {"loop.pump_pct": False}),
        ({"persistent": True}, {}),
        ({"persistent": True, "shows_own": True}, {"loop.pump_pct": True}),
        ({"on_release": "hold"}, {}),
    ],
)
def test_worn_register_that_shows_nothing_is_not_given_back_again(more, found):
    assert found == offers.own_controls(info(**({"writable": True, "on_release": "own"} | more)))


def test_how_often_it_is_read_is_known_of_what_is_there():
    assert (None, 1.0) == (offers.measured_s({}, "bat1.power_w"), offers.period_s({}, "bat1.power_w"))
    assert 5.0 == offers.measured_s(info(), "loop.pump_pct")


def test_what_is_written_only_is_not_read_back():
    assert offers.reads_back({}, "loop.pump_pct")
    assert offers.reads_back(info(writable=True), "loop.pump_pct")
    assert not offers.reads_back(info(writable=True, read_back=False), "loop.pump_pct")
