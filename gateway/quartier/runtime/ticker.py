"""The fixed-period cycle: ticks on a grid of time, never drifts, counts its lateness."""

import gc
from collections.abc import Awaitable, Callable

from quartier.runtime.lean import give_back
from quartier_drivers.contract import Clock, slot_ns

# Upper bounds of the lateness classes, s of the house's time.
CLASSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, float("inf"))
FULL_COLLECTION_CYCLES = 900
# By then buses were opened and births said: what they made stays, and need never be looked through.
SETTLED_CYCLES = 20


class Lateness:
    """A bounded histogram of how late cycles began."""

    def __init__(self) -> None:
        self.counts = [0] * len(CLASSES_S)
        self.max_s = 0.0
        self.last_s = 0.0

    def add(self, late_s: float) -> None:
        """Count one cycle."""
        self.last_s = late_s
        self.max_s = max(self.max_s, late_s)
        for index, bound_s in enumerate(CLASSES_S):
            if late_s <= bound_s:
                self.counts[index] += 1
                return

    def quantile_s(self, share: float) -> float:
        """The class bound below which ``share`` of all cycles began; the maximum for the last class."""
        wanted = share * sum(self.counts)
        seen = 0
        for bound_s, count in zip(CLASSES_S, self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return min(bound_s, self.max_s)
        return self.max_s


class Ticker:
    """Calls ``cycle`` every ``period_s``; a tick that was missed is skipped and counted, never made up.

    The first is at ``first_ns``, which counts as at once where it has passed or is absent; all others are
    ``phase_ns`` past whole multiples of the period, where one is given.  ``wait_until`` may wait for a moment
    more exactly than the clock sleeps.
    """

    def __init__(
        self,
        period_s: float,
        clock: Clock,
        cycle: Callable[[], None],
        first_ns: int | None = None,
        phase_ns: int | None = None,
        wait_until: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._period_ns = int(period_s * 1e9)
        self._first_ns = clock.now_ns() if first_ns is None else first_ns
        self._phase_ns = phase_ns
        self._clock = clock
        self._cycle = cycle
        self._wait_until = wait_until or self._sleep_until
        self.lateness = Lateness()
        self.cycles_count = 0
        self.skipped_count = 0

    async def run(self) -> None:
        """Tick until cancelled.  An error in the cycle is a bug: it leaves."""
        clock, wait_until = self._clock, self._wait_until
        due_ns = self._first_ns
        while True:
            await wait_until(due_ns)
            now_ns = clock.now_ns()
            if now_ns < due_ns:  # a timer may fire a little early
                continue
            late_ns = now_ns - due_ns
            self.lateness.add(late_ns / 1e9)
            self._cycle()
            self.cycles_count += 1
            missed = late_ns // self._period_ns
            self.skipped_count += missed
            due_ns += (missed + 1) * self._period_ns
            if self._phase_ns is not None and self.cycles_count == 1:  # not before half a period is over
                due_ns = slot_ns(due_ns - self._period_ns // 2, self._period_ns, self._phase_ns)
            self._collect()

    async def _sleep_until(self, due_ns: int) -> None:
        await self._clock.sleep((due_ns - self._clock.now_ns()) / 1e9)

    def _collect(self) -> None:
        """Collect garbage when it hurts least: the young after each cycle, all of it now and then."""
        if self.cycles_count <= SETTLED_CYCLES:
            if self.cycles_count == SETTLED_CYCLES:
                gc.freeze()
        elif self.cycles_count % FULL_COLLECTION_CYCLES == 0:
            gc.collect()
        else:
            gc.collect(1 if self.cycles_count % 10 == 0 else 0)
        if self.cycles_count % 10 == 0:
            give_back()
