"""Held against the SPA of NREL as pvlib has it; the error that the module states is the one asserted here."""

import datetime as dt
import math
from zoneinfo import ZoneInfo

import pandas as pd
import pvlib
import pytest

from quartier.control.observe import local_time
from quartier.control.observe.local_time import find_local_time_s
from quartier.site.records import Now


def utc(*then: int) -> Now:
    return Now(0, int(dt.datetime(*then, tzinfo=dt.UTC).timestamp() * 1000), synced=True)


@pytest.mark.parametrize(
    ("now", "hour"),
    [
        (utc(2026, 1, 15, 21), 22),
        (utc(2026, 7, 15, 21), 23),
        (utc(2026, 3, 29, 0, 59), 1 + 59 / 60),
        (utc(2026, 3, 29, 1, 0), 3),
        (utc(2026, 10, 25, 0, 30), 2.5),
        (utc(2026, 10, 25, 1, 30), 2.5),
    ],
)
def test_the_wall_of_the_building_also_on_the_days_when_clocks_change(now, hour):
    assert pytest.approx(hour * 3600) == find_local_time_s(now, "Europe/Paris")


def test_nobody_knows_the_hour_while_the_clock_is_not_trusted():
    assert find_local_time_s(Now(0, 0, synced=False), "Europe/Paris") is None


@pytest.mark.parametrize(
    ("day", "hour", "at_hour", "left_h"),
    [
        ((2026, 1, 15), 12, 22, 10),
        ((2026, 1, 15), 22, 22, 24),
        ((2026, 1, 15), 23, 6, 7),
        ((2026, 3, 28), 22, 6, 7),  # the clock goes forward in that night
        ((2026, 10, 24), 22, 6, 9),  # and back in this one
    ],
)
def test_the_time_left_until_a_time_of_day_knows_the_change_of_the_clock(day, hour, at_hour, left_h):
    then = dt.datetime(*day, hour, tzinfo=ZoneInfo("Europe/Paris"))
    now = Now(0, round(then.timestamp() * 1000), True)

    assert left_h * 3600 == local_time.find_seconds_until(now, "Europe/Paris", at_hour * 3600)


def test_without_a_trusted_clock_no_time_is_left():
    assert local_time.find_seconds_until(Now(0, 0, False), "Europe/Paris", 0) is None


def test_a_time_of_day_is_said_as_on_a_clock_also_around_midnight():
    assert ["00:00", "23:54", "06:05"] == [local_time.format_clock(s) for s in (86_400, -360, 21_930)]


PLACES = {
    "Paris": (48.82, 2.27),
    "Tromsø": (69.65, 18.96),
    "Quito": (-0.18, -78.47),
    "Hobart": (-42.88, 147.33),
}
ERROR_DEG = 0.02
ERROR_S = 5.0


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_suns_elevation_is_within_two_hundredths_of_a_degree_of_spa(place):
    times = pd.date_range("2024-01-01", "2034-01-01", freq="37h", tz="UTC")
    expected = pvlib.solarposition.spa_python(times, *place)["elevation"]
    worst = max(
        abs(local_time.find_sun_elevation_deg(then.timestamp() * 1000, *place) - deg)
        for then, deg in zip(times, expected, strict=True)
    )

    assert worst < ERROR_DEG


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_suns_direction_is_within_two_hundredths_of_a_degree_of_spa(place):
    times = pd.date_range("2024-01-01", "2034-01-01", freq="37h", tz="UTC")
    expected = pvlib.solarposition.spa_python(times, *place)[["elevation", "azimuth"]].map(math.radians)
    for then, (elevation, azimuth) in zip(times, expected.to_numpy(), strict=True):
        east, north, up = local_time.find_sun_direction(then.timestamp() * 1000, *place)
        level = math.cos(elevation)
        away = (east - level * math.sin(azimuth), north - level * math.cos(azimuth), up - math.sin(elevation))

        assert math.degrees(math.hypot(*away)) < ERROR_DEG


def test_sunset_in_paris_is_within_five_seconds_of_spa():
    days = pd.date_range("2026-01-01", "2026-12-31", freq="5D", tz="UTC")
    expected = pvlib.solarposition.sun_rise_set_transit_spa(days, *PLACES["Paris"])["sunset"]
    errors = [abs(sunset_s(then.timestamp()) - then.timestamp()) for then in expected]

    assert max(errors) < ERROR_S


def sunset_s(near_s: float) -> float:
    """When the sun goes down within half an hour of ``near_s``, by bisection."""
    above_s, below_s = near_s - 1800, near_s + 1800
    while below_s - above_s > 0.5:
        middle_s = (above_s + below_s) / 2
        up = local_time.find_sun_elevation_deg(middle_s * 1000, *PLACES["Paris"]) > local_time.HORIZON_DEG
        above_s, below_s = (middle_s, below_s) if up else (above_s, middle_s)
    return above_s


def test_the_pole_has_its_night_and_its_day():
    noon = dt.datetime(2026, 12, 21, 11, tzinfo=dt.UTC).timestamp() * 1000
    midnight = dt.datetime(2026, 6, 21, 23, tzinfo=dt.UTC).timestamp() * 1000

    assert local_time.HORIZON_DEG > local_time.find_sun_elevation_deg(noon, *PLACES["Tromsø"])
    assert local_time.HORIZON_DEG < local_time.find_sun_elevation_deg(midnight, *PLACES["Tromsø"])
