import numpy as np
import pytest

from quartier_bench.fleet import building_stock
from quartier_bench.fleet.building_stock import Car, PvSystem, WaterHeater


def test_a_building_is_the_same_in_a_small_fleet_and_in_a_large_one():
    assert building_stock.draw_stock(20, 5).drawn == building_stock.draw_stock(60, 5).drawn[:20]
    assert building_stock.draw_stock(20, 5).drawn != building_stock.draw_stock(20, 6).drawn


def test_a_number_of_a_building_does_not_hang_on_how_many_there_are():
    assert list(building_stock.draw_uniform(5, "common 7", 3)) == list(
        building_stock.draw_uniform(5, "common 7", 9)[:3]
    )
    assert list(building_stock.draw_uniform(5, "common 7", 3)) != list(
        building_stock.draw_uniform(5, "common 8", 3)
    )


def test_groups_know_their_units_and_their_buildings():
    made = building_stock.draw_stock(40, 1)
    cars = made.group(Car)
    units = [unit for building in made.buildings for unit in building.units]

    assert list(cars.column("full_w")) == [units[at].rated_w for at in cars.at]
    assert all(isinstance(made.drawn[of].pieces[0], Car) for of in cars.of)
    assert (2, len(cars.at)) == cars.pairs("come_s").shape


def test_shares_of_a_large_fleet_are_those_of_the_table():
    told = building_stock.count_assets(building_stock.draw_stock(4000, 1))

    assert 0.5 == pytest.approx(told["house"] / 4000, abs=0.03)
    assert 0.1 == pytest.approx(told["office"] / 4000, abs=0.02)
    assert 0.43 == pytest.approx(told["water heaters"] / 4000, abs=0.03)


def test_no_contract_is_below_what_a_large_charging_point_needs():
    for one in building_stock.draw_stock(500, 2).drawn:
        big = any(isinstance(piece, Car) and piece.full_w > 4000 for piece in one.pieces)

        assert not big or one.contract_w >= 9000 * building_stock.POWER_FACTOR_CAP


def test_what_may_be_fed_in_is_what_the_roof_gives():
    for one in building_stock.draw_stock(200, 2).drawn:
        assert one.export_w == sum(piece.rated_w for piece in one.pieces if isinstance(piece, PvSystem))


def test_a_building_without_anything_has_no_units():
    made = building_stock.draw_stock(100, 1)

    assert len(made.of) == sum(len(one.pieces) for one in made.drawn)
    assert np.all(np.diff(made.of) >= 0)
    assert len(made.group(WaterHeater).at) < 100
