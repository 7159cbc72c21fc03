"""Errors of the gateway's forecast on records of homes, beside those of three forecasts without a model.

At each hour the forecast knows the past and covers the next 48 hours; then the hour is learned.  The
errors
count for origins from ``begin`` to ``until``, and for hours that lie before ``until``.

Records follow local time: each day has 24 rows, and in those of the CityLearn challenge the sun stands an
hour later until 6 November and from 12 March on, which are California's clock changes in 2016/17.  So of
the
hour that comes twice in autumn one value is missing, and the hour left out in spring has none.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.planning.forecast.forecast_series import Forecast, ForecastSeries
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.planning.forecast.site_history import OptionalPower, SiteFacts
from quartier_drivers.errors import ConfigError, Fault
from quartier_sim.load_series import home_records

HOUR_S = 3_600
RECORDS_YEAR = 2016
"""Year with the weekdays and clock changes of the records of the challenge of 2022."""


@dataclass(frozen=True, slots=True)
class RecordsPlace:
    """Place of the records, and the year of their first row.  Default: Fontana, as CityLearn states."""

    zone: str = "America/Los_Angeles"
    latitude: float | None = 34.1
    longitude: float | None = -117.4
    year: int = RECORDS_YEAR

    @property
    def where(self) -> tuple[float, float] | None:
        """Coordinates where both are known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class RecordedHome:
    """Hourly means of a home in W from ``first_slot`` (whole hours since 1970) on; None: nobody knows."""

    name: str
    first_slot: int
    load_w: tuple[OptionalPower, ...]
    generated_w: tuple[OptionalPower, ...]
    price_eur_per_wh: tuple[float, ...]
    premises: SiteFacts


def read_home(path: Path, place: RecordsPlace) -> RecordedHome:
    """A home from its CSV.  Raises ConfigError with every fault of the file."""
    whole = home_records.read_home_records(path)
    try:
        zone = ZoneInfo(place.zone)
    except (KeyError, OSError, ValueError) as error:
        fault = Fault(str(path), None, "--zone", f"{place.zone} is none; expected one as Europe/Paris")
        raise ConfigError([fault]) from error
    begin = dt.datetime(place.year, whole.month, whole.day, whole.hour - 1, tzinfo=zone)
    rows: dict[int, int] = {}
    for row in range(len(whole.load_w)):
        wall = begin + dt.timedelta(hours=row)  # by the wall: the zone comes in at the end
        rows.setdefault(int(wall.timestamp() // HOUR_S), row)
    first, last = min(rows), max(rows)
    order = [rows.get(slot) for slot in range(first, last + 1)]
    prices = home_records.read_prices(path, len(whole.load_w)) or (0.0,) * len(whole.load_w)
    return RecordedHome(
        name=path.stem,
        first_slot=first,
        load_w=tuple(None if row is None else whole.load_w[row] for row in order),
        generated_w=tuple(None if row is None else whole.generated_w[row] for row in order),
        price_eur_per_wh=tuple(prices[0 if row is None else row] for row in order),
        premises=SiteFacts(zone=place.zone, where=place.where, pv_rated_w=whole.pv_rated_w),
    )


HORIZON_H, DAY_H, WEEK_H = 48, 24, 168
HORIZON_SPANS = ((0, DAY_H), (DAY_H, HORIZON_H))
"""Hours ahead that are judged together."""
QUANTITIES = ("load", "generated", "net")
OURS = "ours"
BASELINES = ("last hour", "yesterday", "last week")
"""The value of the last hour held; the same hour of the newest day; the same hour a week before."""


@dataclass(slots=True)
class ErrorCounts:
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


CountsKey = tuple[str, int, str]
"""Quantity, place in ``SPANS``, who."""


def freeze_weights(learner: Learner) -> None:
    """Let its weights stand: with no doubt left a regression learns nothing; memories of days go on."""
    regressions = [trial.regression for tried in (learner.load, learner.sun) for trial in tried.trials]
    for one in (*regressions, learner.sky.plane):
        one.spread = [[0.0] * len(row) for row in one.spread]


def iterate_forecasts(
    home: RecordedHome, begin: int, until: int, every: int = 1, *, frozen: bool = False
) -> Iterator[tuple[int, Forecast]]:
    """Each origin (a row of the records) with the forecast that was made at its begin."""
    learner = Learner(home.premises)
    for at in range(until):
        if at == begin and frozen:
            freeze_weights(learner)
        if at >= begin and (at - begin) % every == 0:
            yield at, make_forecast(learner, (home.first_slot + at) * HOUR_S, HORIZON_H * HOUR_S, HOUR_S)
        learner.step(home.first_slot + at, home.load_w[at], home.generated_w[at])


def score_forecasts(
    home: RecordedHome, begin: int, until: int, every: int = 1, *, frozen: bool = False
) -> dict[CountsKey, ErrorCounts]:
    """The errors of ours and of the baselines."""
    pairs = zip(home.load_w, home.generated_w, strict=True)
    net_w = [None if load is None or sun is None else load - sun for load, sun in pairs]
    courses = dict(zip(QUANTITIES, (home.load_w, home.generated_w, net_w), strict=True))
    counts = {
        (name, span, who): ErrorCounts()
        for name in QUANTITIES
        for span in range(len(HORIZON_SPANS))
        for who in (OURS, *BASELINES)
    }
    for at, found in iterate_forecasts(home, begin, until, every, frozen=frozen):
        for name, course in courses.items():
            _add_errors(counts, name, course[:until], at, getattr(found, name))
    return counts


def _add_errors(
    counts: dict[CountsKey, ErrorCounts],
    name: str,
    course: Sequence[OptionalPower],
    at: int,
    series: ForecastSeries,
) -> None:
    for span, (first, last) in enumerate(HORIZON_SPANS):
        ours = counts[name, span, OURS]
        for far in range(first, min(last, len(course) - at)):
            true = course[at + far]
            if true is None:
                continue
            ours.add(series.mean_w[far] - true)
            low, middle, high = series.low_w[far], series.middle_w[far], series.high_w[far]
            ours.within += low <= true <= high
            for place, value in enumerate((low, middle, high)):
                ours.below[place] += true < value
            for who, rule in _BASELINE_RULES.items():
                # An unknown hour counts as the hour before it.
                then = rule(at, far)
                predicted_w = course[then] if course[then] is not None else course[then - 1]
                counts[name, span, who].add((predicted_w or 0.0) - true)


_BASELINE_RULES: dict[str, Callable[[int, int], int]] = {
    "last hour": lambda at, _far: at - 1,
    "yesterday": lambda at, far: at + far - DAY_H * (1 + far // DAY_H),
    "last week": lambda at, far: at + far - WEEK_H,
}
