"""The fast cycle: a short look five times a second, where the grid's frequency is read that often."""

import asyncio
from collections.abc import Callable

from quartier_drivers.contract import Clock, slot_ns

PERIOD_NS = 200_000_000
PHASE_NS = 50_000_000
"""So long after the connection meter is asked most have answered, and the control cycle is not near."""


class Fast:
    """Calls ``look`` on a grid of 200 ms while ``wanted`` is set; costs nothing while it is not.

    A look that was missed is skipped, never made up.  An error in it is a bug: it leaves.
    """

    def __init__(self, clock: Clock, look: Callable[[], None]) -> None:
        self.wanted = asyncio.Event()
        self.looks_count = 0
        self._clock = clock
        self._look = look

    def want(self, *, on: bool) -> None:
        """Begin or stop to look."""
        if on:
            self.wanted.set()
        else:
            self.wanted.clear()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.wanted.wait()
            now_ns = self._clock.now_ns()
            due_ns = slot_ns(now_ns + 1, PERIOD_NS, PHASE_NS)
            await self._clock.sleep((due_ns - now_ns) / 1e9)
            if self._clock.now_ns() >= due_ns and self.wanted.is_set():
                self._look()
                self.looks_count += 1
