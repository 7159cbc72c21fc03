import pytest

from quartier_hil.checks.figures import HourlyPeaks


def lived(*watts, from_s=0.0, dt_s=600.0):
    """Steps of ten minutes from ``from_s`` after midnight on."""
    hours = HourlyPeaks()
    for number, grid_w in enumerate(watts, start=1):
        hours.step(from_s + number * dt_s, grid_w, dt_s)
    return hours


def test_the_largest_import_is_the_mean_of_a_whole_hour_of_the_clock():
    hours = lived(*[1_000.0] * 3, *[7_000.0] * 6, *[1_000.0] * 3)

    assert pytest.approx(4_000.0) == hours.top_w
    assert {0: pytest.approx(4_000.0)} == hours.days_w


def test_each_day_has_its_own():
    hours = lived(*[500.0] * 6, *[2_000.0] * 6, *[300.0] * 6, from_s=82_800.0)

    assert {0: pytest.approx(500.0), 1: pytest.approx(2_000.0)} == hours.days_w
    assert pytest.approx(2_000.0) == hours.top_w


def test_an_hour_that_was_lived_in_part_and_an_export_are_no_import():
    assert {} == lived(*[9_000.0] * 5).days_w
    assert {} == lived(*[9_000.0] * 3, from_s=1_800.0).days_w
    assert (0.0, {0: 0.0}) == (HourlyPeaks().top_w, lived(*[-3_000.0] * 6).days_w)
