"""Serial ports are found by their adapter, opened alone, and named when they are absent."""

import os
import select
import tty
from pathlib import Path

import pytest
from serial.tools import list_ports

from quartier_drivers import ports
from quartier_drivers.errors import LinkLost


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

    assert "/dev/ttyUSB3" == ports.resolve("usb:A50285BI")
    assert "/dev/ttyUSB3" == ports.resolve("usb:1-1.2")
    assert str(tmp_path) == ports.resolve(str(tmp_path))
    for absent in ("usb:A1", str(tmp_path / "ttyS9")):
        with pytest.raises(LinkLost) as raised:
            ports.resolve(absent)
        assert absent in str(raised.value)
        assert "/dev/ttyUSB3 (usb:A50285BI, FT232R USB UART)" in str(raised.value)


def test_a_port_belongs_to_one_program(pty):
    port = ports.opened(pty[1], 9600)

    with pytest.raises(LinkLost, match="in use by another program"):
        ports.opened(pty[1], 9600)
    ports.closed(port)
    ports.closed(ports.opened(pty[1], 9600))


def test_bytes_go_through_and_the_speed_can_change(pty):
    port = ports.opened(pty[1], 9600)
    ports.quicken(port)
    os.write(pty[0], b"abc")
    heard = b""
    while len(heard) < 3:
        assert select.select([port.fileno()], [], [], 60)[0], heard
        heard += os.read(port.fileno(), 10)

    assert b"abc" == heard
    ports.change(port, 1200, "8N1")
    assert 1200 == port.baudrate
    ports.closed(port)


def test_what_the_port_does_not_take_is_a_lost_link(pty):
    port = ports.opened(pty[1], 9600)

    with pytest.raises(LinkLost, match="does not take"):
        ports.change(port, 9600, "9N1")
    ports.closed(port)
    with pytest.raises(LinkLost):
        ports.opened("/dev/null", 9600)


@pytest.mark.parametrize("baud", [2400, 9600])
def test_a_port_that_refuses_its_parity_when_it_is_opened_again_is_asked_once_more(pty, baud):
    # A pty takes 8E1 once; the second time tcsetattr(3) says EINVAL, as an adapter may that was plugged in anew.
    for _ in range(3):
        port = ports.opened(pty[1], baud, "8E1")
        assert (baud, "E") == (port.baudrate, port.parity)
        ports.closed(port)


def test_what_is_there_is_known_without_opening_it(pty):
    assert ports.is_there(pty[1])
    assert not ports.is_there("usb:NOWHERE")
