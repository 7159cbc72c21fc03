"""Work in a thread: what it says comes back, and what nobody waits for any more is undone."""

import asyncio
import socket
import threading
from contextlib import suppress

import pytest

from quartier.district.connection.dialing import ask_loop, find_unsent_bytes, prepare_socket, run_in_thread
from quartier.district.connection.mqtt_types import BrokerUnreachable


async def test_what_is_done_raises_nothing_and_is_kept():
    done = []
    await run_in_thread("t", lambda: done.append("work"), lambda: done.append("undone"))
    assert ["work"] == done


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("no port")])
async def test_what_it_could_not_do_is_said(error):
    def work():
        raise error

    with pytest.raises(BrokerUnreachable, match=f"{type(error).__name__}: {error}"):
        await run_in_thread("t", work, lambda: None)


async def test_what_nobody_waits_for_any_more_is_undone_when_it_comes():
    go, undone = threading.Event(), asyncio.Event()
    task = asyncio.create_task(run_in_thread("t", go.wait, undone.set))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    async with asyncio.timeout(60):
        await undone.wait()


async def test_what_failed_half_way_is_undone():
    undone = []

    def work():
        raise OSError("no route")

    with pytest.raises(BrokerUnreachable):
        await run_in_thread("t", work, lambda: undone.append(True))
    assert [True] == undone


async def test_the_thread_is_answered_by_the_loop():
    async def question():
        return threading.current_thread() is threading.main_thread()

    found = []
    loop = asyncio.get_running_loop()
    await run_in_thread("t", lambda: found.append(ask_loop(loop, question())), lambda: None)
    assert [True] == found


async def test_a_question_that_is_cancelled_is_a_fault_of_the_dialing():
    async def question():
        raise asyncio.CancelledError

    loop = asyncio.get_running_loop()
    with pytest.raises(BrokerUnreachable, match="the link is being left"):
        await run_in_thread("t", lambda: ask_loop(loop, question()), lambda: None)


def test_a_loop_that_is_closed_answers_nobody():
    async def question():
        """Never asked."""

    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(OSError, match="the link is being left"):
        ask_loop(loop, question())


def test_a_socket_passes_on_at_once_what_it_gets():
    with socket.socket() as endpoint:
        prepare_socket(endpoint)
        assert endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_the_kernel_holds_back_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        with ours, theirs:
            assert 0 == find_unsent_bytes(ours)
            ours.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    ours.send(bytes(65_536))
            assert find_unsent_bytes(ours) > 0
        assert 0 == find_unsent_bytes(ours), "a closed socket holds nothing"
