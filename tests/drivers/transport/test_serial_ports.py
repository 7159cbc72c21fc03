"""Serial ports are found by their adapter, opened alone, and named when they are absent."""

import os
import select
import tty
from pathlib import Path

import pytest
from serial.tools import list_ports

from quartier_drivers.errors import LinkLost
from quartier_drivers.transport import serial_ports


@pytest.fixture
def pty():
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_an_absent_port_is_named_with_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        device, vid, serial_number, location = "/dev/ttyUSB3", 0x0403, "A50285BI", "1-1.2"
        description = "FT232R USB UART"

    monkeypatch.setattr(list_ports, "comports", lambda: [Found])

    assert "/dev/ttyUSB3" == serial_ports.find_port_path("usb:A50285BI")
    assert "/dev/ttyUSB3" == serial_ports.find_port_path("usb:1-1.2")
    assert str(tmp_path) == serial_ports.find_port_path(str(tmp_path))
    for absent in ("usb:A1", str(tmp_path / "ttyS9")):
        with pytest.raises(LinkLost) as raised:
            serial_ports.find_port_path(absent)
        assert absent in str(raised.value)
        assert "/dev/ttyUSB3 (usb:A50285BI, FT232R USB UART)" in str(raised.value)


def test_a_port_belongs_to_one_program(pty):
    port = serial_ports.open_port(pty[1], 9600)

    with pytest.raises(LinkLost, match="in use by another program"):
        serial_ports.open_port(pty[1], 9600)
    serial_ports.close_port(port)
    serial_ports.close_port(serial_ports.open_port(pty[1], 9600))


def test_bytes_go_through_and_the_speed_can_change(pty):
    port = serial_ports.open_port(pty[1], 9600)
    serial_ports.set_low_latency(port)
    os.write(pty[0], b"abc")
    heard = b""
    while len(heard) < 3:
        assert select.select([port.fileno()], [], [], 60)[0], heard
        heard += os.read(port.fileno(), 10)

    assert b"abc" == heard
    serial_ports.change_port(port, 1200, "8N1")
    assert 1200 == port.baudrate
    serial_ports.close_port(port)


def test_what_the_port_does_not_take_is_a_lost_link(pty):
    port = serial_ports.open_port(pty[1], 9600)

    with pytest.raises(LinkLost, match="does not take"):
        serial_ports.change_port(port, 9600, "9N1")
    serial_ports.close_port(port)
    with pytest.raises(LinkLost):
        serial_ports.open_port("/dev/null", 9600)


@pytest.mark.parametrize("baud", [2400, 9600])
def test_a_port_that_refuses_its_parity_when_it_is_opened_again_is_asked_once_more(pty, baud):
    # A pty takes 8E1 once; the second time tcsetattr(3) says EINVAL, as an adapter may that was plugged in anew.
    for _ in range(3):
        port = serial_ports.open_port(pty[1], baud, "8E1")
        assert (baud, "E") == (port.baudrate, port.parity)
        serial_ports.close_port(port)


def test_what_is_there_is_known_without_opening_it(pty):
    assert serial_ports.is_port_present(pty[1])
    assert not serial_ports.is_port_present("usb:NOWHERE")
