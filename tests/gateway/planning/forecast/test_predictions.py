import math
import random
from dataclasses import replace

import pytest
from tests.gateway.planning.days import HOUR_S, MONDAY_S, PREMISES, history, load_w

from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import forecast_from_history, make_forecast
from quartier.planning.forecast.site_history import PowerHistory, SiteFacts

DAY_S = 86_400
WEEKS = history(35)
NOW_S = MONDAY_S + 28 * DAY_S


@pytest.fixture(scope="module")
def four_weeks():
    learner = Learner(PREMISES)
    learner.learn(replace(WEEKS, load_w=WEEKS.load_w[: 28 * 24], generated_w=WEEKS.generated_w[: 28 * 24]))
    return learner


@pytest.fixture(scope="module")
def day_ahead():
    return forecast_from_history(WEEKS, NOW_S, DAY_S, HOUR_S, PREMISES)


def test_what_is_not_over_is_not_known():
    other = replace(WEEKS, load_w=[*WEEKS.load_w[: 28 * 24], *([9_000.0] * 168)])

    assert forecast_from_history(WEEKS, NOW_S, 2 * DAY_S, HOUR_S, PREMISES) == forecast_from_history(
        other, NOW_S, 2 * DAY_S, HOUR_S, PREMISES
    )


def test_an_evening_that_comes_each_day_is_expected(four_weeks):
    load = make_forecast(four_weeks, NOW_S, 2 * DAY_S, HOUR_S).load

    truth = [
        300 + 100 + load_w(hour, random.Random(1)) - 300 - 200 * random.Random(1).random()
        for hour in range(48)
    ]
    assert max(abs(said - true) for said, true in zip(load.mean_w, truth, strict=True)) < 150
    assert 60 < load.error_w < 120  # the noise alone is 58 W


def test_quantiles_stand_in_order_and_hold_what_comes(four_weeks):
    for series in (
        (found := make_forecast(four_weeks, NOW_S, 2 * DAY_S, HOUR_S)).load,
        found.generated,
        found.net,
    ):
        assert all(
            low <= middle <= high
            for low, middle, high in zip(series.low_w, series.middle_w, series.high_w, strict=True)
        )
    assert found.load.inside_pct == pytest.approx(80, abs=8)


def test_the_net_is_load_minus_sun(four_weeks):
    found = make_forecast(four_weeks, NOW_S, 2 * DAY_S, HOUR_S)

    expected = [load - sun for load, sun in zip(found.load.mean_w, found.generated.mean_w, strict=True)]
    assert expected == pytest.approx(found.net.mean_w)


def test_there_is_no_sun_at_night(four_weeks):
    generated = make_forecast(four_weeks, NOW_S, DAY_S, HOUR_S).generated

    assert [0] * 4 == pytest.approx(generated.mean_w[:4], abs=1)
    assert max(generated.mean_w) > 1_500


def test_without_history_the_site_file_is_the_default():
    found = forecast_from_history(
        PowerHistory(start_utc_s=0, step_s=HOUR_S, load_w=()),
        MONDAY_S,
        DAY_S,
        HOUR_S,
        replace(PREMISES, contract_w=6_000),
    )

    assert 360 == pytest.approx(sum(found.load.mean_w) / 24, rel=0.001)
    assert 4_000 > max(found.generated.mean_w) > 500
    assert ("habit", "clear sky", None) == (found.load.model, found.generated.model, found.load.error_w)


def test_a_building_without_sun_has_none():
    found = forecast_from_history(WEEKS, NOW_S, DAY_S, HOUR_S, SiteFacts())

    assert (0,) * 24 == found.generated.mean_w == found.generated.high_w
    assert "none" == found.generated.model


@pytest.mark.parametrize("bad", [math.nan, None, math.inf, -5e6, 4e9, 0.0])
def test_a_day_without_sense_moves_the_next_day_little(day_ahead, bad):
    hurt = replace(WEEKS, load_w=[*WEEKS.load_w[: 26 * 24], *([bad] * 24), *WEEKS.load_w[27 * 24 :]])

    said = forecast_from_history(hurt, NOW_S, DAY_S, HOUR_S, PREMISES).load.mean_w

    assert max(abs(one - well) for one, well in zip(said, day_ahead.load.mean_w, strict=True)) < 250


@pytest.mark.parametrize("start", [1_774_742_400 - 86_400, 1_792_886_400 - 86_400])
def test_a_day_of_23_or_25_hours_has_its_evening_at_the_same_time_by_the_wall(start):
    # Weeks before 29 March and 25 October 2026; the evening follows the wall.
    grid = Learner(PREMISES).grid
    first = int(start // HOUR_S) - 28 * 24
    hours = range(first, first + 28 * 24)
    known = [2_000.0 if grid.place(hour).hour == 19 else 300.0 + hour % 7 for hour in hours]
    learner = Learner(PREMISES)
    learner.learn(PowerHistory(start_utc_s=first * HOUR_S, step_s=HOUR_S, load_w=known))

    said = make_forecast(learner, start, 3 * DAY_S, HOUR_S).load.mean_w

    peaks = [grid.place(first + 28 * 24 + at).hour for at, value in enumerate(said) if value > 1_000]
    assert [19, 19, 19] == peaks


def test_steps_of_five_minutes_keep_the_energy_of_hours(four_weeks):
    hours = make_forecast(four_weeks, NOW_S, DAY_S, HOUR_S).net.mean_w
    fine = make_forecast(four_weeks, NOW_S, DAY_S, 300).net.mean_w

    assert 288 == len(fine)
    assert sum(hours) == pytest.approx(sum(fine) / 12)


def test_a_step_begins_when_it_is_asked(four_weeks):
    hours = make_forecast(four_weeks, NOW_S, DAY_S, HOUR_S).load.mean_w
    later = make_forecast(four_weeks, NOW_S + 1_800, DAY_S, HOUR_S).load.mean_w

    assert (hours[0] + hours[1]) / 2 == pytest.approx(later[0])


def test_quarters_of_an_hour_are_learnt_as_such():
    quarters = [100.0 + 40.0 * (at % 4) + at % 3 for at in range(14 * 96)]
    learner = Learner(replace(PREMISES, slot_s=900))
    learner.learn(
        PowerHistory(start_utc_s=MONDAY_S, step_s=300, load_w=[value for value in quarters for _ in range(3)])
    )

    said = make_forecast(learner, MONDAY_S + 14 * DAY_S, DAY_S, 900).load.mean_w

    assert [101, 141, 181, 221] == pytest.approx(said[:4], abs=10)


@pytest.mark.parametrize(("horizon_s", "step_s"), [(0, 0), (HOUR_S, 0), (900, 3600), (8 * DAY_S, 3600)])
def test_a_horizon_that_is_none_is_refused(four_weeks, horizon_s, step_s):
    with pytest.raises(ValueError, match="expected 0 < step <= horizon <= a week"):
        make_forecast(four_weeks, NOW_S, horizon_s, step_s)
