"""The kernel is asked to switch an RS-485 pair, believed only when it shows so, and named when it cannot."""

import errno
import struct
from collections.abc import Mapping

import pytest
from tests.drivers.modbus.conftest import HandClock, RtuServer

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus_section import RtuBus
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.serial_line import (
    TIOCGRS485,
    TIOCSRS485,
    DirectionRefused,
    Rs485Direction,
    find_direction,
    set_direction,
)


class Kernel:
    """A port's driver: it takes the words, perhaps changed."""

    def __init__(self, changes: Mapping[int, int] | None = None, error: int = 0) -> None:
        self.changes = changes or {}
        self.error = error
        self.words = (0,) * 8

    def ioctl(self, descriptor: int, request: int, words: bytes) -> bytes:
        assert 7 == descriptor
        if self.error:
            raise OSError(self.error, "Inappropriate ioctl for device")
        if request == TIOCSRS485:
            taken = list(struct.unpack("=8I", words))
            for place, word in self.changes.items():
                taken[place] = word
            self.words = tuple(taken)
        assert request in (TIOCGRS485, TIOCSRS485)
        return struct.pack("=8I", *self.words)


def bus(**keys: object) -> RtuBus:
    return RtuBus.model_validate({"kind": "modbus-rtu", "port": "/dev/ttyS1"} | keys)


def test_a_port_is_left_alone_unless_the_site_says_so() -> None:
    assert find_direction(bus()) is None
    assert find_direction(bus(rts_before_s=0.001)) is None


@pytest.mark.parametrize(("level", "flags"), [("high", 0b011), ("low", 0b101)])
def test_levels_and_delays_reach_the_kernel(level: str, flags: int) -> None:
    kernel = Kernel()
    wanted = find_direction(bus(rts_on_send=level, rts_before_s=0.001, rts_after_s=0.002))
    assert wanted is not None
    set_direction(7, wanted, kernel.ioctl)

    assert (flags, 1, 2) == kernel.words[:3]


@pytest.mark.parametrize(
    ("kernel", "why"),
    [
        (Kernel(error=errno.ENOTTY), "take rts_on_send out of the site file"),
        (Kernel({0: 0b101}), "try the other one"),
        (Kernel({0: 0}), "try the other one"),
        (Kernel({1: 0}), "keeps RTS 0 s before and 0.002 s after what is sent, not 0.001 and 0.002"),
    ],
)
def test_a_port_that_cannot_do_it_says_what_to_change(kernel: Kernel, why: str) -> None:
    with pytest.raises(DirectionRefused, match=why):
        set_direction(7, Rs485Direction(high=True, before_ms=1, after_ms=2), kernel.ioctl)


async def test_a_line_whose_port_cannot_switch_is_lost_with_its_remedy(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    line = make_line("line", bus(port=rtu_server.path, rts_on_send="high"), clock)

    with pytest.raises(LinkLost, match=f"{rtu_server.path} cannot switch the direction of an RS-485 pair"):
        await line.open()
    assert not line.is_connected
    plain = make_line("line", bus(port=rtu_server.path), clock)
    await plain.open()
    await plain.close()
