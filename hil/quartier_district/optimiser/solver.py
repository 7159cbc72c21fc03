"""Solve an optimiser input with HiGHS; the only module that imports it.

The order of the soft limits is strict, not weighted: with all of them kept the program is solved once;
only
where that is infeasible, each level is minimised in its turn, held at its minimum, and the next one
follows.
"""

import time

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier_district.optimiser.linear_program import KILO, DistrictModel, ProgramMatrix
from quartier_district.optimiser.plan_records import DistrictPlan, OptimiserInput, PlanFailure, SoftLimit

TIME_LIMIT_S = 60.0
# kWh by which a level that was minimised may be missed: the solver's own tolerance, many rows over.
_LEVEL_TOLERANCE = 1e-5


class _NoOptimumError(Exception):
    """The solver ended without an optimum; its word for it."""


class _Solver:
    """One HiGHS with one program, solved again and again until a deadline."""

    def __init__(self, matrix: ProgramMatrix, until_s: float) -> None:
        self._matrix = matrix
        self._until_s = until_s
        self.solves_count = 0
        self._highs = Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        # The interior point method, crossed over to a vertex: of 100 buildings in a third of the time.
        self._highs.setOptionValue("solver", "ipm")
        self._highs.passModel(_build_program(matrix))

    def least(self, costs: dict[int, float]) -> tuple[float, list[float]]:
        """The least value of ``costs`` and the columns there.  Raises _NoAnswerError."""
        every = np.zeros(self._matrix.columns_count)
        every[list(costs)] = list(costs.values())
        numbers = np.arange(self._matrix.columns_count, dtype=np.int32)
        self._highs.changeColsCost(len(numbers), numbers, every)
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise _NoOptimumError("time")
        # Its clock goes on from solve to solve, and so does its limit.
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + left_s)
        self._highs.run()
        self.solves_count += 1
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise _NoOptimumError("time")
        if status != highspy.HighsModelStatus.kOptimal:
            raise _NoOptimumError(self._highs.modelStatusToString(status).lower())
        return self._highs.getObjectiveValue(), list(self._highs.getSolution().col_value)

    def bound(self, columns: list[int], high: float) -> None:
        """Let no soft limit give way by more than ``high``."""
        numbers = np.array(columns, dtype=np.int32)
        self._highs.changeColsBounds(
            len(numbers), numbers, np.zeros(len(numbers)), np.full(len(numbers), high)
        )

    def hold(self, weights: dict[int, float], most: float) -> None:
        """Keep a level at what was its least."""
        columns = np.array(list(weights), dtype=np.int32)
        self._highs.addRow(-highspy.kHighsInf, most, len(columns), columns, np.array(list(weights.values())))


def _build_program(matrix: ProgramMatrix) -> highspy.HighsLp:
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = matrix.columns_count, matrix.rows_count
    program.col_cost_ = np.zeros(matrix.columns_count)
    program.col_lower_, program.col_upper_ = np.array(matrix.column_low), np.array(matrix.column_high)
    program.row_lower_, program.row_upper_ = np.array(matrix.row_low), np.array(matrix.row_high)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.array(matrix.starts, dtype=np.int32)
    program.a_matrix_.index_ = np.array(matrix.indices, dtype=np.int32)
    program.a_matrix_.value_ = np.array(matrix.values)
    return program


def find_plan(asked: OptimiserInput, time_limit_s: float = TIME_LIMIT_S) -> DistrictPlan | PlanFailure:
    """The best plan of a situation, in ``time_limit_s`` real seconds at most."""
    began_s = time.monotonic()
    model = DistrictModel(asked)
    solver = _Solver(model.matrix, began_s + time_limit_s)
    try:
        cost_eur, values = _solve_within_limits(solver, model) or _solve_by_level(solver, model)
    except _NoOptimumError as error:
        return PlanFailure(str(error), time.monotonic() - began_s)
    relaxed = {
        level: sum(weight * values[column] for column, weight in weights.items()) * KILO
        for level, weights in model.levels.items()
    }
    return DistrictPlan(
        lots=model.lots(values),
        relaxed_wh={level: wh for level, wh in relaxed.items() if wh > 1e-3},
        cost_eur=cost_eur,
        solve_s=time.monotonic() - began_s,
        solves_count=solver.solves_count,
    )


def _solve_within_limits(solver: _Solver, model: DistrictModel) -> tuple[float, list[float]] | None:
    """With every soft limit kept; None where that cannot be."""
    soft = [column for weights in model.levels.values() for column in weights]
    solver.bound(soft, 0.0)
    try:
        return solver.least(model.cost_eur)
    except _NoOptimumError as error:
        if str(error) == "time":
            raise
    finally:
        solver.bound(soft, highspy.kHighsInf)
    return None


def _solve_by_level(solver: _Solver, model: DistrictModel) -> tuple[float, list[float]]:
    """Each level at its least, one after the other, then the cost."""
    for level in SoftLimit:
        if model.levels[level]:
            least, _ = solver.least(model.levels[level])
            solver.hold(model.levels[level], max(least, 0.0) + _LEVEL_TOLERANCE)
    return solver.least(model.cost_eur)
