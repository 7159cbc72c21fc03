from dataclasses import replace

import pytest

from quartier.daemon.reports.ledger_rows import (
    DEVICE_TIMER_WHO,
    STRANGER_WHO,
    LedgerRow,
    find_drift,
    is_continuous,
)
from quartier.site.ledger import LedgerEntry
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Command, Fallback, Origin, PointInfo
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
    assert "nothing was written for 61 s" in told.why


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


DSO = Origin("document", "dso", "12", 3)


def row(point="bat1.setpoint_w", value=100.0):
    entry = LedgerEntry(
        boot=7,
        number=1,
        point=point,
        why="cap",
        utc_ms=0,
        last_ms=0,
        who=DSO,
        value=value,
        low=value,
        high=value,
    )
    return LedgerRow(entry, Command(point, value, 1, "cap", DSO))


def test_the_same_order_again_is_counted_with_its_last_time_and_range():
    one = row()
    for value in (-50.0, 70.0):
        one.set_outcome("done", 500, "", value)
        one.repeat_order(Command("bat1.setpoint_w", value, 1, "cap", DSO), 1000, 6000)

    assert (3, 1000, 6000) == (one.entry.count, one.entry.last_ms, one.entry.expires_ms)
    assert (-50.0, 100.0, 70.0) == (one.entry.low, one.entry.high, one.entry.value)
    assert ({"done": 2}, "pending") == (one.entry.fates, one.entry.outcome)


def test_another_reason_another_who_or_another_mode_is_another_order():
    assert row().takes(Command("bat1.setpoint_w", 90.0, 1, "cap", DSO))
    assert not row().takes(Command("bat1.setpoint_w", 100.0, 1, "other", DSO))
    assert not row().takes(Command("bat1.setpoint_w", 100.0, 1, "cap"))
    assert not row("heat.relay_on", 1.0).takes(Command("heat.relay_on", 0.0, 1, "cap", DSO))


def test_powers_and_currents_follow_switches_and_modes_do_not():
    assert is_continuous("bat1.setpoint_w")
    assert is_continuous("ev1.current_max_a")
    assert not is_continuous("heat.relay_on")
    assert not is_continuous("light.dim_pct")


def test_a_fate_of_an_earlier_command_leaves_the_outcome_of_the_last():
    one = row()
    one.repeat_order(Command("bat1.setpoint_w", 0.0, 1, "cap", DSO), 1000, 6000)
    one.count_outcome("replaced")
    one.set_outcome("refused", 1500, "the device holds 100")

    assert ({"replaced": 1}, "refused", 1500) == (one.entry.fates, one.entry.outcome, one.entry.known_ms)


def test_the_words_of_what_went_wrong_last_stay_when_it_goes_well_again():
    one = row()
    one.set_outcome("refused", 500, "exception 2")
    one.repeat_order(Command("bat1.setpoint_w", 100.0, 1, "cap", DSO), 1000, 6000)
    one.set_outcome("done", 1500, "", 100.0)

    assert ("exception 2", "") == (one.entry.fault, one.entry.note)


def test_a_row_that_goes_on_stands_again():
    one = row()
    one.set_end("replaced", 900)
    one.repeat_order(Command("bat1.setpoint_w", 0.0, 1, "cap", DSO), 1000, 6000)
    assert (True, None) == (one.entry.is_in_force, one.entry.end_ms)
