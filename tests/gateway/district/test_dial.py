"""Work in a thread: what it says comes back, and what nobody waits for any more is undone."""

import asyncio
import socket
import threading

import pytest

from quartier.district.broker import Unreachable
from quartier.district.dial import dial, prepare


async def test_what_is_done_raises_nothing_and_is_kept():
    done = []
    await dial("t", lambda: done.append("work"), lambda: done.append("undone"))
    assert ["work"] == done


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("no port")])
async def test_what_it_could_not_do_is_said(error):
    def work():
        raise error

    with pytest.raises(Unreachable, match=f"{type(error).__name__}: {error}"):
        await dial("t", work, lambda: None)


async def test_what_nobody_waits_for_any_more_is_undone_when_it_comes():
    go, undone = threading.Event(), asyncio.Event()
    task = asyncio.create_task(dial("t", go.wait, undone.set))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    async with asyncio.timeout(10):
        await undone.wait()


def test_a_socket_passes_on_at_once_what_it_gets():
    with socket.socket() as endpoint:
        prepare(endpoint)
        assert endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
