"""From a question to a plan: what is measured counts now, the forecast later; what is not known is refused."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.horizon import BatteryModel, Contract, RefusedError, Surcharge
from quartier.planning.service.plan_request import PlanRequest, answer_request, check_forecast_trust
from quartier.planning.site.site_model import CarModel
from quartier.planning.tariffs.energy_prices import MeterTariffState, PriceSignal, Tariff

START_S = datetime(2026, 6, 12, 20, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
PREMISES = SiteFacts(where=(48.82, 2.27), pv_rated_w=6000.0)
S = 1_000_000_000
QUESTION = PlanRequest(
    start_utc_s=START_S,
    start_ns=50 * S,
    expires_ns=950 * S,
    step_s=900,
    batteries={
        "bat1": BatteryModel(
            capacity_wh=9_500, reserve_wh=2_000, energy_wh=4_000, charge_max_w=5_000, discharge_max_w=5_000
        )
    },
    contract=Contract(),
    net_w=700.0,
    sun_w=100.0,
    cars_w=[3000.0] * 4 + [0.0] * 140,
    import_max_w=[9_000.0] * 144,
    export_max_w=[6_000.0] * 144,
    tariff=Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(1e-4, 4e-4)),
)


def training(hours, premises=PREMISES):
    """A learner that has lived so long with 400 W and no sun, which ends at the question's start."""
    learner = Learner(premises)
    last = learner.grid.find_slot(START_S)
    for slot in range(last - hours, last):
        learner.step(slot, 400.0 + slot % 7, 0.0)
    return learner


def test_what_is_measured_counts_for_the_first_step_and_what_cars_take_beside_the_forecast():
    found = answer_request(QUESTION, training(96))
    forecast = found.forecast.load.mean_w

    assert (800.0, 100.0) == (found.outlook.load_w[0], found.outlook.pv_w[0])
    assert [watts + 3000.0 for watts in forecast[1:4]] == found.outlook.load_w[1:4]
    assert list(forecast[4:]) == found.outlook.load_w[4:]
    assert 144 == len(found.plan.steps) == len(found.why) == len(found.local_plan.aims["bat1"])


def test_the_request_begins_with_the_question_and_ends_when_it_says():
    request = answer_request(QUESTION, training(96)).local_plan

    assert (["bat1"], 50 * S, 950 * S) == ([*request.aims], request.start_ns, request.expires_ns)
    assert round(START_S * 1000) - 50_000 == request.offset_ms
    assert {900} == {aim.duration_s for aim in request.aims["bat1"]}


def test_at_eight_in_the_evening_it_waits_for_ten_and_charges_then_and_says_when_it_is_used():
    found = answer_request(replace(QUESTION, net_w=400.0, cars_w=[0.0] * 144), training(96))
    charges = [number for number, step in enumerate(found.plan.steps) if step.battery_w > 10 and number < 60]

    assert charges
    assert min(charges) >= 8, "22 h is two hours on"
    assert "used from" in str(found.why[charges[0]])


def test_a_forecast_that_was_hardly_tried_is_not_planned_by():
    wanted, sunless = replace(QUESTION, history_min_s=259_200.0), replace(PREMISES, pv_rated_w=0.0)
    with pytest.raises(RefusedError, match=r"held against 4[78] h of what happened, 72 h are wanted"):
        answer_request(wanted, training(49, sunless))
    check_forecast_trust(wanted, training(74, sunless))
    check_forecast_trust(QUESTION, Learner(PREMISES))  # none is wanted: the site file's default will do


def test_a_house_of_which_nothing_is_known_may_be_planned_by_its_site_file():
    found = answer_request(QUESTION, Learner(PREMISES))

    assert found.forecast.net.error_w is None
    assert 144 == len(found.plan.steps)


def signalled(hours):
    return replace(
        QUESTION,
        tariff=Tariff(kind="signal", zone="Europe/Paris"),
        quotes=(PriceSignal(START_S, START_S + hours * 3600, {"import_eur_per_wh": 2e-4}),),
    )


def test_the_horizon_ends_where_prices_are_no_longer_known_and_too_few_are_refused():
    assert 48 == len(answer_request(signalled(12), training(96)).plan.steps)
    with pytest.raises(RefusedError, match=r"prices are known for 3 h only"):
        answer_request(signalled(3), training(96))
    with pytest.raises(RefusedError, match=r"prices are known for 0 h only"):
        answer_request(replace(signalled(12), quotes=()), training(96))


def test_a_red_day_that_the_meter_told_is_prepared_for_in_the_night_before():
    prices = (1.3e-4, 1.6e-4, 1.5e-4, 1.9e-4, 1.6e-4, 7.6e-4)
    evening = datetime(2026, 1, 13, 21, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    tempo = Tariff(kind="tempo", zone="Europe/Paris", prices_eur_per_wh=prices)
    asked = replace(QUESTION, start_utc_s=evening, tariff=tempo, cars_w=[0.0] * 144)

    def stored_wh(colour):
        told = MeterTariffState(index=2, today=1, tomorrow=colour)
        return (
            answer_request(replace(asked, meter_tariff=told), Learner(PREMISES)).plan.steps[35].energy_wh
        )  # 6 h

    assert stored_wh(3) > 9_000
    assert stored_wh(1) < stored_wh(3)


def test_carbon_that_is_signalled_for_some_hours_is_forecast_beyond_them():
    quotes = (PriceSignal(START_S, START_S + 7_200, {"import_g_per_wh": 0.05}),)
    asked = replace(QUESTION, quotes=quotes, contract=Contract(co2_eur_per_g=1e-3))
    forecast = answer_request(replace(asked, co2_g_per_wh=[0.4] * 144), training(96)).outlook.import_g_per_wh
    alone = answer_request(asked, training(96)).outlook.import_g_per_wh

    assert ([0.05] * 8, [0.4] * 136) == (forecast[:8], forecast[8:])
    assert [0.05] * 144 == pytest.approx(alone), "nothing else is known: no later hour looks cleaner"
    assert {0.0} == set(answer_request(QUESTION, training(96)).outlook.import_g_per_wh)


def test_the_price_of_a_days_largest_import_holds_what_is_bought_and_the_reason_says_so():
    cheap = replace(QUESTION, cars_w=[0.0] * 144, net_w=400.0)
    tier = Surcharge([1_500.0] * 144, 1e-3)
    free = answer_request(cheap, training(96)).plan
    held = answer_request(replace(cheap, contract=Contract(surcharges=(tier,))), training(96))

    assert free.peak_w > 2_000.0
    assert max(step.grid_w for step in held.plan.steps) < 1_600.0
    assert any("above 1.5 kW: the largest import of the day has a price" in str(line) for line in held.why)


def test_a_car_is_planned_first_and_the_battery_beside_what_it_takes():
    car = CarModel(need_wh=5_520, room_wh=5_520, from_step=0, until_step=40, current_max_a=16, efficiency=1.0)
    asked = replace(QUESTION, cars_w=[0.0] * 144, cars={"ev1": car}, unplanned_w={"ev1": [0.0] * 144})
    found = answer_request(asked, training(96))
    forecast, power_w = found.forecast.load.mean_w, found.others.powers_w["ev1"]

    assert 5_520 == pytest.approx(sum(power_w[8:40]) / 4), "22 h is two hours on"
    assert [a + b for a, b in zip(forecast[1:], power_w[1:], strict=True)] == pytest.approx(
        found.outlook.load_w[1:]
    )
    assert found.others.legs == found.local_plan.legs
    assert max(found.plan.steps[step].grid_w for step in range(144)) <= 9_000.0 + 1e-6


def test_a_car_spreads_over_the_cheap_hours_where_the_days_largest_import_has_a_price():
    car = CarModel(
        need_wh=8_000, room_wh=8_000, from_step=0, until_step=40, current_max_a=16, phases=1, efficiency=1.0
    )
    asked = replace(QUESTION, cars_w=[0.0] * 144, cars={"ev1": car}, unplanned_w={"ev1": [0.0] * 144})
    tier = Surcharge([2_500.0] * 144, 1e-3)
    free = answer_request(asked, training(96))
    held = answer_request(replace(asked, contract=Contract(surcharges=(tier,))), training(96))

    assert max(free.others.powers_w["ev1"]) > 3_600.0
    assert max(held.others.powers_w["ev1"]) < 2_500.0
    assert 8_000 <= sum(held.others.powers_w["ev1"][8:40]) / 4 + 1e-6, "ready all the same"


def test_two_batteries_are_planned_together_and_each_has_aims_of_its_own():
    one = QUESTION.batteries["bat1"]
    two = {"bat1": one, "bat2": replace(one, capacity_wh=4_000, reserve_wh=400, energy_wh=400)}
    found = answer_request(replace(QUESTION, batteries=two, cars_w=[0.0] * 144), training(96))
    powers_w = {name: [step.battery_w for step in led.plan.steps] for name, led in found.batteries.items()}

    assert ["bat1", "bat2"] == [*found.batteries] == [*found.local_plan.aims]
    assert max(powers_w["bat1"]) > 100 < max(powers_w["bat2"])
    for name, other in (("bat1", "bat2"), ("bat2", "bat1")):
        others_w = found.others.batteries_w[other]
        loads_w = zip(found.forecast.load.mean_w[1:], others_w[1:], strict=True)
        assert [a + b for a, b in loads_w] == pytest.approx(found.batteries[name].outlook.load_w[1:])


def test_a_house_without_a_battery_has_legs_alone_and_a_site_that_is_refused_one_battery_that_leads():
    car = CarModel(need_wh=5_520, room_wh=5_520, from_step=0, until_step=40, current_max_a=16, efficiency=1.0)
    more = {"cars": {"ev1": car}, "unplanned_w": {"ev1": [0.0] * 144}}
    bare = answer_request(replace(QUESTION, batteries={}, **more), training(96))
    assert ({}, ["ev1"]) == (bare.local_plan.aims, [*bare.local_plan.legs])
    assert {0.0} == {step.battery_w for step in bare.plan.steps}
    more["cars"] = {"ev1": replace(car, need_wh=5e6, room_wh=5e6)}
    two = {"bat1": QUESTION.batteries["bat1"], "bat2": QUESTION.batteries["bat1"]}
    refused = answer_request(replace(QUESTION, batteries=two, **more), training(96))

    assert (["bat1"], {}) == ([*refused.local_plan.aims], refused.local_plan.legs)
    assert "ev1" in refused.others.why_not
