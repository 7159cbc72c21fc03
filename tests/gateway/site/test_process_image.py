from array import array
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.site.process_image import PointValue, ProcessImage
from quartier_drivers.readings import NO_READINGS, Layout, Quality, Reading, Readings, make_readings

S = 1_000_000_000


def told(*readings, t=0, layout=None):
    """(point, value, quality) of one moment, t in s."""
    rows = (Reading(point, value, quality, 0) for point, value, quality in readings)
    return make_readings(rows, t * S, layout)


def image(*tellings):
    made = ProcessImage()
    for telling in tellings:
        made.put(telling)
    return made


def power(value, t=0, point="a.power_w"):
    return told((point, value, Quality.GOOD), t=t)


def test_the_newest_telling_of_a_point_stays():
    frozen = image(power(1.0), power(2.0, t=1)).freeze(3 * S)

    assert PointValue(2.0, Quality.GOOD, 2.0) == frozen["a.power_w"]
    assert (["a.power_w"], 1) == (list(frozen), len(frozen))


def test_what_is_frozen_does_not_change():
    living = image(power(1.0))
    frozen = living.freeze(0)
    living.put(power(9.0, t=1))
    living.drop(["a.power_w", "unknown.power_w"])

    assert (1.0, None) == (frozen["a.power_w"].value, frozen.get("b.power_w"))
    assert 0 == len(living.freeze(S))


def test_nothing_told_changes_nothing():
    assert 0 == len(image(NO_READINGS).freeze(0))


def test_a_dropped_point_is_back_when_it_is_told_again_and_its_neighbours_never_left():
    both = Layout(("a.power_w", "b.power_w"), bytes(2))
    living = image(Readings(both, array("d", [1.0, 2.0]), bytes(2), 0))
    living.drop(["a.power_w"])
    without = living.freeze(0)
    living.put(Readings(both, array("d", [3.0, 4.0]), bytes(2), 0))

    assert (None, 2.0) == (without.number("a.power_w", 1), without.number("b.power_w", 1))
    assert (3.0, 4.0) == tuple(living.freeze(0).number(f"{name}.power_w", 1) for name in "ab")


@pytest.mark.parametrize(
    ("value", "quality", "t", "expected"),
    [
        (5, Quality.GOOD, 0, 5.0),
        (True, Quality.GOOD, 0, 1.0),
        (2**60, Quality.GOOD, 0, 2.0**60),
        (5, Quality.BAD, 0, None),
        (5, Quality.STALE, 0, None),
        ("x", Quality.GOOD, 0, None),
        (5, Quality.GOOD, -2, None),
    ],
)
def test_a_number_is_good_and_young_enough_or_none(value, quality, t, expected):
    frozen = image(told(("a.power_w", value, quality), t=t)).freeze(0)

    assert expected == frozen.number("a.power_w", 1.0)
    assert frozen.number("b.power_w", 1.0) is None


def test_a_reading_ages_by_itself_and_one_that_is_not_good_is_infinitely_old():
    living = image(told(("a.power_w", 1.0, Quality.GOOD), ("b.power_w", 1.0, Quality.BAD)))

    assert (7.0, inf, inf) == tuple(living.freeze(7 * S).age_s(f"{name}.power_w") for name in "abc")


POINTS = "abcdef"
LAYOUTS = st.lists(st.sampled_from(POINTS), max_size=4).map(
    lambda found: Layout(tuple(found), bytes(len(found)))
)
PUTS = st.tuples(st.just("put"), st.integers(0, 4), st.integers(0, 2))
DROPS = st.tuples(st.just("drop"), st.sets(st.sampled_from(POINTS)))
FREEZES = st.tuples(st.just("freeze"))


@given(st.lists(LAYOUTS, min_size=5, max_size=5), st.lists(st.one_of(PUTS, DROPS, FREEZES), max_size=40))
def test_however_layouts_overlap_and_alternate_the_newest_telling_of_each_point_wins(layouts, steps):
    living, model, frozen = ProcessImage(), {}, []
    for number, step in enumerate(steps):
        match step:
            case "put", which, quality:
                layout = layouts[which]
                count = len(layout)
                values = array("d", [10.0 * number + place for place in range(count)])
                telling = Readings(layout, values, bytes([quality] * count), number)
                living.put(telling)
                model |= {reading.point: reading for reading in telling}
            case "drop", points:
                living.drop(points)
                model = {point: reading for point, reading in model.items() if point not in points}
            case _:
                frozen.append((living.freeze(number), dict(model)))
                for point in POINTS:  # what a cycle asks now must not decide what a later one finds
                    frozen[-1][0].good(point)
    for seen, held in [*frozen, (living.freeze(99), model)]:
        age = {
            point: PointValue(r.value, r.quality, (seen.now_ns - r.taken_ns) / 1e9)
            for point, r in held.items()
        }
        assert age == dict(seen)
        assert {p: r.value if r.quality is Quality.GOOD else None for p, r in held.items()} == {
            point: seen.number(point, inf) for point in held
        }
        assert not any(seen.good(point) for point in POINTS if point not in held)
    newest = {id(layout) for layout in living._sources}
    assert len(living._latest) == len(living._sources) <= len(model)
    assert newest <= {id(layout) for layout in layouts if set(layout.points) & model.keys()}


def test_a_layout_that_is_the_newest_of_no_point_is_let_go():
    living = image(told(("a.x_w", 1.0, Quality.GOOD), ("b.x_w", 1.0, Quality.GOOD)))
    for t in range(1000):
        living.put(power(1.0, t, "a.x_w"))
        living.put(power(1.0, t, "b.x_w"))

    assert 2 == len(living._latest)


def test_a_good_value_says_when_it_was_taken_and_a_bad_one_nothing():
    living = image(power(1.5, t=1), told(("b.power_w", 2.0, Quality.BAD), t=2))

    assert ((1.5, S), None, None) == tuple(living.freeze(9 * S).good(f"{name}.power_w") for name in "abc")
