"""Plan a whole site with HiGHS as a mixed-integer program (pure).

With strict prices it is solved in stages: one stage for each rung of the relaxation order, starting with the
one given up last, then the money. Each result becomes a row of the later stages. The module is imported only
on request; it needs the extra ``highs``.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import highspy
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout

from quartier.planning.horizon import RefusedError
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.linear_program import LinearProgram
from quartier.planning.site.part_models import BatchPart, CarPart

if TYPE_CHECKING:
    from array import array

HIGHS_GAP_MAX = 1e-4
"""Relative gap to the optimum that is good enough."""
HIGHS_NODES_MAX = 20_000
"""Deadline as a count: nodes of the tree, over all stages together."""
_NEAR_WH = 0.01
"""Tolerance of HiGHS in a store, in Wh."""
_SAME_KWH = 1e-6
"""Tolerance of a rung when later rows hold it."""
_KILO = 1000.0
_INF = highspy.kHighsInf


def solve_with_highs(
    joint: JointPlan, gap: float = HIGHS_GAP_MAX, nodes_max: int = HIGHS_NODES_MAX
) -> "tuple[float, array[float]]":
    """Set all parts to the courses that HiGHS finds.

    Return a lower bound of the cost of any plan in EUR, and the value of a Wh on the bus in each step. With
    stages, the bound covers plans that give up no more. Raises RefusedError if HiGHS finds no plan within its
    nodes.
    """
    if not joint.parts:
        return joint.cost(), joint.solve_relaxed([]).prices
    bound_eur = _HighsModel(joint).run(gap, nodes_max)
    prices = joint.solve_relaxed([]).prices if not joint.chains else _find_bus_prices(joint)
    return bound_eur, prices


def _find_bus_prices(joint: JointPlan) -> "array[float]":
    """Return the prices of the relaxed program that guides the other engine; all courses stay unchanged."""
    ways, level_wh = joint.ways[:], joint.level_wh
    found = joint.solve_relaxed([*joint.stores, *joint.cars])
    joint.ways, joint.level_wh = ways, level_wh
    return found.prices


class _Stage(NamedTuple):
    """Objective of a stage: a cost per unknown, its value where all are 0, and EUR per unit."""

    costs: Mapping[int, float]
    offset: float
    eur: float
    is_money: bool = False


class _HighsModel:
    def __init__(self, joint: JointPlan) -> None:
        self._joint = joint
        self._free = [*joint.stores, *joint.cars]
        runs = [part for part in joint.parts if isinstance(part, BatchPart)]
        reach_wh = sum(max(part.amounts_wh) for part in runs)
        chains = [joint.chains[number] for number in self._free]
        self._program = LinearProgram(joint.meter, chains, joint.zero, reach_wh)
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
        for name, value in (("output_flag", False), ("threads", 1)):
            highs.setOptionValue(name, value)
        highs.passModel(self._model())
        values: list[float] = []
        bound_eur, nodes_left = 0.0, nodes_max
        for stage in self._stages():
            if not stage.is_money and values and self._is_least(stage, values):
                bound_eur += self._least(stage) * stage.eur
                self._hold(highs, stage, values)
                continue
            self._set(highs, stage, values, gap, nodes_left)
            highs.run()
            info = highs.getInfo()
            if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
                values = list(highs.getSolution().col_value)
            if not values:
                raise RefusedError(f"HiGHS found no plan within {nodes_max} nodes")
            found = info.mip_dual_bound if self._whole else info.objective_function_value
            bound_eur += max(self._least(stage), float(found)) * stage.eur
            nodes_left = max(1, nodes_left - max(0, info.mip_node_count))
            self._hold(highs, stage, values)
        self._put(values)
        return bound_eur

    def _stages(self) -> Iterator[_Stage]:
        """Yield one stage for everything, or one per rung and one for the money."""
        program, meter = self._program, self._joint.meter
        costs = dict(enumerate(program.costs))
        left_eur = program.constant_eur
        if not meter.relaxation.is_strict:
            yield _Stage(costs, left_eur / program.eur, program.eur, is_money=True)
            return
        rungs: dict[str, dict[int, float]] = {"caps": program.breaches}
        for number, columns in zip(self._free, program.missing, strict=True):
            part = self._joint.parts[number]
            if not isinstance(part, BatchPart):
                rungs.setdefault(part.relaxation_name, {}).update(dict.fromkeys(columns, 1.0))
        for name, times in reversed(meter.relaxation.prices_by_rank):
            weights, eur = rungs.get(name, {}), times * meter.price_max * _KILO
            offset = program.beyond_wh / _KILO if name == "caps" else 0.0
            yield _Stage(weights, offset, eur)
            left_eur -= offset * eur
            for column, weight in weights.items():
                costs[column] -= weight * eur / program.eur
        yield _Stage(costs, left_eur / program.eur, program.eur, is_money=True)

    def _least(self, stage: _Stage) -> float:
        """Return a lower bound of the stage from the bounds of each unknown alone."""
        upper = self._program.upper
        return stage.offset + sum(cost * upper[column] for column, cost in stage.costs.items() if cost < 0.0)

    def _is_least(self, stage: _Stage, values: list[float]) -> bool:
        there = sum(cost * values[column] for column, cost in stage.costs.items())
        return stage.offset + there <= self._least(stage) + _SAME_KWH

    def _set(self, highs: Highs, stage: _Stage, values: list[float], gap: float, nodes_max: int) -> None:
        """Set the objective of the next stage, starting from the values found before."""
        count = len(self._program.costs)
        costs = [stage.costs.get(column, 0.0) for column in range(count)]
        highs.changeColsCost(count, list(range(count)), costs)
        highs.changeObjectiveOffset(stage.offset)
        highs.setOptionValue("mip_max_nodes", nodes_max)
        highs.setOptionValue("mip_rel_gap", gap if stage.is_money else 0.0)
        if values and self._whole:
            start = highspy.HighsSolution()
            start.col_value = values
            highs.setSolution(start)

    def _hold(self, highs: Highs, stage: _Stage, values: list[float]) -> None:
        """Add what was found for a rung as a row of the later stages."""
        if stage.is_money or not stage.costs:
            return
        found = sum(cost * values[column] for column, cost in stage.costs.items())
        columns, costs = list(stage.costs), list(stage.costs.values())
        highs.addRow(-_INF, found + _SAME_KWH, len(columns), columns, costs)

    def _put(self, values: list[float]) -> None:
        joint = self._joint
        for number, columns in zip(self._free, self._program.bus, strict=True):
            joint.ways[number] = way = joint.zero[:]
            part = joint.parts[number]
            if isinstance(part, CarPart):
                by_units = dict(zip(part.units, part.amounts_wh, strict=True))
                for step, column in self._units[number]:
                    way[step] = by_units[round(values[column])]
            else:
                for step, column, sign in columns:
                    way[step] += sign * values[column] * _KILO
        for number, begins in self._begins.items():
            best = max(range(len(begins)), key=lambda at: values[begins[at]])
            joint.ways[number] = joint.list_starts(number)[best]
        # The numbers of HiGHS hold within a tolerance. So the stores are planned once more around the
        # whole-number parts, and keep their old course only where the new one is worse.
        raw, standing, is_sound = joint.ways[:], joint.find_rank(), all(map(self._is_sound, self._free))
        joint.plan_stores()
        if is_sound and joint.is_better(standing, joint.find_rank()):
            joint.ways = raw
        joint.replan_parts()

    def _is_sound(self, number: int) -> bool:
        """Return whether a chain stays within its bounds.

        A course that both charges and discharges in a step may violate them.
        """
        chain = self._joint.chains[number]
        inside = chain.find_energies_wh(self._joint.ways[number][chain.first : chain.first + chain.count])
        bounds = zip(inside, chain.lows_wh, chain.shorts_wh, chain.highs_wh, strict=True)
        return all(low - short - _NEAR_WH <= wh <= high + _NEAR_WH for wh, low, short, high in bounds)

    def _car(self, number: int) -> None:
        part, program = self._joint.parts[number], self._program
        if not isinstance(part, CarPart):
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
        for way in self._joint.list_starts(number):
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
