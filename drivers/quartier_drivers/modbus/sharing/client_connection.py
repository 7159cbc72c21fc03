"""Connection of one client, with a bounded send buffer."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frames import OutOfSync
from quartier_drivers.modbus.sharing.client_requests import ClientFrame, FrameSplitter, encode_frame

if TYPE_CHECKING:
    from quartier_drivers.modbus.sharing.pending_requests import PendingRequest


# Most requests of one connection that are handled in one iteration of the loop, and read at once.
FRAMES_PER_TURN = 4
_READ_MAX_BYTES = 260 * FRAMES_PER_TURN
# After too many requests a connection is not read for this time: later requests wait at the client.
REST_S = 0.1
# An incomplete frame must be complete after this time, or the connection ends.
FRAME_S = 5.0


class ClientConnection:
    """A connection; ``ask`` takes a request and returns whether more may be read.

    ``left`` is called at the end. ``receive_s`` is the time of the last request (loop time).
    """

    def __init__(
        self,
        connection: socket.socket,
        address: str,
        ask: Callable[["ClientConnection", ClientFrame], bool],
        left: Callable[["ClientConnection"], None],
    ) -> None:
        self.address = address
        self._loop = asyncio.get_running_loop()
        self.receive_s = self._loop.time()
        self._socket: socket.socket | None = connection
        self._ask = ask
        self._left = left
        self._intake = FrameSplitter()
        self._outlet = SendBuffer(connection, self._handle_empty_buffer, self.close)
        self._torn_s: float | None = None
        self._requests: set[PendingRequest] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._listens = False
        self._listen()

    @property
    def waits(self) -> bool:
        """Return whether it waits for an answer."""
        return len(self._requests) > 0

    def add_request(self, pending: "PendingRequest") -> None:
        """Add a request that it waits for."""
        self._requests.add(pending)

    def remove_request(self, pending: "PendingRequest") -> None:
        """Remove a request that it no longer waits for."""
        self._requests.discard(pending)

    def answer(self, frame: ClientFrame, pdu: bytes) -> None:
        """Send the answer to a request; nothing if the connection has ended."""
        if self._socket is not None:
            self._outlet.send(encode_frame(frame.number, frame.unit, pdu))
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
        for pending in self._requests:
            pending.is_wanted = False
        self._left(self)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ_MAX_BYTES)
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
            except OutOfSync:
                self.close()
                return
            if frame is None:
                self._read_on()
                return
            self._torn_s, self.receive_s = None, self._loop.time()
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

    def _handle_empty_buffer(self) -> None:
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


# A client that reads no answers for this long, or lets this many bytes wait, is disconnected.
STUCK_S = 10.0
UNSENT_MAX_BYTES = 8192


class SendBuffer:
    """Unsent data of a connection, with two callbacks.

    ``emptied`` is called when all kept data was sent, ``failed`` in a later iteration when nothing can be
    sent.
    """

    def __init__(
        self, connection: socket.socket, emptied: Callable[[], None], failed: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = connection
        self._emptied = emptied
        self._failed = failed
        self._unsent = b""
        self._stuck_s = 0.0

    @property
    def is_full(self) -> bool:
        """Return whether data waits to be sent."""
        return len(self._unsent) > 0

    def is_stuck(self, now_s: float) -> bool:
        """Return whether data has waited too long."""
        return self.is_full and now_s - self._stuck_s > STUCK_S

    def send(self, data: bytes) -> None:
        """Send the data, or keep it."""
        if self._unsent:
            self._unsent += data
            if len(self._unsent) > UNSENT_MAX_BYTES:
                self._loop.call_soon(self._failed)
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._loop.call_soon(self._failed)
            return
        if sent < len(data):
            self._unsent, self._stuck_s = data[sent:], self._loop.time()
            self._loop.add_writer(self._socket.fileno(), self._writable)

    def close(self) -> None:
        """Drop all data; call it before the socket is closed."""
        if self._unsent:
            self._unsent = b""
            self._loop.remove_writer(self._socket.fileno())

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._failed()
            return
        self._unsent, self._stuck_s = self._unsent[sent:], self._loop.time()
        if not self._unsent:
            self._loop.remove_writer(self._socket.fileno())
            self._emptied()
