"""Modbus RTU on a serial port, with RS-485 direction.

Linux, linux/serial.h and Documentation/driver-api/serial/serial-rs485: TIOCSRS485 takes eight 32-bit words,
flags, delay before, delay after (milliseconds), five unused.  A driver that cannot do it returns ENOTTY or
EINVAL; one that can only do some of it changes the words, which TIOCGRS485 shows.
"""

import asyncio
import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.frames import Answer, Request, RtuAnswerSearch
from quartier_drivers.modbus.wire.rtu_line import RtuLine
from quartier_drivers.modbus.wire.timing import TurnaroundTimes, make_timing
from quartier_drivers.transport import serial_ports
from quartier_drivers.transport.precise_timer import PreciseTimer

if TYPE_CHECKING:
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus_section import RtuBus
    from quartier_drivers.transport.frame_recorder import FrameRecorder


TIOCGRS485, TIOCSRS485 = 0x542E, 0x542F
_ENABLED, _RTS_ON_SEND, _RTS_AFTER_SEND = 1, 2, 4
_LEVELS = _ENABLED | _RTS_ON_SEND | _RTS_AFTER_SEND
_WORDS = struct.Struct("=8I")
Ioctl = Callable[[int, int, bytes], bytes]


class DirectionRefused(Exception):  # noqa: N818 - what the port said
    """The port cannot switch as required; the text continues after the name of the port."""


@dataclass(frozen=True, slots=True)
class Rs485Direction:
    """RTS is ``high`` or low while sending, ``before_ms`` and ``after_ms`` around it."""

    high: bool
    before_ms: int
    after_ms: int

    @property
    def words(self) -> bytes:
        """The words for the kernel."""
        level = _RTS_ON_SEND if self.high else _RTS_AFTER_SEND
        return _WORDS.pack(_ENABLED | level, self.before_ms, self.after_ms, 0, 0, 0, 0, 0)


def find_direction(bus: "RtuBus") -> Rs485Direction | None:
    """Return what the site file requires; None if the port is left alone."""
    if bus.rts_on_send is None:
        return None
    return Rs485Direction(
        bus.rts_on_send == "high", round(bus.rts_before_s * 1000), round(bus.rts_after_s * 1000)
    )


def _call_ioctl(descriptor: int, request: int, words: bytes) -> bytes:
    return fcntl.ioctl(descriptor, request, words)


def set_direction(descriptor: int, wanted: Rs485Direction, ioctl: Ioctl = _call_ioctl) -> None:
    """Make the kernel switch the direction of the open port.  Raises Refused with the remedy."""
    try:
        ioctl(descriptor, TIOCSRS485, wanted.words)
        got = ioctl(descriptor, TIOCGRS485, bytes(_WORDS.size))
    except OSError as error:
        raise DirectionRefused(
            f"cannot switch the direction of an RS-485 pair (TIOCSRS485: {error.strerror}); take rts_on_send "
            "out of the site file: USB adapters switch by themselves, others need their overlay or jumper"
        ) from error
    flags, before_ms, after_ms, *_ = _WORDS.unpack(got)
    expected, *_ = _WORDS.unpack(wanted.words)
    if flags & _LEVELS != expected:
        raise DirectionRefused(
            "cannot have RTS at the level that rts_on_send asks for; try the other one, or leave it out"
        )
    if (before_ms, after_ms) != (wanted.before_ms, wanted.after_ms):
        raise DirectionRefused(
            f"keeps RTS {before_ms / 1000:g} s before and {after_ms / 1000:g} s after what is sent, not "
            f"{wanted.before_ms / 1000:g} and {wanted.after_ms / 1000:g}; write that into rts_before_s and "
            "rts_after_s"
        )


# An answer is read this long before its last character is due; at least the duration of a wake-up.
_EARLY_CHARS = 0.6
_EARLY_S = 0.0003
# A line that is never silent is used all the same: another device sends continuously.
_CALM_MAX_S = 1.0
# How long the slave of another master has to answer.
_FOREIGN_S = 0.2


class SerialRtuLine(RtuLine):
    """A serial line: silence of 3.5 characters before each frame; answers are recognised by their content.

    Nothing is read while an answer cannot be complete yet: a wake-up for each of its characters would cost
    more than all the rest.  Shortly before its last one is due the port is read, up to the end.
    """

    def __init__(self, name: str, bus: "RtuBus", clock: "Clock") -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self._bus = bus
        self._port: serial_ports.SerialPort | None = None
        self._recorder: FrameRecorder | None = None
        self._precise_timer: PreciseTimer | None = None
        self._listens = False
        self._hollow = False
        self._unsent: tuple[Request, float] | None = None
        self._active_s = 0.0
        self._sent_s = 0.0
        self._missed = False
        self._look_s = 0.0
        self._turnaround_times = TurnaroundTimes()
        own = make_timing(bus)
        self.char_s, self.quiet_s, self.request_cost = own.char_s, own.quiet_s, own.request_cost
        self._early_s = max(_EARLY_CHARS * self.char_s, _EARLY_S)

    @property
    def is_connected(self) -> bool:
        """Return whether the port is open."""
        return self._port is not None

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._recorder = tape

    @property
    def _has_pauses(self) -> bool:
        return getattr(self._clock, "rate", 1) == 1

    async def _connect(self) -> None:
        port = open_port(self._bus)
        try:
            self._precise_timer = PreciseTimer()
        except OSError as error:
            port.close()
            raise LinkLost(f"{self._bus.port}: the kernel gives no timer: {error.strerror}") from error
        self._port = port
        if self._recorder is not None:
            bus = self._bus
            self._recorder.mark("opened", f"{bus.port} {bus.baud} 8{bus.parity}{bus.stop_bits}")
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._listen()

    def _disconnect(self) -> None:
        self._deafen()
        port, self._port = self._port, None
        bell, self._precise_timer = self._precise_timer, None
        if bell is not None:
            bell.close()
        if port is not None:
            if self._recorder is not None:
                self._recorder.mark("ended" if self._hollow else "closed", self._bus.port)
            serial_ports.close_port(port)
            self._fail(LinkLost(f"{self._bus.port} was closed"))

    @property
    def _awaits_answer(self) -> bool:
        return self._waits and self._unsent is None

    @property
    def _is_sent(self) -> bool:
        return self._unsent is None

    def _note_bytes(self) -> None:
        if self._unsent is not None:
            self._send_in_calm(*self._unsent)

    def _listen(self) -> None:
        if not self._listens and self._port is not None:
            asyncio.get_running_loop().add_reader(self._port.fileno(), self._readable)
            self._listens = True

    def _deafen(self) -> None:
        if self._listens and self._port is not None:
            asyncio.get_running_loop().remove_reader(self._port.fileno())
            self._listens = False

    def _readable(self) -> None:
        """Read in the event loop.

        Bytes are there, or were until a timer took them, or the port is gone and stays so.
        """
        if self._port is not None and not self._take():
            if self._hollow:
                self._fail(LinkLost(f"{self._bus.port} is gone"))
                self._disconnect()
            self._hollow = True

    def _look(self) -> None:
        """Read when the answer is nearly due; if nothing is there, wait for its first byte."""
        if self._port is None:
            return
        began = self._answer_search is not None and bool(self._answer_search.buffer)
        if not self._take():
            self._listen()
        elif not began:
            self._missed = not self._waits

    def _take(self) -> bool:
        """Take the available bytes, and wait for the rest of an answer in the cheapest way.

        Return False if there are none.
        """
        assert self._port is not None
        try:
            data = os.read(self._port.fileno(), 4096)
        except OSError:
            return False
        if not data:
            return False
        if self._recorder is not None:
            self._recorder.record_received(data)
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._hear(data)
        missing = self._answer_search.missing if self._answer_search and self._awaits_answer else 0
        # The next character may come at any moment with a delayed one; others follow one by one.
        left_s = (missing - 2) * self.char_s - _EARLY_S
        if left_s > 0:
            self._look_at(self._active_s + left_s)
        else:
            self._listen()
        return True

    def _look_at(self, moment_s: float) -> None:
        if self._has_pauses and self._precise_timer is not None:
            self._deafen()
            self._look_s = moment_s
            self._precise_timer.set(moment_s, self._look)

    async def _ask(self, request: Request) -> Answer:
        if self._port is None:
            raise LinkLost(f"{self._bus.port} is gone")
        loop = asyncio.get_running_loop()
        owing_before_s = self._owing_s.get(request.unit, 0.0)
        give_up_s = loop.time() + _CALM_MAX_S
        self._expect(give_up_s + self._wait_s)
        self._send_in_calm(request, give_up_s)
        try:
            answer = await self._found(request)
        finally:
            self._unsent = None
            if self._precise_timer is not None:
                self._precise_timer.stop()
            self._listen()
        took_s = self._active_s - self._sent_s - self._size_s(request)
        if not self._missed:
            self._turnaround_times.learn(request.unit, took_s)
        elif self._active_s - self._look_s < self._early_s:
            self._turnaround_times.halve(request.unit)
        self._note_answer(request, answer, owing_before_s, took_s)
        return answer

    def _size_s(self, request: Request) -> float:
        return (request.answer_size + 3) * self.char_s

    def _send_in_calm(self, request: Request, give_up_s: float) -> None:
        """Send once the line has been silent for 3.5 characters; a rig at another speed factor has no pauses.

        Another master's request is answered first: its slave would disturb our request.
        """
        now_s = asyncio.get_running_loop().time()
        self._unsent = (request, give_up_s)
        calm_s = min(max(self._active_s + self.quiet_s, self._others_until_s(request.unit)), give_up_s)
        if now_s < calm_s and self._has_pauses and self._precise_timer is not None:
            self._precise_timer.set(calm_s, partial(self._send_in_calm, request, give_up_s), exact=True)
        elif now_s >= give_up_s or not self._has_pauses or self._port is None or not self._take():
            self._send(request)
        # Otherwise an unread byte broke the silence, and the wait starts again.

    def _others_until_s(self, unit: int) -> float:
        """Return until when the slave of another master may send; longer if it was asked what we will ask."""
        foreign = self._listener.pending
        if foreign is None:
            return 0.0
        patience_s = self._timeout_s if foreign.unit == unit else min(_FOREIGN_S, self._timeout_s)
        return foreign.receive_s + patience_s

    def _send(self, request: Request) -> None:
        self._unsent = None
        if self._port is None or not self._waits:
            return
        self._answer_search = RtuAnswerSearch(request)
        self._listener.note_request(request.rtu, reads=not request.writes)
        if self._recorder is not None:
            self._recorder.record_sent(request.rtu)
        try:
            if os.write(self._port.fileno(), request.rtu) != len(request.rtu):
                self._fail(LinkLost(f"{self._bus.port} takes no bytes"))
                return
        except OSError as error:
            self._fail(LinkLost(f"{self._bus.port}: {error.strerror or error}"))
            self._disconnect()
            return
        size_s = self._size_s(request)
        loop = asyncio.get_running_loop()
        sent_s = loop.time() + len(request.rtu) * self.char_s
        self._active_s = self._sent_s = sent_s
        self._missed = False
        self._expect_late_answer(request.unit, sent_s)
        self._expect_by(loop, sent_s + self._wait_s + size_s)
        self._look_at(sent_s + self._turnaround_times.soonest_s(request.unit) + size_s - self._early_s)


def open_port(bus: "RtuBus") -> serial_ports.SerialPort:
    """Open the port of a section of the site file, exclusively.  Raises LinkLost with the reason."""
    port = serial_ports.open_port(bus.port, bus.baud, f"8{bus.parity}{bus.stop_bits}")
    serial_ports.set_low_latency(port)
    wanted = find_direction(bus)
    try:
        if wanted is not None:
            set_direction(port.fileno(), wanted)
    except DirectionRefused as error:
        port.close()
        raise LinkLost(f"{port.port} {error}") from error
    return port
