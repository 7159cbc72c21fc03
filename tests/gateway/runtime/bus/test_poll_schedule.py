"""Buses that ask together are told of together."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.runtime.bus import poll_schedule
from quartier.runtime.bus.poll_schedule import STARVATION_NS, PollBatch, PollSchedule


@pytest.fixture
def told():
    return []


async def test_what_comes_while_nobody_asks_is_told_at_once(told):
    PollBatch(lambda: told.append(1)).note_readings()

    assert [1] == told


async def test_what_several_buses_bring_is_told_once_when_the_last_has_asked(told):
    one = PollBatch(lambda: told.append(1))
    places = [one.make_place() for _ in range(3)]
    for place in places:
        place.take()
        place.take()
    for place in places[:2]:
        one.note_readings()
        place.leave()
        place.leave()
    assert [] == told

    one.note_readings()
    places[2].leave()
    assert [1] == told


async def test_a_moment_that_brought_nothing_tells_nothing(told):
    place = PollBatch(lambda: told.append(1)).make_place()
    place.take()
    place.leave()

    assert [] == told


async def test_a_slow_bus_holds_up_the_others_no_longer_than_its_patience(monkeypatch):
    monkeypatch.setattr(poll_schedule, "BATCH_WAIT_MAX_S", 0.001)
    heard = asyncio.Event()
    one = PollBatch(heard.set)
    place = one.make_place()
    place.take()
    one.note_readings()
    assert not heard.is_set()
    await asyncio.wait_for(heard.wait(), 60)

    heard.clear()
    place.leave()
    assert not heard.is_set(), "told already"


async def test_a_house_without_anybody_to_tell_waits_for_nobody():
    one = PollBatch()
    place = one.make_place()
    place.take()
    one.note_readings()
    place.leave()

    told = []
    one.tell = lambda: told.append(1)
    one.note_readings()
    assert [1] == told


@dataclass
class Device:
    """Its turn, and how often it was asked for it."""

    turn_ns: int
    asked_count: int = 0
    reachable: bool = True

    @property
    def due_ns(self):
        self.asked_count += 1
        return self.turn_ns


def test_the_most_overdue_comes_first_and_the_earlier_among_equals():
    late, early, also = Device(20), Device(10), Device(10)
    schedule = PollSchedule([late, early, also])

    assert (10, early) == schedule.first()
    assert schedule.first()[1] is early


def test_of_those_that_are_due_together_the_one_comes_first_whose_turn_was_longest_ago():
    """A line that rests after each exchange makes all who wait due when it ends."""
    devices = [Device(10) for _ in range(4)]
    schedule, order = PollSchedule(devices), []
    for turn in range(1, 9):
        _, first = schedule.first()
        order.append(next(place for place, one in enumerate(devices) if one is first))
        for device in devices:
            device.turn_ns = 10 + 10 * turn
        schedule.note_served(first)

    assert [0, 1, 2, 3, 0, 1, 2, 3] == order


def test_nobody_is_due_on_an_empty_line():
    assert PollSchedule([]).first() is None


def test_a_turn_that_moved_on_by_itself_is_noticed():
    one, other = Device(10), Device(15)
    schedule = PollSchedule([one, other])
    one.turn_ns = 20

    assert (15, other) == schedule.first()


def test_a_turn_that_came_nearer_counts_once_it_was_told():
    one, other = Device(10), Device(50)
    schedule = PollSchedule([one, other])
    other.turn_ns = 5
    schedule.update_due_time(other)

    assert (5, other) == schedule.first()


def test_what_was_said_before_is_not_kept_for_ever():
    """A device that is asked just now is due never: that stayed behind each time, 60 kB with every outage of a dozen."""
    one, other = Device(10), Device(15)
    schedule = PollSchedule([one, other])
    for turn in range(1_000):
        for due_ns in (2**62, 20 + turn):
            one.turn_ns = due_ns
            schedule.update_due_time(one)

    assert (15, other) == schedule.first()
    assert 2 * 2 + 16 >= len(schedule._heap)


@dataclass
class Eager:
    """Two such on a line, each with something to tell at once: "now" is later whenever one of them is asked."""

    clock: list[int]
    reachable: bool = True

    @property
    def due_ns(self):
        self.clock[0] += 1
        assert self.clock[0] < 100, "they are asked in turn for ever"
        return self.clock[0]


def test_of_two_that_both_say_now_one_has_its_turn_and_then_the_other():
    clock = [0]
    one, other = Eager(clock), Eager(clock)
    schedule = PollSchedule([one, other])

    _, first = schedule.first()
    schedule.note_served(first)
    _, second = schedule.first()
    assert {id(one), id(other)} == {id(first), id(second)}


def test_who_is_not_next_is_not_asked():
    devices = [Device(n) for n in range(200)]
    schedule = PollSchedule(devices)
    for turn in range(100):
        _, first = schedule.first()
        first.turn_ns += 200
        schedule.update_due_time(first)
        assert turn == devices.index(first)

    assert max(device.asked_count for device in devices) <= 3


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(-30, 30)), max_size=40),
)
def test_it_is_always_the_one_that_asking_all_would_find(dues, moves):
    devices = [Device(due) for due in dues]
    schedule = PollSchedule(devices)
    for which, by in moves:
        device = devices[which % len(devices)]
        device.turn_ns += by
        if by < 0:
            schedule.update_due_time(device)
        place = min(range(len(devices)), key=lambda place: devices[place].turn_ns)
        due_ns, found = schedule.first()
        assert (devices[place].turn_ns, place) == (
            due_ns,
            next(i for i, d in enumerate(devices) if d is found),
        )


def test_who_answers_and_was_passed_over_longest_is_starved_and_nobody_else():
    silent, early, late = Device(1, reachable=False), Device(5), Device(9)
    schedule = PollSchedule([late, silent, early])

    assert schedule.find_starved(5 + STARVATION_NS) is None
    assert schedule.find_starved(6 + STARVATION_NS) is early
    assert schedule.find_starved(100 + STARVATION_NS) is early
    early.turn_ns = 50
    assert schedule.find_starved(100 + STARVATION_NS) is late
