"""One connection of another client: few requests are taken at a time, none while answers are not read."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frame import OutOfStep
from quartier_drivers.modbus.share.intake import Frame, Intake, framed
from quartier_drivers.modbus.share.outlet import Outlet

if TYPE_CHECKING:
    from quartier_drivers.modbus.share.errand import Errand

# Most requests of one connection that are handled in one iteration of the loop, and read at once.
FRAMES_PER_TURN = 4
_ROOM = 260 * FRAMES_PER_TURN
# After too many requests a connection is not read for this time: later requests wait at the client.
REST_S = 0.1
# An incomplete frame must be complete after this time, or the connection ends.
FRAME_S = 5.0


class Guest:
    """A connection; ``ask`` takes a request and returns whether more may be read.

    ``left`` is called at the end. ``heard_s`` is the time of the last request (loop time).
    """

    def __init__(
        self,
        connection: socket.socket,
        address: str,
        ask: Callable[["Guest", Frame], bool],
        left: Callable[["Guest"], None],
    ) -> None:
        self.address = address
        self._loop = asyncio.get_running_loop()
        self.heard_s = self._loop.time()
        self._socket: socket.socket | None = connection
        self._ask = ask
        self._left = left
        self._intake = Intake()
        self._outlet = Outlet(connection, self._emptied, self.close)
        self._torn_s: float | None = None
        self._errands: set[Errand] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._listens = False
        self._listen()

    @property
    def waits(self) -> bool:
        """Whether it waits for an answer."""
        return len(self._errands) > 0

    def came(self, errand: "Errand") -> None:
        """Add a request that it waits for."""
        self._errands.add(errand)

    def gone(self, errand: "Errand") -> None:
        """Remove a request that it no longer waits for."""
        self._errands.discard(errand)

    def answer(self, frame: Frame, pdu: bytes) -> None:
        """Send the answer to a request; nothing if the connection has ended."""
        if self._socket is not None:
            self._outlet.send(framed(frame.number, frame.unit, pdu))
            if self._outlet.is_full:
                self._deafen()

    def sweep(self, now_s: float) -> None:
        """Close the connection if a frame does not end, or answers are not read."""
        is_slow = self._torn_s is not None and now_s - self._torn_s > FRAME_S
        if is_slow or self._outlet.is_stuck(now_s):
            self.close()

    def close(self) -> None:
        """Close the connection; its waiting requests are no longer wanted."""
        if self._socket is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._deafen()
        self._outlet.close()
        one, self._socket = self._socket, None
        one.close()
        for errand in self._errands:
            errand.is_wanted = False
        self._left(self)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_ROOM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._intake.feed(data)
            self._work()
        else:
            self.close()

    def _work(self) -> None:
        """Handle what was read, a few requests per iteration.

        The rest, and new data, later or when allowed.
        """
        self._timer = None
        rest_s = 0.0
        for _ in range(FRAMES_PER_TURN):
            try:
                frame = self._intake.take()
            except OutOfStep:
                self.close()
                return
            if frame is None:
                self._read_on()
                return
            self._torn_s, self.heard_s = None, self._loop.time()
            if not self._ask(self, frame):
                rest_s = REST_S
                break
        if self._socket is not None:
            self._deafen()
            self._timer = self._loop.call_later(rest_s, self._work)

    def _read_on(self) -> None:
        if self._torn_s is None and self._intake.is_torn:
            self._torn_s = self._loop.time()
        if not self._outlet.is_full:
            self._listen()

    def _emptied(self) -> None:
        if self._timer is None:
            self._work()

    def _listen(self) -> None:
        if not self._listens and self._socket is not None:
            self._listens = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _deafen(self) -> None:
        if self._listens and self._socket is not None:
            self._listens = False
            self._loop.remove_reader(self._socket.fileno())
