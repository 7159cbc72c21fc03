"""Model of a site's load: usual day, usual week, last week and recent deviation (pure).

It keeps three memories by local time: the mean of each slot of the day, the mean of each slot of the week,
and the last week itself. It also keeps two deviations from the mean of the day: over the last hours and over
the last day.
"""

import math
from dataclasses import dataclass, field

from quartier.planning.forecast.time_slots import WEEK_DAYS, SlotGrid

LOAD_FEATURES_COUNT = 10
"""Number of features of a slot."""
# Hourly energy of a household, mean 1: BDEW standard profile H0, mean of the days of a year.
STANDARD_LOAD_PROFILE = (
    *(0.60, 0.45, 0.39, 0.38, 0.38, 0.44, 0.72, 1.00, 1.15, 1.21, 1.22, 1.28),
    *(1.39, 1.32, 1.15, 1.04, 1.00, 1.14, 1.39, 1.57, 1.48, 1.30, 1.14, 0.87),
)
_DAY_SHARE, _WEEK_SHARE = 0.08, 0.25
"""Weight of a new day in the mean of a day slot, and of a new week in the mean of a week slot."""
_RECENT_H, _LEVEL_H = 2.3, 24.0
"""Time constants of the two deviations, in hours."""
_DEFAULT_WEIGHT = 0.25
"""Weight of the default profile against the first day."""
_DECAY_H = 3.0


def make_load_prior(ahead_h: float) -> list[float]:
    """Return the initial weights: usual day, last week, level, and the last hours if near.

    The deviation of the last hours counts less with the distance, by ``exp(-ahead / 3 h)``.
    """
    near = math.exp(-ahead_h / _DECAY_H)
    return [0.0, 1.0, 0.3, 0.2, 0.1, 0.05, 0.3 * near, 0.2, 0.3 * near, 0.1]


@dataclass(slots=True)
class LoadModel:
    """Model of a load in W; its size does not grow.

    ``mean_w`` is the assumed mean load before any data.
    """

    grid: SlotGrid
    mean_w: float
    day_w: list[float] = field(default_factory=list)
    week_w: list[float] = field(default_factory=list)
    last_w: list[float] = field(default_factory=list)
    days: list[float] = field(default_factory=list)
    weeks: list[float] = field(default_factory=list)
    recent_w: float = 0.0
    level_w: float = 0.0
    off_w: float = 0.0

    def __post_init__(self) -> None:
        day = self.grid.day
        self.day_w = [self.mean_w * STANDARD_LOAD_PROFILE[part // self.grid.hour] for part in range(day)]
        self.days = [_DEFAULT_WEIGHT] * day
        self.week_w, self.last_w = [math.nan] * (WEEK_DAYS * day), [math.nan] * (WEEK_DAYS * day)
        self.weeks = [0.0] * (WEEK_DAYS * day)

    @property
    def scale_w(self) -> float:
        """Return the mean of the usual day, at least 1 W."""
        return max(sum(self.day_w) / len(self.day_w), 1.0)

    def learn(self, slot: int, value_w: float | None) -> None:
        """Learn the mean of a slot; None means unknown, and the recent deviations then decay."""
        place = self.grid.place(slot)
        near, level = self._share(_RECENT_H), self._share(_LEVEL_H)
        if value_w is None:
            self.recent_w -= near * self.recent_w
            self.level_w -= level * self.level_w
            self.off_w = 0.0
            return
        at, part = place.weekday * self.grid.day + place.part, place.part
        self.off_w = value_w - self.day_w[part]
        self.recent_w += near * (self.off_w - self.recent_w)
        self.level_w += level * (self.off_w - self.level_w)
        self.days[part] = min(self.days[part] + 1.0, 1e6)
        self.day_w[part] += max(_DAY_SHARE, 1.0 / self.days[part]) * (value_w - self.day_w[part])
        self.weeks[at] = min(self.weeks[at] + 1.0, 1e6)
        old = self.week_w[at]
        share = max(_WEEK_SHARE, 1.0 / self.weeks[at])
        self.week_w[at] = value_w if math.isnan(old) else old + share * (value_w - old)
        self.last_w[at] = value_w

    def _share(self, hours: float) -> float:
        return 1.0 - math.exp(-1.0 / (hours * self.grid.hour))

    def find_yesterday_w(self, slot: int, ahead: int) -> float:
        """Return the newest day's value at that local time, known ``ahead`` slots before; NaN without one."""
        place, back = self.grid.place(slot), 1 + ahead // self.grid.day
        return self.last_w[(place.weekday - back) % WEEK_DAYS * self.grid.day + place.part]

    def find_last_week_w(self, slot: int) -> float:
        """Return the value at that local time of the same weekday a week before; NaN if there is none."""
        place = self.grid.place(slot)
        return self.last_w[place.weekday * self.grid.day + place.part]

    def plain(self, slot: int, ahead: int) -> tuple[float, float]:
        """Return the two forecasts without a model: the newest day, and the same day of last week."""
        return self.find_yesterday_w(slot, ahead), self.find_last_week_w(slot)

    def features(self, slot: int, ahead: int, scale_w: float) -> list[float]:
        """Return the features of a slot as known ``ahead`` slots before it, divided by ``scale_w``."""
        place, day = self.grid.place(slot), self.grid.day
        part, at = place.part, place.weekday * day + place.part
        usual = self.day_w[part]
        neighbours = 0.5 * (self.day_w[part - 1] + self.day_w[(part + 1) % day])
        newest = self.last_w[(place.weekday - 1 - ahead // day) % WEEK_DAYS * day + part]
        found = (
            *(
                scale_w,
                usual,
                neighbours - usual,
                _find_deviation(self.week_w[at], usual),
                _find_deviation(newest, usual),
            ),
            *(_find_deviation(self.last_w[at], usual), self.recent_w, self.level_w, self.off_w),
            self.level_w * usual / scale_w,
        )
        return [value / scale_w for value in found]


def _find_deviation(value: float, usual: float) -> float:
    return 0.0 if math.isnan(value) else value - usual
