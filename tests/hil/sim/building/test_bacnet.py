"""A served ventilation unit under a BACnet client that is not ours: what it orders acts on the building."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

PEERS = Path(__file__).parents[3] / "peers"
ANALOG_VALUE, PRESENT_VALUE, REAL, PRIORITY = 2, 85, 4, 10
SITE = """
[buses.air]
kind = "bacnet-ip"
interface = "eth0"

[devices.unit]
bus = "air"
profile = "quartier/ventilation_bacnet"
unit = 201

[assets.fans]
role = "ventilation"
device = "unit"
rated_w = 1500
"""


@pytest.mark.peer
async def test_node_bacnet_slows_the_fans_and_the_connection_reads_less(serve):
    if shutil.which("node") is None or not (PEERS / "node_modules" / "node-bacnet").is_dir():
        pytest.skip("node-bacnet is not installed (tests/peers/install.sh)")
    building = await serve(SITE)
    await building.until(lambda: building.served.read_values()["grid.power_w"] == 2_300)
    order = ["write", ANALOG_VALUE, 2, PRESENT_VALUE, REAL, 40, PRIORITY]
    process = await asyncio.create_subprocess_exec(
        *("node", str(PEERS / "bacnet_client.js"), "node-bacnet", "127.0.0.1", str(building.port("air"))),
        json.dumps(order),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)

    assert b"error" not in said
    await building.until(
        lambda: building.served.read_values()["fans.power_w"] == pytest.approx(1_500 * 0.4**3)
    )
    assert 896 == pytest.approx(building.served.read_values()["grid.power_w"])
    assert any("unit  speed_pct  100 -> 40  written" in line for line in building.lines)
