"""The local time of day of a building, and the position of the sun.

The elevation has no refraction; ``HORIZON_DEG`` holds the refraction at sunrise. Accuracy: within 0.02
degrees of NREL's SPA from 2024 to 2034, and within 5 s of its sunset at Paris.
"""

from datetime import UTC, datetime, timedelta
from math import asin, cos, degrees, floor, radians, sin, tan
from zoneinfo import ZoneInfo

from quartier.site.records import Now


def find_local_time_s(now: Now, zone: str) -> float | None:
    """Return the seconds since local midnight by the wall clock; None while that is not trusted."""
    if not now.synced:
        return None
    then = datetime.fromtimestamp(now.utc_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return then.hour * 3600 + then.minute * 60 + then.second + then.microsecond / 1e6


def find_seconds_until(now: Now, zone: str, at_s: float) -> float | None:
    """Return the seconds until the local time is next ``at_s``, also over a time change; None as above."""
    if not now.synced:
        return None
    here = ZoneInfo(zone)
    then = datetime.fromtimestamp(now.utc_ms / 1000, UTC)
    today = then.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

    def left_s(days: int) -> float:
        # Wall clock arithmetic: the same time of day, whatever lies between.
        wall = today.replace(tzinfo=None) + timedelta(days=days, seconds=at_s)
        return (wall.replace(tzinfo=here).astimezone(UTC) - then).total_seconds()

    today_s = left_s(0)
    return today_s if today_s > 0.0 else left_s(1)


def format_clock(at_s: float) -> str:
    """Format seconds of the local day as ``HH:MM``."""
    minutes = int(at_s // 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


HORIZON_DEG = -0.833
"""Geometric elevation of the sun's centre at sunrise and sunset: 34' of refraction, 16' of its radius."""


_UNIX_EPOCH_JD, _J2000_JD, _CENTURY_D, _DAY_MS = 2_440_587.5, 2_451_545.0, 36_525.0, 86_400_000.0


def find_sun_elevation_deg(utc_ms: float, latitude_deg: float, longitude_deg: float) -> float:
    """Return the elevation of the sun's centre in degrees, without refraction; north and east are plus."""
    sine = find_sun_direction(utc_ms, latitude_deg, longitude_deg)[2]
    return degrees(asin(min(max(sine, -1.0), 1.0)))


def find_sun_direction(
    utc_ms: float, latitude_deg: float, longitude_deg: float
) -> tuple[float, float, float]:
    """Return the direction of the sun's centre, without refraction: a unit vector to east, north and up."""
    days = utc_ms / _DAY_MS
    declination, equation_min = _sun((days + _UNIX_EPOCH_JD - _J2000_JD) / _CENTURY_D)
    minutes = (days - floor(days)) * 1440.0 + equation_min + 4.0 * longitude_deg
    hour_angle = radians(minutes / 4.0 - 180.0)
    latitude = radians(latitude_deg)
    east = -cos(declination) * sin(hour_angle)
    north = cos(latitude) * sin(declination) - sin(latitude) * cos(declination) * cos(hour_angle)
    up = sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour_angle)
    return east, north, up


def _sun(century: float) -> tuple[float, float]:
    """Return declination (radians) and equation of time (minutes); ``century``: Julian, after J2000."""
    mean_longitude = radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360.0)
    anomaly = radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre_deg = (
        sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + sin(2.0 * anomaly) * (0.019993 - 0.000101 * century)
        + sin(3.0 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * century)
    apparent = mean_longitude + radians(centre_deg - 0.00569 - 0.00478 * sin(node))
    seconds = 21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
    obliquity = radians(23.0 + (26.0 + seconds / 60.0) / 60.0 + 0.00256 * cos(node))
    y = tan(obliquity / 2.0) ** 2
    equation = (
        y * sin(2.0 * mean_longitude)
        - 2.0 * eccentricity * sin(anomaly)
        + 4.0 * eccentricity * y * sin(anomaly) * cos(2.0 * mean_longitude)
        - 0.5 * y * y * sin(4.0 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * sin(2.0 * anomaly)
    )
    return asin(sin(obliquity) * sin(apparent)), 4.0 * degrees(equation)
