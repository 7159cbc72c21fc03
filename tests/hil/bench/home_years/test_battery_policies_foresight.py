"""The cheapest year: another solver finds none that is cheaper."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.hil.bench.home_years.conftest import is_kept

from quartier_bench.home_years.battery_policies import find_cheapest_use
from quartier_bench.home_years.year_records import Home, HomeBattery


def test_foresight_is_as_cheap_as_another_solver_finds(year):
    for home in year.homes:
        net, count, eta = home.net_kwh, len(home.net_kwh), home.battery.efficiency
        ones, lower, zero = np.eye(count), np.tril(np.ones((count, count))), np.zeros((count, count))
        held = np.hstack([eta * lower, -lower / eta, zero])
        found = linprog(
            np.concatenate([np.zeros(2 * count), year.price_per_kwh]),
            A_ub=np.vstack([np.hstack([ones, -ones, -ones]), held, -held]),
            b_ub=np.concatenate([-net, np.full(count, home.battery.capacity_kwh), np.zeros(count)]),
            bounds=[(0, home.battery.power_kw)] * (2 * count) + [(0, None)] * count,
        )
        best = find_cheapest_use(net, year.price_per_kwh, home.battery, 0.0)
        cost = np.maximum(net + best, 0) @ year.price_per_kwh
        assert pytest.approx(found.fun, rel=1e-5) == cost


def test_where_an_import_is_paid_for_no_other_use_of_the_battery_is_cheaper():
    """Against each course of whole and half powers, from an empty store: nothing that is imagined counts."""
    battery = HomeBattery(capacity_kwh=1.0, power_kw=1.0, efficiency=1.0)
    for net, price in (
        ([0.2, -0.5, 0.4, 0.3], [-0.1, -0.2, 0.3, -0.05]),
        ([-2.0, 0.5, -0.1, 1.0], [-0.1, 0.1, -0.3, 0.2]),
        ([1.0, -1.0, 1.0, -1.0], [-0.3, -0.1, -0.2, -0.4]),
    ):
        costs = {}
        for powers in product(np.linspace(-1.0, 1.0, 21), repeat=4):
            held = np.cumsum(powers)
            if held.min() > -1e-9 and held.max() < 1.0 + 1e-9:
                costs[powers] = np.maximum(np.array(net) + powers, 0) @ price
        best = find_cheapest_use(np.array(net), np.array(price), battery, 0.0)
        found = np.maximum(net + best, 0) @ price
        assert found <= min(costs.values()) + 1e-5
        assert is_kept(Home("one", np.array(net), np.zeros(4), battery), net + best)
