"""What each policy makes of a year, held against figures from outside and against the battery's own limits."""

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.hil.offline.homes.conftest import is_kept

from quartier_hil.offline.homes import policies, score
from quartier_hil.offline.homes.foresight import cheapest


def relative(name, year):
    scores = []
    for home in year.homes:
        grid_kwh = policies.lived(home, policies.POLICIES[name](home, year))
        assert is_kept(home, grid_kwh)
        scores.append(score.scored(grid_kwh, home.net_kwh, year))
    return score.mean(scores)


@pytest.mark.parametrize("name", policies.POLICIES)
def test_no_policy_asks_more_of_a_battery_than_it_can(name, year):
    assert relative(name, year).cost < 1


def test_the_rule_stores_what_the_sun_leaves_over_and_gives_it_in_the_evening(year):
    home = year.homes[1]  # 4 x 1.8 kWh of sun and no load: 6.4 kWh are held, the rest goes out
    grid_kwh = policies.lived(home, policies.rule(home, year))

    assert 0 < -grid_kwh[10:14].sum() < 4 * 1.8 - 6.4
    assert pytest.approx(6.0 - 6.4 * 0.9) == grid_kwh[16:20].sum()


def test_foresight_is_as_cheap_as_another_solver_finds(year):
    for home in year.homes:
        net, count, eta = home.net_kwh, len(home.net_kwh), home.battery.efficiency
        ones, lower, nought = np.eye(count), np.tril(np.ones((count, count))), np.zeros((count, count))
        held = np.hstack([eta * lower, -lower / eta, nought])
        found = linprog(
            np.concatenate([np.zeros(2 * count), year.price_per_kwh]),
            A_ub=np.vstack([np.hstack([ones, -ones, -ones]), held, -held]),
            b_ub=np.concatenate([-net, np.full(count, home.battery.capacity_kwh), np.zeros(count)]),
            bounds=[(0, home.battery.power_kw)] * (2 * count) + [(0, None)] * count,
        )
        best = cheapest(net, year.price_per_kwh, home.battery, 0.0)
        cost = np.maximum(net + best, 0) @ year.price_per_kwh
        assert pytest.approx(found.fun, rel=1e-5) == cost


@pytest.mark.parametrize(
    ("name", "cost", "co2", "daily_peak"),
    [("rule", 0.668, 0.723, 0.833), ("foresight", 0.588, None, None)],
)
def test_the_measured_homes_give_the_figures_that_others_found(name, cost, co2, daily_peak, measured):
    found = relative(name, measured)
    told = (found.cost, co2 and found.co2, daily_peak and found.daily_peak)
    assert (cost, co2, daily_peak) == pytest.approx(told, abs=6e-4)
