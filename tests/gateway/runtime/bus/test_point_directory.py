import pytest

from quartier.runtime.bus.point_directory import PointDirectory
from quartier_drivers.contract import PointInfo


def infos(address, *points):
    return {point: PointInfo(point, "float", address, 1.0) for point in points}


METER = infos("meter", "grid.power_w", "grid.voltage_l1_v")
INVERTER = infos("inverter", "pv1.power_w", "grid.power_w", "bat1.soc_pct")
FOUND = PointDirectory([("meter", METER), ("inverter", INVERTER)])


def test_the_points_of_all_are_told_once_in_their_order():
    assert ["grid.power_w", "grid.voltage_l1_v", "pv1.power_w", "bat1.soc_pct"] == list(FOUND)
    assert 4 == len(FOUND)
    assert METER | INVERTER == FOUND


def test_of_two_that_serve_the_same_point_the_later_one_has_it():
    assert ("inverter", "inverter") == (FOUND.find_holder("grid.power_w"), FOUND["grid.power_w"].address)
    assert ("meter", "meter") == (FOUND.find_holder("grid.voltage_l1_v"), FOUND["grid.voltage_l1_v"].address)


@pytest.mark.parametrize("point", ["grid.energy_import_wh", "nobody.power_w", "grid", "", 7])
def test_what_nobody_serves_is_not_there(point):
    assert point not in FOUND
    if isinstance(point, str):
        assert FOUND.find_holder(point) is None
        with pytest.raises(KeyError):
            FOUND[point]
