"""What the rig's meters of modes C and D say, by an encoder that knows nothing of the decoder."""

import pytest

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.meter.bus_section import Iec62056Bus
from quartier_drivers.meter.driver import FACTORY
from quartier_drivers.meter.iec62056.push_decoder import make_decoder
from quartier_drivers.readings import Quality
from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters.captures import CAPTURES
from quartier_sim.meters.iec62056.optical_meter import OpticalPort
from quartier_sim.meters.iec62056.readouts import make_number_set, make_text_set
from quartier_sim.meters.line_noise import LINE_QUALITIES, damage_telegrams


def told(telegrams):
    return [(group.label, group.value, group.unit) for telegram in telegrams for group in telegram.groups]


def meant(statements):
    return [(one.label, one.value, one.unit) for one in statements]


@pytest.mark.parametrize("kind", ["iec62056-c", "iec62056-d"])
def test_everything_that_was_said_is_told(kind):
    telegrams = list(CAPTURES[kind](20261125, 250))
    heard = make_decoder(is_capture=True).feed(b"".join(one.data for one in telegrams))

    assert [said for one in telegrams for said in meant(one.statements)] == told(heard)


@pytest.mark.parametrize("kind", ["iec62056-c", "iec62056-d"])
@pytest.mark.parametrize("line", ["weak", "humming", "loose"])
def test_of_a_bad_line_nothing_whole_is_lost(kind, line):
    telegrams = list(CAPTURES[kind](7, 300))
    heard = damage_telegrams(telegrams, LINE_QUALITIES[line], 7)
    found = told(make_decoder(is_capture=True).feed(bytes(heard.data)))

    rest = iter(found)
    whole = [said for piece in heard.intact for said in meant(piece.says)]
    assert all(any(said == other for other in rest) for said in whole)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("pty", {"echo": True}), ("pty", {"sleeps": True}), ("tcp", {}), ("tcp", {"address": "00000042"})],
)
async def test_an_optical_meter_is_read_by_the_five_verbs(tmp_path, house_time, kind, settings):
    far_end = PtyPort(tmp_path / "heat") if kind == "pty" else TcpPort()
    sets = [
        make_number_set("6.8", 12.5, (7, 3), "MWh"),
        make_number_set("6.26", 34.25, (7, 2), "m3"),
        make_text_set("9.20", "00004711"),
    ]
    async with OpticalPort(lambda: sets, far_end, react_s=0.5, wait_s=1.5, **settings) as meter:
        bus = Iec62056Bus(kind="iec62056", port=far_end.url, framing="8N1")
        port = FACTORY.line("heat", bus, house_time)
        spec = DeviceSpec("heat1", 1, {"": "heat"}, address=settings.get("address", ""))
        driver = FACTORY.driver(port, spec, loading.load_profile("landis-gyr/ultraheat-optical"), house_time)
        await port.open()
        try:
            await driver.open()
            readings = await driver.read()
            shown = {one.point: one.value for one in readings if one.quality is Quality.GOOD}
        finally:
            await port.close()

        assert 12_500_000 == shown["heat.heat_energy_wh"]
        assert 34.25 == shown["heat.volume_m3"]
        assert "00004711" == shown["heat.meter_text"]
        assert 1 == meter.sign_ons_count
