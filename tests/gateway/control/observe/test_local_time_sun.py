"""Held against the SPA of NREL as pvlib has it; the error that the module states is the one asserted here."""

import datetime as dt
import math

import pandas as pd
import pvlib
import pytest

from quartier.control.observe import local_time

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
