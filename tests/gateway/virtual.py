"""Virtual time for gateway tests whose clients and servers all run in the test's process.

A test module opts in with ``VIRTUAL_TIME = True``: every wait is skipped, so that a slow machine cannot cause a
timeout.  While a job of the loop's thread pool runs, the clock follows real time.  Other threads and processes do
not hold it back, because those of the store and the broker run all the time.
"""

import asyncio

from tests.virtual_time import VirtualAsyncioLoop

from quartier.runtime.clock import ClockSetting, SiteClock

POLL_INTERVAL_S = 0.1  # virtual


class VirtualLoop(VirtualAsyncioLoop):
    """An asyncio loop with virtual time that does not wait for threads outside its own thread pool."""

    def __init__(self) -> None:
        super().__init__()
        self.selector.waits_for_threads = False


class VirtualClock(SiteClock):
    """The gateway's clock, driven by the running loop.  Create it inside a coroutine."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="virtual"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Return the loop's time in nanoseconds."""
        return round(self._loop.time() * 1e9)


def make_clock(rate: float) -> SiteClock:
    """Return a virtual clock on a virtual loop, else one that runs ``rate`` times as fast as real time."""
    if isinstance(asyncio.get_running_loop(), VirtualLoop):
        return VirtualClock()
    return SiteClock(ClockSetting(rate=rate))


def find_end_s(real_s: float, rate: float) -> float:
    """Return the loop's time at which a wait has failed: as long for the building as ``real_s`` at this rate."""
    loop = asyncio.get_running_loop()
    return loop.time() + real_s * (rate if isinstance(loop, VirtualLoop) else 1.0)


def pick_poll_interval_s(real_s: float) -> float:
    """Return the seconds to sleep between two polls: ``real_s``, or ``POLL_INTERVAL_S`` on a virtual loop."""
    return POLL_INTERVAL_S if isinstance(asyncio.get_running_loop(), VirtualLoop) else real_s
