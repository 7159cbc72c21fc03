"""What the cycle is told of a plan: where it must buy, keep, serve or sell, whatever the load will be."""

from dataclasses import replace
from math import inf

import pytest

from quartier.control.reason import make_text_reason
from quartier.planning.horizon import BatteryModel, Contract, Outlook, Scenario
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_aims import make_aims

BATTERY = BatteryModel(
    capacity_wh=9_500, reserve_wh=2_000, energy_wh=4_000, charge_max_w=5_000, discharge_max_w=5_000
)


def found(load_w, pv_w, bought, sold, battery=BATTERY, contract=None, target_w=0.0, **more):
    """Aims as (power, least grid, most grid) of hours."""
    count, terms = len(load_w), contract or Contract()
    outlook = Outlook(
        step_s=3600,
        load_w=load_w,
        pv_w=pv_w,
        import_eur_per_wh=bought,
        export_eur_per_wh=sold,
        import_max_w=more.get("import_max_w", [9_000.0] * count),
        export_max_w=more.get("export_max_w", [6_000.0] * count),
        samples=more.get("samples", ()),
    )
    plan = plan_battery(battery, outlook, terms)
    words = [make_text_reason(str(number)) for number in range(count)]
    made = make_aims(plan, battery, outlook, terms, words, target_w)
    assert [(outlook.step_s, word) for word in words] == [(one.duration_s, one.why) for one in made]
    return [(round(one.power_w), one.grid_min_w, one.grid_max_w) for one in made], plan


def test_with_one_price_the_plan_is_the_rule_of_self_consumption():
    made, _ = found([500.0, 500.0, 3000.0], [0.0, 2500.0, 0.0], [2.5e-4] * 3, [0.0] * 3, target_w=40.0)

    assert [(0, 40.0, 40.0)] * 3 == made


def test_what_is_cheap_is_bought_what_is_dear_is_served_and_sun_is_taken_in_meanwhile():
    made, plan = found([500.0, 500.0, 4000.0], [0.0] * 3, [1e-4, 1e-4, 4e-4], [0.0] * 3)
    charged_w = [step.battery_w for step in plan.steps]

    assert charged_w[0] + charged_w[1] > 1000
    assert [(round(watts), 0.0, inf) for watts in charged_w[:2]] == made[:2]
    assert (0, 0.0, 0.0) == made[2]


def test_what_is_kept_for_a_dearer_hour_serves_no_load_now():
    made, _ = found([2000.0, 6000.0], [0.0] * 2, [3.6e-4, 3.8e-4], [0.0] * 2)

    assert (0, 0.0, inf) == made[0]
    assert (0, 0.0, 0.0) == made[1]


def test_the_sun_is_sold_where_that_brings_more_than_the_store():
    low = replace(BATTERY, energy_wh=2_000.0)
    made, _ = found([500.0, 500.0], [3000.0, 0.0], [2e-4, 2e-4], [1.9e-4, 0.0], low)

    assert (0, -inf, 0.0) == made[0]


def test_the_store_is_sold_where_an_export_brings_more_than_it_saves_later():
    made, plan = found([500.0, 500.0], [0.0, 0.0], [4e-4, 1e-4], [3.9e-4, 0.0])

    assert plan.steps[0].grid_w < -1000
    assert (round(plan.steps[0].battery_w), -inf, 0.0) == made[0]


def test_below_a_peak_that_costs_the_import_is_held_at_its_height():
    contract = Contract(peak_eur_per_w=0.01)
    made, plan = found([1000.0, 6000.0, 1000.0], [0.0] * 3, [2e-4] * 3, [0.0] * 3, contract=contract)

    assert plan.peak_w < 5000
    assert plan.peak_w == pytest.approx(made[1][2])
    assert all(most_w <= plan.peak_w + 1e-6 for _, _, most_w in made)


def test_an_import_cap_that_holds_the_charge_holds_it_by_what_is_measured():
    made, plan = found([1000.0, 6000.0], [0.0] * 2, [1e-4, 4e-4], [0.0] * 2, import_max_w=[2000.0, 9000.0])

    assert (1000, 0.0, pytest.approx(2000.0)) == made[0]
    assert plan.steps[0].cap_eur_per_wh > 0


def test_the_least_is_never_above_the_most():
    for target_w in (-200.0, 0.0, 200.0):
        made, _ = found(
            [1000.0, 6000.0, 500.0],
            [0.0, 0.0, 4000.0],
            [1e-4, 4e-4, 2e-4],
            [0.0, 0.0, 3e-4],
            target_w=target_w,
        )
        assert all(least_w <= most_w for _, least_w, most_w in made)


def either(*loads_w):
    """Samples that count alike."""
    return [Scenario(max(0.0, load_w), max(0.0, -load_w)) for load_w in loads_w]


def test_what_is_charged_for_all_samples_is_sun_where_an_import_is_not_worth_it():
    low = replace(BATTERY, energy_wh=2_000.0)
    samples = [either(-900.0, -800.0, 400.0), either(2000.0)]
    made, plan = found([0.0] * 2, [0.0] * 2, [3e-4, 3.2e-4], [0.0] * 2, low, samples=samples)

    assert plan.steps[0].battery_w > 700.0
    assert [(0, 0.0, inf), (0, 0.0, 0.0)] == made


def test_what_every_sample_buys_is_bought_and_so_is_what_is_worth_it():
    low = replace(BATTERY, energy_wh=2_000.0)
    made, plan = found(
        [0.0] * 2, [0.0] * 2, [1e-4, 4e-4], [0.0] * 2, low, samples=[either(100.0, 900.0), either(2000.0)]
    )
    full, _ = found(
        [0.0] * 2,
        [0.0] * 2,
        [1e-4, 4e-4],
        [0.0] * 2,
        replace(low, charge_max_w=1_000.0),
        samples=[either(-3000.0, 900.0), either(2000.0)],
    )

    assert (round(plan.steps[0].battery_w), 0.0, inf) == made[0]
    assert 1_000 == full[0][0]


def test_what_is_discharged_for_all_samples_is_sold_only_where_that_is_worth_it():
    samples, kept = [either(-900.0, 100.0, 400.0), either(600.0)], replace(BATTERY, worth_eur_per_wh=1.2e-4)
    served, plan = found([0.0] * 2, [0.0] * 2, [4e-4, 4e-4], [1e-4] * 2, kept, samples=samples)
    sold, _ = found([0.0] * 2, [0.0] * 2, [4e-4, 1e-4], [3.9e-4, 0.0], kept, samples=samples)

    assert plan.steps[0].battery_w < -1.0
    assert 0 == served[0][0]
    assert sold[0][0] < -1_000


def test_a_peak_over_samples_is_held_at_the_level_from_which_on_it_is_paid():
    terms = Contract(peak_eur_per_w=1e-2)
    made, plan = found(
        [0.0] * 2,
        [0.0] * 2,
        [2e-4] * 2,
        [0.0] * 2,
        contract=terms,
        samples=[either(500.0), either(1_000.0, 6_000.0)],
    )

    assert plan.level_w is not None
    assert plan.level_w < plan.peak_w or plan.level_w == pytest.approx(plan.peak_w)
    assert made[1][2] == pytest.approx(plan.level_w)


def test_a_cap_over_samples_is_held_where_the_largest_stands():
    made, plan = found(
        [0.0] * 2,
        [0.0] * 2,
        [2e-4, 9e-4],
        [0.0] * 2,
        import_max_w=[4_000.0] * 2,
        samples=[either(500.0, 5_000.0), either(4_900.0)],
    )

    assert plan.steps[0].cap_eur_per_wh > 0.0
    assert made[0][2] == pytest.approx(4_000.0)
