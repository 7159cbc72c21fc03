"""A meter that is asked over real wires, by the gateway's own driver: HDLC on a pty, the wrapper over TCP."""

import asyncio
import json
import time

import pytest
from tests.drivers.meter.conftest import HouseTime

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.bus_section import DlmsBus
from quartier_drivers.meter.driver import FACTORY
from quartier_drivers.readings import Quality
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters.dlms.polled_lines import HdlcLink, PolledMeterServer
from quartier_sim.meters.dlms.polled_meter import AUTH_HIGH, AUTH_LOW, PolledMeter
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS
from quartier_sim.site_clock import RigClock

EXPECTED = {
    "grid.energy_import_wh": 4770.0,
    "grid.voltage_l1_v": 236.1,
    "grid.meter_text": "LGZ1030655933512",
}


@pytest.fixture(params=["pty", "tcp"])
def port(request, tmp_path):
    return PtyPort(tmp_path / "dlms") if request.param == "pty" else TcpPort()


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(
        f'encryption_key = "{EXAMPLE_KEYS.encryption.hex()}"\n'
        f'authentication_key = "{EXAMPLE_KEYS.authentication.hex()}"\npassword = "secret"\n'
    )
    return str(path)


async def read(port, key_file, security):
    clock = HouseTime()
    client = {"none": 16, "low": 32, "high": 1}[security]
    bus = DlmsBus(
        kind="dlms", mode="client", port=port.url, baud=9600, framing="8N1", security=security, client=client
    )
    line = FACTORY.line("bus", bus, clock)
    unit = 1 if port.url.startswith("tcp://") else 17
    spec = DeviceSpec("meter", unit, {"": "grid"}, key_file=key_file)
    driver = FACTORY.driver(line, spec, loading.load_profile("generic/dlms_meter"), clock)
    await line.open()
    try:
        await driver.open()
        readings = await driver.read()
    finally:
        await line.close()
    return {one.point: one.value for one in readings if one.quality is Quality.GOOD}


@pytest.mark.parametrize("security", ["none", "low", "high"])
async def test_a_meter_is_read_over_a_real_wire_under_each_security(meter, port, key_file, security):
    meter.mechanism = {"none": 0, "low": AUTH_LOW, "high": AUTH_HIGH}[security]
    meter.password = b"secret"
    async with PolledMeterServer(meter, port):
        found = await read(port, key_file, security)

    assert EXPECTED.items() <= found.items()
    assert b"\x62" == meter.log[-1][:1] or not port.url.startswith("tcp://"), "let go of over TCP"


async def test_a_meter_that_wants_other_keys_says_so(meter, port, key_file):
    meter.mechanism, meter.password = AUTH_LOW, b"another"
    async with PolledMeterServer(meter, port):
        with pytest.raises(NoReply, match="password"):
            await read(port, key_file, "low")


def test_frames_that_are_damaged_or_for_another_are_not_answered(meter):
    station = HdlcLink(meter)
    snrm = HdlcLink(meter, server=b"\x21", client=b"\x02\x23")._frame(0x93)

    assert station.hear(snrm)
    assert b"" == station.hear(snrm[:5] + b"\x00" + snrm[6:])
    assert b"" == station.hear(b"\x7e\x7e")
    assert 1 == station.frames_count


def test_a_frame_that_gets_lost_is_given_again(meter):
    lost = HdlcLink(meter, lose=lambda count: count == 2)
    request = b"\xe6\xe6\x00\x62\x03\x80\x01\x00"
    other = HdlcLink(meter, server=b"\x21", client=b"\x02\x23")
    lost.hear(other._frame(0x93))
    frame = other._frame(0x10, request)

    assert b"" == lost.hear(frame)
    assert b"\x63\x03\x80\x01\x00" in lost.hear(other._frame(0x11))


SITE = """
[site]
id = "b1"
district = "d1"
simulated = true

[buses.door]
kind = "dlms"
port = "{tcp}"
mode = "client"
client = 1
security = "high"

[devices.door_meter]
bus = "door"
profile = "generic/dlms_meter"
key_file = "{keys}"

[assets.grid]
role = "grid"
device = "door_meter"

[buses.cellar]
kind = "dlms"
port = "{pty}"
mode = "client"
baud = 9600
framing = "8N1"

[devices.cellar_meter]
bus = "cellar"
profile = "generic/dlms_meter"
unit = 17

[assets.flat]
role = "load"
device = "cellar_meter"
rated_w = 9000

[limits]
contract_import_w = 12000
contract_export_w = 6000
failsafe_import_w = 6000
failsafe_export_w = 6000
"""


@pytest.mark.daemon
async def test_the_daemon_reads_meters_that_are_asked_over_tcp_with_gmac_and_over_a_pty(
    meter, key_file, tmp_path
):
    pty, tcp = PtyPort(tmp_path / "cellar"), TcpPort()
    guarded = PolledMeter(meter.objects, meter.curves, mechanism=AUTH_HIGH)
    site = tmp_path / "site.toml"
    async with PolledMeterServer(meter, pty), PolledMeterServer(guarded, tcp):
        site.write_text(SITE.format(tcp=tcp.url, pty=pty.url, keys=key_file))
        daemon = DaemonProcess(site, tmp_path, RigClock(time.time()))
        await daemon.start()
        try:
            async with asyncio.timeout(60):
                values = {}
                while not EXPECTED.items() <= values.items() or "flat.energy_import_wh" not in values:
                    code, said = await daemon.command(
                        "points", "--json", "--runtime-dir", str(daemon.runtime_dir)
                    )
                    rows = json.loads(said) if code == 0 else []
                    values = {row["point"]: row["value"] for row in rows if row["quality"] == "good"}
        finally:
            await daemon.stop()

    assert 4770.0 == values["flat.energy_import_wh"]
    assert b"\xc3\x01" in [apdu[:2] for apdu in guarded.log], "it proved that it has the keys"
