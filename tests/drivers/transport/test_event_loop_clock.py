"""Real time for callers without a house."""

import asyncio

from quartier_drivers.transport.event_loop import LoopClock


async def test_without_a_house_time_is_the_loops() -> None:
    clock = LoopClock()
    before_ns = clock.now_ns()
    await clock.sleep(0)

    assert before_ns <= clock.now_ns() <= asyncio.get_running_loop().time() * 1e9
