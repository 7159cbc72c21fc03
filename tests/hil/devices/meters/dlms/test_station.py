"""A meter that is asked over real wires, by the gateway's own door: HDLC on a pty, the wrapper over TCP."""

import pytest
from tests.drivers.meter.conftest import HouseTime

from quartier_drivers import profile
from quartier_drivers.contract import DeviceSpec, Quality
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.bus import DlmsBus
from quartier_drivers.meter.driver import DOOR
from quartier_hil.devices.meters.dlms.asked import HIGH, LOW
from quartier_hil.devices.meters.dlms.draw import KEYS
from quartier_hil.devices.meters.dlms.station import Asked, Station
from quartier_hil.devices.meters.port import PtyPort, TcpPort

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
        f'encryption_key = "{KEYS.encryption.hex()}"\n'
        f'authentication_key = "{KEYS.authentication.hex()}"\npassword = "secret"\n'
    )
    return str(path)


async def read(port, key_file, security):
    clock = HouseTime()
    client = {"none": 16, "low": 32, "high": 1}[security]
    bus = DlmsBus(
        kind="dlms", mode="client", port=port.url, baud=9600, framing="8N1", security=security, client=client
    )
    line = DOOR.line("bus", bus, clock)
    unit = 1 if port.url.startswith("tcp://") else 17
    spec = DeviceSpec("meter", unit, {"": "grid"}, key_file=key_file)
    driver = DOOR.driver(line, spec, profile.load("generic/dlms_meter"), clock)
    await line.open()
    try:
        await driver.open()
        readings = await driver.read()
    finally:
        await line.close()
    return {one.point: one.value for one in readings if one.quality is Quality.GOOD}


@pytest.mark.parametrize("security", ["none", "low", "high"])
async def test_a_meter_is_read_over_a_real_wire_under_each_security(meter, port, key_file, security):
    meter.mechanism = {"none": 0, "low": LOW, "high": HIGH}[security]
    meter.password = b"secret"
    async with Asked(meter, port):
        found = await read(port, key_file, security)

    assert EXPECTED.items() <= found.items()
    assert b"\x62" == meter.log[-1][:1] or not port.url.startswith("tcp://"), "let go of over TCP"


async def test_a_meter_that_wants_other_keys_says_so(meter, port, key_file):
    meter.mechanism, meter.password = LOW, b"another"
    async with Asked(meter, port):
        with pytest.raises(NoReply, match="password"):
            await read(port, key_file, "low")


def test_frames_that_are_damaged_or_for_another_are_not_answered(meter):
    station = Station(meter)
    snrm = Station(meter, server=b"\x21", client=b"\x02\x23")._frame(0x93)

    assert station.hear(snrm)
    assert b"" == station.hear(snrm[:5] + b"\x00" + snrm[6:])
    assert b"" == station.hear(b"\x7e\x7e")
    assert 1 == station.frames_count


def test_a_frame_that_gets_lost_is_given_again(meter):
    lost = Station(meter, lose=lambda count: count == 2)
    request = b"\xe6\xe6\x00\x62\x03\x80\x01\x00"
    other = Station(meter, server=b"\x21", client=b"\x02\x23")
    lost.hear(other._frame(0x93))
    frame = other._frame(0x10, request)

    assert b"" == lost.hear(frame)
    assert b"\x63\x03\x80\x01\x00" in lost.hear(other._frame(0x11))
