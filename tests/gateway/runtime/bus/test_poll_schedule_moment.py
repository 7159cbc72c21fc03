"""Buses that ask together are told of together."""

import asyncio

import pytest

from quartier.runtime.bus import poll_schedule
from quartier.runtime.bus.poll_schedule import PollBatch


@pytest.fixture
def told():
    return []


async def test_what_comes_while_nobody_asks_is_told_at_once(told):
    PollBatch(lambda: told.append(1)).news()

    assert [1] == told


async def test_what_several_buses_bring_is_told_once_when_the_last_has_asked(told):
    one = PollBatch(lambda: told.append(1))
    seats = [one.make_seat() for _ in range(3)]
    for seat in seats:
        seat.take()
        seat.take()
    for seat in seats[:2]:
        one.news()
        seat.leave()
        seat.leave()
    assert [] == told

    one.news()
    seats[2].leave()
    assert [1] == told


async def test_a_moment_that_brought_nothing_tells_nothing(told):
    seat = PollBatch(lambda: told.append(1)).make_seat()
    seat.take()
    seat.leave()

    assert [] == told


async def test_a_slow_bus_holds_up_the_others_no_longer_than_its_patience(monkeypatch):
    monkeypatch.setattr(poll_schedule, "BATCH_WAIT_MAX_S", 0.001)
    heard = asyncio.Event()
    one = PollBatch(heard.set)
    seat = one.make_seat()
    seat.take()
    one.news()
    assert not heard.is_set()
    await asyncio.wait_for(heard.wait(), 60)

    heard.clear()
    seat.leave()
    assert not heard.is_set(), "told already"


async def test_a_house_without_anybody_to_tell_waits_for_nobody():
    one = PollBatch()
    seat = one.make_seat()
    seat.take()
    one.news()
    seat.leave()

    told = []
    one.tell = lambda: told.append(1)
    one.news()
    assert [1] == told
