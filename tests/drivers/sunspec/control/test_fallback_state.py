"""How a fallback stands is told in words, with the next step."""

import math

import pytest
from tests.drivers.sunspec.control.test_functions import CAP_704, FULL_123, SET_704, cap123, cap704, set704
from tests.drivers.sunspec.control.test_storage_function import MODEL, storage

from quartier_drivers.sunspec.control.fallback_state import TimerCheck, describe_absent, describe_fallback

SETPOINT, CAP = "bat.setpoint_w", "pv.generation_max_w"


def setpoint(seconds, *, enabled=0, wrote=False, **said):
    return describe_fallback(
        SETPOINT,
        set704(model={**SET_704, "WSetRvrtTms": seconds, "WSetEna": enabled}, **said),
        None,
        wrote=wrote,
    )


def capped(**held):
    return describe_fallback(CAP, cap704({**CAP_704, **held}), 2000.0, wrote=False)


def test_a_timer_as_declared_is_no_problem():
    told = setpoint(60, enabled=1)

    assert (None, 60.0, "", True) == (told.value, told.after_s, told.problem, told.is_verified)


def test_a_timer_that_is_written_with_each_order_may_stand_at_zero_while_none_does():
    told = setpoint(0)

    assert ("", False) == (told.problem, told.is_verified)


@pytest.mark.parametrize(
    ("problem", "seconds", "wrote"),
    [
        ("holds 0 s where 60 s are declared: it never acts; set it at the device itself", 0, True),
        ("holds 3600 s where 60 s are declared: it acts later than declared; run quartier arm", 3600, False),
        ("holds 25 s where 60 s are declared: it may act between two writes", 25, False),
    ],
)
def test_a_timer_that_is_not_as_declared_is_told_with_the_next_step(problem, seconds, wrote):
    assert problem in setpoint(seconds, enabled=1, wrote=wrote).problem


def test_a_timer_of_zero_under_an_order_is_told():
    assert "it never acts" in setpoint(0, enabled=1).problem


def test_what_a_setpoint_ends_in_is_told():
    assert -500.0 == setpoint(60, fallback=-500).value


def test_a_cap_without_timer_stands():
    told = describe_fallback(CAP, cap123({**FULL_123, "WMaxLimPct_RvrtTms": 0}), 2000.0, wrote=False)

    assert (None, math.inf, "") == (told.value, told.after_s, told.problem)


def test_a_cap_with_a_timer_that_ends_in_none_is_told():
    assert "123.WMaxLimPct_RvrtTms holds 60 s: the cap would end in none at all" in (
        describe_fallback(CAP, cap123(), 2000.0, wrote=False).problem
    )


def test_a_cap_of_704_ends_in_the_fail_safe_cap():
    told = capped(WMaxLimPctRvrt=333, WMaxLimPctEnaRvrt=1, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1)

    assert (1998.0, 60.0, "", True) == (told.value, told.after_s, told.problem, told.is_verified)


def test_a_cap_of_704_that_would_be_lifted_is_told():
    lifted = capped(WMaxLimPctRvrt=900, WMaxLimPctEnaRvrt=1, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1)
    none = capped(WMaxLimPctRvrt=300, WMaxLimPctEnaRvrt=0, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1)

    assert "704.WMaxLimPctRvrt holds 5400 W, more than the fail-safe 2000 W" in lifted.problem
    assert "704.WMaxLimPctEnaRvrt is not enabled: the cap would end in none at all" in none.problem


def test_a_cap_of_704_at_rest_is_no_problem_and_will_end_as_declared():
    assert (2000.0, "", False) == (capped().value, capped().problem, capped().is_verified)


def test_a_cap_of_704_that_leaving_left_stands_as_it_should():
    left = cap704().make_release_writes(2000.0)
    told = capped(**{path: raw for step in left for path, raw in step.items()})

    assert (1998.0, math.inf, "", True) == (told.value, told.after_s, told.problem, told.is_verified)


@pytest.mark.parametrize("wrote", [False, True])
def test_a_cap_of_704_above_the_fail_safe_one_or_just_armed_must_have_its_timer(wrote):
    held = {
        "WMaxLimPct": 300 if wrote else 900,
        "WMaxLimPctEna": 1,
        "WMaxLimPctEnaRvrt": 1,
        "WMaxLimPctRvrt": 300,
    }
    told = describe_fallback(CAP, cap704({**CAP_704, **held}), 2000.0, wrote=wrote)

    assert "704.WMaxLimPctRvrtTms holds 0 s where 60 s are declared: it never acts" in told.problem


def test_a_cap_of_704_without_a_fail_safe_cap_stands():
    told = describe_fallback(CAP, cap704(), None, wrote=True)

    assert (math.inf, "") == (told.after_s, told.problem)


def test_a_void_rating_is_a_problem():
    told = describe_fallback(SETPOINT, storage({**MODEL, "WChaMax_SF": None}), None, wrote=False)

    assert (None, None) == (told.value, told.after_s)
    assert "124.WChaMax tells no rating" in told.problem


def test_a_device_that_its_panel_steers_is_told():
    function = set704(model={**SET_704, "WSetRvrtTms": 60}, beside=[{"ID": 715, "LocRemCtl": 1}])

    assert "715.LocRemCtl says local: it takes no orders from the wire" in (
        describe_fallback(SETPOINT, function, None, wrote=True).problem
    )


def test_a_device_without_any_of_the_controls_is_told():
    told = describe_absent(SETPOINT, "704.WSet, 124.StorCtl_Mod")

    assert "has none of 704.WSet, 124.StorCtl_Mod" in told.problem
    assert not told.is_verified


@pytest.fixture
def countdown(clock):
    made = TimerCheck("704.WSetRvrtTms", 60.0, clock.now_ns)
    made.note_write()
    return made


def seen(countdown, clock, seconds, left_s, *, enabled=True):
    clock.move(seconds)
    return countdown.check_remaining(left_s, enabled=enabled)


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
    assert "has no effect" in countdown.trouble


def test_one_that_shows_zero_under_an_order_never_ran(countdown, clock):
    assert not seen(countdown, clock, 2, 0)
    assert not seen(countdown, clock, 10, 0, enabled=False)
    assert seen(countdown, clock, 10, 0)
    assert "it was taken and never ran" in countdown.trouble


def test_without_an_order_or_without_seconds_nothing_is_told(countdown, clock):
    assert not seen(countdown, clock, 30, 60, enabled=False)
    assert not seen(countdown, clock, 30, None)
    assert not TimerCheck("x", 60.0, clock.now_ns).check_remaining(60, enabled=True)
    assert not TimerCheck("x", 0.0, clock.now_ns).check_remaining(60, enabled=True)


def test_a_new_order_ends_the_trouble_when_it_counts(countdown, clock):
    seen(countdown, clock, 10, 60)
    countdown.note_write()
    seen(countdown, clock, 10, 50)

    assert "" == countdown.trouble
