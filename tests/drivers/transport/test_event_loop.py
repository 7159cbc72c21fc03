"""Real time for callers without a house."""

import asyncio
import os
import select
import selectors
import socket
import time
from collections.abc import Iterator

import pytest

from quartier_drivers.transport import event_loop
from quartier_drivers.transport.event_loop import DirectSelector, EventLoop, FairLock, Handled, LoopClock


async def test_without_a_house_time_is_the_loops() -> None:
    clock = LoopClock()
    before_ns = clock.now_ns()
    await clock.sleep(0)

    assert before_ns <= clock.now_ns() <= asyncio.get_running_loop().time() * 1e9


def fails(error: Exception) -> None:
    raise error


READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def ears() -> Iterator[tuple[DirectSelector, selectors.EpollSelector]]:
    ours, theirs = DirectSelector(fails), selectors.EpollSelector()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    one.setblocking(False)
    yield one, other
    one.close()
    other.close()


def told(ear: selectors.BaseSelector) -> list[tuple[object, int]]:
    return sorted((key.data, mask) for key, mask in ear.select(0))


@pytest.mark.parametrize("events", [READ, WRITE, READ | WRITE])
@pytest.mark.parametrize("state", ["idle", "bytes", "gone", "full"])
def test_news_is_what_the_standard_library_makes_of_it(
    ears: tuple[DirectSelector, selectors.EpollSelector], pair: Pair, events: int, state: str
) -> None:
    one, other = pair
    if state == "bytes":
        other.send(b"x")
    if state == "gone":
        other.close()
    while state == "full":
        try:
            one.send(bytes(65536))
        except BlockingIOError:
            break
    for ear in ears:
        ear.register(one, events, "one")

    for _ in range(2):  # looked up, then known
        assert told(ears[1]) == told(ears[0])


def test_what_is_changed_or_gone_is_forgotten_at_once(pair: Pair) -> None:
    one, other = pair
    ear = DirectSelector(fails)
    other.send(b"x")
    ear.register(one, READ, "first")
    assert [("first", READ)] == told(ear)

    ear.modify(one, READ | WRITE, "second")
    assert [("second", READ | WRITE)] == told(ear)
    ear.unregister(one)
    assert [] == told(ear)
    ear.register(one, WRITE, "third")
    assert [("third", WRITE)] == told(ear)
    ear.close()


def test_an_event_of_a_file_that_nobody_knows_is_passed_over(pair: Pair) -> None:
    one, other = pair
    ear = DirectSelector(fails)
    other.send(b"x")
    ear._epoll.register(one, select.EPOLLIN)  # as if it had been registered beside the library

    assert [] == ear.select(0)
    ear.close()


def test_more_news_than_one_turn_takes_comes_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "_EVENTS_MAX", 2)
    ear, pairs = DirectSelector(fails), [socket.socketpair() for _ in range(5)]
    for number, (one, other) in enumerate(pairs):
        other.send(b"x")
        ear.register(one, READ, number)

    heard = set()
    for _ in range(5):
        news = ear.select(0)
        assert 2 == len(news)
        heard |= {key.data for key, _ in news}

    assert {0, 1, 2, 3, 4} == heard
    ear.close()
    for one, other in pairs:
        one.close()
        other.close()


def test_where_all_is_done_at_once_the_rest_of_the_time_is_waited_for(pair: Pair) -> None:
    one, other = pair
    ear, heard = DirectSelector(fails), []

    def hear() -> Handled:
        heard.append(one.recv(10))
        if len(heard) < 3:
            other.send(b"y")
        return Handled.ALL

    ear.register(one, READ, "reader")
    ear.hears(one.fileno(), hear)
    other.send(b"x")
    before = time.monotonic()

    assert [] == ear.select(0.01)
    assert time.monotonic() - before >= 0.01
    assert [b"x", b"y", b"y"] == heard
    other.send(b"z")
    assert [] == ear.select(0)
    assert [b"x", b"y", b"y", b"z"] == heard
    ear.close()


def test_what_was_left_to_the_loop_ends_the_wait(pair: Pair) -> None:
    one, other = pair
    ear = DirectSelector(fails)
    ear.register(one, READ, "reader")
    ear.hears(one.fileno(), lambda: (one.recv(10), Handled.SOME)[1])
    other.send(b"x")

    assert [] == ear.select(None), "it would never come back"
    ear.close()


def test_where_nothing_was_done_or_nobody_hears_any_more_the_reader_is_told(pair: Pair) -> None:
    one, other = pair
    ear = DirectSelector(fails)
    ear.register(one, READ, "reader")
    ear.hears(one.fileno(), lambda: Handled.NOTHING)
    other.send(b"x")
    assert [("reader", READ)] == told(ear)

    ear.hears(one.fileno(), lambda: (one.recv(10), Handled.ALL)[1])
    ear.hears(one.fileno(), None)
    assert [("reader", READ)] == told(ear)
    ear.close()


def test_a_bug_of_who_hears_is_told_and_the_others_are_heard(pair: Pair) -> None:
    one, other = pair
    broken: list[Exception] = []
    ear = DirectSelector(broken.append)
    ear.register(one, READ, "broken")
    ear.register(other, READ, "sound")
    ear.hears(one.fileno(), lambda: Handled(1 // 0))
    one.send(b"x")
    other.send(b"y")

    assert [("sound", READ)] == told(ear)
    (error,) = broken
    assert isinstance(error, ZeroDivisionError)
    ear.close()


@pytest.mark.parametrize("timeout", [0.0004, 0.002])
def test_it_never_wakes_before_a_time_out_is_over(timeout: float) -> None:
    ear = DirectSelector(fails)
    before = time.monotonic()
    assert [] == ear.select(timeout)

    assert time.monotonic() - before >= timeout
    ear.close()


def test_closing_gives_every_file_back() -> None:
    ear = DirectSelector(fails)
    files = {ear.fileno(), ear._epoll.fileno()}
    ear.close()

    for number in files:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_a_house_runs_on_it() -> None:
    async def lived() -> list[str]:
        said = []
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        loop = asyncio.get_running_loop()
        later = asyncio.Event()
        loop.call_later(0.001, later.set)
        writer.write(b"hello\n")
        said.append((await reader.readline()).decode().strip())
        said.append(await asyncio.to_thread(str, "thread"))
        await later.wait()
        before_s = loop.time()
        assert before_s <= time.monotonic()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return sorted(said)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    with asyncio.Runner(loop_factory=EventLoop) as runner:
        assert ["hello", "thread"] == runner.run(lived())


async def waits(turn: FairLock, name: str, trail: list[str]) -> None:
    await turn.wait()
    trail.append(name)
    turn.give()


async def begun(turn: FairLock, names: str, trail: list[str]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(waits(turn, name, trail)) for name in names]
    await asyncio.sleep(0)
    return tasks


def test_it_is_taken_by_one_alone_and_free_again_once_given() -> None:
    turn = FairLock()

    assert turn.take()
    assert not turn.take()
    turn.give()
    assert turn.take()


async def test_it_is_given_in_the_order_of_asking_and_nobody_comes_in_between() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    tasks = await begun(turn, "abc", trail)

    turn.give()
    assert not turn.take()
    await asyncio.gather(*tasks)

    assert ["a", "b", "c"] == trail
    assert turn.take()


async def test_who_is_cancelled_while_he_waits_is_passed_over() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    first, *others = await begun(turn, "abc", trail)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    turn.give()
    await asyncio.gather(*others)

    assert ["b", "c"] == trail


async def test_who_is_cancelled_just_when_it_is_his_passes_it_on() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    first, *others = await begun(turn, "abc", trail)
    turn.give()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.gather(*others)

    assert ["b", "c"] == trail
    assert turn.take()
