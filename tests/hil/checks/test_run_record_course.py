import math

from quartier_hil.checks.run_record import RECORDED_POINTS, RunRecord


def _record(values):
    record = RunRecord()
    for second, value in enumerate(values):
        record.add(float(second), {"grid.power_w": value})
    return record


def test_a_point_that_is_missing_is_no_number():
    assert math.isnan(_record([1]).columns["pv1.power_w"][0])


def test_rows_are_means_over_equal_bins():
    rows = list(_record([1, 3, 5, 7, 9]).rows(3))

    assert [0, 2, 4] == [at_s for at_s, _ in rows]
    assert [2, 6, 9] == [values[RECORDED_POINTS.index("grid.power_w")] for _, values in rows]


def test_a_limit_that_was_known_late_stands_from_its_beginning():
    record = RunRecord()
    for second in range(6):
        cap_w = 2_000.0 if second == 4 else 12_000.0
        record.add(
            float(second), {"cap.import_w": cap_w, "limit.import_w": 12_000.0, "limit.export_w": 6_000.0}
        )
    record.revise_limits(2.5, {"limit.import_w": 3_500.0})

    assert [12_000, 12_000, 12_000, 3_500, 2_000, 3_500] == record.columns["limit.import_w"]
    assert [6_000] * 6 == record.columns["limit.export_w"]
