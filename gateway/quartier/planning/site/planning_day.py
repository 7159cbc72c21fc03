"""The planned steps by the local clock, and what is known of each asset (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, floor

_DAY_S = 86_400.0
_EDGE_SHARE = 1e-6
"""Of a step: so near to its begin counts as it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningDay:
    """Steps of ``step_s``; ``times`` is when each begins, as a clock in the building shows it.

    ``known`` maps points to what they are at the begin of the first step (``bat1.soc_pct``,
    ``ev1.departure_in_s``; a bool is 0 or 1), ``series`` to what they are in each (``ev1.plugged_on``,
    ``boiler.draw_w``).  What is not there is not known.
    """

    times: Sequence[datetime]
    step_s: int
    known: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return how many steps."""
        return len(self.times)

    def first(self, in_s: float) -> int:
        """The first step that begins no sooner than so many seconds after the first of all."""
        return max(0, ceil(in_s / self.step_s - _EDGE_SHARE))

    def until(self, in_s: float) -> int:
        """Return how many steps are over by then; more than there are where it is beyond them."""
        return max(0, floor(in_s / self.step_s + _EDGE_SHARE))

    def find_next_s(self, day_s: float, after_s: float = 0.0) -> float | None:
        """In how many seconds the clock shows ``day_s`` (seconds of its day) next, later than ``after_s``;
        None: not within the steps.
        """
        return next(
            (in_s for in_s in self._iterate_shown_s(day_s) if in_s > after_s + _EDGE_SHARE * self.step_s),
            None,
        )

    def since_s(self, day_s: float) -> float:
        """Return how long ago the clock showed ``day_s`` when the first step begins: 0 to a day."""
        return (_find_day_seconds(self.times[0]) - day_s) % _DAY_S

    def _iterate_shown_s(self, day_s: float) -> Iterator[float]:
        for step, time in enumerate(self.times):
            here_s = _find_day_seconds(time)
            last = step + 1 == self.count
            span_s = self.step_s if last else (_find_day_seconds(self.times[step + 1]) - here_s) % _DAY_S
            if not 0 < span_s <= _DAY_S / 2:  # the clock is put back: that time comes a second time
                span_s = self.step_s
            ahead_s = (day_s - here_s) % _DAY_S
            if ahead_s <= span_s if last else ahead_s < span_s:
                yield step * self.step_s + min(ahead_s, float(self.step_s))


def _find_day_seconds(time: datetime) -> float:
    return time.hour * 3600.0 + time.minute * 60.0 + time.second
