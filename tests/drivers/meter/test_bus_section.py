"""The sections of the site file for lines with meters."""

import pytest
from pydantic import ValidationError

from quartier_drivers.meter.connection.line_settings import PROTOCOL_SETTINGS
from quartier_drivers.registry import METER_PROTOCOLS, load_section


@pytest.mark.parametrize(
    "port", ["usb:A50285BI", "usb:1-1.2", "/dev/ttyUSB0", "tcp://meter.lan:3001", "tcp://[::1]:4059"]
)
@pytest.mark.parametrize("kind", METER_PROTOCOLS)
def test_a_port_is_an_adapter_a_path_or_an_endpoint(kind, port):
    bus = load_section(kind)(kind=kind, port=port)

    assert (kind, port, None) == (bus.kind, bus.port, bus.baud)
    assert bus.speeds_name in PROTOCOL_SETTINGS


@pytest.mark.parametrize(
    "port", ["ttyUSB0", "tcp://meter", "tcp://meter:0", "tcp://meter:70000", "usb:", "http://x:1"]
)
def test_what_is_no_port_is_refused(port):
    with pytest.raises(ValidationError, match="is no port"):
        load_section("tic")(kind="tic", port=port)


def test_an_address_with_a_wrong_number_is_a_fault():
    with pytest.raises(ValidationError, match=r"'192\.168\.1\.320' is no IPv4 address"):
        load_section("tic")(kind="tic", port="tcp://192.168.1.320:3001")


def test_who_speaks_by_itself_is_not_asked():
    def asks(kind, **keys):
        return load_section(kind)(kind=kind, port="/dev/ttyUSB0", **keys).asks

    assert [None] * 5 == [asks("tic"), asks("p1"), asks("sml"), asks("dlms"), asks("iec62056", mode="d")]
    assert {"speed": 300, "framing": "7E1", "over_tcp": False} == asks("iec62056")
    assert {"speed": 9600, "framing": "8N1", "over_tcp": False} == asks("iec62056", baud=9600, framing="8N1")
    assert {"baud": 2400, "timeout_s": 0.5, "retries_count": 2, "over_tcp": False} == asks("mbus")
    assert {"client": 16, "security": "none", "over_tcp": False} == asks("dlms", mode="client")


def test_mode_d_has_speeds_of_its_own():
    assert (
        "iec62056-d" == load_section("iec62056")(kind="iec62056", port="/dev/ttyUSB0", mode="d").speeds_name
    )
