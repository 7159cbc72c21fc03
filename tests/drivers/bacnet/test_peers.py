"""Devices of npm's stacks, read and commanded by the driver."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.drivers.bacnet.conftest import HOST, free_port, profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.contract import Command
from quartier_drivers.readings import Quality

PEERS = Path(__file__).parents[2] / "peers"
POINTS = "".join(
    f'[points.room{number}_c]\nobject = "analog-input:{number}"\nunits = "degrees-celsius"\n'
    for number in range(1, 21)
)
LIMIT = """
[points.speed_max_pct]
object = "analog-value:1"
units = "percent"
[points.speed_max_pct.write]
low = 10
high = 100
on_release = "cap"
[points.mode_state]
object = "multi-state-value:1"
"""
pytestmark = pytest.mark.peer


@pytest.fixture(params=["node-bacnet", "@bacnet-js/client"])
async def peer(request):
    """The address of a device of that stack."""
    if shutil.which("node") is None or not (PEERS / "node_modules" / request.param).is_dir():
        pytest.skip(f"npm's {request.param} is not installed (tests/peers/install.sh)")
    port = free_port()
    argv = ("node", str(PEERS / "bacnet_server.js"), request.param, str(port), "77")
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert b"ready" in await asyncio.wait_for(process.stdout.readline(), 60)
    yield f"{HOST}:{port}"
    process.kill()
    await process.wait()


async def opened(line, clock, address):
    device = spec(address=address, caps={"air.speed_max_pct": 40.0})
    driver = BacnetDriver(line, device, profile(POINTS + LIMIT), clock)
    return driver, await driver.open()


async def test_all_is_read_in_one_request(line, clock, peer):
    driver, identity = await opened(line, clock, peer)
    found = await told(driver)

    assert ("77", "node") == (identity["instance"], identity["maker"])
    assert {f"air.room{number}_c": (20.5 + number, Quality.GOOD) for number in range(1, 21)} == {
        point: seen for point, seen in found.items() if point.startswith("air.room")
    }
    assert (2, Quality.GOOD) == found["air.mode_state"]
    assert 1 == driver.requests_count


async def test_a_cap_is_commanded_read_back_and_left_at_its_safe_value(line, clock, peer):
    driver, _ = await opened(line, clock, peer)
    await told(driver)
    await driver.write(Command("air.speed_max_pct", 60.0, clock.now_ns() + 10**9))
    assert (60.0, Quality.GOOD) == (await told(driver))["air.speed_max_pct"]
    await driver.release()
    clock.move(5.0)

    assert (40.0, Quality.GOOD) == (await told(driver))["air.speed_max_pct"]
