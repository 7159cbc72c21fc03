"""Run the fixed-period cycle and the fast cycle; tell systemd of each finished cycle (watchdog).

The protocol is sd_notify(3): datagrams on ``$NOTIFY_SOCKET``.  Only finished cycles feed the watchdog.
"""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable

from quartier.runtime.daemon_setup import return_free_memory
from quartier_drivers.contract import Clock, find_slot_ns

FAST_PERIOD_NS = 200_000_000
FAST_PHASE_NS = 50_000_000
"""This long after the grid meter is polled, most answers have arrived, and no control cycle is near."""


class FastTicker:
    """Calls ``look`` on a grid of 200 ms while ``wanted`` is set; costs nothing while it is not.

    A missed call is skipped, never made up.  An error in ``look`` is a bug and is raised.
    """

    def __init__(self, clock: Clock, look: Callable[[], None]) -> None:
        self.wanted = asyncio.Event()
        self.looks_count = 0
        self._clock = clock
        self._look = look

    def set_wanted(self, *, on: bool) -> None:
        """Start or stop the fast cycle."""
        if on:
            self.wanted.set()
        else:
            self.wanted.clear()

    async def run(self) -> None:
        """Call ``look`` until cancelled."""
        while True:
            await self.wanted.wait()
            now_ns = self._clock.now_ns()
            due_ns = find_slot_ns(now_ns + 1, FAST_PERIOD_NS, FAST_PHASE_NS)
            await self._clock.sleep((due_ns - now_ns) / 1e9)
            if self._clock.now_ns() >= due_ns and self.wanted.is_set():
                self._look()
                self.looks_count += 1


# Upper bounds of the lateness classes, in s of gateway time.
LATENESS_CLASSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, float("inf"))
FULL_COLLECTION_CYCLES = 900
# By then buses are open and births are sent: objects made until then stay, and need no collection.
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
        """Return the class bound in s below which ``share`` of all cycles began; at most the maximum."""
        wanted = share * sum(self.counts)
        seen = 0
        for bound_s, count in zip(LATENESS_CLASSES_S, self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return min(bound_s, self.max_s)
        return self.max_s


class Ticker:
    """Calls ``cycle`` every ``period_s``; a missed tick is skipped and counted, never made up.

    The first tick is at ``first_ns``, or at once if that is past or None.  If ``phase_ns`` is given, all
    others are ``phase_ns`` past whole multiples of the period.  ``wait_until`` may wait more exactly than the
    clock sleeps.
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
        """Tick until cancelled.  An error in the cycle is a bug and is raised."""
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
            if self._phase_ns is not None and self.cycles_count == 1:  # at least half a period later
                due_ns = find_slot_ns(due_ns - self._period_ns // 2, self._period_ns, self._phase_ns)
            self._collect()

    async def _sleep_until(self, due_ns: int) -> None:
        await self._clock.sleep((due_ns - self._clock.now_ns()) / 1e9)

    def _collect(self) -> None:
        """Collect garbage when it hurts least: young objects after each cycle, all of them at times."""
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
    """Sends messages to systemd; does nothing if systemd is not there."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def send(self, *words: str) -> None:
        """Send ``READY=1``, ``WATCHDOG=1``, ``STATUS=…``; a full or absent socket is ignored."""
        if self._socket is None:
            return
        address = self._address
        target = "\0" + address[1:] if address.startswith("@") else address
        try:
            self._socket.sendto("\n".join(words).encode(), target)
        except OSError:
            return  # systemd is restarting: the next message reaches it

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
