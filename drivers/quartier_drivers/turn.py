"""Whose turn it is, one at a time in the order of asking: who finds it free has it at once.

asyncio's Lock makes two coroutines for that, each time; a line is nearly always free.
"""

import asyncio
from collections import deque


class Turn:
    """``take``, or else ``wait`` for it; whoever has it must ``give`` it on."""

    __slots__ = ("_taken", "waiting")

    def __init__(self) -> None:
        self._taken = False
        self.waiting: deque[asyncio.Future[None]] = deque()
        """Those who wait for it, longest first."""

    def take(self) -> bool:
        """Take it, if it is free."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def wait(self) -> None:
        """Wait for it, behind all who wait already.  Cancelled, the caller has it not."""
        mine = asyncio.get_running_loop().create_future()
        self.waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()  # it had become ours
            raise

    def give(self) -> None:
        """Give it to who waits longest, or leave it free."""
        while self.waiting:
            first = self.waiting.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._taken = False
