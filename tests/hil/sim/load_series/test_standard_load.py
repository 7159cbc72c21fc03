import datetime as dt

from quartier_sim.load_series.standard_load import build_standard_series

DAY = build_standard_series(dt.date(2026, 6, 12), seed=4)


def test_a_june_day_in_issy_has_sun_from_morning_to_evening():
    assert 0 == DAY.at(2 * 3600).solar_w_per_kw
    assert 4_000 < sum(DAY.solar_w_per_kw) / 60 < 8_000
    assert max(DAY.solar_w_per_kw) < 1_000


def test_a_household_takes_some_kilowatt_hours_and_peaks_with_its_appliances():
    assert 6_000 < sum(DAY.base_w) / 60 < 20_000
    assert 2_000 < max(DAY.base_w) < 12_000


def test_seeds_repeat():
    assert DAY == build_standard_series(dt.date(2026, 6, 12), seed=4)
    assert DAY != build_standard_series(dt.date(2026, 6, 12), seed=5)


def test_days_follow_one_another():
    assert 2 * 1440 == len(build_standard_series(dt.date(2026, 12, 31), days_count=2).base_w)
