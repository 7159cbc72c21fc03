"""What is sent to somebody else: what the kernel does not take at once is kept, but not without bound."""

import asyncio
import socket
from collections.abc import Callable

# Who takes no answers for so long, or lets so many bytes wait, is not worth more.
STUCK_S = 10.0
UNSENT_MAX_BYTES = 8192


class Outlet:
    """``emptied`` is called when what was kept has gone, ``failed`` in a later turn when nothing can go."""

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
        """Return whether something waits to be taken."""
        return len(self._unsent) > 0

    def is_stuck(self, now_s: float) -> bool:
        """Return whether it has waited too long."""
        return self.is_full and now_s - self._stuck_s > STUCK_S

    def send(self, data: bytes) -> None:
        """Send, or keep."""
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
        """Keep nothing any more; before the socket is closed."""
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
