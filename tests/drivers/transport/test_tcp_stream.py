"""A connection tells its bytes and its end, and nothing after it was dropped."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest
from tests.drivers.modbus.conftest import TcpServer, hang_up

from quartier_drivers.transport.event_loop import EventLoop
from quartier_drivers.transport.tcp import TcpStream, enable_keep_alive


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


async def connect(server: TcpServer, ear: Ear) -> TcpStream:
    stream = TcpStream(ear.hear, ear.lost)
    await stream.connect("127.0.0.1", server.port)
    assert (True, "127.0.0.1") == (stream.is_connected, stream.peer)
    return stream


REQUEST = bytes.fromhex("0001 0000 0006 01 03 0000 0001")


async def test_bytes_are_heard(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [lambda _: b"hello"]
    stream = await connect(tcp_server, ear)
    stream.send(REQUEST)
    await ear.news.wait()

    assert b"hello" == ear.heard
    stream.drop()
    assert (False, "") == (stream.is_connected, stream.peer)


async def test_the_peers_end_is_told_once(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [hang_up]
    stream = await connect(tcp_server, ear)
    stream.send(REQUEST)
    await ear.news.wait()

    assert [None] == ear.ends
    assert not stream.is_connected
    stream.drop()
    assert [None] == ear.ends
    assert not stream.send(REQUEST)


async def test_a_dropped_connection_is_heard_no_more(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [lambda _: b"late"]
    stream = await connect(tcp_server, ear)
    stream.send(REQUEST)
    while not tcp_server.asked:  # noqa: ASYNC110 - the server has no event
        await asyncio.sleep(0)
    stream.drop()
    again = await connect(tcp_server, other := Ear())
    again.send(REQUEST)
    await other.news.wait()
    again.drop()

    assert (b"", [], b"late") == (ear.heard, ear.ends, other.heard)


async def test_it_may_be_connected_again_after_its_end(tcp_server: TcpServer, ear: Ear) -> None:
    tcp_server.script = [hang_up, lambda _: b"hello"]
    stream = await connect(tcp_server, ear)
    stream.send(REQUEST)
    await ear.news.wait()
    ear.news.clear()
    await stream.connect("127.0.0.1", tcp_server.port)
    stream.send(REQUEST)
    await ear.news.wait()

    assert (b"hello", [None]) == (ear.heard, ear.ends)
    stream.drop()


async def test_who_is_not_there_is_an_error_of_the_system(free_port: int, ear: Ear) -> None:
    stream = TcpStream(ear.hear, ear.lost)

    with pytest.raises(ConnectionRefusedError):
        await stream.connect("127.0.0.1", free_port)
    assert not stream.is_connected


async def test_what_the_kernel_does_not_take_at_once_follows_in_its_order(ear: Ear) -> None:
    begin, ended, taken = asyncio.Event(), asyncio.Event(), bytearray()

    async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await begin.wait()
        while data := await reader.read(1 << 16):
            taken.extend(data)
        writer.close()
        await writer.wait_closed()
        ended.set()

    listener = await asyncio.start_server(reads, "127.0.0.1", 0)
    stream = TcpStream(ear.hear, ear.lost)
    await stream.connect("127.0.0.1", listener.sockets[0].getsockname()[1])
    much, more = bytes(range(256)) * (1 << 16), b"and more"
    stream.send(much)
    stream.send(more)
    begin.set()
    while len(taken) < len(much) + len(more):  # noqa: ASYNC110 - the kernel delivers it, no event of ours
        await asyncio.sleep(0)
    stream.drop()
    await ended.wait()
    listener.close()

    assert much + more == taken


async def test_an_end_that_sending_finds_is_told_as_any_other(ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = TcpStream(ear.hear, ear.lost)
        await stream.connect("127.0.0.1", listener.getsockname()[1])
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        stream.send(b"x")  # the loop has not been asked since
        at_once = list(ear.ends)
        await ear.news.wait()

    assert [] == at_once
    assert [ConnectionResetError] == [type(end) for end in ear.ends]
    assert not stream.is_connected


def test_the_kernel_watches_over_a_silent_peer() -> None:
    with socket.socket() as endpoint:
        enable_keep_alive(endpoint)

        assert endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert 10 == endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


async def slow_peer(ear: Ear) -> tuple[TcpStream, socket.socket]:
    """A peer whose kernel takes little, and who has not read yet."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        stream = TcpStream(ear.hear, ear.lost)
        await stream.connect("127.0.0.1", listening.getsockname()[1])
        return stream, listening.accept()[0]


def all_of(peer: socket.socket) -> tuple[bytes, bool]:
    """What still arrives, and whether the connection then just ends."""
    found = b""
    with peer:
        peer.settimeout(60.0)
        try:
            while data := peer.recv(65536):
                found += data
        except ConnectionResetError:
            return found, False
    return found, True


async def test_what_the_peer_has_not_taken_when_it_is_dropped_never_arrives(ear: Ear) -> None:
    stream, peer = await slow_peer(ear)
    stream.send(bytes(100_000) + b"an order of long ago")
    stream.drop()
    found, just_ended = await asyncio.to_thread(all_of, peer)

    assert (False, False) == (b"order" in found, just_ended)


async def test_a_connection_whose_bytes_were_taken_just_ends(ear: Ear) -> None:
    stream, peer = await slow_peer(ear)
    stream.send(b"an order")
    await asyncio.sleep(0.1)  # the kernels have settled it
    stream.drop()

    assert (b"an order", True) == await asyncio.to_thread(all_of, peer)


class Sound:
    """Takes bytes as it is told to, before the loop turns."""

    def __init__(self, *replies: bytes | None) -> None:
        self.taken: list[bytes] = []
        self.replies = iter(replies)

    def __call__(self, data: bytes) -> bytes | None:
        reply = next(self.replies)
        if reply is not None:
            self.taken.append(data)
        return reply


async def sounding(server: TcpServer, ear: Ear, sound: Callable[[bytes], bytes | None]) -> TcpStream:
    stream = TcpStream(ear.hear, ear.lost, sound)
    await stream.connect("127.0.0.1", server.port)
    return stream


async def test_what_is_sound_is_taken_and_answered_before_the_loop_turns(
    tcp_server: TcpServer, ear: Ear
) -> None:
    sound = Sound(REQUEST, None)
    tcp_server.script = [lambda _: b"first", lambda _: b"odd"]
    stream = await sounding(tcp_server, ear, sound)
    stream.send(REQUEST)
    await ear.news.wait()

    if isinstance(asyncio.get_running_loop(), EventLoop):
        assert ([b"first"], b"odd") == (sound.taken, ear.heard)
    else:  # there is only ``hear``
        assert ([], b"first") == (sound.taken, ear.heard)
    stream.drop()


@pytest.mark.asyncio(loop_factories=["house"])
async def test_who_takes_bytes_and_wakes_somebody_is_heard_in_a_turn(tcp_server: TcpServer, ear: Ear) -> None:
    loop = asyncio.get_running_loop()

    def sound(data: bytes) -> bytes:
        ear.heard += data
        loop.call_soon(ear.news.set)
        return b""

    tcp_server.script = [lambda _: b"hello"]
    stream = await sounding(tcp_server, ear, sound)
    stream.send(REQUEST)
    await ear.news.wait()

    assert b"hello" == ear.heard
    stream.drop()


async def test_an_end_that_is_found_before_the_loop_turns_is_told_once(
    tcp_server: TcpServer, ear: Ear
) -> None:
    tcp_server.script = [hang_up]
    stream = await sounding(tcp_server, ear, Sound())
    stream.send(REQUEST)
    await ear.news.wait()

    assert [None] == ear.ends
    assert not stream.is_connected


async def test_a_reset_that_is_found_before_the_loop_turns_is_told_with_its_reason(ear: Ear) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stream = TcpStream(ear.hear, ear.lost, Sound())
    await stream.connect("127.0.0.1", listener.getsockname()[1])
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()
    listener.close()
    await ear.news.wait()

    (end,) = ear.ends
    assert isinstance(end, ConnectionResetError)


@pytest.mark.asyncio(loop_factories=["house"])
async def test_a_reply_into_a_connection_that_is_gone_ends_it_in_a_turn(ear: Ear) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, EventLoop)
    one, other = socket.socketpair()
    one.setblocking(False)
    one.shutdown(socket.SHUT_WR)
    stream = TcpStream(ear.hear, ear.lost, Sound(b"reply"))
    stream._loop, stream._socket = loop, one
    loop.add_reader(one.fileno(), stream._readable)
    loop.direct_selector.hears(one.fileno(), stream._at_once)
    other.send(b"x")
    await ear.news.wait()

    (end,) = ear.ends
    assert isinstance(end, BrokenPipeError)
    other.close()


@pytest.mark.asyncio(loop_factories=["house"])
async def test_dropped_by_who_takes_its_bytes_it_says_nothing_more(tcp_server: TcpServer, ear: Ear) -> None:
    loop = asyncio.get_running_loop()

    def sound(_: bytes) -> bytes:
        stream.drop()
        loop.call_soon(ear.news.set)
        return b""

    tcp_server.script = [lambda _: b"hello"]
    stream = await sounding(tcp_server, ear, sound)
    stream.send(REQUEST)
    await ear.news.wait()

    assert ([], b"") == (ear.ends, ear.heard)
