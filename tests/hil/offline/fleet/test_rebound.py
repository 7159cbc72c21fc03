import numpy as np
import pytest

from quartier_hil.offline.fleet.day import Mark, Record
from quartier_hil.offline.fleet.events import Event
from quartier_hil.offline.fleet.rebound import rebounds


def record(course, *marks):
    total_w = np.concatenate([np.full(seconds, watts) for seconds, watts in course])
    empty = np.zeros(len(total_w))
    return Record(total_w, np.zeros((len(total_w), 6)), empty, empty, [Mark(*one, "") for one in marks])


CAPPED = ((1000, "CONTROLLED", 0.4), (2000, "CONTROLLED", 1.0))


@pytest.mark.parametrize(("after_w", "holds"), [(4999.0, True), (5000.0, True), (5001.0, False)])
def test_a_rebound_may_reach_the_level_before_and_no_more(after_w, holds):
    one = record(((1000, 5000.0), (1000, 2000.0), (600, after_w), (3600, 1000.0)), *CAPPED)
    (found,) = rebounds(one, (), 0)

    assert (5000.0, 2000.0, after_w, holds) == (found.before_w, found.during_w, found.after_w, found.holds)


def test_what_comes_later_than_an_hour_is_no_rebound():
    one = record(((1000, 5000.0), (1000, 2000.0), (3700, 3000.0), (600, 9000.0)), *CAPPED)

    assert rebounds(one, (), 0)[0].holds


def test_a_peak_of_seconds_counts_by_its_minute():
    one = record(((1000, 5000.0), (1000, 2000.0), (5, 9000.0), (600, 3000.0)), *CAPPED)

    assert rebounds(one, (), 0)[0].holds


def test_a_fail_safe_value_that_eases_in_two_steps_has_two_releases():
    marks = ((1000, "FAILSAFE", 0.5), (2000, "AUTONOMOUS", 0.8), (3000, "CONTROLLED", 1.0))
    found = rebounds(record(((5000, 100.0),), *marks), (), 0)

    assert [(1000, 2000), (1000, 3000)] == [(one.held_at, one.released_at) for one in found]


def test_restarts_and_outages_are_holds_too():
    events = (Event("restart", 1000, 1030), Event("outage", 3000, 3300))
    found = rebounds(record(((6000, 100.0),)), events, 0)

    assert [(1000, 1030), (3000, 3300)] == [(one.held_at, one.released_at) for one in found]
    assert [100.0, 100.0] == [one.during_w for one in found]


def test_a_hold_that_did_not_end_is_not_judged():
    assert [] == rebounds(record(((3000, 100.0),), (1000, "FAILSAFE", 0.5)), (), 0)


def test_seconds_are_those_of_the_day():
    (found,) = rebounds(record(((3000, 100.0),), (8000, "C", 0.4), (9000, "C", 1.0)), (), 7000)

    assert (8000, 9000) == (found.held_at, found.released_at)
