"""Each step says why it is as it is."""

from dataclasses import replace

from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.plan import planned
from quartier.planning.reasons import reasons


def test_charging_tells_its_price_its_worth_and_its_use() -> None:
    there = outlook([0.21, 0.3, 0.54])
    lines = reasons(planned(PLAIN, there), there, lambda number: f"{number + 12} h")

    assert (
        "charges at 0.210, used from 14 h (spares an import at 0.540); a stored kWh is worth 0.300"
        == lines[0]
    )
    assert "waits: an import costs 0.300; a stored kWh is worth 0.300" == lines[1]
    assert "discharges: spares an import at 0.540; a stored kWh is worth 0.300" == lines[2]


def test_sun_in_store_and_what_an_export_brings_are_told() -> None:
    there = outlook([0.2, 0.2], pv_w=[1500.0, 0.0], load_w=[1000.0, 0.0], export_eur_per_wh=[4e-5, 9e-5])
    lines = reasons(planned(PLAIN, there), there)

    assert (
        "charges with sun that an export would sell at 0.040, used from 1 (an export brings 0.090)"
        == lines[0].partition(";")[0]
    )
    assert lines[1].startswith("discharges: an export brings 0.090")
    assert reasons(planned(replace(PLAIN, charge_max_w=0.0), there), there)[0].startswith(
        "waits: an export brings 0.040"
    )


def test_a_cap_that_holds_and_sun_that_is_curtailed_are_told() -> None:
    there = outlook([0.1, 0.5], import_max_w=[1500.0, 9000.0])
    dark = outlook([0.1], load_w=[0.0], pv_w=[2500.0], export_max_w=[1000.0], export_eur_per_wh=[5e-5])

    assert (
        "held by a cap or the peak, a kWh more would be worth 0.400"
        in reasons(planned(PLAIN, there), there)[0]
    )
    assert (
        "charges with sun that an export would sell at 0.050, kept beyond the last step; "
        "a stored kWh is worth 0.010; 500 W of the sun are curtailed"
        == reasons(planned(replace(PLAIN, worth_eur_per_wh=1e-5), dark), dark)[0]
    )


def test_what_is_worth_more_later_is_kept() -> None:
    there = outlook([0.1])
    kept = planned(replace(PLAIN, worth_eur_per_wh=5e-4), there)

    assert ["charges at 0.100, kept beyond the last step; a stored kWh is worth 0.500"] == reasons(
        kept, there
    )
