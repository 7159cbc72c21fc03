"""Knocking: only a server that answers is back; nobody waits meanwhile."""

import socket
import struct

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua.connection.reconnect_check import (
    ReconnectCheck,
    encode_hello,
    find_reachable_address,
)

URL = "opc.tcp://127.0.0.1:4840"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def test_a_server_that_acknowledges_is_back(listener):
    one = ReconnectCheck(URL, listener.getsockname()[1])
    assert not one.advance("127.0.0.1")
    peer, _ = listener.accept()
    with peer:
        one.advance("127.0.0.1")
        assert encode_hello(URL) == peer.recv(4096)
        assert not one.advance("127.0.0.1")

        peer.sendall(b"ACKF" + struct.pack("<I", 28) + bytes(20))

        assert any(one.advance("127.0.0.1") for _ in range(8))
    one.stop()


def test_one_that_is_frozen_takes_the_connection_and_is_not_back(listener):
    one = ReconnectCheck(URL, listener.getsockname()[1])

    assert not any(one.advance("127.0.0.1") for _ in range(30))
    one.stop()


def test_one_that_is_gone_is_not_back():
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    knocking = ReconnectCheck(URL, port)

    assert not any(knocking.advance("127.0.0.1") for _ in range(5))


def test_one_that_answers_something_else_is_not_back(listener):
    one = ReconnectCheck(URL, listener.getsockname()[1])
    one.advance("127.0.0.1")
    peer, _ = listener.accept()
    one.advance("127.0.0.1")
    peer.recv(4096)
    peer.sendall(b"ERRF" + struct.pack("<I", 16) + bytes(8))

    assert not any(one.advance("127.0.0.1") for _ in range(3))
    one.stop()
    peer.close()


def test_a_hello_is_as_long_as_it_says():
    said = encode_hello(URL)

    assert (b"HELF", len(said)) == (said[:4], struct.unpack_from("<I", said, 4)[0])
    assert said.endswith(URL.encode())


class Known:
    """A resolver that knows."""

    def __init__(self, *addresses):
        self.known = list(addresses)

    async def addresses(self):
        if not self.known:
            raise OSError(0, "Name or service not known")
        return self.known


async def test_of_several_addresses_the_first_that_takes_a_connection_is_used(listener):
    port = listener.getsockname()[1]

    assert "127.0.0.1" == await find_reachable_address(
        Known("127.0.0.9", "127.0.0.1", "127.0.0.8"), "plant", port, 60.0
    )
    assert "127.0.0.8" == await find_reachable_address(Known("127.0.0.9", "127.0.0.8"), "plant", port, 60.0)
    assert "10.9.9.9" == await find_reachable_address(Known("10.9.9.9"), "plant", port, 60.0), (
        "one is taken as it is"
    )


async def test_a_name_without_an_address_is_lost():
    with pytest.raises(LinkLost, match="plant: Name or service not known"):
        await find_reachable_address(Known(), "plant", 4840, 1.0)
