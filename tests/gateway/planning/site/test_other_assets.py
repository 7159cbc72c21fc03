"""What is planned beside a battery: cars wait for cheap hours, are ready in time, and say so."""

from dataclasses import replace

import pytest

from quartier.control.reason import make_reason
from quartier.planning.horizon import BatteryModel, Outlook
from quartier.planning.site.other_assets import PowerModes, plan_other_assets
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel

DEAR, CHEAP = 4e-4, 1e-4
PRICES = [DEAR] * 8 + [CHEAP] * 24 + [DEAR] * 16
CAR = CarModel(need_wh=11_040, room_wh=11_040, from_step=0, until_step=40, current_max_a=16, efficiency=1.0)
BATTERY = BatteryModel(
    capacity_wh=5_000, reserve_wh=500, energy_wh=500, charge_max_w=2_000, discharge_max_w=2_000
)


def site(cars, cap_w=12_000.0, load_w=500.0, prices=PRICES):
    count = len(prices)
    outlook = Outlook(
        step_s=900,
        load_w=[load_w] * count,
        pv_w=[0.0] * count,
        import_eur_per_wh=prices,
        export_eur_per_wh=[0.0] * count,
        import_max_w=[cap_w] * count,
        export_max_w=[6_000.0] * count,
    )
    return SiteModel(outlook, batteries={"bat1": BATTERY}, cars=cars)


def told(cars, **more):
    return plan_other_assets(
        site(cars, **more), {name: [4_000.0] * 48 for name in cars}, {}, lambda step: f"step {step}"
    )


def test_a_house_without_a_car_has_nothing_beside_its_battery():
    found = told({})

    assert ([0.0] * 48, {}, "") == (found.load_w, found.legs, found.why_not)


def test_a_car_waits_for_the_cheap_hours_has_its_energy_in_time_and_each_step_says_why():
    found = told({"ev1": CAR})
    legs, power_w = found.legs["ev1"], found.powers_w["ev1"]

    assert {0.0} == {leg.value for leg in legs[:8]}
    assert 11_040 == pytest.approx(sum(power_w) / 4)
    assert 11_040 == pytest.approx(sum(power_w[8:32]) / 4)
    assert found.load_w == power_w
    assert [leg.value * 690 for leg in legs] == pytest.approx(power_w)
    assert ("waits until step 8, ready by step 40", "has all the energy that it wants") == (
        str(legs[0].why),
        str(legs[-1].why),
    )
    assert "charges at a marginal price of 0.100, ready by step 40" == str(legs[8].why)


def test_currents_are_nothing_or_from_the_floor_on_in_whole_amperes():
    values = {leg.value for leg in told({"ev1": replace(CAR, need_wh=7_000, room_wh=7_000)}).legs["ev1"]}

    assert values <= {0.0, *map(float, range(6, 17))}


def test_of_equal_hours_the_earliest_is_taken_so_that_the_next_plan_does_not_change_it():
    legs = told({"ev1": CAR}, prices=[CHEAP] * 48).legs["ev1"]
    charging = [step for step, leg in enumerate(legs) if leg.value]

    assert list(range(len(charging))) == charging


def test_cars_that_do_not_fit_together_share_the_hours_under_the_cap():
    found = told({"ev1": CAR, "ev2": CAR}, cap_w=9_000.0)

    assert max(found.load_w) <= 9_000.0 - 500.0 + 1e-6
    assert [22_080] == pytest.approx([sum(found.load_w) / 4])


def test_one_that_cannot_be_ready_has_all_that_there_is_until_it_leaves():
    legs = told({"ev1": replace(CAR, need_wh=130_000, room_wh=130_000)}).legs["ev1"]

    assert {16.0} == {leg.value for leg in legs[:40]}


def test_a_car_whose_window_is_over_and_what_cannot_be_planned_charge_by_the_rule():
    over = told({"ev1": replace(CAR, until_step=0, need_wh=0, room_wh=0)})
    assert ([4_000.0] * 48, {}, "") == (over.load_w, over.legs, over.why_not)
    refused = told({"ev1": replace(CAR, need_wh=2e6, room_wh=2e6)})

    assert "ev1" in refused.why_not
    assert ([4_000.0] * 48, {}) == (refused.load_w, refused.legs)


RUNS = PowerModes(0, 1, 1e-3, "plan.runs", make_reason("plan.nothing_by_then"))


def with_store(**parts):
    modes = {"boiler": PowerModes(0, 1, 1_000.0), "waste": RUNS}
    made = replace(site({}), **parts)
    known = {name: one for name, one in modes.items() if name in {*made.tanks, *made.batches}}
    return plan_other_assets(made, dict.fromkeys(known, [100.0] * 48), known, lambda step: f"step {step}")


def test_a_tank_is_heated_in_cheap_hours_inside_its_band_and_each_mode_says_why():
    tank = TankModel(
        energy_wh=6_000,
        low_wh=3_000,
        high_wh=8_000,
        power_max_w=2_000,
        draw_w=[300.0] * 48,
        time_constant_h=100.0,
    )
    found = with_store(tanks={"boiler": tank})
    legs, power_w = found.legs["boiler"], found.powers_w["boiler"]

    assert {1.0} == {leg.value for leg in legs[:8]}
    assert any(leg.value == 0.0 for leg in legs[8:32])
    assert [leg.value == 0.0 for leg in legs] == [watts >= 1_000 for watts in power_w]
    assert str(legs[0].why).startswith("waits until step ")
    assert "stores enough for the planned time" == str(legs[-1].why)
    assert {"heats at a marginal price of 0.100"} == {str(leg.why) for leg in legs if leg.value == 0.0}


def test_a_batch_runs_once_before_its_deadline_and_one_that_no_longer_fits_takes_what_it_takes_by_the_rule():
    found = with_store(batches={"waste": BatchModel([3_000.0] * 4, 0, 20)})
    runs = [step for step, leg in enumerate(found.legs["waste"]) if leg.value == 0.0]
    assert [8, 9, 10, 11] == runs
    assert "runs at a marginal price" in str(found.legs["waste"][8].why)
    assert "waits until step 8" == str(found.legs["waste"][7].why)
    assert {"no run will be waiting then"} == {str(leg.why) for leg in found.legs["waste"][12:]}
    modes = {"waste": RUNS}
    car = replace(site({"ev1": CAR}), batches={})
    left = plan_other_assets(car, {"waste": [100.0] * 48, "ev1": [0.0] * 48}, modes, str)

    assert (["ev1"], [100.0] * 48) == ([*left.legs], left.powers_w["waste"])


def test_what_a_run_needs_of_its_last_step_is_run_too():
    found = with_store(batches={"waste": BatchModel([3_000.0, 60.0], 0, 20)})

    assert [8, 9] == [step for step, leg in enumerate(found.legs["waste"]) if leg.value == 0.0]


def test_a_run_goes_on_through_what_it_takes_least_and_begins_with_what_it_takes_nothing():
    run_w = [0.0, 3_000.0, 50.0, 0.0, 2_000.0, 0.0]
    found = with_store(batches={"waste": BatchModel(run_w, 0, 20)})
    runs = [step for step, leg in enumerate(found.legs["waste"]) if leg.value == 0.0]

    assert [*range(runs[0], runs[0] + 6)] == runs
    assert run_w == list(found.powers_w["waste"][runs[0] : runs[0] + 6])
