from pathlib import Path

import pytest

from quartier.planning.forecast import learning, site_history
from quartier_bench.forecast_score import forecast_errors

HOMES = Path(__file__).parents[5] / "shared/fixtures/district/citylearn_2022_phase_1"
JANUARY_H = 24 * 154


def home(hours, load=lambda hour: 100.0 + hour % 24, sun=0.0):
    return forecast_errors.RecordedHome(
        name="made",
        first_slot=412_000,
        load_w=tuple(load(hour) for hour in range(hours)),
        generated_w=(sun,) * hours,
        price_eur_per_wh=(0.0,) * hours,
        premises=site_history.SiteFacts(pv_rated_w=1_000.0),
    )


def test_the_baselines_are_the_last_hour_yesterday_and_last_week():
    found = forecast_errors.score_forecasts(
        home(24 * 16, load=lambda hour: float(hour // 24)), 24 * 14, 24 * 15, every=24
    )

    # One origin at midnight, each day one watt more than the one before.
    assert [1, 1, 7] == [found["load", 0, who].mae_w for who in forecast_errors.BASELINES]
    assert 24 == found["load", 0, forecast_errors.OURS].count


def test_hours_beyond_the_end_are_not_judged():
    found = forecast_errors.score_forecasts(home(24 * 16), 24 * 15, 24 * 15 + 2)

    assert 3 == found["load", 0, forecast_errors.OURS].count
    assert 0 == found["load", 1, forecast_errors.OURS].count


def test_hours_that_nobody_knows_are_not_judged():
    found = forecast_errors.score_forecasts(
        home(24 * 16, load=lambda hour: None if hour == 24 * 15 + 1 else 5.0), 24 * 15, 24 * 15 + 2
    )

    assert 1 == found["load", 0, forecast_errors.OURS].count


def test_frozen_weights_stand():
    learner = learning.Learner(home(1).premises)
    forecast_errors.freeze_weights(learner)
    before = [list(trial.regression.weights) for trial in learner.load.trials]
    for hour in range(24 * 8):
        learner.step(412_000 + hour, 200.0 + hour % 5, 0.0)

    assert before == [trial.regression.weights for trial in learner.load.trials]


@pytest.mark.skipif(not HOMES.exists(), reason="../shared/fixtures/district is not beside the clone")
@pytest.mark.parametrize("name", ["Building_2", "Building_4"])
def test_ten_days_of_a_metered_home_are_forecast_better_than_by_any_day_before(name):
    # January: the last three months are nobody's to look at here.
    found = forecast_errors.score_forecasts(
        forecast_errors.read_home(HOMES / f"{name}.csv", forecast_errors.RecordsPlace()),
        JANUARY_H,
        JANUARY_H + 240,
        every=5,
    )

    for quantity in forecast_errors.QUANTITIES:
        for span in range(len(forecast_errors.HORIZON_SPANS)):
            ours = found[quantity, span, forecast_errors.OURS]
            assert ours.rmse_w < min(found[quantity, span, who].rmse_w for who in forecast_errors.BASELINES)
