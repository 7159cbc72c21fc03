"""Held against pvlib: what a plane's clear sky would give is learnt without knowing how the plane lies."""

import pandas as pd
import pvlib
import pytest

from quartier.planning.forecast.generation_model import ClearSkyModel, find_irradiance
from quartier.planning.forecast.time_slots import SlotGrid

PARIS = (48.82, 2.27)
GRID = SlotGrid(3_600, "Europe/Paris")
TIMES = pd.date_range("2026-04-01", "2026-07-01", freq="5min", tz="UTC", inclusive="left")


@pytest.fixture(scope="module")
def sun_and_sky():
    """Where the sun stands, and pvlib's Ineichen sky."""
    place = pvlib.location.Location(*PARIS)
    return place.get_solarposition(TIMES), place.get_clearsky(TIMES, linke_turbidity=3.0)


def plane_w(sun_and_sky, tilt_deg, azimuth_deg, rated_w):
    """Hourly means that the sky gives on a plane, 85 % of it used."""
    sun, sky = sun_and_sky
    whole = pvlib.irradiance.get_total_irradiance(
        tilt_deg, azimuth_deg, sun["apparent_zenith"], sun["azimuth"], sky["dni"], sky["ghi"], sky["dhi"]
    )["poa_global"].fillna(0.0)
    return (0.85 * rated_w / 1_000.0 * whole).resample("1h").mean()


@pytest.mark.parametrize(("tilt_deg", "azimuth_deg"), [(30, 180), (15, 90), (45, 240), (0, 180)])
def test_a_planes_course_is_learnt_in_two_months_to_2_pct_of_its_rated_power(
    sun_and_sky, tilt_deg, azimuth_deg
):
    given, sky = plane_w(sun_and_sky, tilt_deg, azimuth_deg, 5_000.0), ClearSkyModel(GRID, 5_000.0, PARIS)
    pairs = []
    for at, (then, value) in enumerate(given.items()):
        slot, is_cloudy = int(then.timestamp() // 3_600), at // 24 % 3
        if at >= 24 * 60:
            pairs.append((sky.predict_w(slot), value))
        # Two days of three have clouds, so that it stays below; how much is what clearness is for.
        sky.learn(slot, value * (0.3 if is_cloudy else 1.0))

    factor = sum(value for _, value in pairs) / sum(said for said, _ in pairs)
    assert 1 < factor < 1.2
    assert sum(abs(factor * said - value) for said, value in pairs) / len(pairs) < 0.02 * 5_000


def test_a_site_without_coordinates_learns_its_hours(sun_and_sky):
    given, sky = plane_w(sun_and_sky, 30, 180, 5_000.0), ClearSkyModel(GRID, 5_000.0, None)
    for then, value in given.items():
        sky.learn(int(then.timestamp() // 3_600), value)

    for then, value in given.iloc[-24:].items():
        assert value == pytest.approx(sky.predict_w(int(then.timestamp() // 3_600)), abs=0.04 * 5_000)


def test_global_irradiance_is_haurwitz_as_pvlib_has_it():
    place = pvlib.location.Location(*PARIS)
    zenith = place.get_solarposition(TIMES[:288])["zenith"]
    expected = pvlib.clearsky.haurwitz(zenith)["ghi"]

    for then, value in expected.items():
        assert value == pytest.approx(1e3 * find_irradiance(then.timestamp(), PARIS)[0], abs=0.7)


def test_the_night_is_dark():
    assert (0, 0, 0) == find_irradiance(TIMES[0].timestamp(), PARIS)
