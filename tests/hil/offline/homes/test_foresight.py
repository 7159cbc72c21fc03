"""The cheapest year: another solver finds none that is cheaper."""

import numpy as np
import pytest
from scipy.optimize import linprog

from quartier_hil.offline.homes.foresight import cheapest


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
