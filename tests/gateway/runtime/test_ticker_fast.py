import asyncio
import contextlib

from quartier.runtime.ticker import FastTicker


class Over(Exception):
    """The test has seen enough."""


class Time:
    """A clock whose sleeps last as long as told, plus a lateness from a list."""

    def __init__(self, late_s=()):
        self.ns = 0
        self.late_s = list(late_s)

    def now_ns(self):
        return self.ns

    async def sleep(self, seconds):
        late_s = self.late_s.pop(0) if self.late_s else 0.0
        self.ns += round((seconds + late_s) * 1e9)


async def looks(time, count):
    at = []

    def look():
        at.append(round(time.ns / 1e9, 3))
        if len(at) == count:
            raise Over

    fast = FastTicker(time, look)
    fast.set_wanted(on=True)
    with contextlib.suppress(Over):
        await fast.run()
    return at


async def test_it_looks_every_200_ms_just_after_the_meter_was_asked():
    assert [0.05, 0.25, 0.45, 0.65] == await looks(Time(), 4)


async def test_a_look_that_is_late_is_not_made_up():
    assert [0.05, 0.7, 0.85] == await looks(Time([0.0, 0.45]), 3)


async def test_a_timer_that_fires_early_is_waited_for_again():
    assert [0.05, 0.25] == await looks(Time([0.0, -0.01]), 2)


async def test_while_it_is_not_wanted_it_waits_for_nothing_but_that():
    time = Time()
    fast = FastTicker(time, lambda: None)
    task = asyncio.ensure_future(fast.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (0, 0) == (time.ns, fast.looks_count)

    fast.set_wanted(on=True)
    fast.set_wanted(on=False)
    task.cancel()
