"""Whose turn it is, one at a time in the order of asking: who finds it free has it at once.

asyncio's Lock makes two coroutines for that, each time; a line is nearly always free.
"""

import asyncio
from collections import deque


class Turn:
    """``take``, or else ``wait`` for it; whoever has it must ``give`` it on."""

    __slots__ = ("_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for it."""
        return len(self._waiting) > 0

    def take(self) -> bool:
        """Take it, if it is free."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def wait(self) -> None:
        """Wait for it, behind all who wait already.  Cancelled, the caller has it not."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()  # it had become ours
            raise

    def give(self) -> None:
        """Give it to who waits longest, or leave it free."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._taken = False
