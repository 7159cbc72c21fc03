"""Two hands read the model files: the rig encodes, Quartier reads; on the wires they must agree on every value."""

import asyncio
import math
from ipaddress import IPv4Address, IPv6Address

import pytest

from quartier_bench.protocol_speed.sunspec_speed import name_point
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.reader import read_all
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.sunspec import model_layout, random_models
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import SunSpecMeter
from quartier_sim.sunspec.pv_inverter import SolarInverter
from quartier_sim.sunspec.sunspec_device import HABITS, SunSpecDevice

MAP_HABITS = list(HABITS)[list(HABITS).index("no-scale") :]
ADDRESSES = {
    "ipaddr": lambda value: str(IPv4Address(value)),
    "ipv6addr": lambda value: str(IPv6Address(int(value.replace(":", ""), 16))),
}


def wanted(device):
    """What each point means, as the standard says; None where it is not implemented."""
    found = {}
    for cell in device.image:
        value = device.image.get(cell.path)
        if cell.point.kind in ADDRESSES:
            found[name_point(cell.path)] = None if value is None else ADDRESSES[cell.point.kind](value)
        elif cell.point.kind != "pad":
            is_number = isinstance(value, int | float)
            found[name_point(cell.path)] = device.image.number(cell.path) if is_number else value
    return found


def unscaled(device):
    """Points whose scale factor is not implemented: nobody can say how much they are."""
    image = device.image
    return {
        name_point(cell.path)
        for cell in image
        if isinstance(cell.scale, str) and image.get(cell.scale) is None
    }


def _alike(mine, read):
    if isinstance(mine, float) and isinstance(read, int | float):
        return math.isclose(mine, read, rel_tol=1e-12)
    if isinstance(mine, str) and isinstance(read, str):
        return mine.strip() == read.strip()  # devices pad with spaces as well as with NUL
    return mine == read


def differing(device, told):
    rows = {row.point: row for one in told.models for row in one.rows}
    means, nobody_knows = wanted(device), unscaled(device)
    assert means.keys() == rows.keys()
    return [
        (path, value, rows[path].value)
        for path, value in means.items()
        if not _alike(value, rows[path].value)
        or (rows[path].quality == Quality.GOOD.name) != (value is not None and path not in nobody_knows)
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "numbers", [random_models.FIRST_GENERATION, random_models.SECOND_GENERATION], ids=["1xx", "7xx"]
)
async def test_quartier_reads_every_value_of_both_generations(numbers, seed):
    device = SunSpecDevice(random_models.generate_models(numbers, seed))
    async with await serve_tcp(device) as endpoint:
        told = await asyncio.to_thread(read_all, f"modbus-{endpoint.url}?unit=1")

    assert [] == differing(device, told)


@pytest.mark.parametrize(
    "numbers", [random_models.FIRST_GENERATION, random_models.SECOND_GENERATION], ids=["1xx", "7xx"]
)
async def test_quartier_reads_every_value_on_a_serial_line(numbers, tmp_path):
    device = SunSpecDevice(random_models.generate_models(numbers, 7), unit=9)
    async with await serve_pty(device, tmp_path / "rs485"):
        told = await asyncio.to_thread(read_all, f"modbus-rtu://{tmp_path / 'rs485'}?unit=9&baud=115200")

    assert [] == differing(device, told)


async def test_quartier_reads_every_model_that_there_is():
    numbers = [number for number in model_layout.list_models() if number != 1]
    device = SunSpecDevice(random_models.generate_models([1, *numbers, 804, 804], 3), habits=["base-0"])
    async with await serve_tcp(device) as endpoint:
        told = await asyncio.to_thread(read_all, f"modbus-{endpoint.url}?unit=1")

    assert [] == differing(device, told)


@pytest.mark.parametrize("habit", MAP_HABITS)
@pytest.mark.parametrize(
    "numbers", [random_models.FIRST_GENERATION, random_models.SECOND_GENERATION], ids=["1xx", "7xx"]
)
async def test_no_habit_of_a_map_costs_quartier_a_value(numbers, habit):
    device = SunSpecDevice(random_models.generate_models(numbers, 5), habits=[habit])
    async with await serve_tcp(device) as endpoint:
        told = await asyncio.to_thread(read_all, f"modbus-{endpoint.url}?unit=1")

    assert device.image.base == told.base
    assert [] == differing(device, told)


async def _polled(device, name, owner, quantities):
    """What the profile's driver reads of a device on TCP."""
    clock = LoopClock()
    async with await serve_tcp(device) as endpoint:
        section = registry.load_section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=endpoint.port)
        factory = registry.load_factory("modbus-tcp", "sunspec")
        line = factory.line("net", section, clock)
        driver = factory.driver(line, DeviceSpec("device", 1, {"": owner}), loading.load_profile(name), clock)
        await driver.open()
        found = {}
        for _ in range(20):
            found |= {one.point: one for one in await driver.read()}
        await driver.close()
        await line.close()
    return {one: found[f"{owner}.{one}"] for one in quantities}


BATTERY = {"power_w": 1234.0, "soc_pct": 61.5, "energy_export_wh": 9_000_000.0}
SOLAR = {"power_w": -4321.0, "energy_export_wh": 5_000_123.0}
MAINS = {"power_w": -750.0, "energy_import_wh": 11.0, "energy_export_wh": 22.0, "frequency_hz": 50.0}


@pytest.mark.parametrize("habit", ["", *(habit for habit in MAP_HABITS if habit != "no-scale")])
@pytest.mark.parametrize(
    ("device", "name", "shown"),
    [
        (lambda told: BatteryInverter("1xx", habits=told), "sunspec/battery", BATTERY),
        (lambda told: BatteryInverter("7xx", habits=told), "sunspec/battery", BATTERY),
        (lambda told: SolarInverter("1xx", habits=told), "sunspec/inverter", SOLAR),
        (lambda told: SolarInverter("1xx", floats=True, habits=told), "sunspec/inverter", SOLAR),
        (lambda told: SolarInverter("7xx", habits=told), "sunspec/inverter", SOLAR),
        (lambda told: SunSpecMeter(203, habits=told), "sunspec/meter", MAINS),
        (lambda told: SunSpecMeter(213, habits=told), "sunspec/meter", MAINS),
    ],
    ids=["battery-1xx", "battery-7xx", "pv-1xx", "pv-float", "pv-7xx", "meter-203", "meter-213"],
)
async def test_the_profiles_read_in_the_houses_sign_whatever_the_habit(device, name, shown, habit):
    made = device([habit] if habit else [])
    made.publish(shown)

    found = await _polled(made, name, "asset", shown)

    assert shown == pytest.approx({quantity: one.value for quantity, one in found.items()})
    assert {Quality.GOOD} == {one.quality for one in found.values()}
