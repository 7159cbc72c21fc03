"""A storage horizon as a (mixed-integer) linear program for HiGHS: reference and peer of the planner.

It shares no code with the planner: charging, discharging, import, export, curtailment and the stored
energy are
columns of their own, in kWh; where limits or the target cannot be kept, their excess is minimised first.
Where a
step has samples, each has its own import, export and curtailment, and all have the same charging and
discharging.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

INF = highspy.kHighsInf


class LinearProgram:
    """A program to be minimised, as it grows; ``cost`` has a number a column."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[int] = []
        self._rows: list[tuple[dict[int, float], float, float]] = []

    @property
    def count(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def is_whole(self) -> bool:
        """Return whether some of them are whole numbers."""
        return bool(self._whole)

    def new(self, low: float, high: float, cost: float = 0.0, *, whole: bool = False) -> int:
        """A further column from ``low`` to ``high``; returns its place."""
        self._low.append(low)
        self._high.append(high)
        self.cost.append(cost)
        if whole:
            self._whole.append(len(self.cost) - 1)
        return len(self.cost) - 1

    def row(self, weights: dict[int, float], low: float, high: float) -> None:
        """The sum of the columns, each times its weight, is from ``low`` to ``high``."""
        self._rows.append((weights, low, high))

    def model(self) -> highspy.HighsLp:
        """All of it."""
        made = highspy.HighsLp()
        made.num_col_, made.num_row_ = len(self.cost), len(self._rows)
        made.col_cost_ = np.array(self.cost)
        made.col_lower_, made.col_upper_ = np.array(self._low), np.array(self._high)
        made.row_lower_ = np.array([low for _, low, _ in self._rows])
        made.row_upper_ = np.array([high for _, _, high in self._rows])
        made.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lengths = [len(weights) for weights, _, _ in self._rows]
        made.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        made.a_matrix_.index_ = np.array(
            [column for row, _, _ in self._rows for column in row], dtype=np.int32
        )
        made.a_matrix_.value_ = np.array([weight for row, _, _ in self._rows for weight in row.values()])
        if self._whole:
            kinds = [highspy.HighsVarType.kContinuous] * len(self.cost)
            for column in self._whole:
                kinds[column] = highspy.HighsVarType.kInteger
            made.integrality_ = kinds
        return made


KILO = 1000.0
_TOLERANCES = (0.0, 1e-12, 1e-11, 1e-10, 1e-9)


@dataclass(frozen=True, slots=True)
class StorageProgram:
    """A horizon.  The columns of a step by name, each with a number a step: Wh and money per Wh, as the
    planner has them; ``store`` likewise.  ``peak_price`` is money per Wh in a step of the largest
    import above ``peak_free_wh``; with samples, of its mean where nothing is known of how the samples of
    different steps go together (Lai and Robbins 1976, PNAS 73:286).
    """

    steps: Mapping[str, Sequence[float]]
    store: Mapping[str, float]
    peak_price: float = 0.0
    peak_free_wh: float = 0.0
    whole: bool = False
    """True: binary columns forbid charging with discharging and importing with exporting."""
    samples: Sequence[Sequence[tuple[float, float, float]]] = ()
    """Samples of each step in place of its own values: net Wh, curtailable Wh and weight."""
    tiers: Sequence[tuple[Sequence[float], Sequence[float]]] = ()
    """Beside the contract: above how many Wh of a step, and by how much, a Wh costs more."""

    @property
    def count(self) -> int:
        """Number of steps."""
        return len(self.steps["net_wh"])


@dataclass(frozen=True, slots=True)
class Optimum:
    """Result of HiGHS: cost less the value of the energy left, and the energy given up, in Wh."""

    objective: float
    excess_wh: float
    short_wh: float


class NoOptimumError(Exception):
    """HiGHS ended without an optimum."""


class StorageSolver:
    """HiGHS with one program.  ``options`` are its own."""

    def __init__(self, program: StorageProgram, **options: bool | float | str) -> None:
        self.program = program
        self._columns = _StorageColumns(program)
        self._highs = Highs()
        self._leasts: list[tuple[int, float]] = []
        self.loose_wh = 0.0
        """By how much more than the least was given up, since rounding left no other way."""
        exact: dict[str, bool | float | str] = {
            "output_flag": False,
            "threads": 1,
            "primal_feasibility_tolerance": 1e-10,
            "dual_feasibility_tolerance": 1e-10,
            "mip_feasibility_tolerance": 1e-10,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 1e-11,
        }
        for name, value in {**exact, **options}.items():
            self._highs.setOptionValue(name, value)
        self._highs.passModel(self._columns.model())

    def run(self) -> float:
        """Solve it with everything kept.  Raises Unsolved."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoOptimumError(self._highs.modelStatusToString(status))
        return float(self._highs.getObjectiveValue())

    def forget(self) -> None:
        """Let the next run begin from nothing."""
        self._highs.clearSolver()

    @property
    def cost(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Cost of each column."""
        return np.array(self._columns.cost)

    @property
    def parts(self) -> highspy.HighsLp:
        """The program itself."""
        return self._columns.model()

    def reprice(self, cost: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        """Other prices for the same columns; the next run begins from the basis that is there."""
        numbers = np.arange(len(cost), dtype=np.int32)
        self._highs.changeColsCost(len(cost), numbers, cost)

    def best(self) -> Optimum:
        """The optimum, with as little given up as possible: first caps, then the target, then money.
        Raises Unsolved.
        """
        try:
            return Optimum(self.run(), 0.0, 0.0)
        except NoOptimumError:
            pass
        given = self._columns.given
        self._bound([column for columns in given.values() for column, _ in columns], INF)
        excess = self._least(given["excess"])
        short = self._least(given["short"])
        numbers = np.arange(self._columns.count, dtype=np.int32)
        self._highs.changeColsCost(len(numbers), numbers, np.array(self._columns.cost))
        return Optimum(self._run_loosened(), excess * KILO, short * KILO)

    def _run_loosened(self) -> float:
        """A run with what was given up held at its least; where HiGHS's rounding made that too little for
        itself, by a trillionth more, then ten times that, up to a billionth.
        """
        for share in _TOLERANCES:
            for row, least in self._leasts:
                self._highs.changeRowBounds(row, -INF, least + share * (least + 1.0))
                self.loose_wh = max(self.loose_wh, share * (least + 1.0) * KILO)
            try:
                return self.run()
            except NoOptimumError:
                self.forget()
        return self.run()

    def _bound(self, columns: Sequence[int], high: float) -> None:
        numbers = np.array(columns, dtype=np.int32)
        self._highs.changeColsBounds(
            len(numbers), numbers, np.zeros(len(numbers)), np.full(len(numbers), high)
        )

    def _least(self, columns: Sequence[tuple[int, float]]) -> float:
        every = np.zeros(self._columns.count)
        for column, share in columns:
            every[column] = share
        numbers = np.arange(len(every), dtype=np.int32)
        self._highs.changeColsCost(len(numbers), numbers, every)
        least = max(self._run_loosened(), 0.0)
        these = np.array([column for column, _ in columns], dtype=np.int32)
        self._leasts.append((self._highs.getNumRow(), least))
        self._highs.addRow(-INF, least, len(these), these, every[these])
        return least


class _StorageColumns(LinearProgram):
    """The program as HiGHS takes it."""

    def __init__(self, program: StorageProgram) -> None:
        super().__init__()
        store = program.store
        self.given: dict[str, list[tuple[int, float]]] = {"excess": [], "short": []}
        peak = self.new(0.0, INF, program.peak_price * KILO) if program.peak_price else -1
        before = self.new(store["energy_wh"] / KILO, store["energy_wh"] / KILO)
        for number in range(program.count):
            before = self._step(number, before, program, peak)
        self.cost[before] -= store["worth_price"] * KILO
        short = self.new(0.0, 0.0)
        self.given["short"].append((short, 1.0))
        self.row({before: 1.0, short: 1.0}, store["target_wh"] / KILO, INF)

    def _step(self, number: int, before: int, program: StorageProgram, peak: int) -> int:
        step = {name: values[number] for name, values in program.steps.items()}
        store = program.store
        wear = store["wear_price"] * KILO
        into, out = store["charge_efficiency"], store["discharge_efficiency"]
        charge_max = max(step["high_wh"], 0.0) / into / KILO
        discharge_max = max(-step["low_wh"], 0.0) * out / KILO
        # A change that must be is a least of one of the two; the other is none then.
        charge = self.new(max(step["low_wh"], 0.0) / into / KILO, charge_max, wear * into)
        discharge = self.new(max(-step["high_wh"], 0.0) * out / KILO, discharge_max, wear / out)
        samples = (
            program.samples[number] if program.samples else [(step["net_wh"], step["curtailable_wh"], 1)]
        )
        total = sum(weight for _, _, weight in samples)
        meters = [self._meter(step, sun, weight / total) for _, sun, weight in samples]
        energy = self.new(step["floor_wh"] / KILO, step["ceiling_wh"] / KILO)
        self.row({energy: 1.0, before: -1.0, charge: -into, discharge: 1.0 / out}, 0.0, 0.0)
        charges = self.new(0.0, 1.0, whole=True) if program.whole else -1
        for (net_wh, sun, weight), (bought, sold, curtailed, over, *excess) in zip(
            samples, meters, strict=True
        ):
            net, share = net_wh / KILO, weight / total
            self.row({bought: 1.0, sold: -1.0, charge: -1.0, discharge: 1.0, curtailed: -1.0}, net, net)
            self.row({bought: 1.0, excess[0]: -1.0}, -INF, _convert_limit_kwh(step["import_max_wh"]))
            self.row({sold: 1.0, excess[1]: -1.0}, -INF, _convert_limit_kwh(step["export_max_wh"]))
            self.row({bought: 1.0, over: -1.0}, -INF, _convert_limit_kwh(step["contract_wh"]))
            for above_wh, prices in program.tiers:
                more = self.new(0.0, INF, prices[number] * KILO * share)
                self.row({bought: 1.0, more: -1.0}, -INF, _convert_limit_kwh(above_wh[number]))
            if peak >= 0:
                row = {bought: 1.0, peak: -1.0}
                if program.samples:
                    row[self.new(0.0, INF, program.peak_price * KILO * share)] = -1.0
                self.row(row, -INF, program.peak_free_wh / KILO)
            if program.whole:
                imports = self.new(0.0, 1.0, whole=True)
                most = abs(net) + sun / KILO + charge_max + discharge_max + 1.0
                self.row({bought: 1.0, imports: -most}, -INF, 0.0)
                self.row({sold: 1.0, imports: most}, -INF, most)
        if program.whole:
            self.row({charge: 1.0, charges: -charge_max}, -INF, 0.0)
            self.row({discharge: 1.0, charges: discharge_max}, -INF, discharge_max)
        return energy

    def _meter(self, step: Mapping[str, float], sun_wh: float, share: float) -> tuple[int, ...]:
        """Import, export, curtailment, import over the contract, and what is beyond the two caps."""
        bought = self.new(0.0, INF, step["import_price"] * KILO * share)
        sold = self.new(0.0, INF, -step["export_price"] * KILO * share)
        curtailed = self.new(0.0, sun_wh / KILO)
        over = self.new(0.0, INF, step["over_price"] * KILO * share)
        excess = self.new(0.0, 0.0), self.new(0.0, 0.0)
        self.given["excess"] += [(column, share) for column in excess]
        return bought, sold, curtailed, over, *excess


def _convert_limit_kwh(wh: float) -> float:
    return INF if wh == float("inf") else wh / KILO
