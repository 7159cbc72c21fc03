import math

from hypothesis import given
from hypothesis import strategies as st

from quartier_hil.verdict.course import POINTS, Course, thinned


def _course(values):
    course = Course()
    for second, value in enumerate(values):
        course.add(float(second), {"grid.power_w": value})
    return course


def test_a_point_that_is_missing_is_no_number():
    assert math.isnan(_course([1]).columns["pv1.power_w"][0])


def test_rows_are_means_over_equal_bins():
    rows = list(_course([1, 3, 5, 7, 9]).rows(3))

    assert [0, 2, 4] == [at_s for at_s, _ in rows]
    assert [2, 6, 9] == [values[POINTS.index("grid.power_w")] for _, values in rows]


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=300), st.integers(1, 30))
def test_a_thinned_curve_keeps_its_extremes_and_its_order(values, bins_count):
    times = [float(index) for index in range(len(values))]
    points = thinned(times, values, bins_count)

    assert len(points) <= max(2 * bins_count, 1)
    assert min(values) == min(value for _, value in points)
    assert max(values) == max(value for _, value in points)
    assert sorted(points) == points
