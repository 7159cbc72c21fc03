"""Each line says to a tape what stands on its wire: as it came, in its order, with what became of it."""

import asyncio
import os
import time
import tty

import pytest
from tests.drivers.bacnet.conftest import HOST, free_port

from quartier_drivers.abilities import RecordableLine
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.network.udp_port import UdpPort as BacnetPort
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.connection import wire
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import Request
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_drivers.transport.frame_recorder import FrameRecorder
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

ASK = Request(1, 3, 7, 2)
TOLD = bytes([3, 4, 0, 7, 0, 8])


@pytest.fixture
def tape():
    return FrameRecorder(time.monotonic_ns, 1_000_000, 60)


def tcp(port, **more):
    return TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=5.0, retries_count=0, **more)


async def test_every_kind_of_line_can_be_recorded():
    lines = [
        make_line("x", tcp(502), LoopClock()),
        make_line("x", tcp(502, framing="rtu"), LoopClock()),
        make_line("x", RtuBus(kind="modbus-rtu", port="/dev/null"), LoopClock()),
        MeterLine("x", "tic", "/dev/null", (LineSetting(9600, "8N1"),), LoopClock()),
        BacnetLine("x", BacnetIpBus(kind="bacnet-ip", interface="127.0.0.1"), LoopClock()),
        OpcuaLine("x", OpcuaBus(kind="opcua", url="opc.tcp://plant:4840", anonymous=True), LoopClock()),
    ]

    assert [] == [line for line in lines if not isinstance(line, RecordableLine)]


@pytest.mark.parametrize("rtu", [False, True])
async def test_a_connection_tells_its_ends_question_answer_and_close(tape, rtu):
    async with QuirkyTcpServer({1: make_plain_unit()}, rtu=rtu) as device:
        line = make_line("x", tcp(device.port, framing="rtu" if rtu else "tcp"), LoopClock())
        line.record(tape)
        await line.open()
        await line.exchange(ASK)
        await line.close()

    opened, out, came, closed = tape.frames()
    assert ("opened", f"127.0.0.1:{device.port}") == (opened.way, opened.there)
    assert ("out", "in", "closed") == (out.way, came.way, closed.way)
    assert ASK.rtu[1:-2] in out.data
    assert TOLD in came.data


async def test_an_end_of_the_device_is_told_as_its_own(tape):
    async with QuirkyTcpServer({1: make_plain_unit()}, make_quirk("closes-after-answer")) as device:
        line = make_line("x", tcp(device.port), LoopClock())
        line.record(tape)
        await line.open()
        await line.exchange(ASK)
        async with asyncio.timeout(60):
            while [frame.way for frame in tape.frames()][-1] != "ended":  # noqa: ASYNC110 - a tape has no event
                await asyncio.sleep(0.001)
        await line.close()

    assert ["opened", "out", "in", "ended"] == [frame.way for frame in tape.frames()]


async def test_a_serial_line_tells_what_nobody_answered_too(tape):
    async with QuirkyRtuSlave({1: make_plain_unit()}) as device:
        line = make_line(
            "x",
            RtuBus(kind="modbus-rtu", port=device.path, baud=115200, timeout_s=1.0, retries_count=0),
            LoopClock(),
        )
        line.record(tape)
        await line.open()
        await line.exchange(ASK)
        with pytest.raises(NoReply):
            await line.exchange(Request(9, 3, 7, 2))
        await line.close()

    frames = list(tape.frames())
    heard = b"".join(frame.data for frame in frames if frame.way == "in")
    assert [ASK.rtu, Request(9, 3, 7, 2).rtu] == [frame.data for frame in frames if frame.way == "out"]
    assert TOLD in heard
    assert ("opened", f"{device.path} 115200 8N1") == (frames[0].way, frames[0].words)
    assert "closed" == frames[-1].way


async def test_a_meters_line_keeps_parity_bits_settings_and_what_was_asked(tape):
    master, slave = os.openpty()
    tty.setraw(slave)
    heard = asyncio.Event()
    line = await wire.open_wire(
        os.ttyname(slave), LineSetting(9600, "7E1"), lambda _: heard.set(), print, None, tape
    )
    line.write(b"/?!\r\n")
    os.write(master, b"\xafA")
    async with asyncio.timeout(60):
        await heard.wait()
    line.change(LineSetting(300, "7E1"))
    line.close()
    os.close(master)
    os.close(slave)

    frames = list(tape.frames())
    assert ["opened", "out", "in", "set", "closed"] == [frame.way for frame in frames]
    assert b"\xaf\x3f\x21\x8d\x0a" == frames[1].data
    assert b"\xafA" == frames[2].data
    assert frames[3].words.endswith("300 7E1")


async def test_a_datagram_is_told_with_its_peer(tape):
    heard = asyncio.Event()
    one, two = BacnetPort(lambda *_: heard.set(), print), BacnetPort(lambda *_: None, print)
    one.recorder = tape
    one.open(HOST, free_port())
    two.open(HOST, free_port())
    one.send(b"who", (HOST, two.number))
    two.send(b"me", (HOST, one.number))
    async with asyncio.timeout(60):
        await heard.wait()
    one.close()
    two.close()

    assert [
        ("opened", b"", ""),
        ("out", b"who", f"{HOST}:{two.number}"),
        ("in", b"me", f"{HOST}:{two.number}"),
        ("closed", b"", ""),
    ] == [(frame.way, frame.data, frame.there) for frame in tape.frames()]
