"""Names that hang cost nobody but their own bus."""

import asyncio
import contextlib
import socket
import threading

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_drivers.transport.tcp import HostAddresses


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
