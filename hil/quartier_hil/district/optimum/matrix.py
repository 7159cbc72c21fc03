"""A linear program as it grows: bounded columns and rows, row by row (pure)."""

from dataclasses import dataclass, field
from math import inf

Terms = list[tuple[int, float]]


@dataclass
class Matrix:
    """Columns and rows with their bounds; ``starts``, ``indices`` and ``values`` are the rows, compressed."""

    column_low: list[float] = field(default_factory=list)
    column_high: list[float] = field(default_factory=list)
    row_low: list[float] = field(default_factory=list)
    row_high: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    indices: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def column(self, low: float = 0.0, high: float = inf) -> int:
        """One more variable; returns its number."""
        self.column_low.append(low)
        self.column_high.append(high)
        return len(self.column_low) - 1

    def columns(self, count: int, low: float = 0.0, high: float = inf) -> list[int]:
        """Several with the same bounds."""
        return [self.column(low, high) for _ in range(count)]

    def row(self, low: float, high: float, terms: Terms) -> int:
        """``low <= sum of terms <= high``; returns the row's number."""
        self.row_low.append(low)
        self.row_high.append(high)
        self.indices += [column for column, _ in terms]
        self.values += [value for _, value in terms]
        self.starts.append(len(self.indices))
        return len(self.row_low) - 1

    @property
    def columns_count(self) -> int:
        """Number of variables."""
        return len(self.column_low)

    @property
    def rows_count(self) -> int:
        """Number of rows."""
        return len(self.row_low)
