"""The least import that all meters below the connection leave possible."""

from dataclasses import replace

import pytest
from tests.gateway.control.observe.meter_check.conftest import BATTERY, BOILER, CAR, PV, S

from quartier.control.observe.meter_check.bounds import LowerBound, find_lower_bound
from quartier.control.observe.observations import LastGood
from quartier.site.asset_types import ChpUnit, OperationMode
from quartier.site.site_layout import Node

NOW = 100 * S
CHP = ChpUnit(
    name="chp1",
    rated_w=5_000,
    quantity="mode_state",
    modes=(OperationMode("off", 0, 0.0), OperationMode("on", 1, -5_000.0)),
    normal=0,
)


def bound(house, **powers_w):
    memories = {f"{name}.power_w": LastGood(watts, NOW) for name, watts in powers_w.items()}
    return find_lower_bound(house, memories, NOW)


@pytest.fixture
def house(building):
    return building().house


def test_consumption_counts_less_what_may_be_unlisted(house):
    assert 11_000 + 2_000 - 800 == bound(house, ev1=11_000, boiler1=2_000, bat1=0, pv1=0).import_w


def test_generation_and_discharge_count_as_measured(house):
    assert (
        11_000 - 3_000 - 1_500 - 800 == bound(house, ev1=11_000, boiler1=0, bat1=-1_500, pv1=-3_000).import_w
    )


def test_what_is_silent_counts_at_its_least(house):
    silent = bound(house, ev1=11_000)

    assert 11_000 - 5_000 - 6_000 - 800 == silent.import_w
    assert 11_000 == silent.measured_w


def test_chp_that_is_not_measured_counts_at_its_rating(house):
    house = replace(house, assets=(CAR, replace(CHP, measured=False)))

    assert 11_000 - 5_000 - 800 == bound(house, ev1=11_000).import_w


def test_meter_of_a_board_stands_for_all_below_it(house):
    boards = (
        Node(name="board", fuse_a=63, measured=True),
        Node(name="garage", under="board", fuse_a=32, measured=True, period_s=5.0),
        Node(name="cellar", under="garage", fuse_a=16),
    )
    house = replace(house, nodes=boards, assets=(replace(CAR, node="cellar"), replace(BOILER, node="grid")))

    assert 9_000 + 2_000 - 800 == bound(house, board=9_000, garage=4_000, ev1=3_600, boiler1=2_000).import_w
    below = bound(house, garage=4_000, ev1=3_600, boiler1=2_000)
    assert (4_000 + 2_000 - 800, 5.0) == (below.import_w, below.slowest_s)
    assert 3_600 + 2_000 - 800 == bound(house, ev1=3_600, boiler1=2_000).import_w


@pytest.mark.parametrize(
    ("import_w", "measured_w", "reading_w", "contradicts"),
    [
        (3_000, 3_800, 2_500, False),
        (3_000, 3_800, 2_499, True),
        (10_000, 10_800, 9_000, False),
        (10_000, 10_800, 8_999, True),
        (-800, 0, -5_000, False),
    ],
)
def test_reading_contradicts_by_more_than_meters_differ(import_w, measured_w, reading_w, contradicts):
    found = LowerBound(import_w=import_w, measured_w=measured_w, slowest_s=1.0)

    assert contradicts == found.is_contradicted(reading_w)


def test_battery_that_charges_is_consumption(house):
    assert 4_000 - 800 == bound(replace(house, assets=(BATTERY, PV)), bat1=4_000, pv1=0).import_w
