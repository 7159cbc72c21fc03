"""Switches the direction of an RS-485 pair: the kernel sets RTS around what is sent, if the port can.

Linux, linux/serial.h and Documentation/driver-api/serial/serial-rs485: TIOCSRS485 takes eight 32-bit words,
flags, delay before, delay after (milliseconds), five unused.  A driver that cannot do it returns ENOTTY or
EINVAL; one that can only do some of it changes the words, which TIOCGRS485 shows.
"""

import fcntl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.modbus.bus import RtuBus


TIOCGRS485, TIOCSRS485 = 0x542E, 0x542F
_ENABLED, _RTS_ON_SEND, _RTS_AFTER_SEND = 1, 2, 4
_LEVELS = _ENABLED | _RTS_ON_SEND | _RTS_AFTER_SEND
_WORDS = struct.Struct("=8I")

Ioctl = Callable[[int, int, bytes], bytes]


class Refused(Exception):  # noqa: N818 - what the port said
    """The port cannot switch as required; the text continues after the name of the port."""


@dataclass(frozen=True, slots=True)
class Direction:
    """RTS is ``high`` or low while sending, ``before_ms`` and ``after_ms`` around it."""

    high: bool
    before_ms: int
    after_ms: int

    @property
    def words(self) -> bytes:
        """The words for the kernel."""
        level = _RTS_ON_SEND if self.high else _RTS_AFTER_SEND
        return _WORDS.pack(_ENABLED | level, self.before_ms, self.after_ms, 0, 0, 0, 0, 0)


def of(bus: "RtuBus") -> Direction | None:
    """Return what the site file requires; None if the port is left alone."""
    if bus.rts_on_send is None:
        return None
    return Direction(bus.rts_on_send == "high", round(bus.rts_before_s * 1000), round(bus.rts_after_s * 1000))


def _ioctl(descriptor: int, request: int, words: bytes) -> bytes:
    return fcntl.ioctl(descriptor, request, words)


def switch(descriptor: int, wanted: Direction, ioctl: Ioctl = _ioctl) -> None:
    """Make the kernel switch the direction of the open port.  Raises Refused with the remedy."""
    try:
        ioctl(descriptor, TIOCSRS485, wanted.words)
        got = ioctl(descriptor, TIOCGRS485, bytes(_WORDS.size))
    except OSError as error:
        raise Refused(
            f"cannot switch the direction of an RS-485 pair (TIOCSRS485: {error.strerror}); take rts_on_send "
            "out of the site file: USB adapters switch by themselves, others need their overlay or jumper"
        ) from error
    flags, before_ms, after_ms, *_ = _WORDS.unpack(got)
    expected, *_ = _WORDS.unpack(wanted.words)
    if flags & _LEVELS != expected:
        raise Refused(
            "cannot have RTS at the level that rts_on_send asks for; try the other one, or leave it out"
        )
    if (before_ms, after_ms) != (wanted.before_ms, wanted.after_ms):
        raise Refused(
            f"keeps RTS {before_ms / 1000:g} s before and {after_ms / 1000:g} s after what is sent, not "
            f"{wanted.before_ms / 1000:g} and {wanted.after_ms / 1000:g}; write that into rts_before_s and "
            "rts_after_s"
        )
