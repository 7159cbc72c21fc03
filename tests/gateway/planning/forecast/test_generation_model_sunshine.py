import pytest

from quartier.planning.forecast.generation_model import (
    GENERATION_FEATURES_COUNT,
    ClearSkyModel,
    GenerationModel,
    make_generation_prior,
)
from quartier.planning.forecast.time_slots import SlotGrid

GRID = SlotGrid(3_600, "UTC")
APRIL = 1_775_001_600 // 3_600


def lived(share, days):
    """A plant that gives a share of its clear sky, by the day."""
    sky = ClearSkyModel(GRID, 4_000.0, (48.82, 2.27))
    sun, course = GenerationModel(GRID, sky), ClearSkyModel(GRID, 4_000.0, (48.82, 2.27))
    for slot in range(APRIL, APRIL + 24 * days):
        sun.learn(slot, share((slot - APRIL) // 24) * course.predict_w(slot))
    return sun


def test_clearness_tells_the_last_hours_from_the_last_weeks():
    near, day, long = lived(lambda day: 1.0 if day < 29 else 0.3, 30).find_clearness()

    assert near < day < long
    assert 0.3 == pytest.approx(near, abs=0.1)
    assert long > 0.8


def test_a_night_keeps_the_clearness_of_the_evening():
    sun = lived(lambda _: 0.6, 10)
    evening = sun.find_clearness()
    for slot in range(APRIL + 240, APRIL + 244):
        sun.learn(slot, 0.0)

    assert evening == sun.find_clearness()


def test_what_nobody_knows_changes_nothing():
    sun = lived(lambda _: 0.6, 3)
    before = sun.features(APRIL + 84, 10, 4_000.0)
    sun.learn(APRIL + 72, None)

    assert before == sun.features(APRIL + 84, 10, 4_000.0)


def test_before_any_day_the_sky_is_what_is_usual():
    sun = lived(lambda _: 0.6, 0)

    assert 0 < sun.usual(APRIL + 12) == pytest.approx(0.7 * sun.sky.predict_w(APRIL + 12))


def test_features_and_their_weights_are_as_many():
    assert (
        GENERATION_FEATURES_COUNT
        == len(make_generation_prior(5))
        == len(lived(lambda _: 0.6, 1).features(APRIL + 30, 5, 4_000.0))
    )
