import pytest
from pydantic import ValidationError

from quartier_drivers.modbus.bus import RtuBus, TcpBus


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "meter.local", "gx_1", "localhost"])
def test_a_host_is_a_name_or_an_address(host):
    assert host == TcpBus(kind="modbus-tcp", host=host).host


@pytest.mark.parametrize("host", ["", "192.0.2.1:502", "tcp://192.0.2.1", "a b", "meter/1", "-x", "[::1]"])
def test_a_host_has_no_port_and_no_scheme(host):
    with pytest.raises(ValidationError, match="expected a name or an address, without port or scheme"):
        TcpBus(kind="modbus-tcp", host=host)


@pytest.mark.parametrize("port", ["usb:A50285BI", "usb:1-1.4", "/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI"])
def test_a_serial_port_is_found_by_its_adapter_or_its_path(port):
    assert port == RtuBus(kind="modbus-rtu", port=port).port


@pytest.mark.parametrize("port", ["", "usb:", "COM3", "ttyUSB0", "./tty"])
def test_other_serial_ports_are_refused(port):
    with pytest.raises(ValidationError, match="expected usb:SERIAL or an absolute path"):
        RtuBus(kind="modbus-rtu", port=port)


def test_numbers_are_not_read_from_texts():
    with pytest.raises(ValidationError):
        TcpBus(kind="modbus-tcp", host="h", port="502")
