import pytest
from pydantic import ValidationError

from quartier_hil.scenario.site import SiteSpec


def test_a_house_needs_nothing_said():
    assert (12_000, ()) == (SiteSpec().contract_import_w, SiteSpec().tier_a_assets)


def test_a_supply_contract_needs_the_linky_that_tells_it():
    told = {"contract": "hc"}

    assert "hc" == SiteSpec(meters=["tic"], tariff=told).tariff.contract
    with pytest.raises(ValidationError, match="no meter reports it"):
        SiteSpec(meters=["p1"], tariff=told)


def test_a_plan_needs_prices():
    with pytest.raises(ValidationError, match="nobody knows a price"):
        SiteSpec(planning={})


def test_an_unknown_key_is_a_fault():
    with pytest.raises(ValidationError, match="batery_w"):
        SiteSpec(batery_w=3)


def test_a_linky_alone_at_the_connection_needs_a_linky():
    assert "linky" == SiteSpec(grid_meter="linky", meters=["tic"]).grid_meter
    with pytest.raises(ValidationError, match="there is no Linky"):
        SiteSpec(grid_meter="linky")
