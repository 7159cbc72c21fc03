import math

from quartier_hil.checks.run_record import RECORDED_POINTS, RunRecord


def _course(values):
    course = RunRecord()
    for second, value in enumerate(values):
        course.add(float(second), {"grid.power_w": value})
    return course


def test_a_point_that_is_missing_is_no_number():
    assert math.isnan(_course([1]).columns["pv1.power_w"][0])


def test_rows_are_means_over_equal_bins():
    rows = list(_course([1, 3, 5, 7, 9]).rows(3))

    assert [0, 2, 4] == [at_s for at_s, _ in rows]
    assert [2, 6, 9] == [values[RECORDED_POINTS.index("grid.power_w")] for _, values in rows]
