"""The event loop of the gateway, which handles received bytes at once; a fair lock; the loop's clock.

Most answers of a device only trigger the next question.  An iteration of the loop costs as much as all the
rest, because its code is cold after each sleep.  So bytes are handled before the iteration.  Nothing depends
on it: on any other loop the same work is done in an iteration.

The lock exists because asyncio's Lock makes two coroutines each time, and a line is nearly always free.
"""

import asyncio
import math
import os
import select
import selectors
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any


class LoopClock:
    """The event loop's time, as a ``contract.Clock``."""

    def now_ns(self) -> int:
        """Return the time of the event loop's clock in ns."""
        return int(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await asyncio.sleep(seconds)


# Most events taken at once; the rest follow in the next iteration.
_EVENTS_MAX = 64
SelectorEvent = tuple[selectors.SelectorKey, int]


class Handled(IntEnum):
    """The progress of the work for the received bytes of a file."""

    NOTHING = 0
    """Its reader is called in the next iteration of the loop, as always."""
    SOME = 1
    """Something was left to the loop: it makes an iteration, without the reader."""
    ALL = 2
    """The loop need not make an iteration."""


_SOME_HANDLED = Handled.SOME


class DirectSelector(selectors.EpollSelector):
    """The selector of the standard library; the meaning of a file's event is looked up once.

    A file may have a callback that handles its bytes at once (``hears``); ``broke`` is called with a bug in
    it.
    """

    def __init__(self, broke: Callable[[Exception], None]) -> None:
        super().__init__()
        self._broke = broke
        # A second handle for the same epoll list: the library's private state is not touched.
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))
        self._known: dict[tuple[int, int], SelectorEvent] = {}
        self._hears: dict[tuple[int, int], Callable[[], Handled]] = {}

    def hears(self, fileno: int, hear: Callable[[], Handled] | None) -> None:
        """Have ``hear`` called when the file, which also has a reader, has bytes; None removes it."""
        if hear is None:
            self._hears.pop((fileno, select.EPOLLIN), None)
        else:
            self._hears[fileno, select.EPOLLIN] = hear

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Register a file, as in the library."""
        self._known.clear()
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Unregister a file, as in the library."""
        self._known.clear()
        return super().unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Change the events of a file, as in the library."""
        self._known.clear()
        return super().modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[SelectorEvent]:
        """Wait for events, as in the library: ``timeout`` in s is rounded up to ms, None waits for ever."""
        wait_s = -1.0 if timeout is None else math.ceil(max(timeout, 0.0) * 1e3) * 1e-3
        known, hears, found, turns = self._known, self._hears, [], False
        until_s = time.monotonic() + wait_s
        while events := self._epoll.poll(wait_s, _EVENTS_MAX):
            for event in events:
                hear = hears.get(event)
                if hear is not None:
                    try:
                        done = hear()
                    except Exception as error:  # noqa: BLE001 - as in a turn: a bug in what it calls ends no loop
                        self._broke(error)
                        done = _SOME_HANDLED
                    turns = turns or done is _SOME_HANDLED
                    if done:
                        continue
                news = known.get(event) or self._look_up_event(event)
                if news is not None:
                    found.append(news)
            if found or turns or not wait_s:
                break
            if wait_s > 0:  # all that came is done: the rest of the time is waited for
                wait_s = max(0.0, until_s - time.monotonic())
        return found

    def close(self) -> None:
        """Close the selector, as in the library."""
        self._epoll.close()
        super().close()

    def _look_up_event(self, event: tuple[int, int]) -> SelectorEvent | None:
        number, bits = event
        key = self.get_map().get(number)
        if key is None:
            return None
        events = selectors.EVENT_WRITE if bits & ~select.EPOLLIN else 0
        events |= selectors.EVENT_READ if bits & ~select.EPOLLOUT else 0
        news = self._known[event] = key, events & key.events
        return news


class EventLoop(asyncio.SelectorEventLoop):
    """The Unix event loop of asyncio with the ``DirectSelector``."""

    def __init__(self) -> None:
        self.direct_selector = DirectSelector(self._report_error)
        super().__init__(self.direct_selector)
        self.time = time.monotonic  # type: ignore[method-assign]  # asked several times a turn; the same answer, in half the time

    def _report_error(self, error: Exception) -> None:
        self.call_exception_handler({"message": "who hears before a turn has failed", "exception": error})


class FairLock:
    """A fair lock: ``take`` it, or else ``wait`` for it; its owner must ``give`` it on."""

    __slots__ = ("_taken", "waiting")

    def __init__(self) -> None:
        self._taken = False
        self.waiting: deque[asyncio.Future[None]] = deque()
        """The tasks that wait, longest first."""

    def take(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def wait(self) -> None:
        """Wait for the lock behind all who wait already.  If cancelled, the caller does not have it."""
        mine = asyncio.get_running_loop().create_future()
        self.waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()  # it had become ours
            raise

    def give(self) -> None:
        """Give the lock to the task that waits longest, or leave it free."""
        while self.waiting:
            first = self.waiting.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._taken = False
