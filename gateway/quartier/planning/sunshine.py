"""What a photovoltaic plant usually gives, and how clear the sky was of late (pure).

Clearness is what was given divided by what a clear sky would have given, over the last hours, the last day
and the last weeks.  It is the ratio of two fading sums, so that dawn and night say as little as they know.
"""

import math
from dataclasses import dataclass, field

from quartier.planning.clearsky import ClearSky
from quartier.planning.slots import Grid

SIZE = 6
"""Features a slot has."""
_DAY_SHARE = 0.1
_SPANS_H = (3.0, 20.0, 240.0)
_USUAL = 0.7
"""Clearness before any was measured."""
_DECAY_H = 4.0
_FIRST_KWH = 0.2
"""Weight of the first guess, in hours of rated power."""


def prior(ahead_h: float) -> list[float]:
    """Weights before anything was learnt; the last hours' sky is worth less by ``exp(-ahead / 4 h)``."""
    near = math.exp(-ahead_h / _DECAY_H)
    return [1.0, 0.3, 0.25, 0.6 * near, 0.1, 0.0]


@dataclass(slots=True)
class Sunshine:
    """The memory of one plant in W; its size does not grow."""

    grid: Grid
    sky: ClearSky
    day_w: list[float] = field(default_factory=list)
    last_w: list[float] = field(default_factory=list)
    days: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.day_w, self.days = [math.nan] * self.grid.day, [0.0] * self.grid.day
        self.last_w = [math.nan] * self.grid.day
        first = _FIRST_KWH * self.sky.rated_w * self.grid.hour
        self.clear, self.given = [first] * len(_SPANS_H), [_USUAL * first] * len(_SPANS_H)

    @property
    def scale_w(self) -> float:
        """Its rated power."""
        return self.sky.rated_w

    def _part(self, slot: int) -> int:
        """The slot of the day in UTC: the sun knows no summer time."""
        return slot % self.grid.day

    def learn(self, slot: int, value_w: float | None) -> None:
        """Take in the mean of a slot; None: nobody knows."""
        if value_w is None:
            return
        part, clear_w = self._part(slot), self.sky.value_w(slot)
        if clear_w > 0.0:
            for at, span_h in enumerate(_SPANS_H):
                # A night does not fade the evening: what fades is light.
                keep = math.exp(-clear_w / self.sky.rated_w / (0.5 * span_h * self.grid.hour))
                self.given[at] = keep * self.given[at] + value_w
                self.clear[at] = keep * self.clear[at] + clear_w
        self.sky.learn(slot, value_w)
        self.days[part] = min(self.days[part] + 1.0, 1e6)
        old = self.day_w[part]
        share = max(_DAY_SHARE, 1.0 / self.days[part])
        self.day_w[part] = value_w if math.isnan(old) else old + share * (value_w - old)
        self.last_w[part] = value_w

    def clearness(self) -> tuple[float, float, float]:
        """Of the last hours, the last day, the last weeks; 0 to about 1."""
        near, day, long = (given / clear for given, clear in zip(self.given, self.clear, strict=True))
        return near, day, long

    def yesterday(self, slot: int, _ahead: int) -> float:
        """The newest day's value at that time; NaN where none was."""
        return self.last_w[self._part(slot)]

    def usual(self, slot: int) -> float:
        """The mean of that slot of the day; what the sky lets expect where none was."""
        mean_w = self.day_w[self._part(slot)]
        return self.clearness()[2] * self.sky.value_w(slot) if math.isnan(mean_w) else mean_w

    def plain(self, slot: int, ahead: int) -> tuple[float, float]:
        """The two that need no model: the newest day, and the mean of the slot of the day."""
        return self.yesterday(slot, ahead), self.usual(slot)

    def features(self, slot: int, ahead: int, scale_w: float) -> list[float]:
        """What is known of a slot ``ahead`` slots before it, divided by ``scale_w``."""
        clear_w = self.sky.value_w(slot)
        near, day, long = self.clearness()
        base_w = long * clear_w
        newest_w = self.yesterday(slot, ahead)
        found = (
            *(base_w, self.usual(slot) - base_w, (day - long) * clear_w, (near - long) * clear_w),
            *(0.0 if math.isnan(newest_w) else newest_w - base_w, (1.0 - long) * clear_w * clear_w / scale_w),
        )
        return [value / scale_w for value in found]
