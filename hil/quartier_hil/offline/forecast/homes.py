"""Homes whose whole records a forecast is judged on.

Records go by the wall: each day has 24 rows, and in those of the CityLearn challenge the sun stands an hour
later until 6 November and from 12 March on, which are California's changes of the clock in 2016/17.  So the
hour that comes twice in autumn has one value and one that nobody knows, and that left out in spring is none.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.planning.forecast.site_history import OptionalPower, SiteFacts
from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.records import table

HOUR_S = 3_600
YEAR = 2016
"""Year with the weekdays and clock changes of the records of the challenge of 2022."""


@dataclass(frozen=True, slots=True)
class Place:
    """Place of the records, and the year of their first row.  Default: Fontana, as CityLearn states."""

    zone: str = "America/Los_Angeles"
    latitude: float | None = 34.1
    longitude: float | None = -117.4
    year: int = YEAR

    @property
    def where(self) -> tuple[float, float] | None:
        """Coordinates where both are known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class Home:
    """Hourly means of a home in W from ``first_slot`` (whole hours since 1970) on; None: nobody knows."""

    name: str
    first_slot: int
    load_w: tuple[OptionalPower, ...]
    generated_w: tuple[OptionalPower, ...]
    price_eur_per_wh: tuple[float, ...]
    premises: SiteFacts


def read(path: Path, place: Place) -> Home:
    """A home from its CSV.  Raises ConfigError with every fault of the file."""
    whole = table.whole(path)
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
    prices = table.prices(path, len(whole.load_w)) or (0.0,) * len(whole.load_w)
    return Home(
        name=path.stem,
        first_slot=first,
        load_w=tuple(None if row is None else whole.load_w[row] for row in order),
        generated_w=tuple(None if row is None else whole.generated_w[row] for row in order),
        price_eur_per_wh=tuple(prices[0 if row is None else row] for row in order),
        premises=SiteFacts(zone=place.zone, where=place.where, pv_rated_w=whole.pv_rated_w),
    )
