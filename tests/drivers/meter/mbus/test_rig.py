"""The rig's slaves, which encode and collide by code of their own: read by the five verbs, found by the search."""

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.meter.bus_section import MbusBus
from quartier_drivers.meter.driver import FACTORY
from quartier_drivers.meter.mbus.push_decoder import MbusDecoder
from quartier_drivers.meter.mbus.scan import MbusScanTarget, parse_target, scan_line
from quartier_drivers.readings import Quality
from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters.line_noise import LineNoise
from quartier_sim.meters.mbus import random_telegrams, records
from quartier_sim.meters.mbus.bus_line import MbusLine
from quartier_sim.meters.mbus.frames import SlaveIdentity
from quartier_sim.meters.mbus.slaves import HeatSlave, Slave

BAUD = 9600


def water(serial, address=0, pages=1, **more):
    told = [
        [records.make_quantity_record("volume", 1000 * serial + page, -3, "int64")] for page in range(pages)
    ]
    return Slave(SlaveIdentity(serial=serial, medium=7, **more), lambda: told, address=address)


@pytest.fixture(params=["pty", "tcp"])
def wire(request, tmp_path):
    return PtyPort(tmp_path / "mbus") if request.param == "pty" else TcpPort()


@asynccontextmanager
async def device(wire, house_time, name="generic/mbus_water", **place):
    bus = MbusBus(kind="mbus", port=wire.url, baud=BAUD, framing="8N1", timeout_s=0.5)
    port = FACTORY.line("mbus", bus, house_time)
    spec = DeviceSpec("meter", place.get("unit", 1), {"": "m"}, address=place.get("address", ""))
    driver = FACTORY.driver(port, spec, loading.load_profile(name), house_time)
    await port.open()
    try:
        await driver.open()
        yield driver
    finally:
        await port.close()


def shown(readings):
    return {one.point: one.value for one in readings if one.quality is Quality.GOOD}


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("place", [{"unit": 5}, {"address": "00000042"}])
async def test_a_meter_among_others_is_read_by_either_address(wire, house_time, echo, place):
    slaves = [water(41, address=4), water(42, address=5), water(43, address=6)]
    async with MbusLine(slaves, wire, baud=BAUD, echo=echo), device(wire, house_time, **place) as driver:
        assert 42.0 == shown(await driver.read())["m.volume_m3"]
        assert "00000042" == (await driver.open())["serial"]


async def test_a_heat_meter_tells_all_that_its_profile_wants(wire, house_time):
    slave = HeatSlave(12345678, address=1)
    slave.heat_w, slave.heat_wh = 5200.0, 4_321_000.0
    async with MbusLine([slave], wire, baud=BAUD), device(wire, house_time, "generic/mbus_heat") as driver:
        told = shown(await driver.read())

    assert (4_321_000.0, 5200.0, 50.0, 30.0) == (
        told["m.heat_energy_wh"],
        told["m.heat_power_w"],
        told["m.flow_temperature_c"],
        told["m.return_temperature_c"],
    )


async def test_several_telegrams_are_one_reading(wire, house_time):
    slave = water(42, address=1, pages=3)
    async with MbusLine([slave], wire, baud=BAUD), device(wire, house_time) as driver:
        await driver.read()

    assert 3 == len(slave.told)


async def test_a_busy_meter_is_asked_again_and_one_that_stays_so_refuses(wire, house_time):
    slave = water(42, address=1)
    async with MbusLine([slave], wire, baud=BAUD), device(wire, house_time) as driver:
        slave.busy_count = 1
        assert 42.0 == shown(await driver.read())["m.volume_m3"]
        slave.busy_count = 99
        driver._due_ns = 0
        with pytest.raises(NoReply, match="too busy"):
            await driver.read()


async def test_a_meter_that_is_off_does_not_reply_and_comes_back(wire, house_time):
    slave = water(42, address=1)
    async with MbusLine([slave], wire, baud=BAUD), device(wire, house_time) as driver:
        slave.off = True
        with pytest.raises(NoReply, match="meter 1 is silent"):
            await driver.read()
        slave.off = False
        driver._due_ns = 0
        assert 42.0 == shown(await driver.read())["m.volume_m3"]


async def test_an_unplugged_line_is_lost(wire, house_time):
    async with MbusLine([water(42, address=1)], wire, baud=BAUD), device(wire, house_time) as driver:
        await driver.read()
        await wire.unplug()
        driver._due_ns = 0
        with pytest.raises(LinkLost):
            await asyncio.wait_for(driver.read(), 60)


async def test_noise_costs_time_but_no_wrong_value(house_time, tmp_path):
    wire, noise = PtyPort(tmp_path / "mbus"), LineNoise(flip=0.01, insert=0.002, drop=0.002)
    good_count = 0
    async with (
        MbusLine([water(42, address=1)], wire, baud=BAUD, noise=noise),
        device(wire, house_time) as driver,
    ):
        for _ in range(12):
            driver._due_ns = 0
            try:
                told = shown(await driver.read())
            except NoReply:
                continue
            good_count += 1
            assert 42.0 == told["m.volume_m3"]

    assert good_count > 6


async def test_every_meter_is_found_through_collisions(house_time, tmp_path):
    wire = PtyPort(tmp_path / "mbus")
    serials = [12345678, 12945679, 92345678, 2]
    slaves = [water(serial, address=1) for serial in serials]
    async with MbusLine(slaves, wire, baud=BAUD, seed=7) as line:
        results = []
        bus = parse_target(f"{wire.url}?baud={BAUD}&framing=8N1&timeout_s=0.1")
        await scan_line([bus], MbusScanTarget(primary=[1]), house_time, lambda *_: None, results)

    assert sorted(serials) == sorted(int(one.serial) for one in results[0].survey.found)
    assert ["4 meters share address 1: read them by their secondary addresses"] == results[0].survey.notes
    assert line.together_count > 0


@pytest.mark.parametrize("seed", range(4))
def test_drawn_telegrams_say_what_was_meant(seed):
    telegrams = list(random_telegrams.generate_telegrams(seed, 100))
    decoder = MbusDecoder()
    stream = b"".join(
        bytes(random.Random(seed).choices(range(0x11, 0x60), k=3)) + one.data for one in telegrams
    )
    found = decoder.feed(stream)

    assert len(telegrams) == len(found)
    for ours, drawn in zip(found, telegrams, strict=True):
        groups = {group.label: group for group in ours.groups}
        assert drawn.meter == ours.meter
        for said in drawn.numbers:
            group = groups[said.label]
            assert said.value == pytest.approx(group.value, rel=1e-12), said
            assert [said.more[key] for key in ("function", "storage", "tariff", "subunit")] == [
                group.more[key] for key in ("function", "storage", "tariff", "subunit")
            ]
