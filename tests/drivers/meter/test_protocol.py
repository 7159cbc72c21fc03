"""A password that a meter is told in clear is in no record; what is encrypted cannot be masked."""

import pytest

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.meter.dlms import client_services, hdlc
from quartier_drivers.meter.protocol import load_meter_protocol
from quartier_drivers.transport.frame_recorder import RecordedFrame

DLMS, MBUS = registry.load_protocol("dlms"), registry.load_protocol("mbus")


def aarq(secret=b"12345678"):
    apdu = client_services.make_associate_request(client_services.LOW_SECURITY, secret)
    return hdlc.make_frame(hdlc.make_server_address(1), hdlc.encode_address(16), 0x10, b"\xe6\xe6\x00" + apdu)


def test_it_is_replaced_and_the_frame_holds():
    frame = RecordedFrame(0, 0, "out", aarq())
    masked = DLMS.hide_password(frame).data

    assert b"12345678" in frame.data
    assert b"12345678" not in masked
    assert b"********" in masked
    assert len(frame.data) == len(masked)
    assert hdlc.is_crc_valid(masked[1:-3], masked[-3:-1])


def test_what_is_no_such_request_is_left_as_it_was():
    heard = RecordedFrame(0, 0, "in", aarq())
    other = RecordedFrame(0, 0, "out", b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e")

    assert heard is DLMS.hide_password(heard)
    assert other is DLMS.hide_password(other)
    assert heard is MBUS.hide_password(heard)


@pytest.mark.parametrize("name", registry.METER_PROTOCOLS)
def test_each_meter_has_an_example_bus_of_its_own_kind(name):
    assert [name] == [keys["kind"] for keys in registry.load_protocol(name).examples.values()]


def test_the_time_of_a_telegram_of_m_bus_is_known_and_of_no_other_meter():
    section = registry.load_section("mbus")(kind="mbus", port="/dev/ttyUSB0")
    asking = MBUS.find_asking_time(
        section, [(DeviceSpec("heat", 1, {}), 60.0), (DeviceSpec("cold", 2, {}), 30.0)]
    )

    assert asking is not None
    assert 2400 == asking.baud
    assert asking.share == pytest.approx(asking.longest_s / 60.0 + asking.longest_s / 30.0)
    assert DLMS.find_asking_time(section, []) is None


@pytest.mark.parametrize("name", registry.METER_PROTOCOLS)
def test_the_settings_of_each_decoder_are_a_table_with_defaults(name):
    assert load_meter_protocol(name).load_decoder_settings().model_validate({})


def test_what_is_no_meter_is_refused():
    with pytest.raises(ValueError, match="'modbus' is no protocol of meters, expected one of tic, p1"):
        load_meter_protocol("modbus")
