"""Records commands and measurements of a probe in columns (pure)."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

PHASES = ("l1", "l2", "l3")


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """Samples of one quantity in order of time; times in s, values in W (SoC: percent)."""

    times_s: Sequence[float] = ()
    values: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.times_s)

    def find_values(self, from_s: float, to_s: float) -> Sequence[float]:
        """Return the values taken at or after ``from_s`` and before ``to_s``."""
        return self.values[bisect_left(self.times_s, from_s) : bisect_left(self.times_s, to_s)]

    def part(self, from_s: float, to_s: float) -> "TimeSeries":
        """Return the same with their times."""
        first, last = bisect_left(self.times_s, from_s), bisect_left(self.times_s, to_s)
        return TimeSeries(self.times_s[first:last], self.values[first:last])

    @property
    def period_s(self) -> float:
        """Return the usual time between two samples, in s; 1 if there are too few."""
        gaps = [later - sooner for sooner, later in pairwise(self.times_s)]
        return median(gaps) if gaps else 1.0

    @property
    def _changes_s(self) -> list[float]:
        return [
            at_s
            for at_s, (before, after) in zip(self.times_s[1:], pairwise(self.values), strict=True)
            if before != after
        ]

    @property
    def changes(self) -> int:
        """Return how often the value changed."""
        return len(self._changes_s)

    @property
    def update_s(self) -> float:
        """Return the usual time between two *different* values: a meter may be read faster than it measures.

        Return the plain period if almost nothing changed, because then nothing is known.
        """
        gaps = [later - sooner for sooner, later in pairwise(self._changes_s)]
        return max(self.period_s, median(gaps)) if gaps else self.period_s

    @property
    def step(self) -> float:
        """Return the smallest difference between two values, the resolution of the meter.

        0 if all are equal.
        """
        found = sorted(set(self.values))
        return min((b - a for a, b in pairwise(found)), default=0.0)


@dataclass(frozen=True, slots=True)
class CommandedChange:
    """One commanded change of power in W, in force from ``at_s`` to ``until_s``.

    ``since_s`` is when the previous one was commanded.
    """

    since_s: float
    at_s: float
    until_s: float
    before_w: float
    after_w: float

    @property
    def change_w(self) -> float:
        """Return the commanded change of power, in W."""
        return self.after_w - self.before_w


@dataclass(frozen=True, slots=True)
class ProbeTrace:
    """A complete probe. ``commands`` are (second, commanded power in W); the first one is the rest before.

    ``phases`` holds the grid meter's powers by ``l1`` … ``l3``, as far as it measures them. ``readback`` is
    the reading of the commanded point itself, in W. Positive takes energy from the building's bus; import is
    positive.
    """

    commands: Sequence[tuple[float, float]]
    end_s: float
    asset: TimeSeries
    grid: TimeSeries
    phases: Mapping[str, TimeSeries] = field(default_factory=dict)
    soc: TimeSeries = field(default_factory=TimeSeries)
    readback: TimeSeries = field(default_factory=TimeSeries)

    @property
    def edges(self) -> list[CommandedChange]:
        """Return the commanded changes, without commands that change nothing."""
        found: list[tuple[float, float]] = []
        for at_s, watts in self.commands:
            if not found or found[-1][1] != watts:
                found.append((at_s, watts))
        ends = [at_s for at_s, _ in found[2:]] + [self.end_s]
        return [
            CommandedChange(before[0], after[0], end_s, before[1], after[1])
            for (before, after), end_s in zip(pairwise(found), ends, strict=False)
        ]
