"""Sends to another client: what the kernel does not take at once is kept, within a bound."""

import asyncio
import socket
from collections.abc import Callable

# A client that reads no answers for this long, or lets this many bytes wait, is disconnected.
STUCK_S = 10.0
UNSENT_MAX_BYTES = 8192


class Outlet:
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
        """Whether data waits to be sent."""
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
