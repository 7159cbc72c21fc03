"""A site with a BACnet device: read, commanded at its priority, given back by Null."""

import signal

import pytest
from tests.drivers.bacnet.conftest import HEAD, free_port, serve
from tests.gateway.daemon.conftest import Gateway

from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

__all__ = ["serve"]

pytestmark = pytest.mark.daemon

SITE = """\
site = {{ id = "b012", district = "issy", simulated = true, profiles = ["profiles"] }}
limits = {{ contract_import_w = 12000, contract_export_w = 6000 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {gx}, timeout_s = 2.0 }}
buses.bms = {{ kind = "bacnet-ip", interface = "127.0.0.1", port = {port}, timeout_s = 2.0 }}
devices.gx = {{ bus = "lan", profile = "victron/gx", unit = 227 }}
devices.ahu = {{ bus = "bms", profile = "acme/ahu", address = "{ahu}" }}
assets.grid = {{ role = "grid", device = "gx", part = "grid" }}
assets.fan = {{ role = "load", device = "ahu", tier = "C", rated_w = 2000, accept_no_fallback = "nobody is harmed by a fan that runs, or stands still" }}
"""
POINTS = """
[points.power_w]
object = "analog-input:2"
units = "kilowatts"
scan = "fast"
[points.relay_on]
object = "binary-output:1"
scan = "fast"
[points.relay_on.write]
on_release = "own"
[limits]
no_fallback = "a priority never expires, and the unit has no watchdog object"
"""


@pytest.fixture
async def site(tmp_path, serve):
    """(gateway, bacpypes3's device); the gateway is not started yet."""
    ahu = await serve()
    fan = ahu.object("fan")
    fan.presentValue = fan.relinquishDefault = (
        "active"  # a fan that stands still is started staged, minutes later
    )
    (tmp_path / "profiles" / "acme").mkdir(parents=True)
    (tmp_path / "profiles" / "acme" / "ahu.toml").write_text(HEAD + POINTS)
    gx = catalog.make_device("victron/gx")
    gx.publish({"grid.power_w": 3000.0, "grid.voltage_l1_v": 230.0})
    async with await serve_tcp(gx) as first:
        gateway = Gateway(tmp_path, SITE.format(gx=first.port, port=free_port(), ahu=ahu.address))
        yield gateway, ahu
        if gateway.process is not None and gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.wait()


def runs(status):
    written = status["written"].get("fan.relay_on", {})
    return (written.get("value"), written.get("verdict")) == (1.0, "done")


def slot(ahu):
    """What stands at priority 10."""
    found = ahu.object("fan").priorityArray[9]
    return None if found.null is not None else str(found.enumerated)


async def test_a_device_is_commanded_at_its_priority_and_given_back_by_null_also_after_a_kill(site):
    gateway, ahu = site
    await gateway.start()
    await gateway.until(lambda s: runs(s) and slot(ahu) == "active")
    await gateway.until(lambda s: s["control"]["assets"]["fan"]["power_w"] == 1250.0)

    assert 0 == await gateway.stop()
    assert slot(ahu) is None

    await gateway.start()
    await gateway.until(lambda s: runs(s) and slot(ahu) == "active")
    await gateway.stop(signal.SIGKILL)
    assert "active" == slot(ahu)
    code, output, errors = await gateway.call("release", "--runtime-dir", str(gateway.runtime_dir))

    assert (0, True) == (code, "0 failed" in output), errors
    assert slot(ahu) is None
