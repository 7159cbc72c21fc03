"""What the seconds left of a timer tell of it."""

import pytest

from quartier_drivers.sunspec.control.fallback_state import TimerCheck


@pytest.fixture
def countdown(clock):
    made = TimerCheck("704.WSetRvrtTms", 60.0, clock.now_ns)
    made.written()
    return made


def seen(countdown, clock, seconds, left_s, *, enabled=True):
    clock.move(seconds)
    return countdown.seen(left_s, enabled=enabled)


def test_a_timer_that_counts_is_none(countdown, clock):
    assert [False] * 3 == [seen(countdown, clock, 10, left) for left in (50, 40, 30)]
    assert "" == countdown.trouble


def test_one_that_stays_full_is_fed_by_reading_and_told_once(countdown, clock):
    assert not seen(countdown, clock, 5, 60)
    assert seen(countdown, clock, 5, 59)
    assert not seen(countdown, clock, 5, 60)
    assert "has 60 s left 15 s after the last order: reading starts it again" in countdown.trouble


def test_one_that_ran_out_under_an_order_does_nothing(countdown, clock):
    seen(countdown, clock, 30, 30)
    assert seen(countdown, clock, 35, 0)
    assert "it does nothing" in countdown.trouble


def test_one_that_shows_nought_under_an_order_never_ran(countdown, clock):
    assert not seen(countdown, clock, 2, 0)
    assert not seen(countdown, clock, 10, 0, enabled=False)
    assert seen(countdown, clock, 10, 0)
    assert "it was taken and never ran" in countdown.trouble


def test_without_an_order_or_without_seconds_nothing_is_told(countdown, clock):
    assert not seen(countdown, clock, 30, 60, enabled=False)
    assert not seen(countdown, clock, 30, None)
    assert not TimerCheck("x", 60.0, clock.now_ns).seen(60, enabled=True)
    assert not TimerCheck("x", 0.0, clock.now_ns).seen(60, enabled=True)


def test_a_new_order_ends_the_trouble_when_it_counts(countdown, clock):
    seen(countdown, clock, 10, 60)
    countdown.written()
    seen(countdown, clock, 10, 50)

    assert "" == countdown.trouble
