"""Event loops with virtual time over real sockets and ptys: they skip every wait.

When no file has news and no thread works, nothing can happen before the next timer, so the loop moves its clock
there at once.  The simulated devices of a test must run on the same loop.  A machine that stalls takes no time
away from an answer, because the clock of this loop stalls with it.
"""

import asyncio
import ctypes
import fcntl
import select
import selectors
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from quartier_drivers.loop import Ear, Loop

# The virtual clock runs ahead of the kernel's, so that no kernel timer set by it fires by itself.
_AHEAD_S = 1e6
# Reading the clock moves it by this: a loop that polls the clock for a moment reaches it.
_READ_S = 1e-6
# How long the kernel may take to deliver between two sockets of this process.
_DELIVERY_S = 1.0
# So often it is looked whether a thread still works.
_JOB_S = 0.01
# How exactly the expiry of a kernel timer is known.
_TIMER_S = 1e-4
_TIMER = Path("anon_inode:[timerfd]")
_UNSENT = 0x894B  # SIOCOUTQNSD of linux/sockios.h
_ON = ctypes.c_int(1)


class _Setting(ctypes.Structure):
    """``struct itimerspec``: interval and time left, each in s and ns."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("interval_s", "interval_ns", "s", "ns"))


class _VirtualSelector(selectors.EpollSelector):
    """Holds the clock, and moves it where another selector would wait."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.awaits_threads = True
        """Whether a thread that was started after this loop can bring news, so that time must not pass."""
        self.now_s = time.monotonic() + _AHEAD_S
        self.jobs_count = 0
        """Jobs of the loop's thread pool that have not ended."""
        self._threads = set(threading.enumerate())
        self._timers: set[int] = set()
        self._libc = ctypes.CDLL(None, use_errno=True)

    def time(self) -> float:
        """Return the loop's time in seconds."""
        self.now_s += _READ_S
        return self.now_s

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._timers.discard(key.fd)
        if Path(f"/proc/self/fd/{key.fd}").readlink() == _TIMER:
            self._timers.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._timers.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Select as epoll does, but move the clock instead of waiting."""
        if (timeout is not None and timeout <= 0) or self._is_ready():
            return super().select(0)
        if self._threads_work():
            before_s = time.monotonic()
            found = super().select(_JOB_S if timeout is None else min(timeout, _JOB_S))
            self.now_s += time.monotonic() - before_s
            return found
        timers = [(moment_s, number) for number in self._timers if (moment_s := self._fires_s(number))]
        moment_s, number = min(timers, default=(0.0, 0))
        if moment_s and (timeout is None or moment_s <= self.now_s + timeout):
            self.now_s = max(self.now_s, moment_s)
            self._set(number, 1e-9)
            return super().select(1)
        if timeout is None:
            return super().select(None)
        self.now_s += timeout
        return super().select(0)

    def _is_ready(self) -> bool:
        """Whether a file is ready.  Polling a pty makes the kernel take over what its other end wrote."""
        poll, files = select.poll(), list(self.get_map().values())
        for file in files:
            reads, writes = file.events & selectors.EVENT_READ, file.events & selectors.EVENT_WRITE
            poll.register(file.fd, (select.POLLIN if reads else 0) | (select.POLLOUT if writes else 0))
        until_s = time.monotonic() + _DELIVERY_S
        while not poll.poll(0):
            if not any(_is_under_way(file.fd) for file in files) or time.monotonic() > until_s:
                return bool(poll.poll(0))
            for file in files:  # the receiver acknowledges now, not some 40 ms later
                self._libc.setsockopt(
                    file.fd, socket.IPPROTO_TCP, socket.TCP_QUICKACK, ctypes.byref(_ON), ctypes.sizeof(_ON)
                )
        return True

    def _threads_work(self) -> bool:
        return bool(self.jobs_count) or (
            self.awaits_threads
            and any(
                thread not in self._threads and not thread.name.startswith("asyncio_")
                for thread in threading.enumerate()
            )
        )

    def _fires_s(self, number: int) -> float:
        """When a kernel timer fires, by this clock; 0 when it is not set."""
        setting = _Setting()
        while True:
            before_s = time.monotonic()
            self._libc.timerfd_gettime(number, ctypes.byref(setting))
            if time.monotonic() - before_s < _TIMER_S:  # else the process stalled in between
                break
        left_s = setting.s + setting.ns * 1e-9
        return before_s + left_s + _TIMER_S if left_s else 0.0

    def _set(self, number: int, seconds: float) -> None:
        setting = _Setting(0, 0, 0, int(seconds * 1e9))
        self._libc.timerfd_settime(number, 0, ctypes.byref(setting), None)


def _is_under_way(number: int) -> bool:
    """Whether a socket has sent what its peer has not acknowledged; what the peer has no room for is not sent."""
    with suppress(OSError):
        left, unsent = (
            struct.unpack("i", fcntl.ioctl(number, what, bytes(4)))[0] for what in (termios.TIOCOUTQ, _UNSENT)
        )
        return bool(left > unsent)
    return False


class _DriverSelector(_VirtualSelector, Ear):
    """The selector of the drivers' loop."""


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    selector: _VirtualSelector

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override] - typed more loosely
        """Count the job until it has ended."""
        job = super().run_in_executor(executor, func, *args)
        self.selector.jobs_count += 1
        job.add_done_callback(self._ended)
        return job

    def _ended(self, _job: asyncio.Future[Any]) -> None:
        self.selector.jobs_count -= 1


class VirtualDriverLoop(_VirtualTimeLoop, Loop):
    """The loop of the daemon and its drivers, with virtual time."""

    def __init__(self) -> None:
        self.selector = self.ear = _DriverSelector(self._broke)
        asyncio.SelectorEventLoop.__init__(self, self.ear)
        self.time = self.ear.time  # type: ignore[method-assign] - the clock is the selector's


class VirtualAsyncioLoop(_VirtualTimeLoop):
    """The loop of asyncio, with virtual time."""

    def __init__(self) -> None:
        self.selector = _VirtualSelector()
        super().__init__(self.selector)
        self.time = self.selector.time  # type: ignore[method-assign] - the clock is the selector's
