"""A connection tells its bytes and its end, and nothing after it was dropped."""

import asyncio
import socket

import pytest
from tests.drivers.modbus.conftest import TcpServer, hang_up

from quartier_drivers.stream import Stream, keep_alive


class Ear:
    def __init__(self) -> None:
        self.heard = b""
        self.ends: list[Exception | None] = []
        self.news = asyncio.Event()

    def hear(self, data: bytes) -> None:
        self.heard += data
        self.news.set()

    def lost(self, error: Exception | None) -> None:
        self.ends.append(error)
        self.news.set()


@pytest.fixture
def ear() -> Ear:
    return Ear()


async def connect(server: TcpServer, ear: Ear) -> Stream:
    stream = Stream(ear.hear, ear.lost)
    await asyncio.get_running_loop().create_connection(lambda: stream, "127.0.0.1", server.port)
    assert stream.stands
    return stream


REQUEST = bytes.fromhex("0001 0000 0006 01 03 0000 0001")


async def test_bytes_are_heard(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [lambda _: b"hello"]
    stream = await connect(tcp_server, ear)
    assert stream.transport is not None
    stream.transport.write(REQUEST)
    await ear.news.wait()

    assert b"hello" == ear.heard
    stream.drop()
    assert not stream.stands


async def test_the_peers_end_is_told_once(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [hang_up]
    stream = await connect(tcp_server, ear)
    assert stream.transport is not None
    stream.transport.write(REQUEST)
    await ear.news.wait()

    assert [None] == ear.ends
    assert not stream.stands
    stream.drop()
    assert [None] == ear.ends


async def test_a_dropped_connection_is_heard_no_more(tcp_server: TcpServer, ear: Ear) -> None:
    stream = await connect(tcp_server, ear)
    stream.drop()
    stream.get_buffer(4)[:4] = b"late"
    stream.buffer_updated(4)
    stream.connection_lost(None)

    assert (b"", []) == (ear.heard, ear.ends)


def test_the_kernel_watches_over_a_silent_peer() -> None:
    with socket.socket() as endpoint:
        keep_alive(endpoint)

        assert endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert 10 == endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
