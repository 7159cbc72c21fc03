"""Knocking: only a server that answers is back; nobody waits meanwhile."""

import socket
import struct

import pytest

from quartier_drivers.opcua.knock import Knock, hello

URL = "opc.tcp://127.0.0.1:4840"


@pytest.fixture
def door():
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def test_a_server_that_acknowledges_is_back(door):
    one = Knock(URL, door.getsockname()[1])
    assert not one.answered("127.0.0.1")
    peer, _ = door.accept()
    with peer:
        one.answered("127.0.0.1")
        assert hello(URL) == peer.recv(4096)
        assert not one.answered("127.0.0.1")

        peer.sendall(b"ACKF" + struct.pack("<I", 28) + bytes(20))

        assert any(one.answered("127.0.0.1") for _ in range(8))
    one.stop()


def test_one_that_is_frozen_takes_the_connection_and_is_not_back(door):
    one = Knock(URL, door.getsockname()[1])

    assert not any(one.answered("127.0.0.1") for _ in range(30))
    one.stop()


def test_one_that_is_gone_is_not_back():
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    knocking = Knock(URL, port)

    assert not any(knocking.answered("127.0.0.1") for _ in range(5))


def test_one_that_answers_something_else_is_not_back(door):
    one = Knock(URL, door.getsockname()[1])
    one.answered("127.0.0.1")
    peer, _ = door.accept()
    one.answered("127.0.0.1")
    peer.recv(4096)
    peer.sendall(b"ERRF" + struct.pack("<I", 16) + bytes(8))

    assert not any(one.answered("127.0.0.1") for _ in range(3))
    one.stop()
    peer.close()


def test_a_hello_is_as_long_as_it_says():
    said = hello(URL)

    assert (b"HELF", len(said)) == (said[:4], struct.unpack_from("<I", said, 4)[0])
    assert said.endswith(URL.encode())
