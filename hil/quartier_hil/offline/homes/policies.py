"""Policies that order a battery each hour: the plain rule, a crude plan, one that knows the year."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from quartier_hil.offline.homes.foresight import cheapest
from quartier_hil.offline.homes.ours import foreknown, ours
from quartier_hil.offline.homes.year import Home, Hours, Year

Policy = Callable[[int, float], float]
"""Of an hour and what is held (kWh): what the battery shall take (above zero) or give in it, kWh."""
_AHEAD_H, _DAY_H, _DAYS = 24, 24, 7
_UNKNOWN_KWH = 0.3


def rule(home: Home, year: Year) -> Policy:
    """Self-consumption: takes what is left over, gives what is wanted."""
    del year
    net_kwh = home.net_kwh
    return lambda hour, _: -float(net_kwh[hour])


def last_week(home: Home, year: Year) -> Policy:
    """A plan of 24 hours for cost alone, each hour anew; its forecast is the mean of the last seven days.

    The hour that runs is as it is measured: who controls sees it second by second.
    """
    net_kwh = home.net_kwh

    def decided(hour: int, held_kwh: float) -> float:
        ahead = range(hour, min(hour + _AHEAD_H, len(net_kwh)))
        expected = np.array([_averaged(net_kwh, at, hour) for at in ahead])
        expected[0] = net_kwh[hour]
        prices = year.price_per_kwh[hour : hour + len(ahead)]
        return float(cheapest(expected, prices, home.battery, held_kwh)[0])

    return decided


def _averaged(net_kwh: Hours, hour: int, now: int) -> float:
    days = range(1, _DAYS + 2)
    known = [hour - _DAY_H * day for day in days if 0 <= hour - _DAY_H * day < now][:_DAYS]
    return float(np.mean(net_kwh[known])) if known else _UNKNOWN_KWH


def foresight(home: Home, year: Year) -> Policy:
    """The cheapest year there is: nobody can do better, and nobody could know."""
    best = cheapest(home.net_kwh, year.price_per_kwh, home.battery, 0.0)
    return lambda hour, _: float(best[hour])


POLICIES: Mapping[str, Callable[[Home, Year], Policy]] = MappingProxyType(
    {"rule": rule, "last-week": last_week, "ours": ours, "foreknown": foreknown, "foresight": foresight}
)


def lived(home: Home, policy: Policy) -> Hours:
    """A year with that policy: the exchange with the grid of each hour, kWh."""
    held_kwh, grid_kwh = 0.0, home.net_kwh.copy()
    for hour in range(len(grid_kwh)):
        done_kwh, held_kwh = home.battery.charged(held_kwh, policy(hour, held_kwh))
        grid_kwh[hour] += done_kwh
    return grid_kwh
