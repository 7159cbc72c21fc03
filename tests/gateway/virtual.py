"""Virtual time for tests of the gateway whose wires have both ends in this process.

A module opts in with ``VIRTUAL_TIME = True``: minutes of the building take moments, and a machine that stalls makes
nothing late.  Jobs of the loop's thread pool are awaited; other threads and processes are not, so that the
store's and the broker's threads may live beside it.
"""

import asyncio

from tests.virtual_time import VirtualAsyncioLoop

from quartier.runtime.clock import ClockSetting, HouseClock

LOOK_S = 0.1


class VirtualLoop(VirtualAsyncioLoop):
    """An asyncio loop with virtual time beside threads of its own life."""

    def __init__(self) -> None:
        super().__init__()
        self.selector.awaits_threads = False


class VirtualClock(HouseClock):
    """The building's clock, driven by the running loop."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="virtual"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Return the nanoseconds of the loop's time."""
        return round(self._loop.time() * 1e9)


def house_clock(rate: float) -> HouseClock:
    """Return the clock of a test's building: the loop's where that is virtual, else ``rate`` times real time."""
    if isinstance(asyncio.get_running_loop(), VirtualLoop):
        return VirtualClock()
    return HouseClock(ClockSetting(rate=rate))


def look_s(real_s: float) -> float:
    """Return how long to wait before something is looked at again; longer where time is virtual."""
    return LOOK_S if isinstance(asyncio.get_running_loop(), VirtualLoop) else real_s
