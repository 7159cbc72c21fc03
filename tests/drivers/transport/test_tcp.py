"""An endpoint is reached, or said to be out of reach in the system's words; a lookup is not begun twice."""

import asyncio
import contextlib
import socket
import threading

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_drivers.transport.tcp import HostAddresses, TcpEndpoint, TcpStream


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


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that hangs until its event is set, and counts who asked."""
    answered = threading.Event()
    real, asked = socket.getaddrinfo, []

    def hanging(host, *rest, **options):
        if host != "meter.lan":
            return real(host, *rest, **options)
        asked.append(host)
        answered.wait(60)
        return real("127.0.0.1", *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    yield answered, asked
    answered.set()


async def test_an_address_is_not_looked_up():
    assert ["192.0.2.7"] == await HostAddresses("192.0.2.7").addresses()


async def test_a_name_that_does_not_exist_and_one_that_is_none_are_errors_of_the_wire():
    with pytest.raises(OSError, match=r"."):
        await HostAddresses("nowhere.invalid").addresses()
    with pytest.raises(OSError, match="is no name"):
        await HostAddresses("a..b").addresses()


async def test_a_lookup_that_hangs_is_not_begun_again_and_serves_the_next_attempt(resolver):
    answered, asked = resolver
    names = HostAddresses("meter.lan")
    for _ in range(3):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(names.addresses(), 0.01)
    answered.set()

    assert ["127.0.0.1"] == await names.addresses()
    assert ["meter.lan"] == asked


def test_a_loop_ends_at_once_although_a_lookup_hangs(resolver):
    answered, asked = resolver

    async def attempt():
        line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="meter.lan", timeout_s=0.1), LoopClock())
        with contextlib.suppress(LinkLost, TimeoutError):
            await asyncio.wait_for(line.open(), 0.05)

    asyncio.run(attempt())

    assert ["meter.lan"] == asked
    assert not answered.is_set(), "nobody waited for the resolver"
