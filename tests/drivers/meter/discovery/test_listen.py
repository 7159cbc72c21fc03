"""What is on a port is found by listening, and only then by asking."""

import asyncio

import pytest
from tests.drivers.meter.conftest import frame, until
from tests.drivers.meter.test_suggestions import CAPTURES

from quartier_drivers.errors import LinkLost
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.meter.connection.wire import ParityBits
from quartier_drivers.meter.discovery import listen
from quartier_drivers.meter.discovery.listen import FoundMeter, ProtocolCandidates, find_meter, read_chunks

FRAME = frame(ADSC="012345678910", EAST="003519702", URMS1="242", IRMS1="001", NTARF="01")


async def talking(plug, data):
    """Say it again and again, as a meter does."""
    while True:
        plug.say(data)
        await asyncio.sleep(0.05)


@pytest.fixture
async def linky(plug):
    task = asyncio.create_task(talking(plug, FRAME))
    yield plug
    task.cancel()
    await asyncio.wait([task])


async def test_a_meter_that_speaks_is_found(linky):
    told = []

    assert FoundMeter("tic", LineSetting(9600, "7E1")) == await find_meter(linky.path, told.append)
    assert ["listening at 9600 baud: tic, p1, sml, dlms, iec62056"] == told


P1 = b"/KFM5KAIFA-METER\r\n\r\n1-0:1.7.0(00.111*kW)\r\n!"


def crc16(data):
    """CRC-16/ARC, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


async def test_a_telegram_that_comes_seldom_is_waited_for(plug):
    telegram = P1 + f"{crc16(P1):04X}\r\n".encode()
    task = asyncio.create_task(talking(plug, telegram))
    found = await find_meter(plug.path, lambda _text: None)
    task.cancel()

    assert "p1" == found.protocol


async def test_what_was_found_is_heard(linky):
    heard = b""
    async for data in read_chunks(linky.path, FoundMeter("tic", LineSetting(9600, "7E1"))):
        heard += data
        if b"012345678910" in heard:
            break


async def test_a_meter_that_only_answers_is_asked(plug):
    heard = bytearray()

    def answer():
        heard.extend(plug.hear())
        if heard.endswith(bytes.fromhex("1040FE3E16")):
            plug.say(b"\xe5")

    asyncio.get_running_loop().add_reader(plug.master, answer)
    found = await find_meter(plug.path, lambda _text: None, patience=0.5)
    asyncio.get_running_loop().remove_reader(plug.master)

    assert ("mbus", LineSetting(2400, "8E1"), True) == (found.protocol, found.setting, found.was_asked)


async def test_nothing_at_all_is_the_cable(plug):
    found = await find_meter(plug.path, lambda _text: None, patience=0.001)

    assert "" == found.protocol
    assert found.advice.startswith("no bytes at all: cable or dongle")


async def test_rubbish_is_named_with_the_speeds(plug):
    task = asyncio.create_task(talking(plug, b"\xf7\x81\x00" * 30))
    told = []
    found = await find_meter(plug.path, told.append, patience=0.1)
    task.cancel()

    assert found.advice.startswith("bytes but no frame at 9600 or 1200")
    assert not any("asking" in text for text in told)


async def test_a_port_that_is_not_there_is_named():
    with pytest.raises(LinkLost, match="is not there"):
        await find_meter("/dev/ttyNOWHERE", lambda _text: None)


def test_seven_bits_are_heard_through_eight():
    hearing = ProtocolCandidates(("tic",))
    hearing.hear(ParityBits("E").encode(FRAME * 3))

    assert "tic" == hearing.found
    assert {} == hearing.whys


def test_a_meter_with_sums_of_another_kind_is_found_too():
    capture = next(one for one in CAPTURES if "Kermit" in one["name"])
    hearing = ProtocolCandidates(("p1", "sml"))
    hearing.hear(bytes.fromhex(capture["hex"]))

    assert "sml" == hearing.found


@pytest.mark.parametrize("step", [3, 1 << 20])
def test_a_readout_that_is_pushed_is_no_p1_telegram(step):
    capture = next(one for one in CAPTURES if "mode D" in one["name"])
    data = ParityBits("E").encode(bytes.fromhex(capture["hex"]) * 3)
    hearing = ProtocolCandidates(("tic", "p1", "sml", "dlms", "iec62056"))
    for at in range(0, len(data), step):
        hearing.hear(data[at : at + step])

    assert "iec62056" == hearing.found


def test_rubbish_finds_nobody():
    hearing = ProtocolCandidates(("tic",))
    hearing.hear(bytes(range(256)) * 400)

    assert "" == hearing.found
    assert 102400 == hearing.heard_count


async def test_a_server_that_hangs_up_is_soon_done_with(monkeypatch):
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    where = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    monkeypatch.setattr(listen, "WAKE_UP_REQUESTS", ())
    found = await find_meter(where, lambda _text: None)
    server.close()

    assert "" == found.protocol


async def test_the_end_of_the_line_is_the_end(linky):
    seen = []

    async def listen_on():
        async for data in read_chunks(linky.path, FoundMeter("tic", LineSetting(9600, "7E1"))):
            seen[:] += [data]

    task = asyncio.create_task(listen_on())
    await until(lambda: seen)
    linky.unplug()
    await task
    linky.plug()
