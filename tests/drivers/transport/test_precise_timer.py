"""A bell rings once, never before its moment, and only the one that was set last."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quartier_drivers.transport.precise_timer import PreciseTimer


@pytest.fixture
async def bell() -> AsyncIterator[PreciseTimer]:
    made = PreciseTimer()
    yield made
    made.close()


@pytest.mark.parametrize("exact", [False, True])
async def test_it_rings_at_its_moment_and_not_before(bell: PreciseTimer, exact: bool) -> None:  # noqa: FBT001 - a case
    loop = asyncio.get_running_loop()
    early_s = []
    for _ in range(20):
        fired = asyncio.Event()
        moment_s = loop.time() + 0.002
        bell.set(moment_s, fired.set, exact=exact)
        await fired.wait()
        early_s.append(moment_s - loop.time())

    # A timer counts whole nanoseconds.
    assert max(early_s) < 2e-9


async def test_a_moment_that_has_passed_rings_at_once(bell: PreciseTimer) -> None:
    for moment_s in (0.0, -5.0, asyncio.get_running_loop().time() - 1):
        fired = asyncio.Event()
        bell.set(moment_s, fired.set)
        await fired.wait()


async def test_setting_it_anew_forgets_what_was_set(bell: PreciseTimer) -> None:
    fired = asyncio.Event()
    said: list[str] = []
    bell.set(0.0, lambda: said.append("first"))
    bell.set(asyncio.get_running_loop().time() + 0.01, fired.set)
    await fired.wait()

    assert [] == said


async def test_a_stopped_alarm_does_not_ring(bell: PreciseTimer) -> None:
    said: list[str] = []
    bell.set(0.0, lambda: said.append("stopped"))
    bell.stop()
    for _ in range(5):
        await asyncio.sleep(0)

    assert [] == said


async def test_a_closed_alarm_leaves_nothing_behind() -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    PreciseTimer().close()

    assert before == open_files()
