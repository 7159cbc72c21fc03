"""An event loop whose time goes on only when nothing is left to do: hours pass in seconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from quartier.runtime.clock import ClockSetting, SiteClock

T = TypeVar("T")
# Not at 0: what counts from the loop's time takes 0 for never.
_BEGIN_S = 1_000.0


class _Leap(selectors.SelectSelector):
    """Nothing comes from outside: whoever would wait has waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = _BEGIN_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("all wait for something that nobody does")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its time leaps to whatever is due next."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        """Seconds since an arbitrary start."""
        return self._leap.now_s


class LeapingClock(SiteClock):
    """The house's time as the running loop has it."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="rehearsal"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Nanoseconds of the loop's time."""
        return round(self._loop.time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of it."""
        await asyncio.sleep(seconds)


def played(work: Coroutine[Any, Any, T]) -> T:
    """Do ``work`` to its end, in no time.  For who runs in no loop."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work)
