import pytest

from quartier_bench.fleet import building_stock


@pytest.mark.parametrize("table", building_stock.CONTRACT_KVA)
def test_the_shares_of_the_contracts_are_a_whole(table):
    assert 1.0 == pytest.approx(sum(share for _, share in table))


def test_about_half_of_the_homes_have_6_kva():
    house, flat, _ = building_stock.KIND_SHARE
    six = house * dict(building_stock.CONTRACT_KVA[0])[6.0] + flat * dict(building_stock.CONTRACT_KVA[1])[6.0]

    assert 0.54 == pytest.approx(six / (house + flat), abs=0.05)


def test_a_third_of_the_homes_heats_with_electricity_as_in_the_panel():
    house, flat, _ = building_stock.KIND_SHARE
    electric = (
        house * (building_stock.PANEL_HEATER_SHARE[0] + building_stock.HEAT_PUMP_SHARE[0])
        + flat * building_stock.PANEL_HEATER_SHARE[1]
    )

    assert 0.33 == pytest.approx(electric / (house + flat), abs=0.06)
