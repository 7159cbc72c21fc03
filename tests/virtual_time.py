"""Event loops with virtual time over real sockets and ptys: they skip every wait.

When no file is ready and no thread is working, nothing can happen before the next timer, so the loop sets its
clock to that timer at once.  The simulated devices of a test must run on the same loop.  A slow machine causes no
timeout, because the clock stands still while the test computes.

The clock never goes back.  It skips to a timer only when all bytes sent over TCP or a pty have arrived; while a
thread works, it follows real time.
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

from quartier_drivers.transport.event_loop import DirectSelector, EventLoop

# The virtual clock starts this far ahead of the kernel's, so that a kernel timer set from it never fires by itself.
_AHEAD_S = 1e6
# Each reading advances the clock by this, so that code that polls the clock until a given time terminates.
_READ_S = 1e-6
# The longest that the kernel may take to deliver bytes between two sockets of this process.
_DELIVERY_MAX_S = 1.0
# Interval at which the loop checks whether a thread is still working.
_THREAD_POLL_S = 0.01
# Uncertainty of the expiry of a kernel timer.
_TIMER_ERROR_S = 1e-4
_TIMERFD_LINK = Path("anon_inode:[timerfd]")
_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes of a socket that were not sent yet
_ON = ctypes.c_int(1)


class _Setting(ctypes.Structure):
    """``struct itimerspec`` of timerfd_settime(2): interval and time left, each in s and ns."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("interval_s", "interval_ns", "s", "ns"))


class _VirtualSelector(selectors.EpollSelector):
    """Keep the loop's clock, and advance it where another selector would wait."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waits_for_threads = True
        """Whether time is real while a thread runs that was started after this loop."""
        self.now_s = time.monotonic() + _AHEAD_S
        self.jobs_count = 0
        """Jobs of the loop's thread pool that have not ended; time is real while there are any."""
        self._threads = set(threading.enumerate())
        self._timers: set[int] = set()
        self._libc = ctypes.CDLL(None, use_errno=True)

    def time(self) -> float:
        """Return the loop's time in seconds, a little later at each call."""
        self.now_s += _READ_S
        return self.now_s

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._timers.discard(key.fd)
        if Path(f"/proc/self/fd/{key.fd}").readlink() == _TIMERFD_LINK:
            self._timers.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._timers.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the ready files as epoll does, but advance the clock instead of waiting."""
        if (timeout is not None and timeout <= 0) or self._has_ready_file():
            return super().select(0)
        if self._has_working_thread():
            before_s = time.monotonic()
            found = super().select(_THREAD_POLL_S if timeout is None else min(timeout, _THREAD_POLL_S))
            self.now_s += time.monotonic() - before_s
            return found
        timers = [(expiry_s, number) for number in self._timers if (expiry_s := self._read_expiry_s(number))]
        expiry_s, number = min(timers, default=(0.0, 0))
        if expiry_s and (timeout is None or expiry_s <= self.now_s + timeout):
            self.now_s = max(self.now_s, expiry_s)
            self._set_timer(number, 1e-9)
            return super().select(1)
        if timeout is None:
            return super().select(None)
        self.now_s += timeout
        return super().select(0)

    def _has_ready_file(self) -> bool:
        """Return whether a file is ready; wait for bytes that the kernel is still delivering.

        Polling a pty makes the kernel move the bytes that its other end wrote.
        """
        poll, files = select.poll(), list(self.get_map().values())
        for file in files:
            reads, writes = file.events & selectors.EVENT_READ, file.events & selectors.EVENT_WRITE
            poll.register(file.fd, (select.POLLIN if reads else 0) | (select.POLLOUT if writes else 0))
        until_s = time.monotonic() + _DELIVERY_MAX_S
        while not poll.poll(0):
            if not any(_has_bytes_in_flight(file.fd) for file in files) or time.monotonic() > until_s:
                return bool(poll.poll(0))
            for file in files:  # makes the receiver acknowledge now, not some 40 ms later
                self._libc.setsockopt(
                    file.fd, socket.IPPROTO_TCP, socket.TCP_QUICKACK, ctypes.byref(_ON), ctypes.sizeof(_ON)
                )
        return True

    def _has_working_thread(self) -> bool:
        """Return whether a thread is working that the loop waits for."""
        return bool(self.jobs_count) or (
            self.waits_for_threads
            and any(
                thread not in self._threads and not thread.name.startswith("asyncio_")
                for thread in threading.enumerate()
            )
        )

    def _read_expiry_s(self, number: int) -> float:
        """Return when a kernel timer fires, in seconds of the loop's time; 0 when it is not set."""
        setting = _Setting()
        while True:
            before_s = time.monotonic()
            self._libc.timerfd_gettime(number, ctypes.byref(setting))
            if time.monotonic() - before_s < _TIMER_ERROR_S:  # else the process stalled in between
                break
        left_s = setting.s + setting.ns * 1e-9
        return before_s + left_s + _TIMER_ERROR_S if left_s else 0.0

    def _set_timer(self, number: int, seconds: float) -> None:
        """Let a kernel timer fire after so many real seconds."""
        setting = _Setting(0, 0, 0, int(seconds * 1e9))
        self._libc.timerfd_settime(number, 0, ctypes.byref(setting), None)


def _has_bytes_in_flight(number: int) -> bool:
    """Return whether bytes are on their way to the peer: sent, but not acknowledged.

    Bytes that the peer has no room for are not sent, so they do not count.  False for a file that is no TCP socket.
    """
    with suppress(OSError):
        queued, unsent = (
            struct.unpack("i", fcntl.ioctl(number, what, bytes(4)))[0]
            for what in (termios.TIOCOUTQ, _SIOCOUTQNSD)
        )
        return bool(queued > unsent)
    return False


class _DriverSelector(_VirtualSelector, DirectSelector):
    """The selector of the drivers' loop, with virtual time."""


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    selector: _VirtualSelector

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override] - typed more loosely
        """Run the job as asyncio does; time is real until it has ended."""
        job = super().run_in_executor(executor, func, *args)
        self.selector.jobs_count += 1
        job.add_done_callback(self._count_ended_job)
        return job

    def _count_ended_job(self, _job: asyncio.Future[Any]) -> None:
        self.selector.jobs_count -= 1


class VirtualDriverLoop(_VirtualTimeLoop, EventLoop):
    """The loop of the daemon and its drivers, with virtual time."""

    def __init__(self) -> None:
        self.selector = self.direct_selector = _DriverSelector(self._report_error)
        asyncio.SelectorEventLoop.__init__(self, self.direct_selector)
        self.time = self.direct_selector.time  # type: ignore[method-assign] - the clock is the selector's


class VirtualAsyncioLoop(_VirtualTimeLoop):
    """The loop of asyncio, with virtual time."""

    def __init__(self) -> None:
        self.selector = _VirtualSelector()
        super().__init__(self.selector)
        self.time = self.selector.time  # type: ignore[method-assign] - the clock is the selector's
