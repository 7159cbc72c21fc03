import numpy as np
import pytest

from quartier_bench.meter_check.second_loads import DAY_S, make_day
from quartier_bench.meter_check.sound_meters import VARIANTS
from quartier_bench.meter_check.whole_cycle import make_scenario, make_series, run_day, run_days

NOON_S = 12 * 3_600


def test_the_plant_is_driven_by_each_second_of_the_day(home):
    day, series = make_day(home, 1), make_series(home, VARIANTS["plain"], 1, seed=1)
    drives = [series.at(second) for second in range(NOON_S, NOON_S + 600)]

    assert np.allclose(day.load_w[NOON_S : NOON_S + 600], [one.base_w for one in drives])
    assert drives[0].solar_w_per_kw == pytest.approx(day.generated_w[NOON_S] / home.pv_rated_kw)
    assert {0.0} == {one.unlisted_w for one in drives}
    assert series.at(DAY_S + 5) == series.at(DAY_S - 1)


def test_what_is_not_listed_gives_beside_it(home):
    series = make_series(home, VARIANTS["unlisted-pv"], 1, seed=1)

    assert series.at(NOON_S).unlisted_w == pytest.approx(4.0 * series.at(NOON_S).solar_w_per_kw)


@pytest.mark.parametrize(("power_w", "expected"), [(700.0, (700.0, 0.0)), (-700.0, (0.0, 700.0))])
def test_another_battery_is_a_load_or_an_unlisted_source(home, power_w, expected):
    plain = make_series(home, VARIANTS["plain"], 1, seed=1).at(60)
    other = make_series(home, VARIANTS["plain"], 1, seed=1, answer=lambda: power_w).at(60)

    assert expected == pytest.approx((other.base_w - plain.base_w, other.unlisted_w))


@pytest.mark.parametrize(
    ("variant", "grid_meter"),
    [("plain", "usual"), ("minute-meter", "minute"), ("apparent", "linky"), ("meter-deadband", "usual")],
)
def test_the_building_has_the_meter_of_the_variant(home, variant, grid_meter):
    house = make_scenario(home, VARIANTS[variant], 1, seed=1).house

    assert (grid_meter, grid_meter == "linky") == (house.grid_meter, "tic" in house.meters)


def test_a_full_car_stands_there_from_the_start_and_wants_nothing(home):
    (event,) = make_scenario(home, VARIANTS["full-car"], 1, seed=1).events

    assert (0, 0) == (event.at_s, event.need_wh)


@pytest.mark.parametrize("variant", ["unlisted-battery", "minute-meter", "apparent", "meter-deadband"])
def test_a_quarter_of_an_hour_in_the_whole_cycle_calls_no_sound_meter_implausible(home, variant):
    counts = run_day(home, VARIANTS[variant], 0, duration_s=900)

    assert (900, 0) == (counts.seconds_count, counts.implausible_s)


def test_no_day_is_no_second(home):
    assert 0 == run_days(home, VARIANTS["plain"], []).seconds_count
