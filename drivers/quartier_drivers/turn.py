"""A fair lock: tasks get it in the order in which they asked; if it is free, at once.

asyncio's Lock makes two coroutines each time; a line is nearly always free.
"""

import asyncio
from collections import deque


class Turn:
    """The lock: ``take`` it, or else ``wait`` for it; the owner must ``give`` it on."""

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
