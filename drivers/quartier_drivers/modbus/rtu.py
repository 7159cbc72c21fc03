"""A serial line with Modbus RTU."""

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from quartier_drivers import ports
from quartier_drivers.bell import Bell
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus import direction
from quartier_drivers.modbus.frame import Answer, Hunt, Request
from quartier_drivers.modbus.pace import pace
from quartier_drivers.modbus.turnarounds import Turnarounds
from quartier_drivers.modbus.unnumbered import UnnumberedLine

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import RtuBus
    from quartier_drivers.tape import Tape

# An answer is read this long before its last character is due; at least the duration of a wake-up.
_EARLY_CHARS = 0.6
_EARLY_S = 0.0003
# A line that is never silent is used all the same: another device sends continuously.
_CALM_MAX_S = 1.0
# How long the slave of another master has to answer.
_FOREIGN_S = 0.2


class RtuLink(UnnumberedLine):
    """A serial line: silence of 3.5 characters before each frame; answers are recognised by their content.

    Nothing is read while an answer cannot be complete yet: a wake-up for each of its characters would cost
    more than all the rest.  Shortly before its last one is due the port is read, up to the end.
    """

    def __init__(self, name: str, bus: "RtuBus", clock: "Clock") -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self._bus = bus
        self._port: ports.SerialPort | None = None
        self._tape: Tape | None = None
        self._bell: Bell | None = None
        self._listens = False
        self._hollow = False
        self._unsent: tuple[Request, float] | None = None
        self._active_s = 0.0
        self._sent_s = 0.0
        self._missed = False
        self._look_s = 0.0
        self._turns = Turnarounds()
        own = pace(bus)
        self.char_s, self.quiet_s, self.request_cost = own.char_s, own.quiet_s, own.request_cost
        self._early_s = max(_EARLY_CHARS * self.char_s, _EARLY_S)

    @property
    def connected(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    def record(self, tape: "Tape | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._tape = tape

    @property
    def _paced(self) -> bool:
        return getattr(self._clock, "rate", 1) == 1

    async def _connect(self) -> None:
        port = opened(self._bus)
        try:
            self._bell = Bell()
        except OSError as error:
            port.close()
            raise LinkLost(f"{self._bus.port}: the kernel gives no timer: {error.strerror}") from error
        self._port = port
        if self._tape is not None:
            bus = self._bus
            self._tape.mark("opened", f"{bus.port} {bus.baud} 8{bus.parity}{bus.stop_bits}")
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._listen()

    def _disconnect(self) -> None:
        self._deafen()
        port, self._port = self._port, None
        bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()
        if port is not None:
            if self._tape is not None:
                self._tape.mark("ended" if self._hollow else "closed", self._bus.port)
            ports.closed(port)
            self._fail(LinkLost(f"{self._bus.port} was closed"))

    @property
    def _asked(self) -> bool:
        return self._waits and self._unsent is None

    @property
    def _is_sent(self) -> bool:
        return self._unsent is None

    def _disturbed(self) -> None:
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
        began = self._hunt is not None and bool(self._hunt.buffer)
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
        if self._tape is not None:
            self._tape.heard(data)
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._hear(data)
        missing = self._hunt.missing if self._hunt and self._asked else 0
        # The next character may come at any moment with a delayed one; others follow one by one.
        left_s = (missing - 2) * self.char_s - _EARLY_S
        if left_s > 0:
            self._look_at(self._active_s + left_s)
        else:
            self._listen()
        return True

    def _look_at(self, moment_s: float) -> None:
        if self._paced and self._bell is not None:
            self._deafen()
            self._look_s = moment_s
            self._bell.set(moment_s, self._look)

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
            if self._bell is not None:
                self._bell.stop()
            self._listen()
        took_s = self._active_s - self._sent_s - self._size_s(request)
        if not self._missed:
            self._turns.learn(request.unit, took_s)
        elif self._active_s - self._look_s < self._early_s:
            self._turns.halve(request.unit)
        self._took(request, answer, owing_before_s, took_s)
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
        if now_s < calm_s and self._paced and self._bell is not None:
            self._bell.set(calm_s, partial(self._send_in_calm, request, give_up_s), exact=True)
        elif now_s >= give_up_s or not self._paced or self._port is None or not self._take():
            self._send(request)
        # Otherwise a byte that nobody had read broke the silence, and the wait starts anew.

    def _others_until_s(self, unit: int) -> float:
        """Return until when the slave of another master may send; longer if it was asked what we will ask."""
        foreign = self._ears.pending
        if foreign is None:
            return 0.0
        patience_s = self._timeout_s if foreign.unit == unit else min(_FOREIGN_S, self._timeout_s)
        return foreign.heard_s + patience_s

    def _send(self, request: Request) -> None:
        self._unsent = None
        if self._port is None or not self._waits:
            return
        self._hunt = Hunt(request)
        self._ears.sent(request.rtu, reads=not request.writes)
        if self._tape is not None:
            self._tape.sent(request.rtu)
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
        self._owes(request.unit, sent_s)
        self._expect_by(loop, sent_s + self._wait_s + size_s)
        self._look_at(sent_s + self._turns.soonest_s(request.unit) + size_s - self._early_s)


def opened(bus: "RtuBus") -> ports.SerialPort:
    """Open the port of a section of the site file, exclusively.  Raises LinkLost with the reason."""
    port = ports.opened(bus.port, bus.baud, f"8{bus.parity}{bus.stop_bits}")
    ports.quicken(port)
    wanted = direction.of(bus)
    try:
        if wanted is not None:
            direction.switch(port.fileno(), wanted)
    except direction.Refused as error:
        port.close()
        raise LinkLost(f"{port.port} {error}") from error
    return port
