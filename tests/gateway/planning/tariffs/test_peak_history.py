"""A price for each day's largest import: above the usual one, and above what this day has reached."""

import json
import math

import pytest

from quartier.planning.tariffs.peak_history import PEAK_DAYS_COUNT, PeakHistory


def lived(tops_w, hours=24):
    peaks = PeakHistory()
    for day, top_w in enumerate(tops_w):
        for hour in range(hours):
            peaks.learn(day, top_w if hour == 19 else -500.0)
    return peaks


def test_nothing_is_dear_before_a_whole_day_is_known():
    assert () == PeakHistory().surcharges([0, 0, 1], 1e-4)
    assert () == lived([3_000.0]).surcharges([0, 1], 1e-4)


def test_an_import_pays_for_the_share_of_days_that_it_would_have_been_the_largest_of():
    peaks = lived([*(1_000.0 * day for day in range(1, 12)), 50.0])  # the last day is not over
    found = peaks.surcharges([11, 12], 1e-4)

    assert [[2_000.0] * 2, [6_000.0] * 2, [10_000.0] * 2] == [one.above_w for one in found]
    assert pytest.approx([3e-5, 4e-5, 3e-5]) == [one.eur_per_wh for one in found]


def test_above_all_of_them_it_pays_the_whole_price():
    found = lived([1_000.0, 5_000.0, 0.0]).surcharges([3], 1e-4)
    assert pytest.approx(1e-4) == sum(one.eur_per_wh for one in found if one.above_w[0] < 5_000.0)


def test_what_this_day_has_reached_is_free_today_and_not_tomorrow():
    peaks = lived([2_000.0, 2_000.0, 2_000.0])
    peaks.learn(3, 4_500.0)
    peaks.learn(3, 200.0)
    assert [[4_500.0, 4_500.0, 2_000.0]] * 3 == [one.above_w for one in peaks.surcharges([3, 3, 4], 1e-4)]


def test_old_days_are_forgotten():
    peaks = lived([9_000.0] * PEAK_DAYS_COUNT + [1_000.0] * (PEAK_DAYS_COUNT + 1))
    assert {1_000.0} == {one.above_w[0] for one in peaks.surcharges([2 * PEAK_DAYS_COUNT + 1], 1e-4)}
    assert PEAK_DAYS_COUNT == len(peaks.days_w)


def test_a_day_of_export_alone_has_a_peak_of_nothing():
    assert {0.0} == {one.above_w[0] for one in lived([-100.0, -100.0]).surcharges([2], 1e-4)}


def test_without_a_price_there_is_no_surcharge():
    assert () == lived([1_000.0, 1_000.0]).surcharges([2], 0.0)


def test_what_was_reached_today_outlives_being_kept_and_is_none_of_another_day():
    peaks, other = lived([2_000.0, 2_500.0, 4_000.0]), PeakHistory()
    other.recall(json.loads(json.dumps(peaks.keep())))

    assert peaks == other
    assert (4_000.0, 0.0) == (other.find_day_peak_w(2), other.find_day_peak_w(3))
    fresh = PeakHistory()
    fresh.recall(json.loads(json.dumps(PeakHistory().keep())))
    assert math.isnan(fresh.today)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"days_w": [1.0], "today": 3.0},
        {"days_w": ["1"], "today": 3.0, "top_w": 1.0},
        {"days_w": [-1.0], "today": 3.0, "top_w": 1.0},
        {"days_w": [], "today": "x", "top_w": 1.0},
        {"days_w": [], "today": 3.0, "top_w": math.inf},
    ],
)
def test_what_is_no_such_thing_leaves_nothing_reached(told):
    peaks = PeakHistory()
    with pytest.raises(ValueError, match="peak history: expected"):
        peaks.recall(told)
    assert ([], 0.0) == (peaks.days_w, peaks.top_w)
