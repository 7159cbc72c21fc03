"""A go keeps what came, knows what is in hand, and when it is over."""

import asyncio
import contextvars
from collections.abc import Callable

import pytest

from quartier_drivers.modbus.frames import Answer, Request, make_read, make_write
from quartier_drivers.modbus.wire.exchanges import (
    ANSWERS_MAX,
    TABLES_MAX,
    AnswerCache,
    ExchangeWaiter,
    ReadSequence,
    never,
)

READS = [make_read(1, "holding", start, 1) for start in (10, 20, 30)]


def go_of(*taken_ns: int, is_enough: Callable[[], bool] = never) -> ReadSequence:
    """A go whose answers come at these times."""
    return ReadSequence(READS, iter(taken_ns).__next__, is_enough)


def answered(go: ReadSequence) -> None:
    """The sound answer to what is in hand comes as it is requested."""
    assert go.take_answer(go.number.to_bytes(2, "big") + go.request.head + b"\0\7") is not None


def test_what_is_in_hand_follows_the_answers() -> None:
    go, hands = go_of(100, 200, 300), list[Request]()
    go.ask(0)
    for _ in READS:
        hands.append(go.request)
        assert not go.is_over
        answered(go)

    assert (READS, True) == (hands, go.is_over)
    assert ([b"\0\7"] * 3, [100, 200, 300]) == (go.answers, go.taken_ns)
    with pytest.raises(IndexError):
        _ = go.request


def test_it_is_over_when_somebody_has_enough() -> None:
    go = go_of(100, 200, is_enough=iter([False, True]).__next__)
    go.ask(0)
    answered(go)
    assert not go.is_over
    answered(go)

    assert go.is_over


def test_a_refusal_ends_it_and_is_no_answer() -> None:
    go, refusal = go_of(100, 200), Answer(exception=2)
    go.found(Answer(data=b"\0\1"))
    go.found(refusal)

    assert ([b"\0\1"], refusal, [100, 200], True) == (go.answers, go.refusal, go.taken_ns, go.is_over)


def test_a_go_of_nothing_is_over() -> None:
    assert ReadSequence([], lambda: 0).is_over


BLOCK = make_read(1, "holding", 100, 4)
DATA = bytes(range(8))


def seen(request: Request, data: bytes, now_ns: int, held: AnswerCache | None = None) -> AnswerCache:
    held = held or AnswerCache()
    held.store_answer(request, Answer(data=data, request=request), now_ns)
    return held


def test_the_same_read_and_any_part_of_it_have_its_bytes() -> None:
    held = seen(BLOCK, DATA, 1000)

    assert DATA == held.find(BLOCK, 1000)
    assert DATA[2:6] == held.find(make_read(1, "holding", 101, 2), 1000)
    assert DATA[6:] == held.find(make_read(1, "holding", 103, 1), 1000)


def test_what_reaches_beyond_it_or_is_elsewhere_is_not_there() -> None:
    held = seen(BLOCK, DATA, 1000)

    assert [None] * 4 == [
        held.find(request, 0)
        for request in (
            make_read(1, "holding", 99, 2),
            make_read(1, "holding", 103, 2),
            make_read(1, "input", 100, 4),
            make_read(2, "holding", 100, 4),
        )
    ]


def test_two_answers_are_never_joined() -> None:
    held = seen(make_read(1, "holding", 104, 4), DATA, 1000, seen(BLOCK, DATA, 1000))

    assert None is held.find(make_read(1, "holding", 102, 4), 0)


def test_what_is_too_old_is_not_given_and_the_newer_of_two_is() -> None:
    held = seen(BLOCK, DATA, 1000)
    assert None is held.find(BLOCK, 1001)

    seen(make_read(1, "holding", 99, 6), bytes(range(20, 32)), 2000, held)
    assert bytes(range(22, 30)) == held.find(BLOCK, 1500)


def test_bits_are_cut_out_of_a_longer_answer() -> None:
    held = seen(make_read(1, "coil", 0, 12), bytes([0b1010_0110, 0b0000_1001]), 0)

    assert bytes([0b1_0100]) == held.find(make_read(1, "coil", 3, 5), 0)
    assert bytes([0b1001_1010]) == held.find(make_read(1, "coil", 4, 8), 0)


def test_a_write_makes_what_its_unit_said_worthless() -> None:
    held = seen(make_read(2, "input", 0, 1), b"\0\7", 1000, seen(BLOCK, DATA, 1000))
    write = make_write(1, "holding", 5, (1,))
    held.store_answer(write, Answer(request=write), 1001)

    assert None is held.find(BLOCK, 0)
    assert b"\0\7" == held.find(make_read(2, "input", 0, 1), 0)


def test_an_exception_is_not_kept() -> None:
    held = AnswerCache()
    held.store_answer(BLOCK, Answer(exception=2), 1000)

    assert None is held.find(BLOCK, 0)


def test_a_go_leaves_each_of_its_answers_with_its_own_time() -> None:
    times = iter((1000, 2000))
    go = ReadSequence((BLOCK, make_read(1, "input", 0, 1)), lambda: next(times))
    go.ask(0)
    go.take(DATA)
    go.end()
    held = AnswerCache()
    held.store_answers(go)

    assert (DATA, None) == (held.find(BLOCK, 1000), held.find(BLOCK, 1001))
    assert None is held.find(make_read(1, "input", 0, 1), 0), "it was never answered"


def test_it_does_not_grow() -> None:
    held = AnswerCache()
    for place in range(ANSWERS_MAX + 10):
        seen(make_read(1, "holding", place, 1), b"\0\1", 1000, held)
    found = [held.find(make_read(1, "holding", place, 1), 0) for place in range(ANSWERS_MAX + 10)]
    assert [None] * 10 + [b"\0\1"] * ANSWERS_MAX == found

    for unit in range(2, TABLES_MAX + 2):
        seen(make_read(unit, "holding", 0, 1), b"\0\1", 1000, held)
    assert None is held.find(make_read(1, "holding", ANSWERS_MAX, 1), 0)


NAME = contextvars.ContextVar("NAME", default="none")


async def begun(waiter, trail):
    """A task that waits, and notes what it got."""

    async def waits():
        NAME.set("the waiting one")
        try:
            trail.append(await waiter)
        except Exception as error:  # noqa: BLE001 - it is what is looked at
            trail.append(error)
        trail.append(NAME.get())

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    return task


async def test_the_task_goes_on_inside_the_callback_that_settles_it_and_in_its_own_context():
    loop, trail = asyncio.get_running_loop(), []
    waiter = ExchangeWaiter(loop=loop)
    task = await begun(waiter, trail)

    def callback():
        waiter.set_result(b"answer")
        trail.append("back in the callback")

    loop.call_soon(callback)
    await task

    assert [b"answer", "the waiting one", "back in the callback"] == trail


async def test_settled_by_a_task_it_goes_on_in_the_next_turn():
    trail = []
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    task = await begun(waiter, trail)
    waiter.set_result(b"answer")
    at_once = list(trail)
    await task

    assert ([], [b"answer", "the waiting one"]) == (at_once, trail)


async def test_a_failure_is_heard_of_once_who_says_so_has_tidied_up():
    loop, trail = asyncio.get_running_loop(), []
    waiter = ExchangeWaiter(loop=loop)
    task = await begun(waiter, trail)
    error = OSError("gone")

    def callback():
        waiter.set_exception(error)
        trail.append("tidied up")

    loop.call_soon(callback)
    await task

    assert ["tidied up", error, "the waiting one"] == trail


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_settled_already_is_not_waited_for(fails):
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    if fails:
        waiter.set_exception(OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await waiter
    else:
        waiter.set_result(7)
        assert 7 == await waiter
    assert waiter.done()


async def test_a_task_that_is_cancelled_while_it_waits_ends():
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    task = await begun(waiter, [])
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task

    assert waiter.cancelled()
    assert not waiter.cancel()


async def test_a_time_limit_ends_the_wait():
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waiter

    assert waiter.cancelled()
