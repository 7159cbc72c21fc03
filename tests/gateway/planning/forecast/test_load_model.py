import pytest

from quartier.planning.forecast.load_model import (
    LOAD_FEATURES_COUNT,
    STANDARD_LOAD_PROFILE,
    LoadModel,
    make_load_prior,
)
from quartier.planning.forecast.time_slots import SlotGrid

GRID = SlotGrid(3_600, "UTC")


def lived(load_w, days):
    habit = LoadModel(GRID, 500.0)
    for slot in range(days * 24):
        habit.learn(slot, load_w(slot))
    return habit


def test_a_building_without_a_past_is_a_standard_household():
    assert 1.0 == pytest.approx(sum(STANDARD_LOAD_PROFILE) / 24, abs=0.002)
    assert 500.0 * STANDARD_LOAD_PROFILE[19] == LoadModel(GRID, 500.0).day_w[19]


def test_a_first_day_outweighs_the_default():
    assert 1_000 * 0.8 + 500 * STANDARD_LOAD_PROFILE[3] * 0.2 == pytest.approx(
        lived(lambda _: 1_000.0, 1).day_w[3]
    )


def test_yesterday_is_the_newest_day_that_is_known():
    habit = lived(float, 9)
    slot = 9 * 24 + 5

    assert slot - 24 == habit.find_yesterday_w(slot, 5)
    assert slot - 24 == habit.find_yesterday_w(slot + 24, 29)
    assert slot - 168 == habit.find_last_week_w(slot)


def test_what_was_near_fades_while_nobody_knows():
    habit = lived(lambda slot: 500.0 if slot < 200 else 2_000.0, 9)
    near_w = habit.recent_w
    for slot in range(216, 240):
        habit.learn(slot, None)

    assert near_w > 500
    assert abs(habit.recent_w) < 1
    assert 0 == habit.off_w


def test_features_and_their_weights_are_as_many():
    assert (
        LOAD_FEATURES_COUNT == len(make_load_prior(5)) == len(LoadModel(GRID, 500.0).features(30, 5, 500.0))
    )
