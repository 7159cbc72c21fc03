"""Policies that order a battery each hour, a simulated year with one, and its score.

The policy with foresight is a linear program for HiGHS: import costs, export earns nothing; charging and
discharging have a price of a millionth, so that no energy goes round.  Where an import is paid for (a
price
below 0) whole numbers say which way battery and connection go, in these hours only.

A score counts money, carbon, peaks and ramps at the grid connection, relative to no battery; the sums are
those of the CityLearn challenge 2022 for one building: import alone costs and emits.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import chain
from types import MappingProxyType

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier_bench.home_years.planner_policy import make_gateway_policy, make_perfect_forecast_policy
from quartier_bench.home_years.year_records import Home, HomeBattery, HourlyValues, YearRecords

_CYCLING_COST = 1e-6


def find_cheapest_use(
    net_kwh: HourlyValues, price_per_kwh: HourlyValues, battery: HomeBattery, held_kwh: float
) -> HourlyValues:
    """Return the energy that the battery takes (above zero) or gives in each hour, kWh at its terminals.

    Raises RuntimeError where HiGHS finds no optimum.
    """
    count = len(net_kwh)
    solver = Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)  # as all here: in one process all solvers share theirs
    solver.passModel(_build_program(net_kwh, price_per_kwh, battery, held_kwh))
    for hour in np.flatnonzero(price_per_kwh < 0.0):
        _add_negative_price(solver, int(hour), len(net_kwh), float(net_kwh[hour]), battery)
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS: {solver.modelStatusToString(status).lower()}")
    columns: HourlyValues = np.array(solver.getSolution().col_value)
    into, out = columns[:count], columns[count : 2 * count]
    return np.subtract(into, out)


def _add_negative_price(solver: Highs, hour: int, count: int, net_kwh: float, battery: HomeBattery) -> None:
    """An import of that hour that is the connection's, no more, and a battery that goes one way."""
    into, out, taken = hour, count + hour, 2 * count + hour
    power, free = battery.power_kw, highspy.kHighsInf
    way, side = solver.getNumCol(), solver.getNumCol() + 1
    for column in (way, side):
        solver.addCol(0.0, 0.0, 1.0, 0, [], [])
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    solver.addRow(-free, 0.0, 2, [into, way], [1.0, -power])
    solver.addRow(-free, power, 2, [out, way], [1.0, power])
    solver.addRow(-free, 0.0, 2, [taken, side], [1.0, -max(net_kwh + power, 0.0)])
    over_kwh = max(power - net_kwh, 0.0)  # by how much at most it feeds in, where nothing is taken
    solver.addRow(-free, net_kwh + over_kwh, 4, [taken, into, out, side], [1.0, -1.0, 1.0, over_kwh])


def _build_program(
    net_kwh: HourlyValues, price: HourlyValues, battery: HomeBattery, held_kwh: float
) -> highspy.HighsLp:
    """Columns: in, out, import, held at the end of each hour.  Rows: what is held, then the connection."""
    count, one_way = len(net_kwh), battery.efficiency
    hours = range(count)
    free = np.full(count, highspy.kHighsInf)
    power = np.full(count, battery.power_kw)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = 4 * count, 2 * count
    program.col_cost_ = np.concatenate([np.full(2 * count, _CYCLING_COST), price, np.zeros(count)])
    program.col_lower_ = np.zeros(4 * count)
    program.col_upper_ = np.concatenate([power, power, free, np.full(count, battery.capacity_kwh)])
    begun = np.zeros(count)
    begun[0] = held_kwh
    program.row_lower_ = np.concatenate([begun, net_kwh])
    program.row_upper_ = np.concatenate([begun, free])
    columns = list(
        chain(
            ([(at, -one_way), (count + at, -1.0)] for at in hours),
            ([(at, 1 / one_way), (count + at, 1.0)] for at in hours),
            ([(count + at, 1.0)] for at in hours),
            ([(at, 1.0), (at + 1, -1.0)][: count - at] for at in hours),
        )
    )
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.cumsum([0, *map(len, columns)], dtype=np.int32)
    program.a_matrix_.index_ = np.array([row for column in columns for row, _ in column], dtype=np.int32)
    program.a_matrix_.value_ = np.array([value for column in columns for _, value in column])
    return program


Policy = Callable[[int, float], float]
"""Of an hour and what is held (kWh): what the battery shall take (above zero) or give in it, kWh."""
_AHEAD_H, _HOURS_PER_DAY, _AVERAGED_DAYS = 24, 24, 7
_UNKNOWN_KWH = 0.3


def make_rule_policy(home: Home, year: YearRecords) -> Policy:
    """Self-consumption: takes what is left over, gives what is wanted."""
    del year
    net_kwh = home.net_kwh
    return lambda hour, _: -float(net_kwh[hour])


def make_last_week_policy(home: Home, year: YearRecords) -> Policy:
    """A plan of 24 hours for cost alone, each hour anew; its forecast is the mean of the last seven days.

    The hour that runs is as it is measured: who controls sees it second by second.
    """
    net_kwh = home.net_kwh

    def decide(hour: int, held_kwh: float) -> float:
        ahead = range(hour, min(hour + _AHEAD_H, len(net_kwh)))
        expected = np.array([_average_days(net_kwh, at, hour) for at in ahead])
        expected[0] = net_kwh[hour]
        prices = year.price_per_kwh[hour : hour + len(ahead)]
        return float(find_cheapest_use(expected, prices, home.battery, held_kwh)[0])

    return decide


def _average_days(net_kwh: HourlyValues, hour: int, now: int) -> float:
    days = range(1, _AVERAGED_DAYS + 2)
    known = [hour - _HOURS_PER_DAY * day for day in days if 0 <= hour - _HOURS_PER_DAY * day < now][
        :_AVERAGED_DAYS
    ]
    return float(np.mean(net_kwh[known])) if known else _UNKNOWN_KWH


def make_foresight_policy(home: Home, year: YearRecords) -> Policy:
    """The cheapest year there is: nobody can do better, and nobody could know."""
    best = find_cheapest_use(home.net_kwh, year.price_per_kwh, home.battery, 0.0)
    return lambda hour, _: float(best[hour])


POLICIES: Mapping[str, Callable[[Home, YearRecords], Policy]] = MappingProxyType(
    {
        "rule": make_rule_policy,
        "last-week": make_last_week_policy,
        "ours": make_gateway_policy,
        "foreknown": make_perfect_forecast_policy,
        "foresight": make_foresight_policy,
    }
)


def simulate_year(home: Home, policy: Policy) -> HourlyValues:
    """A year with that policy: the exchange with the grid of each hour, kWh."""
    held_kwh, grid_kwh = 0.0, home.net_kwh.copy()
    for hour in range(len(grid_kwh)):
        done_kwh, held_kwh = home.battery.find_possible_charge(held_kwh, policy(hour, held_kwh))
        grid_kwh[hour] += done_kwh
    return grid_kwh


_SCORE_DAY_H = 24


@dataclass(frozen=True, slots=True)
class YearScore:
    """Each as a share of what it is without a battery."""

    cost: float
    co2: float
    peak: float
    """The largest import of the year."""
    daily_peak: float
    """The mean of each day's largest import."""
    ramping: float
    """The sum of what the exchange with the grid changes from hour to hour."""


SCORE_NAMES = tuple(one.name for one in fields(YearScore))


def score_year(grid_kwh: HourlyValues, net_kwh: HourlyValues, year: YearRecords) -> YearScore:
    """``grid_kwh`` is the exchange of each hour with a battery, ``net_kwh`` without.

    What is nothing without a battery and stays so (carbon of a grid without any, the bill of a home that
    never imports) is as it was: a share of 1.
    """
    sums, bare = _compute_sums(grid_kwh, year), _compute_sums(net_kwh, year)
    nothing = (sums == 0.0) & (bare == 0.0)
    with np.errstate(divide="ignore"):
        shares = np.where(nothing, 1.0, sums / np.where(nothing, 1.0, bare))
    return YearScore(*map(float, shares))


def average_scores(scores: list[YearScore]) -> YearScore:
    """The mean over homes."""
    return YearScore(*map(float, np.mean([astuple(one) for one in scores], axis=0)))


def _compute_sums(grid_kwh: HourlyValues, year: YearRecords) -> HourlyValues:
    taken = np.maximum(grid_kwh, 0.0)
    days = taken[: len(taken) // _SCORE_DAY_H * _SCORE_DAY_H].reshape(-1, _SCORE_DAY_H)
    return np.array(
        [
            taken @ year.price_per_kwh,
            taken @ year.co2_kg_per_kwh,
            taken.max(),
            days.max(axis=1).mean(),
            np.abs(np.diff(grid_kwh)).sum(),
        ]
    )
