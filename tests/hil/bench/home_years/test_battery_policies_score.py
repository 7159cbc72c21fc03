"""Shares of what a year costs without a battery."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from quartier_bench.home_years.battery_policies import YearScore, average_scores, score_year


def test_without_a_battery_everything_is_one(year):
    net = year.homes[0].net_kwh
    assert pytest.approx((1.0,) * 5) == astuple(score_year(net, net, year))


def test_import_alone_costs_and_emits(year):
    net = np.tile([1.0, -1.0], 36)
    fed_in = np.tile([1.0, -3.0], 36)
    found = score_year(fed_in, net, year)
    assert pytest.approx((1.0, 1.0, 1.0, 1.0, 2.0)) == astuple(found)


def test_the_daily_peak_is_a_mean_over_days(year):
    net = np.ones(72)
    one_day = np.concatenate([np.full(24, 0.5), np.ones(48)])
    net[0] = one_day[0] = 0.0  # some ramp to compare with
    found = score_year(one_day, net, year)
    assert (1.0, pytest.approx(2.5 / 3)) == (found.peak, found.daily_peak)


def test_homes_are_averaged():
    assert YearScore(2.0, 2.0, 2.0, 2.0, 2.0) == average_scores(
        [YearScore(*[1.0] * 5), YearScore(*[3.0] * 5)]
    )


def test_what_is_nothing_with_and_without_a_battery_is_as_it_was(year):
    clean = replace(year, co2_kg_per_kwh=0.0 * year.co2_kg_per_kwh)
    never_imports = -np.ones(72)
    never_imports[0] = -2.0
    assert (1.0, 1.0, 1.0, 1.0, 0.0) == astuple(score_year(-np.ones(72), never_imports, clean))
    assert 1.0 == score_year(year.homes[0].net_kwh, year.homes[0].net_kwh, clean).co2
