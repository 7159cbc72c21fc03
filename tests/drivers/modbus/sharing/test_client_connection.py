"""A connection takes what makes sense, slowly or at once, and ends for what does not; nothing grows."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest
from tests.drivers.modbus.sharing.conftest import Opened, terms_of

from quartier_drivers.modbus.sharing.client_connection import (
    FRAME_S,
    FRAMES_PER_TURN,
    STUCK_S,
    UNSENT_MAX_BYTES,
    SendBuffer,
)
from quartier_drivers.modbus.sharing.client_requests import encode_frame

READ, SAID = b"\x03\x00\x0a\x00\x02", b"\x03\x04\x00\x0a\x00\x0b"


async def test_a_request_may_come_byte_by_byte(opened: Opened) -> None:
    shared = await opened()
    caller = await shared.call()
    for byte in struct.pack(">HHHB", 5, 0, 6, 1) + READ:
        caller.writer.write(bytes([byte]))
        await caller.writer.drain()
        await asyncio.sleep(0)

    assert (5, 1, SAID) == await caller.hear()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: heatpump\r\n\r\n",
        b"\0\1\0\7\0\6\1\3\0\0\0\1",
        b"\0\1\0\0\xff\xff\1\3",
        b"\0\1\0\0\0\1\1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    ],
)
async def test_what_is_no_modbus_ends_the_connection_and_no_other(opened: Opened, data: bytes) -> None:
    shared = await opened()
    bad, good = await shared.call(), await shared.call()
    bad.writer.write(data)

    assert await bad.ended()
    assert SAID == await good.ask(READ)
    assert 1 == len(shared.clients["portal"].connections)


async def test_a_frame_that_does_not_end_ends_the_connection(opened: Opened) -> None:
    shared = await opened()
    caller = await shared.call()
    caller.writer.write(b"\0\1\0\0\0\6\1\3\0")
    (connection,) = await connections(shared.clients["portal"])
    while not connection._intake.is_torn:  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0.001)
    now_s = asyncio.get_running_loop().time()
    connection.sweep(now_s + FRAME_S / 2)
    assert 1 == len(shared.clients["portal"].connections)
    connection.sweep(now_s + FRAME_S + 0.1)

    assert await caller.ended()


async def test_a_connection_that_waits_for_hours_between_two_requests_stays(opened: Opened) -> None:
    shared = await opened()
    caller = await shared.call()
    assert SAID == await caller.ask(READ)
    (connection,) = await connections(shared.clients["portal"])
    connection.sweep(asyncio.get_running_loop().time() + 36_000.0)

    assert SAID == await caller.ask(READ)


async def test_who_takes_his_answers_at_last_is_listened_to_again(opened: Opened) -> None:
    shared = await opened(terms_of(outstanding_max=16, requests_per_s=1e6))
    caller = await shared.call()
    (connection,) = await connections(shared.clients["portal"])
    assert SAID == await caller.ask(READ)
    connection._outlet._unsent, connection._outlet._stuck_s = encode_frame(9, 1, SAID), 0.0
    connection._deafen()
    asyncio.get_running_loop().add_writer(connection._socket.fileno(), connection._outlet._writable)

    assert (9, 1, SAID) == await caller.hear()
    assert SAID == await caller.ask(READ)


async def test_a_stream_of_requests_is_taken_a_few_a_turn(opened: Opened) -> None:
    shared = await opened(terms_of(requests_per_s=0.3))
    caller = await shared.call()
    count = 40
    caller.writer.write(b"".join(struct.pack(">HHHB", at, 0, 6, 1) + READ for at in range(count)))
    await caller.hear()
    counts = shared.clients["portal"].counts

    assert FRAMES_PER_TURN + 4 >= counts.requests, "the rest stays with who sent it"
    assert {True} == {pdu in (SAID, b"\x83\x06") for _, _, pdu in [await caller.hear() for _ in range(6)]}


async def test_who_takes_no_answers_is_not_listened_to(opened: Opened) -> None:
    """Its socket takes a few thousand bytes; then nothing more of it is read, and the others are served."""
    shared = await opened(terms_of(outstanding_max=16, requests_per_s=1e6))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", shared.host.port))
        (connection,) = await connections(shared.clients["portal"])
        connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)  # type: ignore[union-attr]  # so that it is full soon
        frame = struct.pack(">HHHB", 1, 0, 6, 1) + b"\x03\x00\x00\x00\x7d"
        flood = asyncio.get_running_loop().create_task(poured(deaf, frame * 2000))
        good = await shared.call()
        async with asyncio.timeout(60):
            heard_count = -1
            while (
                not connection._outlet.is_full or heard_count
            ):  # its socket may take a little more, and late
                asked_count = len(shared.device.asked)
                for _ in range(30):
                    assert SAID == await good.ask(READ)
                heard_count = len(shared.device.asked) - asked_count - 30

        connection.sweep(asyncio.get_running_loop().time() + 60.0)
        assert 1 == len(shared.clients["portal"].connections)
        flood.cancel()


async def poured(into: socket.socket, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        await asyncio.get_running_loop().sock_sendall(into, data)


async def connections(client):  # type: ignore[no-untyped-def]  # of a test
    while not client.connections:  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0.001)
    return list(client.connections)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours, theirs:
        yield ours, theirs


def filled(outlet: SendBuffer) -> bytes:
    sent = b""
    while not outlet.is_full:
        piece = bytes([len(sent) // 250 % 256]) * 250
        outlet.send(piece)
        sent += piece
    return sent


async def test_all_of_it_arrives_in_its_order(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    emptied = asyncio.Event()
    outlet = SendBuffer(ours, emptied.set, lambda: None)
    sent = filled(outlet)
    outlet.send(b"the end")
    heard = b""
    while not heard.endswith(b"the end"):
        heard += await asyncio.get_running_loop().sock_recv(theirs, 65536)

    await emptied.wait()
    assert sent + b"the end" == heard
    assert not outlet.is_full


async def test_what_is_not_taken_for_long_is_stuck(pair: tuple[socket.socket, socket.socket]) -> None:
    outlet = SendBuffer(pair[0], lambda: None, lambda: None)
    now_s = asyncio.get_running_loop().time()
    assert not outlet.is_stuck(now_s + 2 * STUCK_S)
    filled(outlet)

    assert [False, True] == [outlet.is_stuck(now_s + STUCK_S / 2), outlet.is_stuck(now_s + 2 * STUCK_S)]
    outlet.close()


async def test_more_than_may_wait_is_a_failure(pair: tuple[socket.socket, socket.socket]) -> None:
    failed = asyncio.Event()
    outlet = SendBuffer(pair[0], lambda: None, failed.set)
    filled(outlet)
    for _ in range(UNSENT_MAX_BYTES // 1000 + 1):
        outlet.send(bytes(1000))

    await failed.wait()
    outlet.close()


async def test_a_peer_that_is_gone_is_a_failure_of_the_next_turn(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    failed = asyncio.Event()
    outlet = SendBuffer(pair[0], lambda: None, failed.set)
    pair[1].close()
    outlet.send(b"hello")
    assert not failed.is_set()

    await failed.wait()
