"""The writes of a release table on a real wire, with silent units among those that answer."""

from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.release_writes import make_writes
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_hil.devices import catalog
from quartier_hil.devices.endpoint import serve_tcp


def coil(point, unit, address, value=1):
    return {"point": point, "unit": unit, "function": 5, "address": address, "values": [value]}


async def made(writes):
    """Make the writes on a board of eight relays at unit 3; returns (board, failures)."""
    board = catalog.make("waveshare/relay8", unit=3)
    async with await serve_tcp(board) as endpoint:
        bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=endpoint.port, timeout_s=0.5)
        line = TcpLine("release", bus, LoopClock())
        failures = await make_writes(line, writes)
        await line.close()
    return board, failures


async def test_every_write_is_made_in_its_order():
    board, failures = await made(
        [coil("a.relay_on", 3, 0), coil("b.relay_on", 3, 1), coil("a.relay_on", 3, 0, 0)]
    )

    assert ([], 0.0, 1.0) == (failures, board.orders()["relay1.relay_on"], board.orders()["relay2.relay_on"])


async def test_the_other_writes_of_a_silent_unit_wait_for_those_that_answer():
    _, failures = await made([coil(f"dead{n}", 7, n) for n in range(3)] + [coil("bad", 3, 99)])

    assert ["dead0", "bad", "dead1", "dead2"] == [failure.partition(":")[0] for failure in failures]


async def test_what_the_device_refuses_is_named():
    _, failures = await made([coil("a.relay_on", 3, 99), coil("b.relay_on", 3, 1)])

    assert ["a.relay_on: illegal data address"] == [failure.lower() for failure in failures]
