from dataclasses import replace
from math import inf, nan

import pytest

from quartier.control.observe import observations
from quartier.control.observe.observations import LastGood
from quartier.site.asset_types import Load, OperationMode, OperationModeAsset
from quartier.site.process_image import ProcessImage
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000


def frozen(value, quality=Quality.GOOD):
    image = ProcessImage()
    image.put(make_readings([Reading("a.power_w", value, quality, 0)], S))
    return image.freeze(3 * S)


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e10, "text"])
def test_no_nonsense_counts_as_a_number(value):
    assert observations.read_number(frozen(value), "a.power_w") is None


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.STALE])
def test_only_good_counts(quality):
    assert observations.read_number(frozen(1.0, quality), "a.power_w") is None


def test_a_good_number_keeps_the_instant_it_was_taken():
    assert LastGood(5.0, S) == observations.read_number(frozen(5), "a.power_w")
    assert observations.read_number(frozen(5), "b.power_w") is None


@pytest.mark.parametrize(
    ("period_s", "age_s", "known"), [(1, 14, True), (1, 16, False), (10, 29, True), (10, 31, False)]
)
def test_a_device_is_silent_after_three_polls_or_15_s(period_s, age_s, known):
    load = Load(name="a", rated_w=1, period_s=period_s)
    seen_w = observations.find_power_w({"a.power_w": LastGood(7.0, 0)}, load, age_s * S)

    assert (7.0 if known else None) == seen_w


def test_what_was_never_read_is_not_known(house):
    assert observations.find_power_w({}, house.grid, 0) is None
    assert inf == observations.find_reading_age_s(None, 0)


def test_the_points_control_reads_are_those_of_the_roles(house):
    assert {"grid.power_w", "bat1.soc_pct", "ev1.plugged_on", "pump.relay_on", "pv1.power_w"} <= set(
        observations.list_read_points(house)
    )
    assert "pv1.relay_on" not in observations.list_read_points(house)


def test_a_meter_of_va_alone_that_says_nothing_tells_of_no_power(house):
    apparent = replace(house, grid=replace(house.grid, is_apparent=True))
    image = ProcessImage()
    assert {} == observations.update_last_good(image.freeze(0), apparent, {})

    image.put(make_readings([Reading("grid.apparent_power_va", 900.0, Quality.GOOD, 0)], 0))
    assert LastGood(900.0, 0) == observations.update_last_good(image.freeze(0), apparent, {})["grid.power_w"]


def test_worst_of_one_in_modes_is_the_mode_that_takes_most():
    modes = (OperationMode("run", 1, -5_000.0), OperationMode("rest", 0, 0.0))
    fan = OperationModeAsset(
        name="fan", rated_w=9, quantity="step_index", modes=(OperationMode("on", 1, 900.0), *modes)
    )

    assert 900 == observations.find_worst_power_w(fan)
    assert 0 == observations.find_worst_power_w(replace(fan, modes=modes)), "what generates takes nothing"


def test_worst_is_charging_or_rated_and_nothing_for_generation(house):
    worst = {asset.name: observations.find_worst_power_w(asset) for asset in house.assets}

    assert (5000, 0, 11_040, 3000) == (worst["bat1"], worst["pv1"], worst["ev1"], worst["pump"])
