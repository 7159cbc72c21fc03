"""RTU frames through TCP: right answers only, against a server of another stack and one that is scripted."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.drivers.modbus.conftest import Asked, HandClock, Server, Step, hang_up, registers, rtu, silence

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.modbus.wire.rtu_over_tcp_line import RtuOverTcpLine

TIMEOUT_S = 0.5
READ, OTHER = make_read(1, "holding", 10, 2), make_read(1, "holding", 20, 2)


class SerialServer(Server):
    """Passes on what stands on its line, whole frames of 8 bytes."""

    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        self.send = writer.write
        try:
            while (data := self.step(_asked(await reader.readexactly(8)))) is not None:
                writer.write(data)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _asked(frame: bytes) -> Asked:
    assert rtu(frame[0], frame[1:-2]) == frame
    return Asked(0, frame[0], frame[1:-2])


def says(*words: int, unit: int = 1) -> Step:
    return lambda asked: rtu(unit, registers(asked.pdu[0], *words))


@pytest.fixture
async def server() -> AsyncIterator[SerialServer]:
    server = SerialServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


def line_to(port: int, clock: HandClock, timeout_s: float = TIMEOUT_S, retries_count: int = 0) -> ModbusLine:
    bus = TcpBus(
        kind="modbus-tcp",
        host="127.0.0.1",
        port=port,
        framing="rtu",
        timeout_s=timeout_s,
        retries_count=retries_count,
    )
    return make_line("net", bus, clock)


async def test_another_stack_is_read_and_written_through_its_serial_framing(
    free_port: int, clock: HandClock
) -> None:
    cells = SimData(0, count=200, values=7, datatype=DataType.REGISTERS)
    peer = ModbusTcpServer(
        SimDevice(3, simdata=[cells]), framer=FramerType.RTU, address=("127.0.0.1", free_port)
    )
    await peer.serve_forever(background=True)
    line = line_to(free_port, clock, timeout_s=5.0)
    assert isinstance(line, RtuOverTcpLine)

    assert (7,) * 125 == (await line.exchange(make_read(3, "holding", 0, 125))).values
    for request in (
        make_write(3, "holding", 5, (0xBEEF,)),
        make_write(3, "holding", 6, (1, 2, 3)),
    ):
        assert request.values == (await line.exchange(request)).values
    assert (0xBEEF, 1, 2, 3) == (await line.exchange(make_read(3, "holding", 5, 4))).values
    assert 2 == (await line.exchange(make_read(3, "holding", 190, 20))).exception
    await line.close()
    await peer.shutdown()


async def test_a_late_answer_is_not_taken_for_the_next_question(
    server: SerialServer, clock: HandClock
) -> None:
    loop = asyncio.get_running_loop()

    def late(_asked: Asked) -> bytes:
        loop.call_later(1.5 * TIMEOUT_S, server.send, rtu(1, registers(3, 9, 9)))
        return b""

    server.script = [late, says(3, 4)]
    line = line_to(server.port, clock)

    with pytest.raises(NoReply, match="silent"):
        await line.exchange(READ)
    assert line.ready_ns(1) > clock.now_ns()
    assert Answer((3, 4)) == await line.exchange(OTHER)
    assert 1 == line.stats["late_count"]
    await line.close()


async def test_an_answer_in_pieces_among_the_chatter_of_others_is_found(
    server: SerialServer, clock: HandClock
) -> None:
    others = rtu(9, bytes.fromhex("03 00 00 00 02")) + rtu(9, registers(3, 0xDEAD, 0xDEAD))

    def spelt(_asked: Asked) -> bytes:
        right = others + b"\xff\x00" + rtu(1, registers(3, 3, 4))
        loop = asyncio.get_running_loop()
        for at in range(len(right)):
            loop.call_later(0.001 * at, server.send, right[at : at + 1])
        return b""

    server.script = [spelt]
    line = line_to(server.port, clock, timeout_s=5.0)

    assert Answer((3, 4)) == await line.exchange(READ)
    assert 1 == line.stats["foreign_count"]
    await line.close()


@pytest.mark.parametrize(
    "step",
    [says(1, 2, unit=7), says(1), says(1, 2, 3), lambda _: bytes(range(200)), lambda _: b"\x01\x03\x04\x00"],
    ids=["unit", "short", "long", "garbage", "half"],
)
async def test_a_wrong_answer_is_no_reply_and_the_next_one_is_right(
    server: SerialServer, clock: HandClock, step: Step
) -> None:
    server.script = [step, says(3, 4)]
    line = line_to(server.port, clock)

    with pytest.raises(NoReply):
        await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(OTHER)
    await line.close()


async def test_a_server_that_says_nothing_five_times_gets_a_new_connection(
    server: SerialServer, clock: HandClock
) -> None:
    server.script = [silence] * 5 + [says(3, 4)]
    line = line_to(server.port, clock)

    for unit in range(1, 6):
        with pytest.raises(NoReply):
            await line.exchange(make_read(unit, "holding", 0, 1))
    assert Answer((3, 4)) == await line.exchange(OTHER)
    assert 2 == server.connections_count
    await line.close()


async def test_a_write_is_not_repeated_where_the_server_hangs_up(
    server: SerialServer, clock: HandClock
) -> None:
    server.script = [hang_up, says(3, 4)]
    line = line_to(server.port, clock, retries_count=1)

    with pytest.raises(LinkLost, match="closed the connection"):
        await line.exchange(make_write(1, "holding", 0, (5,)))
    assert 1 == len(server.asked)
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()
