"""Run the fixed-period cycle and the fast cycle; tell systemd of each finished cycle (watchdog).

Protocol: sd_notify(3), datagrams on ``$NOTIFY_SOCKET``.  Fed by finished cycles only.
"""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable

from quartier.runtime.daemon_setup import return_free_memory
from quartier_drivers.contract import Clock, slot_ns

FAST_PERIOD_NS = 200_000_000
FAST_PHASE_NS = 50_000_000
"""So long after the connection meter is asked most have answered, and the control cycle is not near."""


class FastTicker:
    """Calls ``look`` on a grid of 200 ms while ``wanted`` is set; costs nothing while it is not.

    A look that was missed is skipped, never made up.  An error in it is a bug: it leaves.
    """

    def __init__(self, clock: Clock, look: Callable[[], None]) -> None:
        self.wanted = asyncio.Event()
        self.looks_count = 0
        self._clock = clock
        self._look = look

    def set_wanted(self, *, on: bool) -> None:
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
            due_ns = slot_ns(now_ns + 1, FAST_PERIOD_NS, FAST_PHASE_NS)
            await self._clock.sleep((due_ns - now_ns) / 1e9)
            if self._clock.now_ns() >= due_ns and self.wanted.is_set():
                self._look()
                self.looks_count += 1


# Upper bounds of the lateness classes, s of the house's time.
LATENESS_CLASSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, float("inf"))
FULL_COLLECTION_CYCLES = 900
# By then buses were opened and births said: what they made stays, and need never be looked through.
SETTLED_CYCLES = 20


class Lateness:
    """A bounded histogram of how late cycles began."""

    def __init__(self) -> None:
        self.counts = [0] * len(LATENESS_CLASSES_S)
        self.max_s = 0.0
        self.last_s = 0.0

    def add(self, late_s: float) -> None:
        """Count one cycle."""
        self.last_s = late_s
        self.max_s = max(self.max_s, late_s)
        for index, bound_s in enumerate(LATENESS_CLASSES_S):
            if late_s <= bound_s:
                self.counts[index] += 1
                return

    def quantile_s(self, share: float) -> float:
        """The class bound below which ``share`` of all cycles began; the maximum for the last class."""
        wanted = share * sum(self.counts)
        seen = 0
        for bound_s, count in zip(LATENESS_CLASSES_S, self.counts, strict=True):
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
            return_free_memory()


class SystemdNotifier:
    """Silent where systemd is not there."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def say(self, *words: str) -> None:
        """Send ``READY=1``, ``WATCHDOG=1``, ``STATUS=…``; a full or absent socket loses nothing of ours."""
        if self._socket is None:
            return
        address = self._address
        target = "\0" + address[1:] if address.startswith("@") else address
        try:
            self._socket.sendto("\n".join(words).encode(), target)
        except OSError:
            return  # systemd is restarting: the next word reaches it

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
