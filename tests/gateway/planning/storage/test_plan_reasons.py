"""Each step says why it is as it is."""

from dataclasses import replace

from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.horizon import Contract, Scenario
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_reasons import make_plan_reasons


def told(*args) -> list[str]:
    """The texts of the reasons."""
    return [str(reason) for reason in make_plan_reasons(*args)]


def test_charging_tells_its_price_its_worth_and_its_use() -> None:
    there = outlook([0.21, 0.3, 0.54])
    lines = told(plan_battery(PLAIN, there), there, lambda number: f"{number + 12} h")

    assert (
        "charges at 0.210, used from 14 h (avoids an import at 0.540); a stored kWh is worth 0.300"
        == lines[0]
    )
    assert "waits: an import costs 0.300; a stored kWh is worth 0.300" == lines[1]
    assert "discharges: avoids an import at 0.540; a stored kWh is worth 0.300" == lines[2]


def test_sun_in_store_and_what_an_export_brings_are_told() -> None:
    there = outlook([0.2, 0.2], pv_w=[1500.0, 0.0], load_w=[1000.0, 0.0], export_eur_per_wh=[4e-5, 9e-5])
    lines = told(plan_battery(PLAIN, there), there)

    assert (
        "charges with PV power whose export would earn 0.040, used from 1 (an export earns 0.090)"
        == lines[0].partition(";")[0]
    )
    assert lines[1].startswith("discharges: an export earns 0.090")
    assert told(plan_battery(replace(PLAIN, charge_max_w=0.0), there), there)[0].startswith(
        "waits: an export earns 0.040"
    )


def test_a_cap_that_holds_and_sun_that_is_curtailed_are_told() -> None:
    there = outlook([0.1, 0.5], import_max_w=[1500.0, 9000.0])
    dark = outlook([0.1], load_w=[0.0], pv_w=[2500.0], export_max_w=[1000.0], export_eur_per_wh=[5e-5])

    assert (
        "limited by a cap or the peak, one more kWh would be worth 0.400"
        in told(plan_battery(PLAIN, there), there)[0]
    )
    assert (
        "charges with PV power whose export would earn 0.050, kept for the time after the plan; "
        "a stored kWh is worth 0.010; 500 W of PV are curtailed"
        == told(plan_battery(replace(PLAIN, worth_eur_per_wh=1e-5), dark), dark)[0]
    )


def when(number: int) -> str:
    return f"{number + 12} h"


def test_what_is_kept_for_an_import_cap_ahead_is_told_until_it_is_used() -> None:
    there = outlook(
        [0.21, 0.21, 0.54, 0.54, 0.54],
        load_w=[0.0, 0.0, 500.0, 2200.0, 200.0],
        import_max_w=[900.0, 400.0, 9000.0, 1400.0, 9000.0],
    )
    lines = told(plan_battery(replace(PLAIN, capacity_wh=1500.0, energy_wh=200.0), there), there, when)

    # at 15 h 1.0 kW of the store spares a dear import; without 0.8 kW of it the cap would be exceeded
    kept = [line.partition("; kept ")[2] for line in lines]
    cap = "kWh for the import cap of 1.4 kW at 15 h"
    assert [f"0.4 {cap}", f"0.8 {cap}", f"0.8 {cap}", "", ""] == kept, (
        "what comes at 13 h is not kept at 12 h"
    )
    assert lines[0].startswith("charges at 0.210, used from 14 h (avoids an import at 0.540)")


def test_what_is_kept_for_the_peak_that_is_paid_is_told_as_such() -> None:
    there = outlook([0.4, 0.4, 0.2, 0.2], load_w=[300.0, 300.0, 2000.0, 300.0])
    plan = plan_battery(replace(PLAIN, energy_wh=800.0), there, Contract(peak_eur_per_w=0.01))
    lines = told(plan, there, when)

    assert lines[1].endswith("; kept 1.0 kWh for the peak of 1.0 kW at 14 h")
    assert not any("kept" in line for line in lines[2:])


def test_nothing_is_kept_where_no_cap_is_ahead() -> None:
    there = outlook([0.21, 0.3, 0.54])

    assert not any("; kept" in line for line in told(plan_battery(PLAIN, there), there, when))


def test_a_cap_that_only_some_samples_reach_is_one() -> None:
    there = outlook(
        [0.2, 0.2, 0.2],
        load_w=[0.0, 500.0, 500.0],
        import_max_w=[9000.0, 1000.0, 9000.0],
        samples=[[], [Scenario(1600.0, 0.0), Scenario(0.0, 0.0)], []],
    )
    lines = told(plan_battery(PLAIN, there), there, when)

    assert lines[0].endswith("; kept 0.6 kWh for the import cap of 1.0 kW at 13 h")


def test_what_is_worth_more_later_is_kept() -> None:
    there = outlook([0.1])
    kept = plan_battery(replace(PLAIN, worth_eur_per_wh=5e-4), there)

    assert ["charges at 0.100, kept for the time after the plan; a stored kWh is worth 0.500"] == told(
        kept, there
    )
