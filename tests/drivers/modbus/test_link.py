"""The same line over either wire, with the servers of other stacks."""

import pytest
from tests.drivers.modbus.conftest import Cable, HandClock, Start

from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.frame import Answer, read_request, write_request
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.link import link


@pytest.mark.peer
async def test_other_stacks_answer_over_tcp(
    stack: list[str], start: Start, free_port: int, clock: HandClock
) -> None:
    start([*stack, "tcp", str(free_port)])
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=free_port, timeout_s=5)

    await _conversation(link("net", bus, clock))


@pytest.mark.peer
async def test_other_stacks_answer_over_rtu(
    stack: list[str], start: Start, cable: Cable, clock: HandClock
) -> None:
    start([*stack, "rtu", cable.theirs])
    bus = RtuBus(kind="modbus-rtu", port=cable.ours, timeout_s=5)

    await _conversation(link("line", bus, clock))


async def _conversation(line: Line) -> None:
    async def read(table: str, start: int, count: int) -> tuple[int, ...]:
        return (await line.exchange(read_request(1, table, start, count))).values

    assert tuple(range(100, 225)) == await read("input", 100, 125)
    assert tuple(int(at % 3 == 0) for at in range(900)) == await read("coil", 0, 900)
    assert tuple(int(at % 2 == 0) for at in range(7, 20)) == await read("discrete", 7, 13)
    assert Answer(exception=2) == await line.exchange(read_request(1, "holding", 990, 20))
    for request in (
        write_request(1, "holding", 5, (0xBEEF,)),
        write_request(1, "holding", 6, (1, 2, 3)),
        write_request(1, "coil", 1, (1,)),
        write_request(1, "coil", 2, (1, 0, 1)),
    ):
        assert request.values == (await line.exchange(request)).values
    assert (0xBEEF, 1, 2, 3) == await read("holding", 5, 4)
    assert (1, 1, 1, 0, 1) == await read("coil", 0, 5)
    await line.close()
