import datetime as dt

import pytest

from quartier_sim.plant.asset_interface import compute_outdoor_c, compute_sun_elevation_deg

PARIS = (48.82, 2.27)


def _utc_s(*when):
    return dt.datetime(*when, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("hour", [3, 7, 12, 16, 20])
def test_the_sun_stands_within_a_degree_of_where_pvlib_sees_it(month, hour):
    pd, pvlib = pytest.importorskip("pandas"), pytest.importorskip("pvlib")
    at = dt.datetime(2026, month, 15, hour, tzinfo=dt.UTC)
    found = pvlib.solarposition.get_solarposition(pd.DatetimeIndex([at]), *PARIS)

    assert abs(float(found["elevation"].iloc[0]) - compute_sun_elevation_deg(at.timestamp())) < 1.0


def test_it_is_dark_at_midnight_and_light_at_noon():
    assert compute_sun_elevation_deg(_utc_s(2026, 6, 21, 0)) < -10
    assert 63 < compute_sun_elevation_deg(_utc_s(2026, 6, 21, 12)) < 66


def test_it_is_coldest_in_the_early_morning():
    assert 7 == compute_outdoor_c(5 * 3600, 12)
    assert 17 == compute_outdoor_c(17 * 3600, 12)
