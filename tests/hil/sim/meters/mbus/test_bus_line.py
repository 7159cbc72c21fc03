import asyncio

import pytest

from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters.line_noise import LineNoise
from quartier_sim.meters.mbus import frames, records
from quartier_sim.meters.mbus.bus_line import MbusLine
from quartier_sim.meters.mbus.frames import ACKNOWLEDGED, SlaveIdentity
from quartier_sim.meters.mbus.slaves import Slave


def _slave(serial, address):
    return Slave(
        SlaveIdentity(serial=serial),
        lambda: [[records.make_quantity_record("energy", serial, 0)]],
        address=address,
    )


class Master:
    """A connection that asks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes, size: int) -> bytes:
        self.writer.write(request)
        async with asyncio.timeout(60):
            return await self.reader.readexactly(size)


@pytest.fixture
async def line():
    async with MbusLine([_slave(1, 1), _slave(2, 2), _slave(3, 2)], TcpPort()) as found:
        yield found


@pytest.fixture
async def master(line):
    reader, writer = await asyncio.open_connection(line.port.host, line.port.port)
    yield Master(reader, writer)
    writer.close()


async def test_who_is_asked_answers(line, master):
    expected = frames.build_response(
        SlaveIdentity(serial=1), [records.make_quantity_record("energy", 1, 0)], address=1
    ).data

    assert ACKNOWLEDGED == await master.ask(frames.build_short_frame(0x40, 1), 1)
    assert expected == await master.ask(frames.build_short_frame(0x7B, 1), len(expected))
    assert 0 == line.together_count


async def test_two_at_one_address_garble_each_other(line, master):
    good = frames.build_response(
        SlaveIdentity(serial=2), [records.make_quantity_record("energy", 2, 0)], address=2
    ).data
    heard = await master.ask(frames.build_short_frame(0x7B, 2), 8)

    assert 1 == line.together_count
    assert heard not in good


async def test_frames_in_pieces_and_noise_before_them_are_understood(master):
    assert ACKNOWLEDGED == await master.ask(b"\x10\x10\x68\xff" + frames.build_short_frame(0x40, 1), 1)
    request = frames.build_long_frame(0x73, 0xFD, 0x52, SlaveIdentity(serial=1).data)
    for byte in request[:-1]:
        master.writer.write(bytes([byte]))
    assert ACKNOWLEDGED == await master.ask(request[-1:], 1)


async def test_a_damaged_request_is_heard_by_nobody(line, master):
    bad = bytearray(frames.build_short_frame(0x40, 1))
    bad[3] ^= 1

    assert ACKNOWLEDGED == await master.ask(bytes(bad) + frames.build_short_frame(0x40, 1), 1)
    assert 1 == len(line.heard)


async def test_slow_slaves_answer_late_and_an_echo_comes_first():
    slave = _slave(1, 1)
    slave.wait_s = 0.01
    async with MbusLine([slave], TcpPort(), echo=True) as line:
        reader, writer = await asyncio.open_connection(line.port.host, line.port.port)
        request = frames.build_short_frame(0x40, 1)
        assert request + ACKNOWLEDGED == await Master(reader, writer).ask(request, len(request) + 1)
        writer.close()


async def test_noise_damages_answers():
    async with MbusLine([_slave(1, 1)], TcpPort(), noise=LineNoise(flip=1.0)) as line:
        reader, writer = await asyncio.open_connection(line.port.host, line.port.port)
        assert ACKNOWLEDGED != await Master(reader, writer).ask(frames.build_short_frame(0x40, 1), 1)
        writer.close()


async def test_at_another_speed_nobody_hears(tmp_path):
    async with MbusLine([_slave(1, 1)], PtyPort(tmp_path / "mbus"), baud=2400) as line:
        line._hear(frames.build_short_frame(0x40, 1))  # a fresh pty is set to 38400
        assert [] == line.heard


async def test_records_that_went_out_whole_are_counted_once_however_often_they_are_asked_for(line, master):
    size = len(await master.ask(frames.build_short_frame(0x7B, 1), 20))
    again = await master.ask(frames.build_short_frame(0x7B, 1), size)

    assert again
    assert (2, 0) == (line.sound_count, line.hit_count), "the record and the state of its meter"
    line.noise = LineNoise(flip=1.0)
    await master.ask(frames.build_short_frame(0x5B, 1), size)
    assert (2, 1) == (line.sound_count, line.hit_count)
