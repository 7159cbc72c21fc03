"""The look at an answer is never planned later than the fastest of late."""

import pytest

from quartier_drivers.modbus.wire.timing import TurnaroundTimes


def test_a_unit_that_is_new_is_taken_to_answer_at_once() -> None:
    assert 0.0 == TurnaroundTimes().soonest_s(7)


def test_it_grows_slowly_and_shrinks_at_once() -> None:
    turns = TurnaroundTimes()
    turns.learn(1, 0.010)
    assert pytest.approx(0.003) == turns.soonest_s(1)

    for _ in range(60):
        turns.learn(1, 0.010)
    assert pytest.approx(0.010, rel=0.01) == turns.soonest_s(1)
    turns.learn(1, 0.002)
    assert 0.002 == turns.soonest_s(1)
    assert 0.0 == turns.soonest_s(2)


def test_an_answer_that_was_there_before_the_look_brings_it_forward() -> None:
    turns = TurnaroundTimes()
    for _ in range(60):
        turns.learn(1, 0.010)
    for _ in range(10):
        turns.halve(1)

    assert turns.soonest_s(1) < 0.0001


def test_no_turnaround_is_negative() -> None:
    turns = TurnaroundTimes()
    turns.learn(1, -0.001)

    assert 0.0 == turns.soonest_s(1)
