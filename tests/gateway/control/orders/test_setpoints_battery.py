import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.orders.setpoints import find_power_range, follow_target, narrow_ranges, split_power
from quartier.control.records import PowerRange


@pytest.mark.parametrize(
    ("soc_pct", "low_w", "high_w"),
    [
        (5, 0, 5000),
        (20, 0, 5000),
        (20.5, -2500, 5000),
        (21, -5000, 5000),
        (50, -5000, 5000),
        (94.5, -5000, 2500),
        (95, -5000, 0),
        (100, -5000, 0),
    ],
)
def test_room_ends_at_reserve_and_band_and_tapers_in_the_last_percent(house, soc_pct, low_w, high_w):
    assert PowerRange(low_w, high_w) == find_power_range(house.assets[0], soc_pct)


def test_narrowed_shares_in_proportion():
    rooms = [PowerRange(-3000, 2000), PowerRange(-1000, 2000)]

    assert [PowerRange(-1500, 1000), PowerRange(-500, 1000)] == narrow_ranges(rooms, low_w=-2000, high_w=2000)
    assert rooms == narrow_ranges(rooms, low_w=-9000, high_w=9000)
    assert [PowerRange(0, 0), PowerRange(0, 0)] == narrow_ranges(rooms, low_w=0, high_w=0)


def test_split_gives_each_by_its_room():
    rooms = [PowerRange(-3000, 1000), PowerRange(-1000, 1000)]

    assert [-1500, -500] == split_power(-2000, rooms)
    assert [1000, 1000] == split_power(9000, rooms)
    assert [0, 0] == split_power(0, rooms)
    assert [0] == split_power(500, [PowerRange(-1000, 0)])


def test_following_takes_a_quarter_a_second_within_the_ramp(house):
    battery, free = house.assets[0], PowerRange(-5000, 5000)

    assert 1000 == follow_target(battery, 0, 4000, free, 1)
    assert 500 == follow_target(battery, 0, 4000, free, 0.5)
    assert 2500 == follow_target(battery, -5000, 5000, free, 1) + 5000
    assert 100 == follow_target(battery, 100, 120, free, 1)
    assert 300 == follow_target(battery, 4000, 4000, PowerRange(-5000, 300), 1)


watts = st.floats(-1e5, 1e5)


@given(watts, watts, st.floats(-5000, 0), st.floats(0, 5000), st.floats(0, 10))
def test_a_setpoint_never_leaves_its_room(house, before_w, desired_w, low_w, high_w, dt_s):
    assert (
        low_w
        <= follow_target(house.assets[0], before_w, desired_w, PowerRange(low_w, high_w), dt_s)
        <= high_w
    )


@given(watts, st.lists(st.tuples(st.floats(-5000, 0), st.floats(0, 5000)), max_size=4))
def test_a_split_stays_in_every_room(desired_w, pairs):
    rooms = [PowerRange(*pair) for pair in pairs]

    for part_w, one in zip(split_power(desired_w, rooms), rooms, strict=True):
        assert one.low_w - 1e-6 <= part_w <= one.high_w + 1e-6
