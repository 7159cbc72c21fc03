import asyncio

import pytest

from quartier.commissioning.bus_planning.simulated_bus import SimulatedTimeClock, run_simulated


def test_an_hour_of_waiting_is_over_at_once_and_took_an_hour():
    async def work():
        begun_s = asyncio.get_running_loop().time()
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time() - begun_s

    assert 3600 == pytest.approx(run_simulated(work()))


def test_who_wakes_first_goes_first_however_long_the_others_wait():
    told = []

    async def wait(seconds):
        await asyncio.sleep(seconds)
        told.append(seconds)

    async def work():
        await asyncio.gather(*map(wait, (500, 0.001, 20)))

    run_simulated(work())

    assert [0.001, 20, 500] == told


def test_the_clock_of_the_house_goes_with_it():
    async def work():
        clock = SimulatedTimeClock()
        before_ns = clock.now_ns()
        await clock.sleep(12.5)
        return clock.now_ns() - before_ns

    assert 12_500_000_000 == pytest.approx(run_simulated(work()))


def test_a_wait_that_nothing_can_end_is_a_fault_and_no_standstill():
    async def work():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nobody does"):
        run_simulated(work())
