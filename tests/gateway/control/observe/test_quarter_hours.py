import json

import pytest

from quartier.control.observe.quarter_hours import DAY_SLOTS, SLOT_MS, QuarterHourMeans

DAY_MS = DAY_SLOTS * SLOT_MS


def day(quarters, begin_ms, slots, watts=lambda _slot: 1_000.0):
    for slot in range(slots):
        for part in range(3):
            utc_ms = begin_ms + slot * SLOT_MS + part * SLOT_MS // 3
            quarters.see({"grid": watts(slot)}, 300.0, utc_ms)
    return quarters


def test_tomorrow_is_as_today():
    found = day(QuarterHourMeans(), 0, DAY_SLOTS + 1, float).forecast_persistence("grid", DAY_MS + 5)

    assert [float(slot) for slot in range(DAY_SLOTS)] == found


def test_what_was_not_seen_is_not_known():
    found = day(QuarterHourMeans(), 0, 5).forecast_persistence("grid", DAY_MS)

    assert [1_000.0] * 4 == found[:4], "the fifth quarter is not over"
    assert {None} == set(found[4:])
    assert [None] * DAY_SLOTS == QuarterHourMeans().forecast_persistence("grid", DAY_MS)


def test_a_quarter_of_an_hour_counts_when_half_of_it_was_seen():
    quarters = QuarterHourMeans()
    quarters.see({"grid": 500.0, "pump": 100.0}, 400.0, 0)
    quarters.see({"grid": 700.0}, 100.0, 1)
    quarters.see({"grid": 0.0}, 1.0, SLOT_MS)

    assert pytest.approx(540.0) == quarters.forecast_persistence("grid", DAY_MS)[0]
    assert quarters.forecast_persistence("pump", DAY_MS)[0] is None


def test_the_day_before_yesterday_is_no_forecast():
    found = day(QuarterHourMeans(), 0, 3).forecast_persistence("grid", 2 * DAY_MS)

    assert {None} == set(found)


def test_a_day_survives_a_restart_and_is_the_same_object_until_a_quarter_ends():
    quarters = day(QuarterHourMeans(), 0, 4)
    kept = quarters.dump_means()
    quarters.see({"grid": 1.0}, 1.0, 4 * SLOT_MS - 1)
    assert kept is quarters.dump_means()
    again = QuarterHourMeans()
    again.recall(json.loads(json.dumps(kept)))

    assert quarters.forecast_persistence("grid", DAY_MS) == again.forecast_persistence("grid", DAY_MS)
    assert json.loads(json.dumps(kept)) == json.loads(json.dumps(again.dump_means()))


@pytest.mark.parametrize(
    "data", [None, {"grid": 5}, {"grid": [None]}, {"grid": [[1, float("nan")]] * DAY_SLOTS}]
)
def test_what_is_kept_broken_is_left_out(data):
    quarters = QuarterHourMeans()
    quarters.recall(data)

    assert {None} == set(quarters.forecast_persistence("grid", 0))
