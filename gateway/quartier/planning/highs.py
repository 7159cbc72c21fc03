"""HiGHS as a second engine for whole sites that want it: the same model as a mixed-integer program.

It is imported only where it is asked for; it needs the extra ``highs``.
"""

from typing import TYPE_CHECKING

import highspy
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout

from quartier.planning.horizon import RefusedError
from quartier.planning.joint import Joint
from quartier.planning.parts import Levels, Run
from quartier.planning.relaxed import Program

if TYPE_CHECKING:
    from array import array

GAP = 1e-4
"""Relative: nearer to the best it need not come."""
NODES_MAX = 20_000
"""Its deadline, as a count: of nodes of its tree."""
_KILO = 1000.0
_INF = highspy.kHighsInf


def solve(joint: Joint, gap: float = GAP, nodes_max: int = NODES_MAX) -> "tuple[float, array[float]]":
    """Put all parts on the ways that HiGHS finds; returns a bound below which no plan is, in EUR, and what a
    Wh on the bus is worth in each step.

    Raises RefusedError where it finds no plan within its nodes.
    """
    if not joint.parts:
        return joint.cost(), joint.relax([]).prices
    bound_eur = _Tree(joint).run(gap, nodes_max)
    prices = joint.relax([]).prices if not joint.chains else _prices(joint)
    return bound_eur, prices


def _prices(joint: Joint) -> "array[float]":
    """By the program without whole numbers, which leads the other engine; all ways stay as they are."""
    ways, level_wh = joint.ways[:], joint.level_wh
    found = joint.relax([*joint.stores, *joint.cars])
    joint.ways, joint.level_wh = ways, level_wh
    return found.prices


class _Tree:
    def __init__(self, joint: Joint) -> None:
        self._joint = joint
        self._free = [*joint.stores, *joint.cars]
        runs = [part for part in joint.parts if isinstance(part, Run)]
        reach_wh = sum(max(part.amounts_wh) for part in runs)
        chains = [joint.chains[number] for number in self._free]
        self._program = Program(joint.meter, chains, joint.zero, reach_wh)
        self._whole: list[int] = []
        self._units: dict[int, list[tuple[int, int]]] = {}
        self._begins: dict[int, list[int]] = {}
        self._lows, self._highs = list(self._program.right), list(self._program.right)
        self._late: list[tuple[int, int, float]] = []
        for number in joint.cars:
            self._car(number)
        for number in joint.runs:
            self._run(number)

    def run(self, gap: float, nodes_max: int) -> float:
        highs = Highs()
        options: dict[str, bool | float | int] = {
            "output_flag": False,
            "threads": 1,
            "mip_rel_gap": gap,
            "mip_max_nodes": nodes_max,
        }
        for name, value in options.items():
            highs.setOptionValue(name, value)
        highs.passModel(self._model())
        highs.run()
        values, info = list(highs.getSolution().col_value), highs.getInfo()
        if not values or info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            raise RefusedError(f"HiGHS found no plan within {nodes_max} nodes")
        self._put(values)
        found = info.mip_dual_bound if self._whole else info.objective_function_value
        return float(found) * self._program.eur + self._program.constant_eur

    def _put(self, values: list[float]) -> None:
        joint = self._joint
        for number, columns in zip(self._free, self._program.bus, strict=True):
            joint.ways[number] = way = joint.zero[:]
            part = joint.parts[number]
            if isinstance(part, Levels):
                by_units = dict(zip(part.units, part.amounts_wh, strict=True))
                for step, column in self._units[number]:
                    way[step] = by_units[round(values[column])]
            else:
                for step, column, sign in columns:
                    way[step] += sign * values[column] * _KILO
        for number, begins in self._begins.items():
            best = max(range(len(begins)), key=lambda at: values[begins[at]])
            joint.ways[number] = joint.starts(number)[best]
        # Its numbers hold within a tolerance: the stores are planned once more beside what is whole.
        joint.settle()
        joint.turn()

    def _car(self, number: int) -> None:
        part, program = self._joint.parts[number], self._program
        if not isinstance(part, Levels):
            raise TypeError("no car")
        most, least = part.units[-1], part.units[1]
        unit_kwh = part.amounts_wh[1] / least / _KILO
        made = self._units[number] = []
        for step, charge, _ in program.bus[self._free.index(number)]:
            taken, floor, top = self._row(0.0, 0.0), self._row(0.0, _INF), self._row(-_INF, 0.0)
            self._late.append((taken, charge, 1.0))
            units = self._column([(taken, -unit_kwh), (floor, 1.0), (top, 1.0)], float(most))
            self._column([(floor, -float(least)), (top, -float(most))], 1.0)
            made.append((step, units))

    def _run(self, number: int) -> None:
        program, once = self._program, self._row(1.0, 1.0)
        made = self._begins[number] = []
        for way in self._joint.starts(number):
            entries = [(program.meters[step], -wh / _KILO) for step, wh in enumerate(way) if wh]
            made.append(self._column([*entries, (once, 1.0)], 1.0))

    def _row(self, low: float, high: float) -> int:
        self._lows.append(low)
        self._highs.append(high)
        return len(self._lows) - 1

    def _column(self, entries: list[tuple[int, float]], most: float) -> int:
        self._program.column(entries, 0.0, most * _KILO)
        self._whole.append(len(self._program.costs) - 1)
        return self._whole[-1]

    def _model(self) -> highspy.HighsLp:
        program, made = self._program, highspy.HighsLp()
        rows: list[dict[int, float]] = [{} for _ in self._lows]
        for column in range(len(program.costs)):
            for at in range(program.starts[column], program.starts[column + 1]):
                rows[program.entries[at]][column] = program.numbers[at]
        for row, column, number in self._late:
            rows[row][column] = number
        starts = [0]
        for entries in rows:
            starts.append(starts[-1] + len(entries))
        made.num_col_, made.num_row_ = len(program.costs), len(rows)
        made.col_cost_, made.col_lower_ = list(program.costs), [0.0] * len(program.costs)
        made.col_upper_ = list(program.upper)
        made.row_lower_, made.row_upper_ = self._lows, self._highs
        made.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        made.a_matrix_.start_ = starts
        made.a_matrix_.index_ = [column for entries in rows for column in entries]
        made.a_matrix_.value_ = [number for entries in rows for number in entries.values()]
        kinds = [highspy.HighsVarType.kContinuous] * len(program.costs)
        for column in self._whole:
            kinds[column] = highspy.HighsVarType.kInteger
        made.integrality_ = kinds
        return made
