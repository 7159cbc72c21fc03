"""What a site can find out about its connection meter."""

from dataclasses import replace

import pytest
from tests.gateway.control.observe.meter_check.conftest import BATTERY, BOILER, CAR, PV

from quartier.control.observe.meter_check.detection import find_detections, is_orderable
from quartier.site.asset_types import Asset, OperationMode, OperationModeAsset
from quartier.site.site_layout import Node

FAULTS = (
    "frozen values",
    "direction of the CTs reversed",
    "wrong ratio, or one phase wrong",
    "no reaction (dead, or of another building)",
    "shows less than is measured below it",
)


MODED = OperationModeAsset(
    name="m",
    rated_w=1_000,
    quantity="x",
    modes=(OperationMode("on", 1, 1_000.0), OperationMode("off", 0, 0.0)),
    measured=True,
)
SWITCHED = replace(BOILER, tier="C")


def by(house):
    found = [*find_detections(house)]
    assert FAULTS == tuple(one.fault for one in found)
    assert all(bool(one.by) == bool(one.verdict) != bool(one.missing) for one in found)
    return [one.by for one in found]


def test_building_with_steered_assets_finds_all_faults(building):
    house = building(BATTERY, CAR, SWITCHED, PV).house

    assert by(house) == [
        ("bat1", "ev1", "boiler1", "pv1"),
        ("bat1", "ev1", "boiler1", "pv1"),
        ("bat1", "ev1", "boiler1"),
        ("bat1", "ev1"),
        ("bat1", "ev1", "boiler1"),
    ]


def test_slow_meter_and_meter_without_a_sign_find_less(building):
    house = building().house
    slow = replace(house, grid=replace(house.grid, period_s=60.0))
    unsigned = replace(house, grid=replace(house.grid, is_apparent=True))

    assert [bool(one) for one in by(slow)] == [True, True, False, False, True]
    assert [bool(one) for one in by(unsigned)] == [True, False, False, True, True]


def test_building_without_any_other_meter_finds_nothing(building):
    house = replace(building().house, assets=(replace(BATTERY, measured=False),))

    assert by(house) == [(), (), (), (), ()]


def test_meter_of_a_board_finds_a_reading_that_is_too_low(building):
    board = Node(name="board", fuse_a=32, measured=True)
    house = replace(building().house, assets=(), nodes=(board,))

    assert by(house)[-1] == ("board",)


def test_verdict_is_implausible_where_nothing_is_unlisted(building):
    last = [*find_detections(building(unlisted_w=0.0).house)][-1]

    assert "implausible" == last.verdict


def test_which_assets_take_orders():
    mode = OperationModeAsset(name="m", rated_w=1, quantity="x", modes=(OperationMode("on", 1, 1.0),))

    assert all(map(is_orderable, (BATTERY, CAR, SWITCHED, PV, mode)))
    assert not any(
        map(
            is_orderable,
            (
                replace(BATTERY, writable=False),
                replace(CAR, writable=False),
                replace(SWITCHED, switchable=False),
                BOILER,  # tier A
                replace(PV, curtail="none"),
                Asset(name="x", rated_w=1),
            ),
        )
    )


@pytest.mark.parametrize(
    ("assets", "found"),
    [
        ((SWITCHED,), False),
        ((SWITCHED, replace(SWITCHED, name="boiler2", rated_w=2_500)), False),
        ((SWITCHED, replace(SWITCHED, name="boiler2", rated_w=2_600)), True),
        ((MODED,), False),
        ((replace(MODED, modes=(*MODED.modes, OperationMode("low", 2, 500.0))),), True),
        ((CAR,), True),
        ((), False),
    ],
)
def test_wrong_ratio_is_found_where_steps_can_have_two_sizes(building, assets, found):
    house = replace(building().house, assets=assets)

    assert bool(by(house)[2]) is found
