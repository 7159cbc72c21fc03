"""A high import is spared where its surcharges make that worth a stored Wh, and the reason says so."""

from dataclasses import replace
from math import inf

import pytest

from quartier.control.reason import NO_REASON
from quartier.planning.horizon import BatteryModel, Contract, Outlook, Surcharge
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_aims import (
    add_peak_reasons,
    find_worthwhile_import_w,
    make_aims,
    replace_surcharges_by_peak,
)

BATTERY = BatteryModel(
    capacity_wh=9_500, reserve_wh=2_000, energy_wh=4_000, charge_max_w=5_000, discharge_max_w=5_000
)
LOADS_W = [1_000.0, 4_500.0, 1_000.0, 2_000.0]


def made(*tiers, loads_w=LOADS_W, bought=(2e-4,) * 4, battery=BATTERY, co2=0.0):
    """The plan of four hours and what it was made from; tiers as (above W, EUR/Wh)."""
    count = len(loads_w)
    outlook = Outlook(
        step_s=3600,
        load_w=loads_w,
        pv_w=[0.0] * count,
        import_eur_per_wh=bought,
        export_eur_per_wh=[0.0] * count,
        import_max_w=[9_000.0] * count,
        export_max_w=[6_000.0] * count,
        import_g_per_wh=[0.1] * count,
    )
    terms = Contract(
        surcharges=tuple(Surcharge([above] * count, price) for above, price in tiers), co2_eur_per_g=co2
    )
    return plan_battery(battery, outlook, terms), battery, outlook, terms


def test_a_wh_that_is_kept_for_a_dearer_hour_still_spares_the_days_largest_import():
    bought = (2e-4, 2e-4, 2e-4, 6e-4)
    plan, *around = made((3_000.0, 1e-3), bought=bought, loads_w=[1_000.0, 4_500.0, 1_000.0, 2_900.0])
    lines = add_peak_reasons(plan, *around, [NO_REASON] * 4)
    found = make_aims(plan, *around, lines)

    assert plan.steps[1].grid_w == pytest.approx(3_000.0)
    assert [3_000.0] * 3 == [one.grid_max_w for one in found[:3]]
    assert "not limited; avoids an import above 3.0 kW: the largest import of the day has a price" == str(
        lines[1]
    )
    assert found[1].find_power_w(4_800.0) == pytest.approx(-1_800.0), "as measured, not as planned"
    assert 0.0 == found[1].find_power_w(2_900.0), "what is no peak is not served"


def test_without_surcharges_nothing_is_expensive():
    plan, *around = made()
    assert {inf} == {
        find_worthwhile_import_w(step, *around, number) for number, step in enumerate(plan.steps)
    }
    assert ["a"] * 4 == add_peak_reasons(plan, *around, ["a"] * 4)


def test_surcharges_add_up_and_the_least_import_counts_for_which_they_are_worth_it():
    plan, *around = made((5_000.0, 4e-4), (3_000.0, 1e-4), (4_000.0, 1e-4))
    worth = replace(plan.steps[0], value_eur_per_wh=3.5e-4)

    assert 4_000.0 == find_worthwhile_import_w(worth, *around, 0)
    assert 3_000.0 == find_worthwhile_import_w(replace(worth, value_eur_per_wh=2.5e-4), *around, 0)
    assert inf == find_worthwhile_import_w(replace(worth, value_eur_per_wh=1e-3), *around, 0)


def test_carbon_makes_an_import_dearer_too():
    plan, *around = made((3_000.0, 1e-4), co2=1e-3)
    worth = replace(plan.steps[0], value_eur_per_wh=3.5e-4)
    assert 3_000.0 == find_worthwhile_import_w(worth, *around, 0)
    outlook = replace(around[1], import_g_per_wh=())
    assert inf == find_worthwhile_import_w(worth, around[0], outlook, around[2], 0)


def test_a_step_in_which_every_import_is_spared_needs_no_such_reason():
    plan, *around = made((1_500.0, 1e-4))
    served = [replace(step, value_eur_per_wh=1e-5) for step in plan.steps]
    assert [NO_REASON] * 4 == add_peak_reasons(replace(plan, steps=served), *around, [NO_REASON] * 4)


def test_a_charge_is_held_below_the_import_that_would_be_the_days_largest():
    bought = (1e-4, 6e-4, 6e-4, 6e-4)
    plan, *around = made((3_000.0, 1e-3), bought=bought, loads_w=[500.0, 2_500.0, 2_500.0, 2_500.0])
    first = make_aims(plan, *around, [NO_REASON] * 4)[0]

    assert plan.steps[0].battery_w == pytest.approx(2_500.0)
    assert first.find_power_w(500.0) == pytest.approx(2_500.0)
    assert first.find_power_w(1_500.0) == pytest.approx(1_500.0), "a load came: the import stays at 3 kW"


def test_where_a_wh_is_worth_as_much_later_it_is_not_spent_before_the_days_largest_import():
    small = replace(BATTERY, energy_wh=5_000.0, worth_eur_per_wh=1e-5)
    loads_w, flat = [2_000.0, 2_000.0, 5_000.0, 2_000.0], (3e-4,) * 4
    plan, *around = made((3_500.0, 1e-4), loads_w=loads_w, bought=flat, battery=small)
    first, _, third, _ = make_aims(plan, *around, [NO_REASON] * 4)

    assert plan.steps[2].grid_w == pytest.approx(3_500.0)
    assert plan.steps[0].grid_w > 0.0
    assert plan.steps[0].grid_w == pytest.approx(first.grid_max_w), "the rule would spend all of it now"
    assert third.find_power_w(5_000.0) == pytest.approx(-1_500.0)
    free, *terms = made(loads_w=loads_w, bought=flat, battery=small)
    assert 0.0 == make_aims(free, *terms, [NO_REASON] * 4)[0].grid_max_w, (
        "without such a price it is the rule's"
    )


def test_who_plans_without_surcharges_pays_for_the_largest_import_above_the_middle_one():
    tiers = tuple(
        Surcharge(above_w, price)
        for above_w, price in (
            ([4_200.0, 4_000.0], 3e-5),
            ([4_200.0, 3_000.0], 4e-5),
            ([4_200.0, 2_000.0], 3e-5),
        )
    )
    found = replace_surcharges_by_peak(Contract(surcharges=tiers, co2_eur_per_g=1e-4))

    assert (3_000.0, pytest.approx(7e-5)) == (found.peak_free_w, found.peak_eur_per_w)
    assert ((), 1e-4) == (found.surcharges, found.co2_eur_per_g)
    assert Contract(peak_eur_per_w=0.1) == replace_surcharges_by_peak(Contract(peak_eur_per_w=0.1)), (
        "nothing is expensive"
    )


def test_a_month_whose_largest_import_is_dearer_than_a_days_keeps_its_price():
    tiers = (Surcharge([3_000.0] * 4, 1e-4), Surcharge([4_000.0] * 4, 1e-4))
    month = Contract(peak_eur_per_w=4e-3, peak_free_w=5_000.0, surcharges=tiers)

    assert replace(month, surcharges=()) == replace_surcharges_by_peak(month)
    assert (2e-4, 4_000.0) == _peak(replace_surcharges_by_peak(replace(month, peak_eur_per_w=1e-4)))


def _peak(contract):
    return contract.peak_eur_per_w, contract.peak_free_w
