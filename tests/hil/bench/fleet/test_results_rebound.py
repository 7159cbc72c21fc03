import numpy as np
import pytest

from quartier_bench.fleet.events import FleetEvent
from quartier_bench.fleet.results import find_rebounds
from quartier_bench.fleet.simulation import DayRecord, LinkChange


def record(course, *marks):
    total_w = np.concatenate([np.full(seconds, float(watts)) for seconds, watts in course])
    empty = np.zeros(len(total_w))
    marked = [LinkChange(*one, "") for one in marks]
    return DayRecord(total_w, np.zeros((len(total_w), 6)), empty, empty, empty, marked)


def plain(one, watts=1000.0):
    return record(((len(one.total_w), watts),))


CAPPED = ((1000, "CONTROLLED", 0.4), (2000, "CONTROLLED", 1.0))


@pytest.mark.parametrize(("after_w", "holds"), [(5000.0, True), (5050.0, True), (5051.0, False)])
def test_a_rebound_may_reach_the_level_before_and_no_more_than_a_meter_can_tell(after_w, holds):
    one = record(((1000, 5000), (1000, 2000), (600, after_w), (3600, 1000)), *CAPPED)
    (found,) = find_rebounds(one, plain(one), (), 0)

    assert (5000.0, 2000.0, after_w, holds) == (found.before_w, found.during_w, found.after_w, found.holds)


@pytest.mark.parametrize(("after_w", "holds"), [(8080.0, True), (8081.0, False)])
def test_what_the_morning_takes_by_itself_is_no_rebound_but_more_is(after_w, holds):
    one = record(((1000, 5000), (1000, 2000), (3600, after_w)), *CAPPED)
    (found,) = find_rebounds(one, plain(one, 8000.0), (), 0)

    assert (8000.0, 8000.0, holds) == (found.level_w, found.plain_w, found.holds)


def test_the_minute_that_goes_furthest_beyond_its_level_is_told_and_not_the_highest():
    one = record(((1000, 5000), (1000, 2000), (4000, 7900), (7200, 6000)), *CAPPED)
    falling = record(((6000, 8000), (7200, 1000)))
    (found,) = find_rebounds(one, falling, (), 0)

    assert (6000.0, 5000.0, False) == (found.after_w, found.level_w, found.holds)


def test_what_comes_within_twelve_hours_is_a_rebound_and_later_none():
    def whole(rest_s):
        return record(((1000, 5000), (1000, 2000), (rest_s, 3000), (600, 9000)), *CAPPED)

    early, late = whole(11 * 3600), whole(12 * 3600)

    assert [False, True] == [find_rebounds(one, plain(one), (), 0)[0].holds for one in (early, late)]


def test_a_release_is_judged_until_something_else_happens_to_all():
    one = record(((1000, 5000), (1000, 2000), (3000, 3000), (3600, 9000)), *CAPPED)
    first, second = find_rebounds(one, plain(one), (FleetEvent("restart", 5000, 5030),), 0)

    assert (True, False) == (first.holds, second.holds)


def test_a_peak_of_seconds_counts_by_its_minute():
    one = record(((1000, 5000), (1000, 2000), (5, 9000), (600, 3000)), *CAPPED)

    assert find_rebounds(one, plain(one), (), 0)[0].holds


def test_a_fail_safe_value_that_eases_in_two_steps_has_two_releases():
    marks = ((1000, "FAILSAFE", 0.5), (2000, "AUTONOMOUS", 0.8), (3000, "CONTROLLED", 1.0))
    one = record(((5000, 100),), *marks)
    found = find_rebounds(one, plain(one), (), 0)

    assert [(1000, 2000), (1000, 3000)] == [(one.held_at, one.released_at) for one in found]


def test_restarts_and_outages_are_holds_too_and_what_follows_an_outage_is_its_own():
    events = (FleetEvent("restart", 1000, 1030), FleetEvent("outage", 3000, 3300))
    one = record(((6000, 100),), (3000, "INIT", 0.5), (3310, "CONTROLLED", 1.0))
    found = find_rebounds(one, plain(one), events, 0)

    assert [(1000, 1030), (3000, 3300)] == [(one.held_at, one.released_at) for one in found]
    assert [100.0, 100.0] == [one.during_w for one in found]


def test_a_hold_that_did_not_end_is_not_judged():
    one = record(((3000, 100),), (1000, "FAILSAFE", 0.5))

    assert [] == find_rebounds(one, plain(one), (), 0)


def test_seconds_are_those_of_the_day():
    one = record(((3000, 100),), (8000, "C", 0.4), (9000, "C", 1.0))
    (found,) = find_rebounds(one, plain(one), (), 7000)

    assert (8000, 9000) == (found.held_at, found.released_at)
