"""A DLMS meter behind the five verbs: asked over a pty with HDLC and over TCP with the wrapper."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.drivers.meter.conftest import HouseTime, Plug
from tests.drivers.meter.dlms.server import Meter, Station
from tests.drivers.meter.dlms.test_client import objects

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import load_profile
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.bus_section import DlmsBus
from quartier_drivers.meter.driver import FACTORY
from quartier_drivers.readings import Quality

PROFILE = "generic/dlms_meter"
EXPECTED = {
    "grid.voltage_l1_v": (236.1, Quality.GOOD),
    "grid.energy_import_wh": (4770.0, Quality.GOOD),
    "grid.meter_text": ("LGZ1030655933512", Quality.GOOD),
}


async def answering(plug: Plug, station: Station) -> None:
    """The meter at the far end of the pty."""
    loop, heard = asyncio.get_running_loop(), bytearray()
    came = asyncio.Event()
    loop.add_reader(plug.master, lambda: (heard.extend(plug.hear()), came.set()))
    try:
        while True:
            await came.wait()
            came.clear()
            while (end := heard.find(b"\x7e", 1)) > 0 and len(heard) >= 2 + (end := _size(heard)):
                answer = station.hear(bytes(heard[: end + 2]))
                del heard[: end + 2]
                plug.say(answer)
    finally:
        loop.remove_reader(plug.master)


def _size(heard: bytearray) -> int:
    return int.from_bytes(heard[1:3], "big") & 0x7FF


def shown(readings: Any) -> dict[str, tuple[object, Quality]]:
    return {one.point: (one.value, one.quality) for one in readings if one.point in EXPECTED}


async def read(bus: DlmsBus, house_time: HouseTime, unit: int) -> dict[str, tuple[object, Quality]]:
    line = FACTORY.line("bus", bus, house_time)
    driver = FACTORY.driver(line, DeviceSpec("meter", unit, {"": "grid"}), load_profile(PROFILE), house_time)
    await line.open()
    try:
        await driver.open()
        return shown(await driver.read())
    finally:
        await line.close()


async def test_a_meter_on_a_serial_line_is_read(plug: Plug, house_time: HouseTime) -> None:
    station = Station(Meter(objects(), block_size=60), server=b"\x02\x23")
    task = asyncio.create_task(answering(plug, station))
    bus = DlmsBus(kind="dlms", mode="client", port=plug.path, baud=9600, framing="8N1")

    assert EXPECTED == await read(bus, house_time, 17)
    task.cancel()


@pytest.fixture
async def endpoint() -> AsyncIterator[tuple[int, Meter]]:
    meter = Meter(objects())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(8)
                answer = meter.answer(await reader.readexactly(int.from_bytes(head[6:], "big")))
                writer.write(b"\0\x01" + head[4:6] + head[2:4] + len(answer).to_bytes(2, "big") + answer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], meter
    server.close()


async def test_a_meter_over_tcp_is_read_and_released(
    endpoint: tuple[int, Meter], house_time: HouseTime
) -> None:
    port, meter = endpoint
    bus = DlmsBus(kind="dlms", mode="client", port=f"tcp://127.0.0.1:{port}")

    assert EXPECTED == await read(bus, house_time, 1)
    assert b"\x62" == meter.log[-1][:1]


async def test_a_meter_that_wants_a_password_says_so(
    endpoint: tuple[int, Meter], house_time: HouseTime
) -> None:
    port, meter = endpoint
    meter.mechanism, meter.password = 1, b"secret"
    bus = DlmsBus(kind="dlms", mode="client", port=f"tcp://127.0.0.1:{port}", security="low")

    with pytest.raises(NoReply, match="password or keys"):
        await read(bus, house_time, 1)


async def test_a_silent_line_is_no_reply(plug: Plug, house_time: HouseTime) -> None:
    bus = DlmsBus(kind="dlms", mode="client", port=plug.path, baud=9600, framing="8N1")
    line = FACTORY.line("bus", bus, house_time)
    driver = FACTORY.driver(line, DeviceSpec("meter", 17, {"": "grid"}), load_profile(PROFILE), house_time)
    await line.open()
    await driver.open()
    with pytest.raises(NoReply, match="SNRM"):
        await driver.read()
    await line.close()
