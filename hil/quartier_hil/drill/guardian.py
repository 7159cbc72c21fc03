"""Act as systemd on a daemon that hangs: without a sign of life for ``WatchdogSec``, end and release it.

This substitute runs on any machine; the proof under systemd itself is ``make systemd``.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

LOOK_REAL_S = 0.01


class Guardian:
    """Hears ``WATCHDOG=1`` on a socket of its own; ``bite`` is called once it stays away for ``after_s``."""

    def __init__(self, path: Path, after_s: float, bite: Callable[[], Awaitable[None]]) -> None:
        self.after_s = after_s
        self._bite = bite
        self._heard_real_s: float | None = None
        self.bit_real_s: float | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))

    async def run(self) -> None:
        """Listen until it has bitten once."""
        while True:
            with contextlib.suppress(BlockingIOError):
                while b"WATCHDOG=1" in self._socket.recv(4096).split(b"\n"):
                    self._heard_real_s = time.monotonic()
            heard_s = self._heard_real_s
            if heard_s is not None and time.monotonic() - heard_s >= self.after_s:
                self.bit_real_s = time.monotonic()
                await self._bite()
                return
            await asyncio.sleep(LOOK_REAL_S)

    def close(self) -> None:
        """No more is heard."""
        self._socket.close()
