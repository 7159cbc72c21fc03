"""The sections of the site file take what a wire can be."""

import pytest
from pydantic import ValidationError

from quartier_drivers.modbus.bus_section import RtuBus, TcpBus


@pytest.mark.parametrize("host", ["meter.lan", "192.168.10.20", "fe80::1", "gx_1"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert host == TcpBus(kind="modbus-tcp", host=host).host


@pytest.mark.parametrize("host", ["", "tcp://meter", "meter:502", "a b", "-x"])
def test_a_host_has_neither_port_nor_scheme(host: str) -> None:
    with pytest.raises(ValidationError, match="no host"):
        TcpBus(kind="modbus-tcp", host=host)


def test_an_address_with_a_wrong_number_is_a_fault() -> None:
    with pytest.raises(ValidationError, match=r"'192\.168\.1\.320' is no IPv4 address"):
        TcpBus(kind="modbus-tcp", host="192.168.1.320")


@pytest.mark.parametrize("port", ["usb:A50285BI", "usb:1-1.2", "/dev/ttyUSB0", "/dev/serial/by-id/x"])
def test_a_serial_port_is_an_adapter_or_a_path(port: str) -> None:
    assert port == RtuBus(kind="modbus-rtu", port=port).port


@pytest.mark.parametrize("port", ["", "ttyUSB0", "usb:", "COM1"])
def test_anything_else_is_no_serial_port(port: str) -> None:
    with pytest.raises(ValidationError, match="no serial port"):
        RtuBus(kind="modbus-rtu", port=port)


def test_what_stands_nowhere_has_the_usual_value() -> None:
    bus = RtuBus(kind="modbus-rtu", port="/dev/ttyS0")

    assert (9600, "N", 1, 1.0, 1) == (bus.baud, bus.parity, bus.stop_bits, bus.timeout_s, bus.retries_count)
    assert 502 == TcpBus(kind="modbus-tcp", host="h").port
