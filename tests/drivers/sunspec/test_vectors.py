"""Every built-in SunSpec profile against devices described by the standard's names."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.drivers.builtin_profiles import list_names, load_builtin, load_vectors
from tests.drivers.sunspec.conftest import chain_of, device_of

from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.device import read_names
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import parse_name as named

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}


def each(kind: str) -> list[Any]:
    return [
        pytest.param(name, one, id=f"{name}: {one['name']}")
        for name in list_names(SunspecProfile)
        for one in load_vectors(name).get(kind, [])
    ]


def owned(point: str) -> str:
    part, _, quantity = point.rpartition(".")
    return f"{part or 'device'}.{quantity}"


@pytest.fixture
async def opened(inverter, clock):
    """Makes a driver of a profile for a device of these models."""
    lines = []

    async def make(name: str, case: Mapping[str, Any]) -> Any:
        inverter.words = chain_of([COMMON, *case["models"]])
        line = registry.load_factory("modbus-tcp").line(
            "lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock
        )
        lines.append(line)
        loaded = load_builtin(name)
        caps = {owned(case["point"]): case["cap"]} if "cap" in case else {}
        spec = DeviceSpec("device", 1, {part: part or "device" for part in loaded.parts}, {}, caps)
        driver = registry.load_factory("modbus-tcp", "sunspec").driver(line, spec, loaded, clock)
        await driver.open()
        return driver, RegisterReader(line, 1, loaded.limits)

    yield make
    for line in lines:
        await line.close()


async def told(driver: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(30):
        found |= {reading.point.removeprefix("device."): reading for reading in await driver.read()}
    return found


async def held(registers: RegisterReader, case: Mapping[str, Any]) -> dict[str, int | None]:
    """What stands in the device, by the names of ``after``."""
    device = device_of([COMMON, *case["models"]])
    names = [named(one) for one in case["after"]]
    await read_names(device, registers, names)
    return {str(one): device.raw(one) for one in names}


@pytest.mark.parametrize(("name", "case"), each("case"))
async def test_models_become_values(opened, name, case):
    driver, _ = await opened(name, case)

    found = await told(driver)

    good = {point: one.value for point, one in found.items() if one.quality is Quality.GOOD}
    assert case["expected"] == good
    if not case.get("partial"):
        writable = {point.removeprefix("device.") for point, info in driver.points.items() if info.writable}
        assert set(case.get("bad", [])) == set(found) - set(good) - writable


@pytest.mark.parametrize(("name", "write"), each("write"))
async def test_an_order_leaves_the_device_so(opened, clock, name, write):
    driver, registers = await opened(name, write)
    point = owned(write["point"])

    await driver.write(Command(point, write["value"], clock.now_ns() + 20_000_000_000))

    assert write["after"] == await held(registers, write)
    assert (point, write["reads"]) == next((one.point, one.value) for one in await told_of(driver, point))


@pytest.mark.parametrize(("name", "release"), each("release"))
async def test_leaving_leaves_the_device_so(opened, name, release):
    driver, registers = await opened(name, release)

    await driver.release()

    assert release["after"] == await held(registers, release)


async def told_of(driver: Any, point: str) -> list[Any]:
    return [reading for _ in range(3) for reading in await driver.read() if reading.point == point]


@pytest.mark.parametrize("name", list_names(SunspecProfile))
def test_every_point_appears_in_a_case_and_every_writable_one_is_written_and_released(name):
    quantities = {
        f"{part}.{quantity}".lstrip("."): taken
        for part, taken_by in load_builtin(name).parts.items()
        for quantity, taken in taken_by.items()
    }
    writable = {point for point, taken in quantities.items() if taken.writable}
    typed = load_vectors(name)

    assert set(quantities) == {point for case in typed["case"] for point in case["expected"]}
    assert writable == {one["point"] for one in typed.get("write", [])}
    assert writable == {one["point"] for one in typed.get("release", [])}
