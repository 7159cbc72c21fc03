"""The forecast as points and in the report: what may leave, what nobody knows, what is too old."""

from dataclasses import replace

import pytest

from quartier.config.loading import load_site
from quartier.control.observe.quarter_hours import SLOT_MS
from quartier.district.documents.gateway_forms import SeriesForm
from quartier.district.sparkplug.metric_catalog import find_brick_class
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.service import forecast_points
from quartier.planning.service.forecast_points import (
    SiteForecast,
    find_point_values,
    list_point_names,
    list_public_series,
    make_site_forecast,
)
from quartier.site.records import Now
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import Quality

SITE = """\
site = {{ id = "b1", district = "issy" }}
limits = {{ contract_import_w = 9000 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1" }}
devices.gx = {{ bus = "lan", profile = "victron/gx", unit = 227 }}
assets.grid = {{ role = "grid", device = "gx", part = "grid"{grid} }}
assets.bat1 = {{ role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }}
"""
PV = 'assets.pv1 = { role = "pv", device = "gx", part = "pv", rated_w = 6000 }\n'
LOCAL = ', share = "local"'
NOW = Now(10**9, 1_790_000_000_000 // SLOT_MS * SLOT_MS + 60_000, synced=True)


@pytest.fixture
def site(tmp_path):
    def made(grid="", pv=PV):
        path = tmp_path / "site.toml"
        path.write_text(SITE.format(grid=grid) + pv)
        return load_site(path)

    return made


def learnt(hours=100):
    learner = Learner(SiteFacts(pv_rated_w=6000.0, where=(48.82, 2.27)))
    first = NOW.utc_ms // 3_600_000 - hours
    for slot in range(first, first + hours):
        learner.step(slot, 400.0 + slot % 24 * 10.0, 0.0 if slot % 24 < 8 else 900.0)
    return learner


@pytest.fixture
def forecast(site):
    found, learner = SiteForecast(site()), learnt()
    found.take(make_site_forecast(learner, NOW.utc_ms), learner, NOW.utc_ms)
    return found


def test_the_points_are_named_in_the_houses_words_and_each_has_its_value(site):
    found = find_point_values(make_site_forecast(learnt(), NOW.utc_ms))

    assert set(list_point_names(site())) == set(found)
    assert {"w", "wh", "pct"} == {
        parse_quantity(split_point(name)[1]).unit for name in list_point_names(site())
    }
    assert {"Point"} == {find_brick_class("", split_point(name)[1]) for name in list_point_names(site())}, (
        "no sensor measured it"
    )


def test_a_building_without_sun_tells_none(site):
    assert ("load", "net") == list_public_series(site(pv=""))
    assert not [name for name in list_point_names(site(pv="")) if "_sun_" in name]


def test_what_tells_of_an_asset_that_stays_in_the_building_is_no_point_and_stands_in_no_report(
    site, forecast
):
    assert ("sun",) == list_public_series(site(grid=LOCAL))
    assert () == list_public_series(site(pv=PV.replace(" }", f"{LOCAL} }}"))), (
        "grid less net tells of the sun"
    )
    assert all("_sun_" in name for name in list_point_names(site(grid=LOCAL)))
    forecast.follow(site(grid=LOCAL))
    assert {"sun"} == forecast.report(NOW).keys()
    assert {name for name in forecast.names if "_sun_" in name} == {
        reading.point for reading in forecast.readings(NOW)
    }
    forecast.follow(site(grid=LOCAL, pv=""))
    assert forecast.readings(NOW) is None


def test_the_hour_is_the_mean_of_its_quarters_and_the_day_their_energy(forecast):
    series, found = forecast.forecast.load, find_point_values(forecast.forecast)

    assert sum(series.mean_w[:4]) / 4 == found["gateway.forecast_load_1h_w"]
    assert sum(series.mean_w[:96]) / 4 == found["gateway.forecast_load_24h_wh"]
    low_w, high_w = (found[f"gateway.forecast_net_1h_{end}_w"] for end in ("low", "high"))
    assert low_w < found["gateway.forecast_net_1h_w"] < high_w
    assert found["gateway.forecast_error_w"] == forecast.forecast.net.error_w > 0.0


def test_readings_are_of_now_and_what_nobody_knows_is_bad(site, forecast):
    found = {reading.point: reading for reading in forecast.readings(NOW)}
    assert forecast.names == tuple(found)
    assert {(Quality.GOOD, NOW.ns)} == {(one.quality, one.taken_ns) for one in found.values()}

    young, fresh = SiteForecast(site()), Learner(SiteFacts())
    assert (None, None, None) == (young.readings(NOW), young.summary(NOW), young.report(NOW))
    young.take(make_site_forecast(fresh, NOW.utc_ms), fresh, NOW.utc_ms)
    bad = {reading.point for reading in young.readings(NOW) if reading.quality is Quality.BAD}
    assert {"gateway.forecast_error_w", "gateway.forecast_inside_pct"} == bad, "nothing was tried yet"
    assert young.summary(NOW)["error_w"] is None


@pytest.mark.parametrize(
    "later",
    [
        NOW._replace(synced=False),
        NOW._replace(utc_ms=NOW.utc_ms + forecast_points.FORECAST_AGE_MAX_MS),
        NOW._replace(utc_ms=NOW.utc_ms - SLOT_MS),
    ],
)
def test_an_old_forecast_and_one_without_a_clock_tell_nothing(forecast, later):
    assert {Quality.BAD} == {reading.quality for reading in forecast.readings(later)}
    assert (None, None) == (forecast.summary(later), forecast.report(later))


def test_report_starts_with_the_present_quarter_hour_and_lacks_none(forecast):
    now, later = forecast.report(NOW), forecast.report(NOW._replace(utc_ms=NOW.utc_ms + SLOT_MS))

    assert now["net"]["mean_w"][1:] == later["net"]["mean_w"][:-1]
    assert all(SeriesForm.model_validate(series) for told in (now, later) for series in told.values())
    names = ("mean_w", "low_w", "middle_w", "high_w")
    lengths = {len(series[name]) for told in (now, later) for series in told.values() for name in names}
    assert {96} == lengths


def test_hour_and_day_start_with_the_present_quarter_hour_while_no_newer_forecast_is_made(forecast):
    later, series = NOW._replace(utc_ms=NOW.utc_ms + SLOT_MS), forecast.forecast.load
    found = forecast.summary(later)

    assert sum(series.mean_w[1:5]) / 4 == found["load_1h_w"]
    assert sum(series.mean_w[1:97]) / 4 == found["load_24h_wh"]
    seen = {reading.point: reading.value for reading in forecast.readings(later)}
    assert found["load_1h_w"] == seen["gateway.forecast_load_1h_w"]


def test_it_is_made_anew_with_each_quarter_hour_and_with_what_was_learnt_and_not_between(site):
    found, learner = SiteForecast(site()), learnt()
    assert found.is_due(learner, NOW.utc_ms)
    found.take(make_site_forecast(learner, NOW.utc_ms), learner, NOW.utc_ms)
    assert not found.is_due(learner, NOW.utc_ms + 600_000)
    assert found.is_due(learner, NOW.utc_ms + SLOT_MS)
    learner.step(NOW.utc_ms // 3_600_000, 500.0, 0.0)
    assert found.is_due(learner, NOW.utc_ms)
    untaught = Learner(SiteFacts())
    found.take(make_site_forecast(untaught, NOW.utc_ms), untaught, NOW.utc_ms)
    assert not found.is_due(untaught, NOW.utc_ms), "a house that has learnt nothing rests too"


def test_a_series_without_a_back_test_says_so(forecast):
    series = replace(forecast.forecast.net, error_w=None, miss_w=None, inside_pct=None)
    forecast.forecast = replace(forecast.forecast, net=series)

    assert [None] * 3 == [forecast.report(NOW)["net"][name] for name in ("error_w", "miss_w", "inside_pct")]
