"""An event loop for tests on real sockets whose time leaps over all waiting: minutes of a house in moments.

A module says ``LEAPS = True``; both ends of its wires must be in this process.  Time goes on only while
nothing is under way, so that a machine that stands still makes nobody late.  Who works in a thread of the
loop's executor is waited for; other threads and processes are not.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from quartier.runtime.clock import ClockSetting, HouseClock

# Not at 0: what counts from the loop's time takes 0 for never.
BEGIN_S = 1_000.0
# What was sent on the loopback is there at once, but a kernel may put it off: looked for so often before
# anybody's time-out, longer each few looks.
LEAP_MAX_S = 0.1
LOOKS = 8
PAUSE_S = 0.001
# What a turn of the loop takes: else there would be no end of what goes on for a time without a pause.
TURN_S = 0.0001


class _Leap(selectors.EpollSelector):
    """Waits for nothing but bytes that are under way and threads that work for the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = BEGIN_S
        self.works_count = 0
        self._looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the library's; ``timeout`` in seconds of the loop's time."""
        found = super().select(0)
        self.now_s += TURN_S
        if found or (timeout is not None and timeout <= 0):
            self._looks = 0
            return found
        if self.works_count or timeout is None:
            return super().select(None)
        if len(self.get_map()) == 1:  # its own pipe: there are no wires
            self.now_s += timeout
            return found
        self._looks += 1
        found = super().select(0 if self._looks % LOOKS else PAUSE_S)
        if not found:
            self.now_s += min(timeout, LEAP_MAX_S)
        return found


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its time leaps to whatever is due next."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        """Seconds since an arbitrary start."""
        return self._leap.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """As the library's; meanwhile time stands still."""
        self._leap.works_count += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: asyncio.Future[Any]) -> None:
        self._leap.works_count -= 1


class LeapingClock(HouseClock):
    """The house's time as the running loop has it."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="leaping"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Nanoseconds of the loop's time."""
        return round(self._loop.time() * 1e9)


def house_clock(rate: float) -> HouseClock:
    """The clock of a test's house: that of a leaping loop, on any other one ``rate`` times as fast as the world."""
    if isinstance(asyncio.get_running_loop(), LeapingLoop):
        return LeapingClock()
    return HouseClock(ClockSetting(rate=rate))


def look_s(real_s: float) -> float:
    """How long to wait before the next look at something, which on a leaping loop must not be the next leap."""
    return LEAP_MAX_S if isinstance(asyncio.get_running_loop(), LeapingLoop) else real_s
