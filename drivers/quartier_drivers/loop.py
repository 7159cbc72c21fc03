"""The event loop of the daemon: asyncio's own, with a selector that handles bytes before a loop iteration.

Most answers of a device only trigger the next question.  An iteration of the loop costs as much as all the
rest, because its code is cold after each sleep.  Nothing depends on it: on any other loop the same work is
done in an iteration.
"""

import asyncio
import math
import os
import select
import selectors
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any

# Most events taken at once; the rest follow in the next iteration.
_NEWS_MAX = 64

News = tuple[selectors.SelectorKey, int]


class Done(IntEnum):
    """How much of the work for the bytes of a file has been done."""

    NOTHING = 0
    """Its reader is called in the next turn of the loop, as always."""
    SOME = 1
    """Something was left to the loop, which turns, without the reader."""
    ALL = 2
    """The loop need not turn."""


_SOME = Done.SOME


class Ear(selectors.EpollSelector):
    """The selector of the standard library; the meaning of a file's event is looked up once.

    A file may have a callback that handles its bytes at once (``hears``); ``broke`` is called with a bug in
    it.
    """

    def __init__(self, broke: Callable[[Exception], None]) -> None:
        super().__init__()
        self._broke = broke
        # A second handle of the same epoll list: the library's private state is not touched.
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))
        self._known: dict[tuple[int, int], News] = {}
        self._hears: dict[tuple[int, int], Callable[[], Done]] = {}

    def hears(self, fileno: int, hear: Callable[[], Done] | None) -> None:
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

    def select(self, timeout: float | None = None) -> list[News]:
        """Wait for events, as in the library: ``timeout`` in s is rounded up to ms, None waits for ever."""
        wait_s = -1.0 if timeout is None else math.ceil(max(timeout, 0.0) * 1e3) * 1e-3
        known, hears, found, turns = self._known, self._hears, [], False
        until_s = time.monotonic() + wait_s
        while events := self._epoll.poll(wait_s, _NEWS_MAX):
            for event in events:
                hear = hears.get(event)
                if hear is not None:
                    try:
                        done = hear()
                    except Exception as error:  # noqa: BLE001 - as in a turn: a bug in what it calls ends no loop
                        self._broke(error)
                        done = _SOME
                    turns = turns or done is _SOME
                    if done:
                        continue
                news = known.get(event) or self._learnt(event)
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

    def _learnt(self, event: tuple[int, int]) -> News | None:
        number, bits = event
        key = self.get_map().get(number)
        if key is None:
            return None
        events = selectors.EVENT_WRITE if bits & ~select.EPOLLIN else 0
        events |= selectors.EVENT_READ if bits & ~select.EPOLLOUT else 0
        news = self._known[event] = key, events & key.events
        return news


class Loop(asyncio.SelectorEventLoop):
    """The Unix event loop of asyncio with the ``Ear`` selector."""

    def __init__(self) -> None:
        self.ear = Ear(self._broke)
        super().__init__(self.ear)
        self.time = time.monotonic  # type: ignore[method-assign]  # asked several times a turn; the same answer, in half the time

    def _broke(self, error: Exception) -> None:
        self.call_exception_handler({"message": "who hears before a turn has failed", "exception": error})
