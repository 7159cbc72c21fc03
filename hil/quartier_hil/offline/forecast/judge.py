"""A forecast on records, from hour to hour: its errors beside those of three that need no model.

At each hour it knows what was over, and says what it expects of the next 48; then the hour is taken in.  The
errors count for origins from ``begin`` to ``until``, and for hours that lie before ``until``.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from quartier.planning.forecast.forecast_series import Forecast, ForecastSeries
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.planning.forecast.site_history import OptionalPower
from quartier_hil.offline.forecast.homes import HOUR_S, Home

HORIZON_H, DAY_H, WEEK_H = 48, 24, 168
SPANS = ((0, DAY_H), (DAY_H, HORIZON_H))
"""Hours ahead that are judged together."""
QUANTITIES = ("load", "generated", "net")
OURS = "ours"
RIVALS = ("last hour", "yesterday", "last week")
"""The value of the last hour held; the same hour of the newest day; the same hour a week before."""


@dataclass(slots=True)
class Tally:
    """Errors in W; of ours also how many lay between the quantiles 10 and 90 %, and below 10, 50, 90 %."""

    count: int = 0
    size: float = 0.0
    square: float = 0.0
    within: int = 0
    below: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, error: float) -> None:
        """One error: what was expected minus what happened."""
        self.count += 1
        self.size += abs(error)
        self.square += error * error

    @property
    def mae_w(self) -> float:
        """Mean absolute error."""
        return self.size / self.count

    @property
    def rmse_w(self) -> float:
        """Root of the mean squared error."""
        return math.sqrt(self.square / self.count)

    @property
    def inside_pct(self) -> float:
        """Percentage of the values that lay between the quantiles."""
        return 100.0 * self.within / self.count


Key = tuple[str, int, str]
"""Quantity, place in ``SPANS``, who."""


def freeze(learner: Learner) -> None:
    """Let its weights stand: with no doubt left a regression learns nothing; memories of days go on."""
    regressions = [trial.regression for tried in (learner.load, learner.sun) for trial in tried.trials]
    for one in (*regressions, learner.sky.plane):
        one.spread = [[0.0] * len(row) for row in one.spread]


def walked(
    home: Home, begin: int, until: int, every: int = 1, *, frozen: bool = False
) -> Iterator[tuple[int, Forecast]]:
    """Each origin (a row of the records) with the forecast that was made at its begin."""
    learner = Learner(home.premises)
    for at in range(until):
        if at == begin and frozen:
            freeze(learner)
        if at >= begin and (at - begin) % every == 0:
            yield at, make_forecast(learner, (home.first_slot + at) * HOUR_S, HORIZON_H * HOUR_S, HOUR_S)
        learner.step(home.first_slot + at, home.load_w[at], home.generated_w[at])


def judged(home: Home, begin: int, until: int, every: int = 1, *, frozen: bool = False) -> dict[Key, Tally]:
    """The errors of ours and of the rivals."""
    pairs = zip(home.load_w, home.generated_w, strict=True)
    net_w = [None if load is None or sun is None else load - sun for load, sun in pairs]
    courses = dict(zip(QUANTITIES, (home.load_w, home.generated_w, net_w), strict=True))
    tallies = {
        (name, span, who): Tally()
        for name in QUANTITIES
        for span in range(len(SPANS))
        for who in (OURS, *RIVALS)
    }
    for at, found in walked(home, begin, until, every, frozen=frozen):
        for name, course in courses.items():
            _judge(tallies, name, course[:until], at, getattr(found, name))
    return tallies


def _judge(
    tallies: dict[Key, Tally], name: str, course: Sequence[OptionalPower], at: int, said: ForecastSeries
) -> None:
    for span, (first, last) in enumerate(SPANS):
        ours = tallies[name, span, OURS]
        for far in range(first, min(last, len(course) - at)):
            true = course[at + far]
            if true is None:
                continue
            ours.add(said.mean_w[far] - true)
            low, middle, high = said.low_w[far], said.middle_w[far], said.high_w[far]
            ours.within += low <= true <= high
            for place, value in enumerate((low, middle, high)):
                ours.below[place] += true < value
            for who, rule in _RULES.items():
                # What nobody knows was as the hour before it.
                then = rule(at, far)
                told = course[then] if course[then] is not None else course[then - 1]
                tallies[name, span, who].add((told or 0.0) - true)


_RULES: dict[str, Callable[[int, int], int]] = {
    "last hour": lambda at, _far: at - 1,
    "yesterday": lambda at, far: at + far - DAY_H * (1 + far // DAY_H),
    "last week": lambda at, far: at + far - WEEK_H,
}
