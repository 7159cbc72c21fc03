from dataclasses import replace

import pytest

from quartier.daemon.reports.ledger_rows import DEVICE_TIMER_WHO, STRANGER_WHO, find_drift
from quartier.site.ledger import LedgerEntry
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Fallback, PointInfo
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
UTC_MS = 1_700_000_000_000
POINT = "bat1.setpoint_w"
INFO = PointInfo(POINT, "float", "a", 1.0, writable=True, step=1.0, fallback=Fallback(0.0, 60.0))
ROW = LedgerEntry(
    boot=7,
    number=1,
    point=POINT,
    why="cap",
    utc_ms=UTC_MS,
    last_ms=UTC_MS,
    value=-2000.0,
    shown=-2000.0,
    outcome="done",
    known_ms=UTC_MS + 500,
)


def seen(value, t, row=ROW, info=INFO, quality=Quality.GOOD):
    image = ProcessImage()
    image.put(make_readings([Reading(POINT, value, quality, 0)], int(t * S)))
    asked_ns, known_ns = (((ms or 0) - UTC_MS) * 1_000_000 for ms in (row.last_ms, row.known_ms))
    return find_drift(row, info, image.freeze(int(t * S)), asked_ns, known_ns)


@pytest.mark.parametrize("value", [-2000.0, -2040.0, -1960.0])
def test_what_is_near_what_was_ordered_is_that(value):
    assert None is seen(value, 10)


def test_a_point_that_fell_back_after_its_time_was_ended_by_its_timer():
    told = seen(0.0, 61)
    assert (DEVICE_TIMER_WHO, 0.0, "reverted") == (told.who, told.value, told.end)
    assert "it was not told anything for 61 s" in told.why


@pytest.mark.parametrize(("value", "t"), [(0.0, 10), (-1000.0, 10), (-1000.0, 100)])
def test_anything_else_was_somebody_else(value, t):
    told = seen(value, t)
    assert (STRANGER_WHO, value, "overwritten") == (told.who, told.value, told.end)


def test_a_timer_that_hands_over_to_its_own_control_may_show_anything():
    own = replace(INFO, fallback=Fallback(None, 60.0))
    assert (DEVICE_TIMER_WHO, STRANGER_WHO) == (seen(700.0, 70, info=own).who, seen(700.0, 10, info=own).who)


def test_a_cap_that_holds_for_ever_is_never_ended_by_a_timer():
    holds = replace(INFO, fallback=Fallback(0.0, float("inf")))
    assert STRANGER_WHO == seen(0.0, 1000, info=holds).who


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, outcome="pending", known_ms=None),
        replace(ROW, outcome="refused"),
        replace(ROW, shown=None),
        replace(ROW, value=None),
        replace(ROW, known_ms=UTC_MS + 10_000),
    ],
)
def test_only_what_was_read_back_before_can_drift(row):
    assert None is seen(0.0, 10, row)


def test_a_bad_reading_or_one_that_may_still_settle_says_nothing():
    assert None is seen(0.0, 10, quality=Quality.BAD)
    assert None is seen(0.0, 10, info=replace(INFO, settle_s=30.0))
