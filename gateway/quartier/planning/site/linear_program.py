"""A whole site as a linear program without whole numbers: its plan, prices and bound (pure)."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.site.energy_chain import EnergyChain
from quartier.planning.site.site_meter import SiteMeter
from quartier_native.storages import ROUNDS_MAX, Solved, solve_interior

_KILO = 1000.0
_PRICE_SCALE = 0.3
"""Highest price in the program in any currency: the end point of the method depends on it."""
_PRICE_MARGIN = 4.0
_WIDTH_MIN_KWH = 1e-7
"""Smallest range of an unknown: the method needs an interior."""


@dataclass(frozen=True, slots=True)
class LinearSolution:
    """Solution of the program. Arrays have one number per step."""

    bus_wh: Sequence["array[float]"]
    """Energy that each chain takes."""
    prices: "array[float]"
    """Value of a Wh on the bus in each step, in EUR/Wh."""
    surcharges: "array[float]"
    """The peak price, distributed over the steps."""
    level_wh: float
    """Largest import; infinite where it has no price."""
    duals: Sequence["array[float]"]
    """Dual prices of the rows of each chain."""
    solved: Solved
    work: int
    """Columns times rounds."""


def solve_linear_program(
    meter: SiteMeter, chains: Sequence[EnergyChain], fixed_wh: "array[float]"
) -> LinearSolution:
    """Return the optimum of all chains around ``fixed_wh``, which the bus takes in any case."""
    program = LinearProgram(meter, chains, fixed_wh)
    return program.run()


def find_work_max(meter: SiteMeter, chains: Sequence[EnergyChain]) -> int:
    """Return the largest work of the program of these chains."""
    columns = 7 * meter.count + sum(4 * chain.count for chain in chains)
    band = len(chains) + 3
    rows = 3 * meter.count + sum(chain.count for chain in chains)
    return _find_work(columns, rows, band, ROUNDS_MAX)


def _find_work(columns: int, rows: int, band: int, rounds: int) -> int:
    return (columns + rows * band * band // 1000) * (1 + rounds)


class LinearProgram:
    """Rows step by step (chains, meter, peak), so that rows couple only with near rows.

    Units are kWh, and prices scaled so that the highest is _PRICE_SCALE.
    """

    def __init__(self, meter: SiteMeter, chains: Sequence[EnergyChain], fixed_wh: "array[float]") -> None:
        self._meter, self._chains = meter, chains
        self._peak = meter.peak_price > 0.0
        self._unit = _PRICE_SCALE / meter.price_max
        self._rows: list[list[int]] = [[] for _ in chains]
        self._meters: list[int] = []
        self._peaks: list[int] = []
        self._links: list[int] = []
        self._right = array("d")
        self._starts, self._entries, self._numbers = array("i", [0]), array("i"), array("d")
        self._costs, self._upper = array("d"), array("d")
        self._top = 0
        self._add_meter_rows(fixed_wh)
        self._bus: list[list[tuple[int, int, float]]] = [[] for _ in chains]
        for number, chain in enumerate(chains):
            self._add_chain(number, chain)

    def _add_meter_rows(self, fixed_wh: "array[float]") -> None:
        net_wh = self._meter.column("net_wh")
        for step in range(self._meter.count):
            least_wh = most_wh = base_wh = 0.0
            for number, chain in enumerate(self._chains):
                at = step - chain.first
                if 0 <= at < chain.count:
                    self._rows[number].append(len(self._right))
                    self._right.append(chain.right(at) / _KILO)
                    charge_wh = chain.find_charge_range_wh(at)
                    least_wh += charge_wh[0] - chain.discharge_max_wh
                    most_wh += charge_wh[1]
                    base_wh += charge_wh[0]
            self._meters.append(len(self._right))
            self._right.append((base_wh - least_wh) / _KILO)
            if self._peak:
                self._peaks.append(len(self._right))
                fixed = net_wh[step] + fixed_wh[step]
                self._right.append((self._meter.free_wh - fixed - least_wh) / _KILO)
                self._links.append(len(self._right))
                self._right.append(0.0)
            for slope in self._meter.find_slopes(step, fixed_wh[step], least_wh, most_wh):
                rows = [(self._meters[step], 1.0)]
                if self._peak:
                    rows.append((self._peaks[step], 1.0))
                self._column(rows, slope.price, slope.length_wh)
            if self._peak:
                self._column([(self._peaks[step], 1.0)], 0.0, math.inf)
                self._add_peak_level(step)

    def _add_chain(self, number: int, chain: EnergyChain) -> None:
        rows = self._rows[number]
        for column in chain.columns():
            at = column.step - chain.first
            entries = [(rows[at], column.here)]
            if column.bus != 0.0:
                self._bus[number].append((column.step, len(self._costs), column.bus))
                entries.append((self._meters[column.step], -column.bus))
            if column.after != 0.0:
                entries.append((rows[at + 1], column.after))
            self._column(entries, column.price, column.most_wh)

    def _add_peak_level(self, step: int) -> None:
        """Add the peak level as one unknown per step, equal to that of the next step.

        So it couples only near rows.
        """
        entries = [(self._peaks[step], -1.0)]
        if step > 0:
            entries.insert(0, (self._links[step - 1], -1.0))
        if step + 1 < self._meter.count:
            entries.append((self._links[step], 1.0))
        self._column(entries, 0.0 if step else self._meter.peak_price, math.inf)
        self._top = len(self._costs) - 1

    def _column(self, entries: list[tuple[int, float]], price: float, most_wh: float) -> None:
        """Append an unknown from 0 to ``most_wh``: its rows in ascending order, and its cost per Wh."""
        for row, number in entries:
            self._entries.append(row)
            self._numbers.append(number)
        self._starts.append(len(self._entries))
        self._costs.append(price * self._unit)
        self._upper.append(max(most_wh / _KILO, _WIDTH_MIN_KWH))

    def run(self) -> LinearSolution:
        """Solve the program."""
        found = array("d", bytes(8 * len(self._costs)))
        prices = array("d", bytes(8 * len(self._right)))
        if not self._costs:
            return self._make_empty_solution()
        solved = solve_interior(
            self._starts, self._entries, self._numbers, self._right, self._costs + self._upper, found, prices
        )
        count = self._meter.count
        bus_wh = [array("d", bytes(8 * count)) for _ in self._chains]
        for made, chain, columns in zip(bus_wh, self._chains, self._bus, strict=True):
            for at, (least_wh, _) in enumerate(chain.charges_wh):
                made[chain.first + at] = least_wh
            for step, column, sign in columns:
                made[step] += sign * min(found[column], self._upper[column]) * _KILO
        return LinearSolution(
            bus_wh,
            array("d", self._find_bus_prices(prices)),
            array("d", self._find_surcharges(prices)),
            self._meter.free_wh + found[self._top] * _KILO if self._peak else math.inf,
            [array("d", [prices[row] / self._unit for row in rows]) for rows in self._rows],
            solved,
            _find_work(len(self._costs), len(self._right), len(self._chains) + 3, solved.rounds),
        )

    def _find_bus_prices(self, prices: "array[float]") -> list[float]:
        """Return the bus prices, limited to the price of a breach even where the method did not converge."""
        most = self._meter.excess_price + _PRICE_MARGIN * self._meter.price_max
        return [max(-most, min(most, prices[row] / self._unit)) for row in self._meters]

    def _make_empty_solution(self) -> LinearSolution:
        """Return the solution without chains: each step has the import price."""
        zero = array("d", bytes(8 * self._meter.count))
        prices = self._meter.column("import_price")
        return LinearSolution([], prices, zero, math.inf, [], Solved(0, 0.0, 0.0, 0.0), 0)

    def _find_surcharges(self, prices: "array[float]") -> list[float]:
        """Return the surcharges of the steps; together they are at most the peak price."""
        if not self._peak:
            return [0.0] * self._meter.count
        made = [max(0.0, -prices[row] / self._unit) for row in self._peaks]
        return [value * min(1.0, self._meter.peak_price / max(sum(made), 1e-300)) for value in made]
