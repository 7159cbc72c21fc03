"""A line that waits where it asks: right answers only, and no loop."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.drivers.modbus.conftest import Asked, TcpServer, hang_up, registers, silence, tcp

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.frames import Answer, make_read
from quartier_drivers.modbus.wire.blocking_line import (
    BlockingClock,
    BlockingTcpLine,
    _encode_timeout,
    run_blocking,
)

READ = make_read(1, "holding", 10, 2)


def right(*words: int) -> Callable[[Asked], bytes]:
    return lambda asked: tcp(asked.number, asked.unit, registers(3, *words))


def link(port: int, **keys: Any) -> BlockingTcpLine:
    keys = {"host": "127.0.0.1", "timeout_s": 10.0, "retries_count": 0} | keys
    return BlockingTcpLine("net", TcpBus(kind="modbus-tcp", port=port, **keys), BlockingClock())


def waits(line: BlockingTcpLine, seconds: float) -> None:
    """Let an open line wait so long: little for a silence, much for an answer."""
    assert line._socket is not None
    line._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _encode_timeout(seconds))


async def beside(work: Coroutine[Any, Any, Any]) -> Any:
    """The server runs in this thread's loop, so the line waits in another."""
    return await asyncio.to_thread(run_blocking, work)


async def test_an_answer_is_there_when_the_call_returns(tcp_server: TcpServer) -> None:
    tcp_server.script = [right(3, 4), lambda asked: tcp(asked.number, 1, bytes([0x83, 2]))]
    line = link(tcp_server.port)

    assert Answer((3, 4)) == await beside(line.exchange(READ))
    assert Answer(exception=2) == await beside(line.exchange(READ))
    assert line.is_connected
    await beside(line.close())
    assert not line.is_connected


async def test_a_late_answer_is_dropped_and_pieces_are_put_together(tcp_server: TcpServer) -> None:
    def in_pieces(asked: Asked) -> bytes:
        whole = tcp(asked.number - 1, 1, registers(3, 9, 9)) + right(3, 4)(asked)
        asyncio.get_running_loop().call_later(0.01, tcp_server.send, whole[20:])
        return whole[:20]

    tcp_server.script = [silence, in_pieces, right(5, 6)]
    line = link(tcp_server.port)
    await beside(line.open())

    waits(line, 0.05)
    with pytest.raises(NoReply, match="unit 1 is silent"):
        await beside(line.exchange(READ))
    waits(line, 10.0)
    assert Answer((3, 4)) == await beside(line.exchange(READ))
    assert Answer((5, 6)) == await beside(line.exchange(READ))
    assert (1, 1) == (line.stats["late_count"], tcp_server.connections_count)
    await beside(line.close())


async def test_half_an_answer_costs_the_connection_and_a_wrong_one_is_no_reply(tcp_server: TcpServer) -> None:
    tcp_server.script = [lambda asked: right(1, 2)(asked)[:9], right(1), lambda _: b"\xff" * 20, right(3, 4)]
    line = link(tcp_server.port)
    line._timeout_s = 0.05  # for the rest of what is torn; an answer may take as long as ever to begin

    with pytest.raises(NoReply, match="silent"):
        await beside(line.exchange(READ))
    assert not line.is_connected
    with pytest.raises(NoReply, match="expected 6"):
        await beside(line.exchange(READ))
    with pytest.raises(NoReply, match="protocol 65535"):
        await beside(line.exchange(READ))
    assert Answer((3, 4)) == await beside(line.exchange(READ))
    await beside(line.close())


async def test_a_closed_connection_is_made_anew_for_a_read_that_may_be_repeated(
    tcp_server: TcpServer,
) -> None:
    tcp_server.script = [hang_up, right(3, 4), hang_up]
    line = link(tcp_server.port, retries_count=1)

    assert Answer((3, 4)) == await beside(line.exchange(READ))
    assert 2 == tcp_server.connections_count
    with pytest.raises(LinkLost, match="closed the connection"):
        await beside(line.exchange(READ))


async def test_an_endpoint_that_says_nothing_gets_a_new_connection(tcp_server: TcpServer) -> None:
    tcp_server.script = [silence]
    line = link(tcp_server.port, timeout_s=0.01)
    for _ in range(5):
        with pytest.raises(NoReply):
            await beside(line.exchange(READ))

    assert not line.is_connected


@pytest.mark.parametrize("answer", [right(3, 4), lambda asked: tcp(asked.number, 1, bytes([0x83, 2]))])
async def test_an_answer_between_silences_keeps_the_connection(
    tcp_server: TcpServer, answer: Callable[[Asked], bytes]
) -> None:
    tcp_server.script = [*[silence] * 4, answer, *[silence] * 4]
    line = link(tcp_server.port)
    await beside(line.open())
    for number in range(9):
        if number == 4:
            waits(line, 10.0)
            await beside(line.exchange(READ))
            continue
        waits(line, 0.05)
        with pytest.raises(NoReply):
            await beside(line.exchange(READ))

    assert line.is_connected
    assert 1 == tcp_server.connections_count
    await beside(line.close())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_is_not_there_is_named(free_port: int, host: str) -> None:
    with pytest.raises(LinkLost, match=f"{host}:{free_port}: Connection refused"):
        run_blocking(link(free_port, host=host).open())


def test_a_name_that_is_not_known_is_said() -> None:
    with pytest.raises(LinkLost, match=r"nobody\.invalid:502: "):
        run_blocking(link(502, host="nobody.invalid").open())


def test_a_house_of_version_6_is_reached() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        line = link(server.getsockname()[1], host="::1")
        run_blocking(line.open())
        assert line.is_connected
        run_blocking(line.close())


def test_work_that_needs_a_loop_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="waits for an event loop"):
        run_blocking(asyncio.sleep(0))


def test_its_clock_waits() -> None:
    clock = BlockingClock()
    before_ns = clock.now_ns()
    run_blocking(clock.sleep(0.002))

    assert before_ns + 2_000_000 <= clock.now_ns()
