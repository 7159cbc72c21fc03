"""An endpoint is reached, or said to be out of reach in the system's words; a lookup is not begun twice."""

import asyncio
import socket
import threading

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.transport.tcp import TcpEndpoint, TcpStream


def stream() -> TcpStream:
    return TcpStream(lambda _data: None, lambda _error: None)


async def test_the_first_address_that_takes_it_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    infos = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (at, 0)) for at in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_keys: infos)
    async with server:
        one = stream()
        await TcpEndpoint("gateway.lan", port, "here").connect(one, 5.0)
        assert "127.0.0.1" == one.peer
        one.drop()


async def test_who_refuses_is_named_with_the_systems_word() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(LinkLost, match="the cellar: Connection refused"):
            await TcpEndpoint("127.0.0.1", closed.getsockname()[1], "the cellar").connect(stream(), 5.0)


async def test_a_lookup_that_hangs_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    free = threading.Event()

    def hangs(host: str, *_args: object, **_keys: object) -> list[object]:
        begun.append(host)
        free.wait(60)
        raise OSError("gone")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    endpoint = TcpEndpoint("gateway.lan", 502, "there")
    for _ in range(3):
        with pytest.raises(LinkLost, match="there does not answer"):
            await endpoint.connect(stream(), 0.01)
    free.set()

    assert ["gateway.lan"] == begun
