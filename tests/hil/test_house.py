import pytest
from pydantic import ValidationError

from quartier_hil.house import House


def test_a_house_needs_nothing_said():
    assert (12_000, ()) == (House().contract_import_w, House().untouchable)


def test_a_supply_contract_needs_the_linky_that_tells_it():
    told = {"contract": "hc"}

    assert "hc" == House(meters=["tic"], tariff=told).tariff.contract
    with pytest.raises(ValidationError, match="nobody tells it"):
        House(meters=["p1"], tariff=told)


def test_a_plan_needs_prices():
    with pytest.raises(ValidationError, match="nobody knows a price"):
        House(planning={})


def test_an_unknown_key_is_a_fault():
    with pytest.raises(ValidationError, match="batery_w"):
        House(batery_w=3)


def test_a_linky_alone_at_the_connection_needs_a_linky():
    assert "linky" == House(grid_meter="linky", meters=["tic"]).grid_meter
    with pytest.raises(ValidationError, match="there is no Linky"):
        House(grid_meter="linky")
