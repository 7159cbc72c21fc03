import pytest

from quartier_sim.sunspec.sunspec_device import HABITS, select_habits


def test_each_habit_has_a_sentence():
    assert all(habit.about for habit in HABITS.values())


def test_a_habit_keeps_its_number_or_takes_another():
    assert {"short-reads": 20, "standby-at-zero": 300} == select_habits(["short-reads=20", "standby-at-zero"])


def test_a_habit_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match="'timer-gone' is no habit; expected one of timer-lost"):
        select_habits(["timer-gone"])
