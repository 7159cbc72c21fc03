"""Publish the forecast: points of the gateway, and 96 quarter hours of the flexibility report.

A series that reveals an asset with ``share = "local"`` is neither a point nor part of a report.
"""

from collections.abc import Sequence
from typing import Any

from quartier.config.sections import asset_sections, site_file
from quartier.control.observe.quarter_hours import DAY_SLOTS, SLOT_MS
from quartier.planning.forecast.forecast_series import Forecast, ForecastSeries
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.site.records import Now
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import VALUE_KINDS, Layout, Quality, Reading, Readings, make_readings

FORECAST_AGE_MAX_SLOTS = 2
"""A forecast is used until this many of its quarter hours are over."""
FORECAST_AGE_MAX_MS = FORECAST_AGE_MAX_SLOTS * SLOT_MS
FORECAST_SLOTS = DAY_SLOTS + FORECAST_AGE_MAX_SLOTS - 1
"""Quarter hours that a forecast covers: enough for a whole day in a report until the forecast is too old."""
_HOUR_SLOTS = 4
_SLOT_H = SLOT_MS / 3_600_000
_LOAD_SERIES, _GENERATION_SERIES, _NET_SERIES = "load", "sun", "net"
_QUALITY_POINTS = ("gateway.forecast_error_w", "gateway.forecast_inside_pct")


def list_public_series(site: site_file.SiteFile) -> tuple[str, ...]:
    """Return which of load, PV and net may leave the site.

    A series may not leave if it includes an asset whose data stay in the building.
    """
    grid, parts = (
        site.grid()[1],
        (asset_sections.BatterySection, asset_sections.ChargePointSection, asset_sections.PvSection),
    )
    suns = [one for one in site.assets.values() if isinstance(one, asset_sections.PvSection)]
    entering = [grid, *(one for one in site.assets.values() if isinstance(one, parts))]
    found = (_GENERATION_SERIES,) if suns and _is_public(suns) else ()
    return (_LOAD_SERIES, *found, _NET_SERIES) if _is_public(entering) else found


def _is_public(assets: Sequence[Any]) -> bool:
    return all(one.share != "local" for one in assets)


def list_point_names(site: site_file.SiteFile) -> tuple[str, ...]:
    """Return the points of a site's forecast: next hour mean, 10 and 90 %; next day energy; quality."""
    of = list_public_series(site)
    hour = (f"gateway.forecast_{one}_1h{end}_w" for one in of for end in ("", "_low", "_high"))
    day = (f"gateway.forecast_{one}_24h_wh" for one in of)
    return (*hour, *day, *(_QUALITY_POINTS if _NET_SERIES in of else ()))


class SiteForecast:
    """Forecast of a day from the current quarter hour on; ``forecast`` is None before the first one."""

    def __init__(self, site: site_file.SiteFile) -> None:
        self.forecast: Forecast | None = None
        self._made_from: tuple[int, float] | None = None
        self.follow(site)

    def follow(self, site: site_file.SiteFile) -> None:
        """Use a new site file to decide what may leave the site."""
        self._of, self.names = list_public_series(site), list_point_names(site)
        self._layout = Layout(
            self.names, bytes(VALUE_KINDS[parse_quantity(split_point(name)[1]).kind] for name in self.names)
        )

    def is_due(self, learner: Learner, utc_ms: int) -> bool:
        """Return whether a new quarter hour began, or new data was learned, since the forecast was made."""
        return self._made_from != _find_start(learner, utc_ms)

    def take(self, forecast: Forecast, learner: Learner, utc_ms: int) -> None:
        """Store the current forecast."""
        self.forecast, self._made_from = forecast, _find_start(learner, utc_ms)

    def readings(self, now: Now) -> Readings | None:
        """Return the readings of the points, bad where unknown; None before the first forecast."""
        if self.forecast is None or not self.names:
            return None
        age = self._find_age_slots(now)
        found = {} if age is None else find_point_values(self.forecast, age)
        rows = []
        for name in self.names:
            value = found.get(name)
            quality = Quality.BAD if value is None else Quality.GOOD
            rows.append(Reading(name, 0.0 if value is None else value, quality, now.ns))
        return make_readings(rows, now.ns, self._layout)

    def summary(self, now: Now) -> dict[str, float | None] | None:
        """Return the values for people of the site by the name after ``forecast_``; None if unknown."""
        age = self._find_age_slots(now)
        if self.forecast is None or age is None:
            return None
        return {
            name.partition("forecast_")[2]: value
            for name, value in find_point_values(self.forecast, age).items()
        }

    def report(self, now: Now) -> dict[str, Any] | None:
        """Return the series of the flexibility report: 96 quarter hours from the current one on.

        No value is missing. Return None without a recent forecast.
        """
        age = self._find_age_slots(now)
        if self.forecast is None or age is None:
            return None
        return {one: _render_series(getattr(self.forecast, _SERIES_FIELDS[one]), age) for one in self._of}

    def _find_age_slots(self, now: Now) -> int | None:
        """Return how many quarter hours of the forecast are over; None if it cannot be used now."""
        if self.forecast is None or not now.synced:
            return None
        age_ms = now.utc_ms - round(self.forecast.net.start_utc_s * 1000)
        return age_ms // SLOT_MS if 0 <= age_ms < FORECAST_AGE_MAX_MS else None


_SERIES_FIELDS = {_LOAD_SERIES: "load", _GENERATION_SERIES: "generated", _NET_SERIES: "net"}


def _find_start(learner: Learner, utc_ms: int) -> tuple[int, float]:
    newest = learner.newest
    return utc_ms // SLOT_MS, newest if newest == newest else -1.0  # noqa: PLR0124 - NaN: nothing was learnt


def make_site_forecast(learner: Learner, utc_ms: int) -> Forecast:
    """Forecast ``FORECAST_SLOTS`` quarter hours from the current one on."""
    step_s = SLOT_MS / 1000
    return make_forecast(learner, utc_ms // SLOT_MS * step_s, FORECAST_SLOTS * step_s, step_s)


def find_point_values(forecast: Forecast, age: int = 0) -> dict[str, float | None]:
    """Return the value of every point, in W, Wh and percent; None where it is not known.

    ``age`` quarter hours of the forecast are over: the hour and the day begin after them.
    """
    hour, day = slice(age, age + _HOUR_SLOTS), slice(age, age + DAY_SLOTS)
    found: dict[str, float | None] = {}
    for one, name in _SERIES_FIELDS.items():
        series: ForecastSeries = getattr(forecast, name)
        columns_w = {"": series.mean_w, "_low": series.low_w, "_high": series.high_w}
        for end, column_w in columns_w.items():
            found[f"gateway.forecast_{one}_1h{end}_w"] = sum(column_w[hour]) / _HOUR_SLOTS
        found[f"gateway.forecast_{one}_24h_wh"] = sum(series.mean_w[day]) * _SLOT_H
    found |= dict(zip(_QUALITY_POINTS, (forecast.net.error_w, forecast.net.inside_pct), strict=True))
    return found


def _render_series(series: ForecastSeries, age: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: [round(watts, 1) for watts in getattr(series, name)[age : age + DAY_SLOTS]]
        for name in ("mean_w", "low_w", "middle_w", "high_w")
    }
    found |= {"model": series.model}
    return found | {name: _round_value(getattr(series, name)) for name in ("error_w", "miss_w", "inside_pct")}


def _round_value(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
