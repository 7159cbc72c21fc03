"""The plan's back-test: imagined batteries live through measured hours, by the plan and by the rule."""

import json
import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.horizon import BatteryModel
from quartier.planning.service.plan_backtest import BACKTEST_MIN_H, PlanBacktest
from quartier.planning.tariffs.energy_prices import PriceSignal, Tariff

BATTERY = BatteryModel(
    capacity_wh=9_500, reserve_wh=2_000, energy_wh=2_000, charge_max_w=5_000, discharge_max_w=5_000
)
HCHP = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(1e-4, 4e-4))
BASE = Tariff(kind="base", zone="Europe/Paris", prices_eur_per_wh=(2.5e-4,))
FIRST = int(datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Paris")).timestamp()) // 3600


def trial(tariff, battery=BATTERY):
    return PlanBacktest(battery=battery, tariff=tariff, import_max_w=9e3, export_max_w=6e3)


def lived(tariff, days, load):
    """A trial and a learner that lived so many days of a load by slot and hour; no sun."""
    made, learner = trial(tariff), Learner(SiteFacts())
    for slot in range(FIRST, FIRST + 24 * days):
        watts = load(slot, learner.grid.place(slot).hour)
        made.step(learner, slot, watts, 0.0)
        learner.step(slot, watts, 0.0)
    return made


def evening(slot, hour):
    return 2_500.0 + slot % 3 if 18 <= hour < 21 else 300.0 + slot % 7


def test_where_nights_are_cheap_the_plan_saves_money_and_is_trusted():
    made = lived(HCHP, 6, evening)

    assert 144 == made.hours
    assert made.dearer_eur < -0.1 * made.bare_eur
    assert "" == made.why_not


@pytest.mark.parametrize(("load_w", "sun_w"), [(5e9, 0.0), (5e6, 0.0), (500.0, 5e6)])
def test_an_hour_that_cannot_have_been_is_not_tried(load_w, sun_w):
    made, learner = trial(HCHP), Learner(SiteFacts())
    made.step(learner, FIRST, load_w, sun_w)

    assert (0.0, 0.0, 0.0) == (made.hours, made.bare_eur, made.by_plan.cost_eur)


def test_an_hour_at_prices_that_no_plan_can_be_made_of_is_not_tried():
    made, learner = trial(replace(HCHP, prices_eur_per_wh=(1e10, 1e10))), Learner(SiteFacts())
    made.step(learner, FIRST, 500.0, 0.0)

    assert (0.0, 0.0, 0.0) == (made.hours, made.bare_eur, made.worth_eur_per_wh)


def test_with_one_price_and_no_sun_plan_and_rule_cost_the_same():
    made = lived(BASE, 4, evening)

    assert made.dearer_eur == pytest.approx(0.0, abs=0.02 * made.bare_eur)


def test_a_plan_that_was_dearer_is_not_trusted_and_what_it_has_in_store_counts():
    made = trial(HCHP)
    made.hours, made.bare_eur, made.worth_eur_per_wh = BACKTEST_MIN_H, 10.0, 1e-4
    made.by_plan.cost_eur, made.by_rule.cost_eur = 5.2, 5.0
    assert "in its back-test of the last week a plan cost 0.20 EUR more than the rule" == made.why_not
    made.by_plan.energy_wh += 1_500
    assert "" == made.why_not, "what it has in store is worth 0.15"
    made.by_plan.energy_wh -= 1_500
    made.hours = BACKTEST_MIN_H - 1
    assert "" == made.why_not, "so little says nothing"


SIGNAL = Tariff(kind="signal", zone="Europe/Paris")


def signalled(days, load, price):
    """The same with prices by signal: each day at 13 h those of the next one are said, from the first day on."""
    made, learner = trial(SIGNAL), Learner(SiteFacts())
    for slot in range(FIRST, FIRST + 24 * days):
        place = learner.grid.place(slot)
        if slot == FIRST or place.hour == 13:
            until = slot - place.hour + (24 if slot == FIRST else 48)
            said = [
                PriceSignal(hour * 3600.0, (hour + 1) * 3600.0, {"import_eur_per_wh": price(hour, learner)})
                for hour in range(slot, until)
            ]
            made.quoted.hear(SIGNAL, said, slot * 3600.0 + 5.0)
        watts = load(slot, place.hour)
        made.step(learner, slot, watts, 0.0)
        learner.step(slot, watts, 0.0)
    return made


def by_night(slot, learner):
    return 1e-4 if learner.grid.place(slot).hour in {22, 23, 0, 1, 2, 3, 4, 5} else 4e-4


def test_prices_by_signal_are_tried_as_they_were_known_then_and_plans_save_as_much():
    made = signalled(6, evening, by_night)

    assert 144 - 24 <= made.hours < 144, "the last hours of a day that was not followed by another's prices"
    assert made.dearer_eur < -0.1 * made.bare_eur
    assert "" == made.why_not


def test_a_price_that_was_changed_after_the_plan_is_billed_as_it_was_in_the_end():
    flat = trial(SIGNAL)
    flat.quoted.hear(
        SIGNAL,
        [PriceSignal(FIRST * 3600.0, (FIRST + 24) * 3600.0, {"import_eur_per_wh": 1e-4})],
        FIRST * 3600.0,
    )
    late = PriceSignal(FIRST * 3600.0, (FIRST + 1) * 3600.0, {"import_eur_per_wh": 9e-4})
    flat.quoted.hear(SIGNAL, [late], FIRST * 3600.0 + 900.0)
    flat.step(Learner(SiteFacts()), FIRST, 1_000.0, 0.0)

    assert (1.0, pytest.approx(0.9)) == (flat.hours, flat.bare_eur)


def test_prices_that_were_kept_go_on_after_a_restart():
    made = signalled(2, evening, by_night)
    later = trial(SIGNAL)
    later.recall(json.loads(json.dumps(made.keep())))
    broken = trial(SIGNAL)
    broken.recall({**made.keep(), "quoted": [[1.0]]})

    assert made.keep() == later.keep()
    assert ([], made.hours) == (broken.quoted.keep(), broken.hours)


def test_an_hour_that_is_not_known_or_has_no_price_is_not_tried():
    made, learner = trial(HCHP), Learner(SiteFacts())
    made.step(learner, FIRST, None, 0.0)
    made.step(learner, FIRST, 500.0, None)
    signalled = trial(Tariff(kind="signal", zone="Europe/Paris"))
    signalled.step(learner, FIRST, 500.0, 0.0)
    fine = trial(HCHP)
    fine.step(Learner(SiteFacts(slot_s=900)), FIRST * 4, 500.0, 0.0)

    assert 0 == made.hours == signalled.hours == fine.hours


def test_imagined_batteries_stay_inside_what_the_real_one_can_do():
    made, learner = trial(HCHP), Learner(SiteFacts(pv_rated_w=9_000.0))
    for slot in range(FIRST, FIRST + 72):
        hour = learner.grid.place(slot).hour
        load_w, sun_w = 200.0 + 9_000.0 * (hour == 19) + slot % 5, 8_000.0 * (11 <= hour <= 14)
        made.step(learner, slot, load_w, sun_w)
        learner.step(slot, load_w, sun_w)
        for one in (made.by_plan, made.by_rule):
            assert 2_000 - 1e-6 <= one.energy_wh <= 9_500 + 1e-6


def test_what_it_remembers_outlives_a_restart_and_nonsense_begins_anew():
    made, other = lived(HCHP, 3, evening), trial(HCHP)
    other.recall(made.keep())
    assert made.keep() == other.keep()
    for nonsense in (None, {}, {**made.keep(), "hours": "x"}, {**made.keep(), "plan_cost_eur": math.nan}):
        fresh = trial(HCHP)
        fresh.recall(nonsense)
        assert trial(HCHP).keep() == fresh.keep()
    smaller = trial(HCHP, replace(BATTERY, capacity_wh=3_000))
    smaller.recall({**made.keep(), "plan_energy_wh": 9_000.0})
    assert 3_000 == smaller.by_plan.energy_wh
