"""Virtual time skips waits only: bytes still arrive before any timeout, and timers keep their order."""

import asyncio
import os
import socket
import threading
import tty

import pytest
from tests.virtual_time import VirtualAsyncioLoop, VirtualDriverLoop

from quartier_drivers.transport.precise_timer import PreciseTimer

HOUR_S = 3600.0


@pytest.fixture(params=[VirtualDriverLoop, VirtualAsyncioLoop])
def run(request):
    """Return a function that runs a coroutine, once on each loop with virtual time."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


def test_timers_fire_in_order_of_their_times(run):
    async def wait_for_timers():
        loop, fired = asyncio.get_running_loop(), []
        before_s = loop.time()
        for hours in (3, 1, 2):
            loop.call_later(hours * HOUR_S, fired.append, hours)
        await asyncio.sleep(4 * HOUR_S)
        return fired, loop.time() - before_s

    fired, took_s = run(wait_for_timers())
    assert [1, 2, 3] == fired
    assert 4 * HOUR_S <= took_s < 4 * HOUR_S + 1


def test_kernel_timer_fires_between_two_timers_of_the_loop(run):
    async def wait_for_timers():
        loop, fired = asyncio.get_running_loop(), []
        kernel_timer = PreciseTimer()
        due_s = loop.time() + 2 * HOUR_S
        kernel_timer.set(due_s, lambda: fired.append(loop.time() >= due_s), exact=True)
        loop.call_later(HOUR_S, fired.append, "before")
        loop.call_later(3 * HOUR_S, fired.append, "after")
        await asyncio.sleep(4 * HOUR_S)
        kernel_timer.close()
        return fired

    assert ["before", True, "after"] == run(wait_for_timers())


def test_bytes_sent_over_tcp_arrive_before_any_timeout(run):
    async def exchange():
        is_closed = asyncio.Event()

        async def echo(reader, writer):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(1.0)
                writer.write(data)
            writer.close()
            await writer.wait_closed()
            is_closed.set()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for number in range(200):
                async with asyncio.timeout(1.5):
                    writer.write(b"%03d" % number)
                    assert b"%03d" % number == await reader.readexactly(3)
            writer.close()
            await writer.wait_closed()
            await is_closed.wait()

    run(exchange())


def test_bytes_written_to_a_pty_arrive_before_any_timeout(run):
    async def exchange(one, other):
        loop = asyncio.get_running_loop()
        received = asyncio.Queue()
        loop.add_reader(other, lambda: os.write(other, os.read(other, 64)))
        loop.add_reader(one, lambda: received.put_nowait(os.read(one, 64)))
        for number in range(200):
            os.write(one, b"%03d" % number)
            async with asyncio.timeout(0.001):
                assert b"%03d" % number == await received.get()
        loop.remove_reader(one)
        loop.remove_reader(other)

    one, other = os.openpty()
    tty.setraw(other)
    run(exchange(one, other))
    os.close(one)
    os.close(other)


def test_job_of_the_thread_pool_ends_before_any_timeout(run):
    may_end = threading.Event()

    async def wait_for_thread():
        work = asyncio.get_running_loop().run_in_executor(None, may_end.wait, 60)
        threading.Timer(0.05, may_end.set).start()
        async with asyncio.timeout(HOUR_S):
            return await work

    assert run(wait_for_thread())


def test_timeout_fires_when_no_bytes_arrive(run):
    async def receive():
        one, other = socket.socketpair()
        one.setblocking(False)
        try:
            async with asyncio.timeout(HOUR_S):
                await asyncio.get_running_loop().sock_recv(one, 1)
        finally:
            one.close()
            other.close()

    with pytest.raises(TimeoutError):
        run(receive())
