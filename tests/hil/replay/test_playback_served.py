"""A record on a wire answers as the recorded device did."""

import asyncio
import os

import pytest

from quartier_hil.replay.playback import PtyReplay, TcpReplay
from quartier_hil.replay.recording import RecordedEvent, Recording

ASK = bytes.fromhex("000100000006010300000001")
TELL = bytes.fromhex("0001000000050103020007")
RTU_ASK, RTU_TELL = bytes.fromhex("010300000001840a"), bytes.fromhex("0103020007f986")
SPOKEN = Recording(
    "serial", (RecordedEvent(0, "in", b"\x02first"), RecordedEvent(3600 * 10**9, "in", b"second\x03"))
)


async def test_modbus_tcp_answers_over_several_connections(capsys):
    recording = Recording("modbus-tcp", (RecordedEvent(0, "out", ASK), RecordedEvent(1, "in", TELL)))
    async with TcpReplay(recording, fast=True) as served:
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(ASK[:5])
            writer.write(ASK[5:])
            assert TELL == await reader.readexactly(len(TELL))
            writer.write(b"\0\1\0\0\0\2\1\7" + ASK)
            assert TELL == await reader.readexactly(len(TELL))
            writer.close()

    assert "not in the record: 00 01 00 00 00 02 01 07" in capsys.readouterr().err


async def test_an_end_closes_the_connection():
    recording = Recording("modbus-tcp", (RecordedEvent(0, "out", ASK), RecordedEvent(1, "ended")))
    async with TcpReplay(recording, fast=True) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(ASK)
        assert b"" == await reader.read()
        writer.close()


async def test_fast_leaves_out_the_gaps_of_who_speaks_by_himself():
    async with TcpReplay(SPOKEN, fast=True) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert b"\x02firstsecond\x03" == await reader.readexactly(13)
        writer.close()


async def test_otherwise_the_gaps_are_those_of_the_record():
    async with TcpReplay(SPOKEN) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert b"\x02first" == await reader.readexactly(6)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        writer.close()


async def heard(path, count, send=b""):
    end = os.open(path, os.O_RDWR | os.O_NOCTTY)
    loop, found = asyncio.get_running_loop(), bytearray()
    whole = loop.create_future()

    def readable():
        found.extend(os.read(end, 4096))
        if len(found) >= count and not whole.done():
            whole.set_result(bytes(found))

    loop.add_reader(end, readable)
    try:
        os.write(end, send)
        return await asyncio.wait_for(whole, 60)
    finally:
        loop.remove_reader(end)
        os.close(end)


async def test_a_pty_begins_when_it_is_opened():
    async with PtyReplay(SPOKEN, fast=True) as served:
        assert b"\x02firstsecond\x03" == await heard(served.url, 13)


async def test_modbus_rtu_answers_on_a_pty():
    recording = Recording("modbus-rtu", (RecordedEvent(0, "out", RTU_ASK), RecordedEvent(1, "in", RTU_TELL)))
    async with PtyReplay(recording, fast=True) as served:
        assert served.url.startswith("rtu:/dev/pts/")
        assert RTU_TELL == await heard(served.path, len(RTU_TELL), RTU_ASK)


async def test_a_meter_that_is_asked_answers_what_it_was_asked():
    first, second = bytes.fromhex("105b015c16"), bytes.fromhex("107b017c16")
    recording = Recording(
        "serial",
        (
            RecordedEvent(0, "out", first),
            RecordedEvent(1, "in", b"one"),
            RecordedEvent(2, "out", second),
            RecordedEvent(3, "in", b"two"),
        ),
    )
    async with PtyReplay(recording, fast=True) as served:
        assert b"twoone" == await heard(served.path, 6, second + first)
