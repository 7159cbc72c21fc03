"""Each step says why it is as it is."""

from dataclasses import replace

from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.plan import planned
from quartier.planning.reasons import reasons


def test_charging_tells_its_price_its_worth_and_its_use() -> None:
    there = outlook([0.21, 0.3, 0.54])
    lines = reasons(planned(PLAIN, there), there, lambda number: f"{number + 12} h")

    assert (
        "charges: an import costs 0.210, worth 0.300 in store, used from 14 h (nothing is imported or exported)"
        == lines[0]
    )
    assert "waits: an import costs 0.300, worth 0.300 in store" == lines[1]
    assert "discharges: nothing is imported or exported, worth 0.300 in store" == lines[2]


def test_a_cap_that_holds_and_sun_that_is_curtailed_are_told() -> None:
    there = outlook([0.1, 0.5], import_max_w=[1500.0, 9000.0])
    dark = outlook([0.1], load_w=[0.0], pv_w=[2500.0], export_max_w=[1000.0], export_eur_per_wh=[5e-5])

    assert (
        "held by a cap or the peak, a kWh more would be worth 0.400"
        in reasons(planned(PLAIN, there), there)[0]
    )
    assert (
        "charges: an export brings 0.050, worth 0.010 in store, kept beyond the last step; 500 W of the sun are curtailed"
        == reasons(planned(replace(PLAIN, worth_eur_per_wh=1e-5), dark), dark)[0]
    )


def test_what_is_worth_more_later_is_kept() -> None:
    there = outlook([0.1])
    kept = planned(replace(PLAIN, worth_eur_per_wh=5e-4), there)

    assert ["charges: an import costs 0.100, worth 0.500 in store, kept beyond the last step"] == reasons(
        kept, there
    )
