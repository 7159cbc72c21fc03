"""What one task waits for: whoever settles it out of the loop wakes the task at once.

A Future wakes its task in the next turn of the loop, which asks the kernel for news once more before: a
system call and a turn for each answer of a device.  Here the task goes on inside the call that brought the
bytes; where that call is itself made by a task, it goes on in the next turn as with a Future.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiter(Generic[T]):
    """Stands in for ``asyncio.Future`` where exactly one task awaits it, once."""

    # One is made for each request: what it begins with stands in the class.
    _asyncio_future_blocking = False  # how a Task knows what it may wait for
    _callback: Callable[[object], object] | None = None
    _context: Context | None = None
    _done = False
    _result: T | None = None
    _error: BaseException | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __await__(self) -> Generator[object, None, T]:
        """Wait until it is settled."""
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """asyncio: the loop in which it is awaited."""
        return self._loop

    def add_done_callback(self, callback: Callable[[object], object], *, context: Context) -> None:
        """asyncio: how the task is woken."""
        self._callback, self._context = callback, context
        if self._done:
            self._wake_later()

    def remove_done_callback(self, callback: Callable[[object], object]) -> int:
        """asyncio: it is not to be woken any more."""
        found = self._callback == callback
        self._callback = None if found else self._callback
        return int(found)

    def done(self) -> bool:
        """Whether it is settled."""
        return self._done

    def cancelled(self) -> bool:
        """asyncio: whether its task was cancelled while it waited."""
        return isinstance(self._error, asyncio.CancelledError)

    def cancel(self, msg: object = None) -> bool:
        """asyncio: its task is cancelled while it waits."""
        if self._done:
            return False
        self._done, self._error = True, asyncio.CancelledError(*([] if msg is None else [msg]))
        self._wake_later()
        return True

    def result(self) -> T:
        """What it was settled with; raises what it failed with."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # asked for once it is settled

    def set_result(self, result: T) -> None:
        """Settle it; its task goes on at once.  Nothing may be left to do for who settles it."""
        self._done, self._result = True, result
        if self._callback is None:
            return
        if asyncio.current_task(self._loop) is not None:  # no task runs inside another
            self._wake_later()
            return
        callback, self._callback = self._callback, None
        assert self._context is not None
        self._context.run(callback, self)

    def set_exception(self, error: BaseException) -> None:
        """Let it fail; its task hears of it in the next turn, for who says so may have to tidy up first."""
        self._done, self._error = True, error
        self._wake_later()

    def _wake_later(self) -> None:
        if self._callback is not None:
            callback, self._callback = self._callback, None
            self._loop.call_soon(callback, self, context=self._context)
