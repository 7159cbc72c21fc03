"""The connection tree from the site file, as control sees it."""

from math import inf

import pytest

from quartier.config.sections import connection_sections
from quartier.daemon.assembly import site_model
from quartier.site.site_layout import Node
from quartier_drivers.contract import Fallback, PointInfo


def test_a_node_is_what_the_site_file_says():
    section = connection_sections.NodeSection(
        fuse_a=16, under="hall", phases=1, phase="l2", power_max_w=3_000, unmeasured_w=100
    )

    assert Node(
        name="shed", under="hall", fuse_a=16, phases_count=1, phase="l2", power_max_w=3_000, unmeasured_w=100
    ) == site_model.make_node("shed", section, {})
    assert inf == site_model.make_node("shed", connection_sections.NodeSection(fuse_a=16), {}).power_max_w


def test_a_meter_is_as_slow_as_its_slowest_quantity_and_stays_one_while_it_is_not_served():
    points = {
        f"shed.{name}": PointInfo(f"shed.{name}", "float", "", period_s)
        for name, period_s in (("power_w", 1.0), ("current_l1_a", 5.0), ("energy_import_wh", 60.0))
    }
    section = connection_sections.NodeSection(fuse_a=16, device="meter")

    assert (True, 5.0) == (
        site_model.make_node("s", section, {}).measured,
        site_model.make_node("shed", section, points).period_s,
    )


def info(**more: object) -> dict[str, PointInfo]:
    return {"loop.pump_pct": PointInfo("loop.pump_pct", "float", "holding:10", 5.0, **more)}


def test_a_point_that_is_not_there_takes_nothing_and_needs_no_fall_back():
    assert not site_model.is_writable({}, "loop.pump_pct")
    assert not site_model.is_given_back({}, "loop.pump_pct")
    assert site_model.has_fallback({}, "loop.pump_pct")
    assert (inf, 1.0) == (
        site_model.find_lease_s({}, "loop.pump_pct"),
        site_model.find_period_s({}, "loop.pump_pct"),
    )


@pytest.mark.parametrize(
    ("fallback", "falls_back", "lease_s"),
    [(None, False, inf), (Fallback(100, 600), True, 600), (Fallback(100, 600, "", 60), True, 180)],
)
def test_an_order_stands_until_its_timer_or_three_missed_refreshes(fallback, falls_back, lease_s):
    points = info(writable=True, fallback=fallback)

    assert falls_back is site_model.has_fallback(points, "loop.pump_pct")
    assert lease_s == site_model.find_lease_s(points, "loop.pump_pct")


@pytest.mark.parametrize(("on_release", "gives_back"), [("own", True), (100.0, False), ("hold", False)])
def test_only_own_control_is_given_back_to(on_release, gives_back):
    assert gives_back is site_model.is_given_back(info(writable=True, on_release=on_release), "loop.pump_pct")


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
    assert found == site_model.find_own_controls(info(**({"writable": True, "on_release": "own"} | more)))


def test_how_often_it_is_read_is_known_of_what_is_there():
    assert (None, 1.0) == (
        site_model.find_measured_period_s({}, "bat1.power_w"),
        site_model.find_period_s({}, "bat1.power_w"),
    )
    assert 5.0 == site_model.find_measured_period_s(info(), "loop.pump_pct")


def test_what_is_written_only_is_not_read_back():
    assert site_model.is_read_back({}, "loop.pump_pct")
    assert site_model.is_read_back(info(writable=True), "loop.pump_pct")
    assert not site_model.is_read_back(info(writable=True, read_back=False), "loop.pump_pct")
