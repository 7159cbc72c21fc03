"""The plan's back-test: imagined batteries live through measured hours, by the plan and by the rule."""

import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.history import Premises
from quartier.planning.horizon import Battery, Contract
from quartier.planning.learner import Learner
from quartier.planning.tariff import Tariff
from quartier.planning.trial import LEAST_H, Trial

BATTERY = Battery(
    capacity_wh=9_500, reserve_wh=2_000, energy_wh=2_000, charge_max_w=5_000, discharge_max_w=5_000
)
HCHP = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(1e-4, 4e-4))
BASE = Tariff(kind="base", zone="Europe/Paris", prices_eur_per_wh=(2.5e-4,))
FIRST = int(datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Paris")).timestamp()) // 3600


def trial(tariff, battery=BATTERY):
    return Trial(battery=battery, contract=Contract(), tariff=tariff, import_max_w=9e3, export_max_w=6e3)


def lived(tariff, days, load):
    """A trial and a learner that lived so many days of a load by slot and hour; no sun."""
    made, learner = trial(tariff), Learner(Premises())
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


def test_with_one_price_and_no_sun_plan_and_rule_cost_the_same():
    made = lived(BASE, 4, evening)

    assert made.dearer_eur == pytest.approx(0.0, abs=0.02 * made.bare_eur)


def test_a_plan_that_was_dearer_is_not_trusted_and_what_it_has_in_store_counts():
    made = trial(HCHP)
    made.hours, made.bare_eur, made.worth_eur_per_wh = LEAST_H, 10.0, 1e-4
    made.by_plan.cost_eur, made.by_rule.cost_eur = 5.2, 5.0
    assert "in its back-test of the last week a plan cost 0.20 EUR more than the rule" == made.why_not
    made.by_plan.energy_wh += 1_500
    assert "" == made.why_not, "what it has in store is worth 0.15"
    made.by_plan.energy_wh -= 1_500
    made.hours = LEAST_H - 1
    assert "" == made.why_not, "so little says nothing"


def test_an_hour_that_is_not_known_or_has_no_price_is_not_tried():
    made, learner = trial(HCHP), Learner(Premises())
    made.step(learner, FIRST, None, 0.0)
    made.step(learner, FIRST, 500.0, None)
    signalled = trial(Tariff(kind="signal", zone="Europe/Paris"))
    signalled.step(learner, FIRST, 500.0, 0.0)
    fine = trial(HCHP)
    fine.step(Learner(Premises(slot_s=900)), FIRST * 4, 500.0, 0.0)

    assert 0 == made.hours == signalled.hours == fine.hours


def test_imagined_batteries_stay_inside_what_the_real_one_can_do():
    made, learner = trial(HCHP), Learner(Premises(pv_rated_w=9_000.0))
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
