"""A timer of the kernel's own: asyncio waits in whole milliseconds, rounded up, and a cycle needs better."""

import asyncio
import ctypes
import os
from contextlib import suppress

_MONOTONIC = 1  # CLOCK_MONOTONIC, clock_gettime(2)
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK, TFD_CLOEXEC: timerfd_create(2)
_EXPIRATIONS_BYTES = 8


class _Span(ctypes.Structure):
    """``struct timespec``."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """``struct itimerspec``: once, after ``first``."""

    _fields_ = (("interval", _Span), ("first", _Span))


_LIBC = ctypes.CDLL(None, use_errno=True)


class Bell:
    """Waits for one caller at a time, to some 0.1 ms; ``rate``: seconds of the house in one real second.

    Where the kernel gives no such timer it waits as asyncio does.
    """

    def __init__(self, rate: float = 1.0) -> None:
        self._rate = rate
        self._fd = _created()
        self._rung: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the house's time."""
        real_s = seconds / self._rate
        if self._fd == -1 or real_s <= 0 or not self._set(real_s):
            await asyncio.sleep(max(0.0, real_s))
            return
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.add_reader(self._fd, self._ring)
        self._rung = loop.create_future()
        await self._rung

    def __del__(self) -> None:
        if self._fd != -1:  # a loop that listens holds the bell: it is gone by now
            os.close(self._fd)

    def _set(self, real_s: float) -> bool:
        """Begin anew; what rang before and was not heard is forgotten (timerfd_settime(2))."""
        seconds, nanoseconds = divmod(max(1, int(real_s * 1e9)), 1_000_000_000)
        setting = _Setting(_Span(0, 0), _Span(seconds, nanoseconds))
        return _LIBC.timerfd_settime(self._fd, 0, ctypes.byref(setting), None) == 0

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it was set anew meanwhile
            os.read(self._fd, _EXPIRATIONS_BYTES)
            if self._rung is not None and not self._rung.done():
                self._rung.set_result(None)


def _created() -> int:
    """A descriptor, -1 where there is none to be had."""
    try:
        return int(_LIBC.timerfd_create(_MONOTONIC, _FLAGS))
    except AttributeError:  # not Linux
        return -1
