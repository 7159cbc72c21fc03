"""A storage's horizon as a (mixed-integer) linear program for HiGHS: judge and peer of the planner.

It shares no code with the planner: charging, discharging, import, export, curtailment and the stored
energy are columns of their own, in kWh; where caps or the target cannot be kept, their excess is
minimised first.  Where a step has samples, each has its own import, export and curtailment, and all have the
same charging and discharging.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier_hil.bench.linear import INF, Linear

KILO = 1000.0
_LOOSE = (0.0, 1e-12, 1e-11, 1e-10, 1e-9)


@dataclass(frozen=True, slots=True)
class Program:
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


class Unsolved(Exception):  # noqa: N818 - the solver's word, not a fault
    """HiGHS ended without an optimum."""


class Solver:
    """HiGHS with one program.  ``options`` are its own."""

    def __init__(self, program: Program, **options: bool | float | str) -> None:
        self.program = program
        self._columns = _Columns(program)
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
            raise Unsolved(self._highs.modelStatusToString(status))
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
        except Unsolved:
            pass
        given = self._columns.given
        self._bound([column for columns in given.values() for column, _ in columns], INF)
        excess = self._least(given["excess"])
        short = self._least(given["short"])
        numbers = np.arange(self._columns.count, dtype=np.int32)
        self._highs.changeColsCost(len(numbers), numbers, np.array(self._columns.cost))
        return Optimum(self._loosened(), excess * KILO, short * KILO)

    def _loosened(self) -> float:
        """A run with what was given up held at its least; where HiGHS's rounding made that too little for
        itself, by a trillionth more, then ten times that, up to a billionth.
        """
        for share in _LOOSE:
            for row, least in self._leasts:
                self._highs.changeRowBounds(row, -INF, least + share * (least + 1.0))
                self.loose_wh = max(self.loose_wh, share * (least + 1.0) * KILO)
            try:
                return self.run()
            except Unsolved:
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
        least = max(self._loosened(), 0.0)
        these = np.array([column for column, _ in columns], dtype=np.int32)
        self._leasts.append((self._highs.getNumRow(), least))
        self._highs.addRow(-INF, least, len(these), these, every[these])
        return least


class _Columns(Linear):
    """The program as HiGHS takes it."""

    def __init__(self, program: Program) -> None:
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

    def _step(self, number: int, before: int, program: Program, peak: int) -> int:
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
            self.row({bought: 1.0, excess[0]: -1.0}, -INF, _most(step["import_max_wh"]))
            self.row({sold: 1.0, excess[1]: -1.0}, -INF, _most(step["export_max_wh"]))
            self.row({bought: 1.0, over: -1.0}, -INF, _most(step["contract_wh"]))
            for above_wh, prices in program.tiers:
                more = self.new(0.0, INF, prices[number] * KILO * share)
                self.row({bought: 1.0, more: -1.0}, -INF, _most(above_wh[number]))
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


def _most(wh: float) -> float:
    return INF if wh == float("inf") else wh / KILO
