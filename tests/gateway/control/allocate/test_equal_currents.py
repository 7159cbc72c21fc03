"""Max-min fairness over rows: nobody could have more without taking it from one who has less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.allocate.equal_currents import (
    CurrentRequest,
    find_full_row,
    share_currents,
    subtract_current,
)


def test_all_rise_together_until_a_row_is_full():
    left = {0: 2_300.0}
    draws = [CurrentRequest([(0, 230.0)], 0.0, 32.0), CurrentRequest([(0, 230.0)], 0.0, 32.0)]
    share_currents(draws, left)

    assert [5.0, 5.0] == [draw.now_a for draw in draws]
    assert [0, 0] == [draw.bound for draw in draws]


def test_what_one_has_no_use_for_goes_to_the_others():
    left = {0: 2_300.0}
    draws = [CurrentRequest([(0, 230.0)], 0.0, 2.0), CurrentRequest([(0, 230.0)], 0.0, 32.0)]
    share_currents(draws, left)

    assert ([2.0, 8.0], None) == ([draw.now_a for draw in draws], draws[0].bound)


def test_who_has_least_is_raised_first():
    left = {0: 230.0 * 4}
    draws = [CurrentRequest([(0, 230.0)], 6.0, 32.0), CurrentRequest([(0, 230.0)], 8.0, 32.0)]
    share_currents(draws, left)

    assert [9.0, 9.0] == [draw.now_a for draw in draws]


def test_a_full_row_holds_only_those_on_it():
    left = {1: 690.0, 2: 2_300.0}
    draws = [CurrentRequest([(1, 230.0)], 0.0, 32.0), CurrentRequest([(2, 230.0)], 0.0, 32.0)]
    share_currents(draws, left)

    assert [3.0, 10.0] == [pytest.approx(draw.now_a) for draw in draws]


def test_a_row_without_room_is_named():
    rows = [(4, 690.0), (5, 230.0)]
    left = {4: 10_000.0, 5: 1_000.0}

    assert 5 == find_full_row(rows, 6.0, left)
    assert find_full_row(rows, 4.0, left) is None
    subtract_current(rows, 4.0, left)
    assert {4: 7_240.0, 5: 80.0} == left


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 3), min_size=1), st.floats(0, 32), st.floats(6, 32)),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.floats(0, 20_000), min_size=4, max_size=4),
)
def test_no_row_is_overfilled_and_nobody_is_left_below_what_would_fit(cars, room):
    left = dict(enumerate(room))
    draws = [CurrentRequest([(row, 230.0) for row in rows], min(now, most), most) for rows, now, most in cars]
    share_currents(draws, left)

    assert all(watts >= -1e-3 for watts in left.values())
    for draw in draws:
        assert draw.now_a <= draw.most_a + 1e-6
        assert draw.now_a >= draw.most_a - 1e-5 or any(left[row] < 1e-3 for row, _ in draw.rows)
