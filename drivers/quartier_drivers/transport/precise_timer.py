"""A timer that wakes the event loop at a given moment, accurate to some ten microseconds.

asyncio's own timers come up to 1 ms late.  At 19,200 baud a character takes half of that: lost after each
answer, it would be a tenth of the line.
"""

import asyncio
import ctypes
import os
from collections.abc import Callable
from contextlib import suppress

_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE = 1
# Longest lead of an exact timer: it fires early by what a wake-up usually costs and waits out the rest.
_EARLY_WAKE_MAX_S = 0.0002
_LEARNING_RATE = 0.1
_EARLY_SHARE = 0.8


class _TimerSetting(ctypes.Structure):
    """``struct itimerspec`` (timerfd_create(2)): interval and first expiry, each in s and ns."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("s", ctypes.c_long),
        ("ns", ctypes.c_long),
    )


class PreciseTimer:
    """One timer of the running loop; a new ``set`` replaces the one before.  Close it after use."""

    def __init__(self) -> None:
        """Create the timer.  Raises OSError if the kernel gives none."""
        self._loop = asyncio.get_running_loop()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = self._libc.timerfd_create(_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "no timer")
        self._setting = _TimerSetting()
        self._pointer = ctypes.byref(self._setting)
        self._moment_s = 0.0
        self._rings: Callable[[], None] | None = None
        self._exact = False
        self._lead_s = 0.0
        self._loop.add_reader(self._timer, self._ring)

    def set(self, moment_s: float, rings: Callable[[], None], *, exact: bool = False) -> None:
        """Call ``rings`` at ``moment_s`` (the loop's time) or soon after.

        If ``exact``, the delay of a wake-up is compensated: the timer fires a little early and waits out the
        rest.
        """
        self._rings, self._exact, self._moment_s = rings, exact, moment_s
        if exact:
            self._moment_s -= self._lead_s
        # Zero would stop the timer; a moment in the past fires at once.
        whole_ns = max(1, int(self._moment_s * 1e9))
        self._setting.s, self._setting.ns = divmod(whole_ns, 1_000_000_000)
        self._libc.timerfd_settime(self._timer, _ABSOLUTE, self._pointer, None)

    def stop(self) -> None:
        """Cancel the call."""
        self._rings = None

    def close(self) -> None:
        """Close the timer; it cannot be set again."""
        self.stop()
        self._loop.remove_reader(self._timer)
        os.close(self._timer)

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # set again since it expired
            os.read(self._timer, 8)
            rings, self._rings = self._rings, None
            if rings is not None:
                if self._exact:
                    self._wait_out()
                rings()

    def _wait_out(self) -> None:
        time = self._loop.time
        late_s = time() - self._moment_s
        moment_s = self._moment_s + self._lead_s
        self._lead_s = min(
            self._lead_s + _LEARNING_RATE * (_EARLY_SHARE * late_s - self._lead_s), _EARLY_WAKE_MAX_S
        )
        while time() < moment_s:
            pass
