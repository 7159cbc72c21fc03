"""A loop with virtual time skips waits and nothing else: bytes arrive first, and all in order."""

import asyncio
import os
import socket
import threading
import tty

import pytest
from tests.virtual_time import VirtualAsyncioLoop, VirtualDriverLoop

from quartier_drivers.bell import Bell

HOUR_S = 3600.0


@pytest.fixture(params=[VirtualDriverLoop, VirtualAsyncioLoop])
def run(request):
    """Return what runs a coroutine on each loop."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


def test_timers_fire_in_order_of_their_times(run):
    async def timed():
        loop, said = asyncio.get_running_loop(), []
        before_s = loop.time()
        for hours in (3, 1, 2):
            loop.call_later(hours * HOUR_S, said.append, hours)
        await asyncio.sleep(4 * HOUR_S)
        return said, loop.time() - before_s

    said, took_s = run(timed())
    assert [1, 2, 3] == said
    assert 4 * HOUR_S <= took_s < 4 * HOUR_S + 1


def test_kernel_timer_fires_between_two_timers_of_the_loop(run):
    async def rung():
        loop, said = asyncio.get_running_loop(), []
        bell = Bell()
        moment_s = loop.time() + 2 * HOUR_S
        bell.set(moment_s, lambda: said.append(loop.time() >= moment_s), exact=True)
        loop.call_later(HOUR_S, said.append, "before")
        loop.call_later(3 * HOUR_S, said.append, "behind")
        await asyncio.sleep(4 * HOUR_S)
        bell.close()
        return said

    assert ["before", True, "behind"] == run(rung())


def test_bytes_sent_over_tcp_arrive_before_any_timeout(run):
    async def asked():
        over = asyncio.Event()

        async def echo(reader, writer):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(1.0)
                writer.write(data)
            writer.close()
            await writer.wait_closed()
            over.set()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for number in range(200):
                async with asyncio.timeout(1.5):
                    writer.write(b"%03d" % number)
                    assert b"%03d" % number == await reader.readexactly(3)
            writer.close()
            await writer.wait_closed()
            await over.wait()

    run(asked())


def test_bytes_written_to_a_pty_arrive_before_any_timeout(run):
    async def asked(one, other):
        loop = asyncio.get_running_loop()
        heard = asyncio.Queue()
        loop.add_reader(other, lambda: os.write(other, os.read(other, 64)))
        loop.add_reader(one, lambda: heard.put_nowait(os.read(one, 64)))
        for number in range(200):
            os.write(one, b"%03d" % number)
            async with asyncio.timeout(0.001):
                assert b"%03d" % number == await heard.get()
        loop.remove_reader(one)
        loop.remove_reader(other)

    one, other = os.openpty()
    tty.setraw(other)
    run(asked(one, other))
    os.close(one)
    os.close(other)


def test_thread_ends_before_any_timeout(run):
    go_on = threading.Event()

    async def worked():
        work = asyncio.get_running_loop().run_in_executor(None, go_on.wait, 60)
        threading.Timer(0.05, go_on.set).start()
        async with asyncio.timeout(HOUR_S):
            return await work

    assert run(worked())


def test_silence_ends_in_a_timeout(run):
    async def asked():
        one, other = socket.socketpair()
        one.setblocking(False)
        try:
            async with asyncio.timeout(HOUR_S):
                await asyncio.get_running_loop().sock_recv(one, 1)
        finally:
            one.close()
            other.close()

    with pytest.raises(TimeoutError):
        run(asked())
