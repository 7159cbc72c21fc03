from math import inf

import pytest

from quartier.house.image import Image, Seen
from quartier_drivers.contract import Quality, Reading

S = 1_000_000_000


def image(*readings):
    made = Image()
    made.put(Reading(point, value, quality, t * S) for point, value, quality, t in readings)
    return made


def test_the_newest_reading_of_a_point_stays():
    frozen = image(("a.power_w", 1.0, Quality.GOOD, 0), ("a.power_w", 2.0, Quality.GOOD, 1)).freeze(3 * S)

    assert Seen(2.0, Quality.GOOD, 2.0) == frozen["a.power_w"]
    assert (["a.power_w"], 1) == (list(frozen), len(frozen))


def test_what_is_frozen_does_not_change():
    living = image(("a.power_w", 1.0, Quality.GOOD, 0))
    frozen = living.freeze(0)
    living.put([Reading("a.power_w", 9.0, Quality.GOOD, S)])
    living.drop(["a.power_w", "unknown.power_w"])

    assert 1.0 == frozen["a.power_w"].value
    assert 0 == len(living.freeze(S))


@pytest.mark.parametrize(
    ("value", "quality", "t", "expected"),
    [
        (5, Quality.GOOD, 0, 5.0),
        (True, Quality.GOOD, 0, 1.0),
        (5, Quality.BAD, 0, None),
        (5, Quality.STALE, 0, None),
        ("x", Quality.GOOD, 0, None),
        (5, Quality.GOOD, -2, None),
    ],
)
def test_a_number_is_good_and_young_enough_or_none(value, quality, t, expected):
    frozen = image(("a.power_w", value, quality, t)).freeze(0)

    assert expected == frozen.number("a.power_w", 1.0)
    assert frozen.number("b.power_w", 1.0) is None


def test_a_reading_ages_by_itself_and_one_that_is_not_good_is_infinitely_old():
    living = image(("a.power_w", 1.0, Quality.GOOD, 0), ("b.power_w", 1.0, Quality.BAD, 0))

    assert (7.0, inf, inf) == tuple(living.freeze(7 * S).age_s(f"{name}.power_w") for name in "abc")
