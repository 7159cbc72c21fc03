from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.limits.active import combine_limits, find_active_limits
from quartier.control.observe.health import ControlStage
from quartier.control.reason import make_text_reason
from quartier.control.records import LinkLimits, PowerLimits


def test_caps_combine_by_minimum_per_direction_and_the_first_of_equals_wins():
    powers, whose = combine_limits(
        [("hard", PowerLimits(9, 5)), ("a", PowerLimits(7, 5)), ("b", PowerLimits(8, 6, 3))]
    )

    assert PowerLimits(7, 5, 3, inf) == powers
    assert {"import": "a", "export": "hard", "generation": "b"} == whose


def test_least_and_plus_go_direction_by_direction():
    assert PowerLimits(1, 2, 3, 4) == PowerLimits(1, 9, 3, 9).least(PowerLimits(8, 2, 8, 4))
    assert PowerLimits(2, 3, inf, inf) == PowerLimits(1, 2).add(1)


LINK = LinkLimits(
    mode="CONTROLLED",
    why="",
    since_ns=0,
    import_max_w=7000,
    export_max_w=2000,
    sources={"import": make_text_reason("envelope dso 1"), "export": make_text_reason("fail-safe value")},
)


def texts(force):
    return {way: str(source) for way, source in force.sources.items()}


def test_the_minimum_binds_and_keeps_its_name(house):
    force = find_active_limits(house, LINK, ControlStage.NORMAL)

    assert (7000, 2000, None, None) == (
        force.import_w,
        force.export_w,
        force.generation_w,
        force.consumption_w,
    )
    assert {"import": "envelope dso 1", "export": "fail-safe value"} == texts(force)
    assert "import cap 7000 W (envelope dso 1)" == str(force.reason("import"))


def test_a_lost_meter_brings_the_failsafe_values(house):
    force = find_active_limits(house, LINK, ControlStage.SAFE)

    assert (5000, 0) == (force.import_w, force.export_w)
    assert "fail-safe value, grid meter lost" == str(force.sources["import"])


def test_a_slow_meter_costs_10_percent_of_every_cap(house):
    slow = replace(house, grid=replace(house.grid, period_s=3))
    link = replace(LINK, generation_max_w=1000, consumption_max_w=2000)
    force = find_active_limits(slow, link, ControlStage.NORMAL)

    assert pytest.approx((6300, 1800, 900, 1800)) == (
        force.import_w,
        force.export_w,
        force.generation_w,
        force.consumption_w,
    )


def test_contacts_join_the_minimum_with_their_names(house):
    acting = [
        (make_text_reason("contact dso1"), PowerLimits(4200.0, inf)),
        (make_text_reason("contact dso2"), PowerLimits(inf, 0.0, 3000.0)),
    ]
    force = find_active_limits(house, LINK, ControlStage.NORMAL, acting)

    assert (4200, 0, 3000) == (force.import_w, force.export_w, force.generation_w)
    assert {"import": "contact dso1", "export": "contact dso2", "generation": "contact dso2"} == texts(force)


def test_a_contact_never_widens(house):
    force = find_active_limits(
        house, LINK, ControlStage.NORMAL, [(make_text_reason("contact dso1"), PowerLimits(1e6, 1e6, 1e6))]
    )

    assert (7000, 2000) == (force.import_w, force.export_w)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.sampled_from(ControlStage))
def test_no_link_cap_lifts_anything_above_hard_or_below_zero(house, import_w, export_w, stage):
    force = find_active_limits(house, replace(LINK, import_max_w=import_w, export_max_w=export_w), stage)

    assert 0 <= force.import_w <= house.limits.import_hard_w
    assert 0 <= force.export_w <= house.limits.export_hard_w
