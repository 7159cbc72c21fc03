"""Samples of a forecast: they have its quantiles, and the sun that they say."""

from dataclasses import replace
from statistics import NormalDist

import pytest

from quartier.planning.forecast.forecast_series import Forecast, ForecastSeries
from quartier.planning.forecast.scenarios import (
    ERROR_KEPT_PER_H,
    find_slice_positions,
    make_scenarios,
    shift_scenarios,
)


def series(low_w, middle_w, high_w, mean_w=None):
    middle = mean_w or middle_w
    return ForecastSeries(
        start_utc_s=0.0,
        step_s=3_600.0,
        mean_w=middle,
        low_w=low_w,
        middle_w=middle_w,
        high_w=high_w,
        model="made",
        error_w=None,
        miss_w=None,
        inside_pct=None,
    )


def forecast(net, sun_w=0.0):
    count = len(net.mean_w)
    sun = series((0.0,) * count, (sun_w,) * count, (sun_w,) * count)
    return Forecast(load=net, generated=sun, net=net)


def nets(step):
    return [one.load_w - one.pv_w for one in step]


def test_a_tenth_of_the_samples_is_below_the_low_quantile_and_a_tenth_above_the_high_one():
    (step,) = make_scenarios(forecast(series((100.0,), (300.0,), (1_200.0,))), 1_000)

    found = nets(step)
    assert [100, 500, 100] == [
        sum(one < 100.0 for one in found),
        sum(one < 300.0 for one in found),
        sum(one > 1_200.0 for one in found),
    ]
    assert sorted(found) == found


def test_of_a_symmetric_forecast_they_are_a_normal_distribution():
    spread_w = 200.0 * NormalDist().inv_cdf(0.9)
    (step,) = make_scenarios(forecast(series((500.0 - spread_w,), (500.0,), (500.0 + spread_w,))), 9)

    expected = [NormalDist(500.0, 200.0).inv_cdf((at + 0.5) / 9) for at in range(9)]
    assert pytest.approx(expected) == nets(step)


def test_a_forecast_without_doubt_is_the_same_in_every_sample():
    (step,) = make_scenarios(forecast(series((250.0,), (250.0,), (250.0,))))
    assert [250.0] * 9 == nets(step)


def test_no_load_is_below_zero_and_the_sun_is_what_is_expected_or_more():
    net = series((-2_000.0, 400.0), (-1_000.0, 500.0), (500.0, 600.0))
    first, second = make_scenarios(forecast(net, sun_w=1_500.0))

    assert all(one.load_w >= 0.0 and one.pv_w >= 1_500.0 for one in (*first, *second))
    assert {1_500.0} == {one.pv_w for one in second}
    assert max(one.pv_w for one in first) > 2_000.0


def test_each_slice_counts_alike():
    (step,) = make_scenarios(forecast(replace(series((1.0,), (2.0,), (3.0,)), model="other")))
    assert {1.0} == {one.weight for one in step}
    assert pytest.approx(0.0) == sum(find_slice_positions(9))


def test_what_the_first_step_is_off_by_fades_from_hour_to_hour():
    flat = (500.0,) * 3
    samples = make_scenarios(forecast(series((400.0,) * 3, flat, (700.0,) * 3), sun_w=50.0))
    off_w = 300.0
    mean_w = sum(nets(samples[0])) / len(samples[0])
    for step_s, shares in (
        (3_600, (1.0, ERROR_KEPT_PER_H, ERROR_KEPT_PER_H**2)),
        (1_800, (1.0, ERROR_KEPT_PER_H**0.5)),
    ):
        found = shift_scenarios(samples, mean_w + off_w, step_s)
        for before, after, share in zip(samples, found, shares, strict=False):
            assert [one + share * off_w for one in nets(before)] == pytest.approx(nets(after))
            assert [one.pv_w for one in before] == [one.pv_w for one in after]
