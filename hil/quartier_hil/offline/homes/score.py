"""Score a year at the grid connection in money, carbon, peaks and ramps; relative to no battery.

The sums are those of the CityLearn challenge 2022 for one building: import alone costs and emits.
"""

from dataclasses import astuple, dataclass, fields

import numpy as np

from quartier_hil.offline.homes.year import Hours, Year

_DAY = 24


@dataclass(frozen=True, slots=True)
class Score:
    """Each as a share of what it is without a battery."""

    cost: float
    co2: float
    peak: float
    """The largest import of the year."""
    daily_peak: float
    """The mean of each day's largest import."""
    ramping: float
    """The sum of what the exchange with the grid changes from hour to hour."""


NAMES = tuple(one.name for one in fields(Score))


def scored(grid_kwh: Hours, net_kwh: Hours, year: Year) -> Score:
    """``grid_kwh`` is the exchange of each hour with a battery, ``net_kwh`` without.

    What is nothing without a battery and stays so (carbon of a grid without any, the bill of a home that
    never imports) is as it was: a share of 1.
    """
    sums, bare = _sums(grid_kwh, year), _sums(net_kwh, year)
    nothing = (sums == 0.0) & (bare == 0.0)
    with np.errstate(divide="ignore"):
        shares = np.where(nothing, 1.0, sums / np.where(nothing, 1.0, bare))
    return Score(*map(float, shares))


def mean(scores: list[Score]) -> Score:
    """The mean over homes."""
    return Score(*map(float, np.mean([astuple(one) for one in scores], axis=0)))


def _sums(grid_kwh: Hours, year: Year) -> Hours:
    taken = np.maximum(grid_kwh, 0.0)
    days = taken[: len(taken) // _DAY * _DAY].reshape(-1, _DAY)
    return np.array(
        [
            taken @ year.price_per_kwh,
            taken @ year.co2_kg_per_kwh,
            taken.max(),
            days.max(axis=1).mean(),
            np.abs(np.diff(grid_kwh)).sum(),
        ]
    )
