"""What a house costs where nobody plans."""

from dataclasses import replace
from math import inf

import pytest
from tests.gateway.planning.sites import seeds

from quartier.planning.horizon import BatteryModel, Outlook
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.site.site_plan import plan_site
from quartier.planning.site.unplanned_costs import find_unplanned_costs
from quartier_bench.planning_speed.site_problems import draw_site


def outlook(count=4):
    return Outlook(
        step_s=3600,
        load_w=[1000.0] * count,
        pv_w=[0.0] * count,
        import_eur_per_wh=[0.0001 * (step + 1) for step in range(count)],
        export_eur_per_wh=[0.0] * count,
        import_max_w=[inf] * count,
        export_max_w=[inf] * count,
    )


def test_a_car_charges_at_its_most_and_ends_with_as_little_as_it_may():
    car = CarModel(5000.0, 5000.0, 1, 9, current_max_a=16.0, phases=1, efficiency=1.0)
    found = find_unplanned_costs(SiteModel(outlook(), cars={"ev1": car}))

    # 3680 W in the second hour, and 1380 W (6 A) in the third give the rest
    assert 1.0 + 3.68 * 0.2 + 1.38 * 0.3 == pytest.approx(found.cost_eur)
    assert 4680.0 == pytest.approx(found.peak_w)


def test_a_battery_keeps_what_it_has():
    battery = BatteryModel(4000.0, 0.0, 3000.0, 1000.0, 1000.0, worth_eur_per_wh=0.0002)
    found = find_unplanned_costs(SiteModel(outlook(), batteries={"bat1": battery}))

    assert (1.0, 0.6) == pytest.approx((found.cost_eur, found.left_eur))


def test_a_thermostat_gives_back_what_is_drawn_as_far_as_its_power_goes():
    tank = TankModel(3000.0, 2000.0, 4000.0, 1000.0, [0.0, 900.0, 6000.0, 0.0], 1e6, 2.0, 0.0001)
    found = find_unplanned_costs(SiteModel(outlook(), tanks={"boiler": tank}))

    # 450 W, then 1000 W for 2000 of 6000 Wh, then 1000 W more of what is missing
    assert 1.0 + 0.45 * 0.2 + 1.0 * 0.3 + 1.0 * 0.4 == pytest.approx(found.cost_eur, rel=1e-4)
    assert 0.0001 * 1000.0 == pytest.approx(found.left_eur, rel=0.02)


def test_what_no_cap_would_allow_is_told():
    capped = replace(outlook(), import_max_w=[inf, 1500.0, inf, inf])
    found = find_unplanned_costs(SiteModel(capped, batches={"washer": BatchModel([2000.0, 500.0], 1, 4)}))

    assert (1500.0, 3000.0) == pytest.approx((found.beyond_wh, found.peak_w))


def test_a_run_begins_as_soon_as_it_may():
    found = find_unplanned_costs(SiteModel(outlook(), batches={"washer": BatchModel([2000.0, 500.0], 1, 4)}))

    assert 1.0 + 2.0 * 0.2 + 0.5 * 0.3 == pytest.approx(found.cost_eur)


@pytest.mark.parametrize("seed", seeds([0, 1, 3, 4, 5], [2]))
def test_a_plan_that_keeps_all_is_no_dearer_than_none(seed):
    site = draw_site(seed)
    plan, base = plan_site(site), find_unplanned_costs(site)
    stores = [*site.batteries.items(), *site.tanks.items()]
    left = sum(plan.parts[name].energy_wh[-1] * one.worth_eur_per_wh for name, one in stores)

    assert plan.given_up or plan.cost_eur - left <= base.cost_eur - base.left_eur + plan.gap_eur + 1e-9
