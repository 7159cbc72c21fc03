"""The same line over either wire, with the servers of other stacks."""

import pytest
from tests.drivers.modbus.conftest import Cable, HandClock, Start

from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import ModbusLine


@pytest.mark.peer
async def test_other_stacks_answer_over_tcp(
    stack: list[str], start: Start, free_port: int, clock: HandClock
) -> None:
    start([*stack, "tcp", str(free_port)])
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=free_port, timeout_s=5)

    await _conversation(make_line("net", bus, clock))


@pytest.mark.peer
async def test_other_stacks_answer_over_rtu(
    stack: list[str], start: Start, cable: Cable, clock: HandClock
) -> None:
    start([*stack, "rtu", cable.theirs])
    bus = RtuBus(kind="modbus-rtu", port=cable.ours, timeout_s=5)

    await _conversation(make_line("line", bus, clock))


async def _conversation(line: ModbusLine) -> None:
    async def read(table: str, start: int, count: int) -> tuple[int, ...]:
        return (await line.exchange(make_read(1, table, start, count))).values

    assert tuple(range(100, 225)) == await read("input", 100, 125)
    assert tuple(int(at % 3 == 0) for at in range(900)) == await read("coil", 0, 900)
    assert tuple(int(at % 2 == 0) for at in range(7, 20)) == await read("discrete", 7, 13)
    assert Answer(exception=2) == await line.exchange(make_read(1, "holding", 990, 20))
    for request in (
        make_write(1, "holding", 5, (0xBEEF,)),
        make_write(1, "holding", 6, (1, 2, 3)),
        make_write(1, "coil", 1, (1,)),
        make_write(1, "coil", 2, (1, 0, 1)),
    ):
        assert request.values == (await line.exchange(request)).values
    assert (0xBEEF, 1, 2, 3) == await read("holding", 5, 4)
    assert (1, 1, 1, 0, 1) == await read("coil", 0, 5)
    await line.close()
