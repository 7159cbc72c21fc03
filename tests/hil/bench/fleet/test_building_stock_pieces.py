import pytest

from quartier_bench.fleet.building_stock import Battery, Car, Fan, PvSystem, SpaceHeater, WaterHeater
from quartier_native.reference.fleet_columns import (
    BATTERY,
    EV,
    LOAD,
    PV_LIMIT,
    TIER_B,
    TIER_C,
    TIER_D,
    Building,
    tree_of,
)

CASES = [
    (Car(7360, (0, 9), (5, 10), (1, 2)), EV, TIER_D, 7360),
    (WaterHeater(2000, 5000, 36_000, is_free=False), LOAD, TIER_C, 2000),
    (SpaceHeater(3000, 1.0, 100, 3000, 19, 17), LOAD, TIER_C, 3000),
    (Fan(1800), LOAD, TIER_B, 1800),
    (PvSystem(3000), PV_LIMIT, TIER_D, 3000),
    (Battery(5000, 2500), BATTERY, TIER_D, 2500),
]


@pytest.mark.parametrize(("piece", "kind", "tier", "rated_w"), CASES)
def test_each_piece_is_a_unit_that_the_kernel_takes(piece, kind, tier, rated_w):
    unit = piece.unit()

    assert (kind, tier, rated_w) == (unit.kind, unit.tier, unit.rated_w)
    assert 1 == tree_of(Building((-1,), (unit,))).asset_count


def test_a_compressor_rests_and_panels_need_not():
    pump, panels = SpaceHeater(3000, 3.0, 100, 3000, 19, 17), SpaceHeater(3000, 1.0, 100, 3000, 19, 17)

    assert (300, 180) == (pump.unit().min_on_s, pump.unit().min_off_s)
    assert (0, 0) == (panels.unit().min_on_s, panels.unit().min_off_s)
