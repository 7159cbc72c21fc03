"""What a car takes is believed once it was watched, and until then it is the least that any car takes."""

from dataclasses import replace
from math import inf

import pytest

from quartier.control.observe import charging_sessions
from quartier.control.observe.charging_sessions import Uptake, UptakeSample
from quartier.site.asset_types import ChargePointAsset

S = 1_000_000_000
EV = ChargePointAsset(name="ev1", rated_w=11_040)
FULL_W, PHASE_W, LEAST_W = 11_040.0, 3_680.0, 1_380.0


@pytest.fixture
def watched():
    """``watched(watts, order_a, ...)``: after so long of taking that by that order, read each second."""

    def make(watts, order_a=16.0, *, before=None, seconds=31, begin_s=0, phases_count=None, ev=EV):
        found = before or Uptake()
        for t in range(begin_s, begin_s + seconds):
            found = charging_sessions.update_uptake(
                found, ev, UptakeSample(order_a, watts, t * S, phases_count), t * S
            )
        return found

    return make


def test_a_car_that_nobody_has_seen_is_reckoned_with_the_least_that_one_takes():
    assert not Uptake().is_known
    assert LEAST_W == Uptake().least_w(EV)
    assert (FULL_W, PHASE_W) == (Uptake().likely_w(EV, 3), Uptake().likely_w(EV, 1))
    assert (1, 6.0) == Uptake().find_plan_current(EV)


def test_it_is_known_after_half_a_minute_and_not_before(watched):
    assert not watched(FULL_W, seconds=30).is_known
    found = watched(FULL_W)
    assert (FULL_W, False, 3) == (found.sure_w, found.is_all, found.phases_count)
    assert (3, 16.0) == found.find_plan_current(EV)


def test_one_phase_is_told_from_three_by_the_power_alone(watched):
    found = watched(PHASE_W)

    assert (PHASE_W, PHASE_W) == (found.least_w(EV), found.likely_w(EV, 3))
    assert (1, 16.0) == found.find_plan_current(EV)


def test_and_by_the_currents_where_they_are_read(watched):
    found = watched(3_000.0, phases_count=1)

    assert (1, True) == (found.phases_count, found.is_all)
    assert (1, pytest.approx(13.04, abs=0.01)) == found.find_plan_current(EV)


@pytest.mark.parametrize("volts", [207.0, 253.0])
def test_a_phase_at_a_voltage_that_is_allowed_is_one(watched, volts):
    assert 1 == watched(16.0 * volts).phases_count
    assert 3 == watched(3 * 16.0 * volts).phases_count


def test_a_car_that_keeps_its_order_may_take_more_than_was_seen(watched):
    found = watched(3 * 8 * 230.0, 8.0)

    assert (5_520.0, FULL_W) == (found.least_w(EV), found.likely_w(EV, 3))
    assert (3, 16.0) == found.find_plan_current(EV)


def test_one_that_stays_below_its_order_takes_all_that_it_can_until_it_takes_more(watched):
    held = watched(3 * 10 * 230.0, phases_count=3)
    assert (6_900.0, True) == (held.sure_w, held.is_all)

    tapered = watched(4_140.0, before=held, begin_s=31, phases_count=3)
    assert (4_140.0, 3, True) == (tapered.sure_w, tapered.phases_count, tapered.is_all)

    woken = watched(FULL_W, before=tapered, begin_s=62, phases_count=3, seconds=62)
    assert (FULL_W, False) == (woken.sure_w, woken.is_all)


def test_what_was_seen_stands_under_a_lower_order_and_through_a_pause(watched):
    known = watched(FULL_W)

    assert FULL_W == watched(4_140.0, 6.0, before=known, begin_s=31, seconds=62).sure_w
    paused = charging_sessions.pause_uptake(known)
    assert (FULL_W, None) == (paused.sure_w, paused.since_ns)
    assert paused == charging_sessions.pause_uptake(paused)


def test_what_it_takes_by_a_new_order_counts_once_it_had_time_to_answer(watched):
    known = watched(FULL_W)
    slowed = watched(4_140.0, 6.0, before=known, begin_s=31, seconds=31)
    risen = watched(4_140.0, 16.0, before=slowed, begin_s=62, seconds=6)  # it still takes what it did
    answered = watched(FULL_W, 16.0, before=risen, begin_s=68, seconds=31)

    assert inf == risen.low_w
    assert (FULL_W, False) == (answered.sure_w, answered.is_all)


def test_an_order_that_creeps_up_is_followed_at_its_least(watched):
    creeping = watched(2_070.0, 9.0, seconds=10, phases_count=1)
    creeping = watched(2_070.0, 10.0, before=creeping, begin_s=10, seconds=21, phases_count=1)

    assert (2_070.0, False) == (creeping.sure_w, creeping.is_all)


def test_a_reading_of_long_ago_says_nothing_of_now():
    found = Uptake()
    for t in range(100):
        found = charging_sessions.update_uptake(found, EV, UptakeSample(16.0, PHASE_W, 0, None), t * S)

    assert not found.is_known


def test_the_least_of_a_watch_is_what_counts(watched):
    found = watched(FULL_W, seconds=20)
    found = watched(9_000.0, before=found, begin_s=20, seconds=2)
    found = watched(FULL_W, before=found, begin_s=22, seconds=9)

    assert 9_000.0 == found.sure_w


def test_an_order_below_the_floor_makes_no_phase_more(watched):
    assert 3 == watched(4_140.0, 0.0).phases_count


def test_a_point_of_one_phase_has_one(watched):
    single = replace(EV, phases_count=1, current_max_a=32.0)

    assert (1, 16.0) == watched(PHASE_W, 32.0, ev=single).find_plan_current(single)
    assert LEAST_W == Uptake().least_w(single)
