import pytest

from quartier.planning.forecast.forecast_series import resample_bands

SLOTS = [(100.0, 50.0, 90.0, 200.0), (300.0, 250.0, 290.0, 400.0), (0.0, 0.0, 0.0, 0.0)]


def test_a_step_across_two_slots_takes_of_each_by_its_share():
    assert [(250.0, 200.0, 240.0, 350.0)] == resample_bands(SLOTS, 3_600, 2_700, 3_600, 1)


def test_finer_steps_hold_their_slot():
    assert [100.0] * 4 + [300.0] * 4 == [band[0] for band in resample_bands(SLOTS, 3_600, 0, 900, 8)]


def test_coarser_steps_are_means():
    assert [400.0 / 3] == pytest.approx([band[0] for band in resample_bands(SLOTS, 3_600, 0, 10_800, 1)])
