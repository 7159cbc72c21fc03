"""What an import costs beside its price, learnt hour by hour: what is not known was not reached."""

import json
import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.horizon import BatteryModel, Contract
from quartier.planning.service.plan_request import PlanRequest
from quartier.planning.service.surcharges import Surcharges
from quartier.planning.tariffs.energy_prices import PriceSignal, Tariff
from quartier.planning.tariffs.rule_baseline import RuleBattery

PARIS = ZoneInfo("Europe/Paris")
MIDNIGHT_S = datetime(2026, 6, 12, tzinfo=PARIS).timestamp()
FIRST = int(MIDNIGHT_S // 3600)


def lived(days=3, price=1e-4, **more):
    """Days of 500 W, with 3 kW at 19 h by the wall; the last hours are as ``more`` says."""
    surcharges = Surcharges("Europe/Paris", price)
    for hour in range(FIRST - 24 * days, FIRST):
        surcharges.learn(hour, 3_000.0 if (hour - FIRST) % 24 == 19 else 500.0)
    for hour, watts in enumerate(more.get("today", ())):
        surcharges.learn(FIRST + hour, watts)
    return surcharges


def asked(at_h=21.0, contract=None, quotes=()):
    """A question of 36 h in quarter hours from that hour on."""
    return PlanRequest(
        start_utc_s=MIDNIGHT_S + at_h * 3600,
        step_s=900,
        start_ns=0,
        expires_ns=1,
        batteries={"bat1": BatteryModel(9_500, 2_000, 4_000, 5_000, 5_000)},
        contract=contract or Contract(),
        net_w=700.0,
        sun_w=0.0,
        cars_w=[0.0] * 144,
        import_max_w=[9_000.0] * 144,
        export_max_w=[6_000.0] * 144,
        tariff=Tariff(kind="base", zone="Europe/Paris", prices_eur_per_wh=(2e-4,)),
        quotes=quotes,
    )


def test_what_today_has_reached_is_free_today_and_counts_by_the_wall_and_not_tomorrow():
    surcharges = lived(today=[500.0] * 12 + [4_200.0] + [500.0] * 8)
    found = surcharges.add_surcharges(asked()).contract.surcharges

    assert {4_200.0} == {watts for one in found for watts in one.above_w[:12]}, "until midnight"
    assert {3_000.0} == {watts for one in found for watts in one.above_w[12:108]}
    assert pytest.approx(1e-4) == sum(one.eur_per_wh for one in found)
    told = surcharges.render_surcharges(surcharges.add_surcharges(asked()), MIDNIGHT_S + 21 * 3600)[
        "day_peak"
    ]
    assert (4_200.0, 3, [4_200.0] * 3) == (told["today_w"], told["days_count"], told["above_w"])


def test_an_hour_that_nobody_knows_reached_nothing_and_is_not_asked_for_again():
    surcharges = lived(today=[4_200.0, None])
    assert FIRST + 1 == surcharges.newest
    surcharges.learn(FIRST + 1, 9_000.0)
    assert 4_200.0 == surcharges.peak_history.top_w
    unknown = lived(today=[None] * 5)
    assert {3_000.0} == {
        watts for one in unknown.add_surcharges(asked(5.0)).contract.surcharges for watts in one.above_w
    }
    assert (
        0.0
        == unknown.render_surcharges(unknown.add_surcharges(asked(5.0)), MIDNIGHT_S + 5 * 3600)["day_peak"][
            "today_w"
        ]
    )


def test_without_a_price_nothing_costs_more_and_nothing_is_told():
    surcharges = lived(price=0.0)
    assert () == surcharges.add_surcharges(asked()).contract.surcharges
    assert {"day_peak": None, "month_peak": None, "co2": None} == surcharges.render_surcharges(
        asked(), MIDNIGHT_S
    )


def test_what_the_month_has_reached_is_free_to_its_end_and_in_no_plan_that_reaches_beyond_it():
    surcharges = Surcharges("Europe/Paris", by_month=True)
    contract = Contract(peak_eur_per_w=0.008, peak_free_w=2_000.0)
    surcharges.learn(FIRST - 24 * 12, 7_000.0)  # on the last day of May
    free_w = lambda at_h: surcharges.add_surcharges(asked(at_h, contract)).contract.peak_free_w  # noqa: E731 - once more
    assert 2_000.0 == free_w(1.0), "nothing is known of June"
    surcharges.learn(FIRST, 4_200.0)
    surcharges.learn(FIRST + 1, 500.0)
    assert (4_200.0, 2_000.0) == (free_w(2.0), free_w(24.0 * 18))
    told = surcharges.render_surcharges(surcharges.add_surcharges(asked(2.0, contract)), MIDNIGHT_S)[
        "month_peak"
    ]
    assert (0.008, 4_200.0, 4_200.0) == (told["eur_per_w"], told["month_w"], told["free_w"])
    july = surcharges.render_surcharges(asked(24.0 * 19, contract), MIDNIGHT_S + 86_400 * 19)["month_peak"]
    assert (0.0, 2_000.0) == (july["month_w"], july["free_w"])
    other = Surcharges("Europe/Paris", by_month=True)
    other.recall(json.loads(json.dumps(surcharges.keep())))
    assert (surcharges.month, 4_200.0) == (other.month, other.month_w)


def co2(begin_h, end_h, g_per_wh):
    return PriceSignal(MIDNIGHT_S + begin_h * 3600, MIDNIGHT_S + end_h * 3600, {"import_g_per_wh": g_per_wh})


def test_carbon_that_is_signalled_for_now_alone_is_forecast_by_the_days_before():
    surcharges = lived()
    for hour in range(49):
        surcharges.hear(
            [co2(hour, hour + 1, 0.3 if hour % 24 == 19 else 0.1)], MIDNIGHT_S + hour * 3600 + 1_800
        )
    now = asked(48.0, contract=Contract(co2_eur_per_g=1e-4), quotes=(co2(48, 50, 0.1),))
    found = surcharges.add_surcharges(now)

    assert 144 == len(found.co2_g_per_wh)
    assert pytest.approx([0.1] * 8 + [0.3] * 4) == [
        found.co2_g_per_wh[at] for at in (*range(8), *range(76, 80))
    ]
    told = surcharges.render_surcharges(found, MIDNIGHT_S + 48 * 3600)["co2"]
    assert (7_200.0, True, 3) == (told["signalled_s"], told["is_forecast"], told["days_count"])


def test_of_carbon_that_nobody_told_for_a_day_nothing_is_said():
    surcharges = lived()
    surcharges.hear([co2(0, 1, 0.2)], MIDNIGHT_S)
    assert () == surcharges.add_surcharges(asked(24.0)).co2_g_per_wh
    silent = asked(24.0, contract=Contract(co2_eur_per_g=1e-4))
    told = surcharges.render_surcharges(surcharges.add_surcharges(silent), MIDNIGHT_S + 86_400)["co2"]
    assert (0.0, False) == (told["signalled_s"], told["is_forecast"])


def test_an_hour_of_several_spans_counts_as_their_mean_and_a_signal_for_later_or_of_prices_not_at_all():
    surcharges = lived()
    price = PriceSignal(MIDNIGHT_S, MIDNIGHT_S + 7_200, {"import_eur_per_wh": 1e-4})
    surcharges.hear([price, co2(1, 2, 0.9)], MIDNIGHT_S + 60)
    assert () == surcharges.carbon.ahead(1)
    surcharges.hear([price, co2(0, 0.25, 0.1), co2(0.25, 1, 0.3), co2(1, 2, 0.9)], MIDNIGHT_S + 60)
    assert [pytest.approx(0.25)] == list(surcharges.carbon.ahead(1))


def test_an_hour_of_one_value_has_just_that_value():
    surcharges = lived()
    surcharges.hear([co2(0, 1, 0.08)], MIDNIGHT_S)
    assert [0.08] * 3 == list(surcharges.carbon.ahead(3))


def test_all_of_it_outlives_a_restart():
    surcharges, other = lived(today=[4_200.0]), Surcharges("Europe/Paris", 1e-4)
    surcharges.hear([co2(0, 1, 0.2)], MIDNIGHT_S)
    other.recall(json.loads(json.dumps(surcharges.keep())))

    assert surcharges.add_surcharges(asked(1.0)) == other.add_surcharges(asked(1.0))
    assert FIRST == other.newest
    fresh = Surcharges("Europe/Paris")
    fresh.recall(json.loads(json.dumps(Surcharges("Europe/Paris").keep())))
    assert math.isnan(fresh.newest)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"crests": {}},
        {"newest": "x"},
        {"carbon": [], "newest": 5},
        {"month": [], "newest": 5},
        {"month": {"number": 3, "top_w": -1.0}, "newest": 5},
    ],
)
def test_what_is_no_such_thing_is_learnt_anew(told):
    kept = Surcharges("Europe/Paris").keep()
    surcharges = Surcharges("Europe/Paris", 1e-4)
    surcharges.recall(told if told is None else {**kept, **told})
    assert math.isnan(surcharges.newest)
    assert () == surcharges.add_surcharges(asked()).contract.surcharges


def bound(days=4, night_w=2_000.0):
    """A house of 500 W, sun of 3 kW from 10 to 14 h; the battery is filled at night, so that the sun is sold."""
    surcharges = Surcharges(
        "Europe/Paris", 1e-4, RuleBattery(BatteryModel(9_500, 2_000, 2_000, 5_000, 5_000))
    )
    for hour in range(FIRST - 24 * days, FIRST + 1):
        at = (hour - FIRST) % 24
        battery_w = {1: night_w, 2: night_w, 20: -500.0}.get(at, 0.0)
        surcharges.hear([co2(hour - FIRST, hour - FIRST + 1, 0.1)], hour * 3_600.0)
        surcharges.learn(hour, 500.0 - 3_000.0 * (10 <= at < 14) + battery_w, battery_w)
    return surcharges


def test_a_plan_that_emits_more_than_the_rule_or_reaches_higher_counts_both_more():
    surcharges = bound()
    contract = Contract(co2_eur_per_g=1e-4)
    found = surcharges.add_surcharges(asked(1.0, contract)).contract
    assert found.co2_eur_per_g > 1.5e-4
    assert sum(one.eur_per_wh for one in found.surcharges) > 2e-4
    told = surcharges.render_surcharges(surcharges.add_surcharges(asked(1.0, contract)), MIDNIGHT_S + 3_600)
    assert (found.co2_eur_per_g, told["held"]["co2"]["factor"] * 1e-4) == (
        told["co2"]["eur_per_g"],
        pytest.approx(found.co2_eur_per_g),
    )
    assert told["held"]["day_peak"]["behind_days"] > 0.0
    assert told["day_peak"]["eur_per_w"] == pytest.approx(sum(one.eur_per_wh for one in found.surcharges))


def test_who_is_not_held_to_the_rule_has_its_weights_as_they_are():
    surcharges = bound()
    surcharges.rule = None
    found = surcharges.add_surcharges(asked(1.0, Contract(co2_eur_per_g=1e-4))).contract
    assert (1e-4, pytest.approx(1e-4)) == (
        found.co2_eur_per_g,
        sum(one.eur_per_wh for one in found.surcharges),
    )
    assert "held" not in surcharges.render_surcharges(asked(1.0), MIDNIGHT_S)


def test_what_is_owed_and_what_the_rule_has_stored_outlive_a_restart():
    surcharges, other = bound(), bound(days=0)
    told = json.loads(json.dumps(surcharges.keep()))
    other.recall(told)
    assert surcharges.keep() == other.keep()
    assert other.rule.energy_wh > 2_000.0
    other = bound(days=0)
    other.recall(told | {"rule_wh": "full"})
    assert 2_000.0 == other.rule.energy_wh


def test_of_an_hour_whose_battery_is_not_known_nothing_is_owed():
    surcharges, before = bound(), bound().keep()
    surcharges.learn(FIRST + 1, 5_000.0, None)
    assert (before["account"], before["rule_wh"]) == (
        surcharges.keep()["account"],
        surcharges.keep()["rule_wh"],
    )


def test_what_a_month_reached_is_nothing_to_the_next():
    surcharges = lived(today=[4_200.0])

    assert (4_200.0, 0.0) == (
        surcharges.find_month_peak_w(MIDNIGHT_S),
        surcharges.find_month_peak_w(MIDNIGHT_S + 30 * 86_400),
    )
