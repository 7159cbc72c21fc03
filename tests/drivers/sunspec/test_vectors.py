"""Every built-in SunSpec profile against devices described by the standard's names."""

from typing import Any

import pytest
from tests.drivers.sunspec.conftest import chain_of
from tests.drivers.test_vectors import SUNSPEC, vectors

from quartier_drivers import profile, registry
from quartier_drivers.contract import DeviceSpec, Quality
from quartier_drivers.modbus.bus import TcpBus

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}
CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in SUNSPEC
    for case in vectors(name)["case"]
]


def owners(name: str) -> dict[str, str]:
    return {part: part or "device" for part in profile.load(name).parts}


def path(point: str) -> str:
    return point.removeprefix("device.")


async def told(inverter: Any, clock: Any, name: str) -> dict[str, Any]:
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port)
    line = registry.door("modbus-tcp").line("lan", bus, clock)
    spec = DeviceSpec("device", 1, owners(name))
    driver = registry.door("modbus-tcp", "sunspec").driver(line, spec, profile.load(name), clock)
    await driver.open()
    found: dict[str, Any] = {}
    for _ in range(30):
        found |= {path(reading.point): reading for reading in await driver.read()}
    await line.close()
    return found


@pytest.mark.parametrize(("name", "case"), CASES)
async def test_models_become_values(inverter, clock, name, case):
    inverter.words = chain_of([COMMON, *case["models"]])

    found = await told(inverter, clock, name)

    bad = set(case.get("bad", []))
    assert set(case["expected"]) | bad == set(found)
    assert case["expected"] == {point: one.value for point, one in found.items() if point not in bad}
    assert bad == {point for point, one in found.items() if one.quality is not Quality.GOOD}


@pytest.mark.parametrize("name", SUNSPEC)
def test_every_point_appears_in_a_case(name):
    points = {
        f"{part}.{quantity}".lstrip(".")
        for part, quantities in profile.load(name).parts.items()
        for quantity in quantities
    }

    assert points == {point for case in vectors(name)["case"] for point in case["expected"]}
