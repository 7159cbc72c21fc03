"""A future whose task goes on at once when it is settled outside of a task.

A plain Future wakes its task in the next iteration of the loop, which asks the kernel for news once more
before: a system call and an iteration for each answer of a device.  Here the task goes on inside the call
that brought the bytes; if that call is itself made by a task, it goes on in the next iteration as with any
Future.
"""

import asyncio
from typing import TypeVar

T = TypeVar("T")


class Waiter(asyncio.Future[T]):
    """A Future that one task awaits, once; ``wake`` is for callbacks of the loop, ``set_result`` for all."""

    def wake(self, result: T) -> None:
        """Settle it in a callback of the loop; its task goes on at once.

        The caller must have nothing left to do.
        """
        waiting = self._callbacks
        if not waiting:
            super().set_result(result)
            return
        ((callback, context),) = waiting
        self.remove_done_callback(callback)
        super().set_result(result)
        context.run(callback, self)

    def set_result(self, result: T) -> None:
        """Settle it; its task goes on at once.  The caller must have nothing left to do."""
        if asyncio.current_task(self._loop) is not None:  # no task runs inside another
            super().set_result(result)
        else:
            self.wake(result)

    def set_exception(self, exception: type | BaseException) -> None:
        """Fail it; its task is woken in the next iteration, because the caller may have to tidy up first."""
        super().set_exception(exception)
        self._log_traceback = False  # who was cancelled meanwhile has no use for it
