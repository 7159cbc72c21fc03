"""How a meter with a line of its own fails, whichever way its bus speaks."""

import datetime as dt

import pytest

from quartier_sim.building import device_roles
from quartier_sim.building.device_roles import DeviceFacts
from quartier_sim.building.serial_meters import SerialMeter, connect_meters
from quartier_sim.devices.serial_ports import PtyPort
from quartier_sim.meters.line_noise import GARBAGE_NOISE

NOW = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC)
ASKED = {"mbus": "generic/mbus_electricity", "iec62056": "iec62056/electricity"}


def _made(kind, profile, tmp_path):
    meter = SerialMeter(device_roles.METER_ROLES[profile].make(DeviceFacts(unit=7)))
    return meter, connect_meters(kind, [meter], PtyPort(tmp_path / "port"), rate=1.0, seed=1, baud=None)


def _power_w(meter):
    """What a P1 meter says, in W."""
    said = {one.label: one.value for one in meter.body.telegram().statements}
    return round(1000 * said["1-0:1.7.0"])


def test_values_stand_are_off_by_a_factor_and_are_right_again(tmp_path):
    meter, _ = _made("p1", "dsmr/p1", tmp_path)
    meter.publish({"power_w": 900.0}, NOW)
    meter.fault("stuck")
    meter.publish({"power_w": 1_500.0}, NOW)
    assert 900 == _power_w(meter)

    meter.clear()
    meter.fault("wrong", factor=2.0)
    meter.publish({"power_w": 1_500.0}, NOW)
    assert 3_000 == _power_w(meter)

    meter.clear()
    meter.publish({"power_w": 1_500.0}, NOW)
    assert 1_500 == _power_w(meter)


@pytest.mark.parametrize("kind", ["off", "silent"])
def test_who_speaks_by_itself_falls_silent_and_who_is_asked_hears_nothing(kind, tmp_path):
    pushed, push = _made("p1", "dsmr/p1", tmp_path)
    slave, _ = _made("mbus", ASKED["mbus"], tmp_path)
    optical, asked = _made("iec62056", ASKED["iec62056"], tmp_path)
    hear = asked.port.hear
    for meter in (pushed, slave, optical):
        meter.fault(kind)
    assert (True, True) == (push.silent, slave.body.off)
    assert asked.port.hear is not hear

    for meter in (pushed, slave, optical):
        meter.clear()
    assert (False, False) == (push.silent, slave.body.off)
    assert asked.port.hear is hear


def test_garbage_is_noise_on_the_line_or_a_wrong_check(tmp_path):
    pushed, push = _made("p1", "dsmr/p1", tmp_path)
    slave, line = _made("mbus", ASKED["mbus"], tmp_path)
    optical, asked = _made("iec62056", ASKED["iec62056"], tmp_path)
    for meter in (pushed, slave, optical):
        meter.fault("garbage")

    assert (GARBAGE_NOISE, GARBAGE_NOISE, 1) == (push.noise, line.noise, asked.bad_checks_count)


def test_only_who_is_asked_on_a_bus_can_be_slow(tmp_path):
    slave, _ = _made("mbus", ASKED["mbus"], tmp_path)
    slave.fault("slow", seconds=0.3)
    assert 0.3 == slave.body.wait_s

    with pytest.raises(ValueError, match="it speaks by itself"):
        _made("p1", "dsmr/p1", tmp_path)[0].fault("slow", seconds=0.3)
