"""The connection to an endpoint: given up where it is half open or torn, and hasty endpoints are known."""

import pytest
from tests.drivers.modbus.conftest import HandClock, TcpServer

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpConnection


def made(server: TcpServer, clock: HandClock, failures: list[Exception]) -> TcpConnection:
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=server.port, connect_pause_s=0.5)
    return TcpConnection(bus, clock, lambda _data: None, failures.append)


async def test_it_is_opened_with_its_pause_and_says_why_it_ends(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    failures: list[Exception] = []
    connection = made(tcp_server, clock, failures)
    with pytest.raises(LinkLost, match="closed the connection"):
        connection.send(b"x")

    await connection.open()
    assert (True, [0.5]) == (connection.is_connected, clock.slept_s)
    connection.drop()
    assert (False, ["LinkLost"]) == (
        connection.is_connected,
        [type(failure).__name__ for failure in failures],
    )


async def test_half_a_frame_or_five_silences_end_it_and_one_silence_does_not(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    connection = made(tcp_server, clock, [])
    await connection.open()
    for _ in range(4):
        connection.note_timeout(torn=False)
    assert connection.is_connected
    connection.note_timeout(torn=False)
    assert not connection.is_connected

    await connection.open()
    connection.note_timeout(torn=True)
    assert not connection.is_connected
