"""What the kernel does not take is kept in order, and not without bound."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from quartier_drivers.modbus.sharing.client_connection import STUCK_S, UNSENT_MAX_BYTES, SendBuffer


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
