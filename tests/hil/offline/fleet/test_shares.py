import pytest

from quartier_hil.offline.fleet import shares


@pytest.mark.parametrize("table", shares.CONTRACT_KVA)
def test_the_shares_of_the_contracts_are_a_whole(table):
    assert 1.0 == pytest.approx(sum(share for _, share in table))


def test_about_half_of_the_homes_have_6_kva():
    house, flat, _ = shares.KIND_SHARE
    six = house * dict(shares.CONTRACT_KVA[0])[6.0] + flat * dict(shares.CONTRACT_KVA[1])[6.0]

    assert 0.54 == pytest.approx(six / (house + flat), abs=0.05)


def test_a_third_of_the_homes_heats_with_electricity_as_in_the_panel():
    house, flat, _ = shares.KIND_SHARE
    electric = house * (shares.PANELS_SHARE[0] + shares.PUMP_SHARE[0]) + flat * shares.PANELS_SHARE[1]

    assert 0.33 == pytest.approx(electric / (house + flat), abs=0.06)
