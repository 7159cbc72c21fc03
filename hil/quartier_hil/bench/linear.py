"""Columns and rows of a linear or mixed-integer program, one after the other, as HiGHS takes them."""

import highspy
import numpy as np

INF = highspy.kHighsInf


class Linear:
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
