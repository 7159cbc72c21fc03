"""The planned steps in local time, and what is known of each asset (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, floor

_DAY_S = 86_400.0
_EDGE_SHARE = 1e-6
"""Share of a step: an instant this close to its start counts as its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningDay:
    """Steps of ``step_s``; ``times`` are their local start times.

    ``known`` maps points to their value at the start of the first step (``bat1.soc_pct``,
    ``ev1.departure_in_s``; a bool is 0 or 1). ``series`` maps points to their value in each step
    (``ev1.plugged_on``, ``boiler.draw_w``). A missing point is unknown.
    """

    times: Sequence[datetime]
    step_s: int
    known: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return the number of steps."""
        return len(self.times)

    def first(self, in_s: float) -> int:
        """Return the first step that starts at least ``in_s`` seconds after the first step."""
        return max(0, ceil(in_s / self.step_s - _EDGE_SHARE))

    def until(self, in_s: float) -> int:
        """Return how many steps are over by then; it may exceed ``count``."""
        return max(0, floor(in_s / self.step_s + _EDGE_SHARE))

    def find_next_s(self, day_s: float, after_s: float = 0.0) -> float | None:
        """Return in how many seconds it is next ``day_s`` (seconds of the local day), later than ``after_s``.

        Return None if that is not within the steps.
        """
        return next(
            (in_s for in_s in self._iterate_shown_s(day_s) if in_s > after_s + _EDGE_SHARE * self.step_s),
            None,
        )

    def since_s(self, day_s: float) -> float:
        """Return how long before the first step the local time was ``day_s``: 0 to a day, in s."""
        return (_find_day_seconds(self.times[0]) - day_s) % _DAY_S

    def _iterate_shown_s(self, day_s: float) -> Iterator[float]:
        for step, time in enumerate(self.times):
            here_s = _find_day_seconds(time)
            last = step + 1 == self.count
            span_s = self.step_s if last else (_find_day_seconds(self.times[step + 1]) - here_s) % _DAY_S
            if not 0 < span_s <= _DAY_S / 2:  # the clock is set back: that time comes a second time
                span_s = self.step_s
            ahead_s = (day_s - here_s) % _DAY_S
            if ahead_s <= span_s if last else ahead_s < span_s:
                yield step * self.step_s + min(ahead_s, float(self.step_s))


def _find_day_seconds(time: datetime) -> float:
    return time.hour * 3600.0 + time.minute * 60.0 + time.second
