import asyncio
from collections import Counter

import pytest

from quartier.commissioning.bus_planning.simulated_bus import (
    AssumedAnswers,
    SimulatedBus,
    SimulatedTimeClock,
    can_be_simulated,
    run_simulated,
)


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


SILENCE_S = 3.5 * 10 / 9600


def played_for(wire, seconds, assumed=None):
    async def work():
        play = SimulatedBus(wire, assumed or AssumedAnswers())

        async def script():
            await play.wait_until_identified()
            await asyncio.sleep(seconds)

        await play.through(script)
        return play

    return run_simulated(work())


def test_what_devices_want_is_what_their_drivers_plan_at_the_pace_of_the_line(wire):
    tasks = played_for(wire(2), 0.0).tasks()

    assert [("m1", 1.0), ("m1", 60.0), ("m2", 1.0), ("m2", 60.0)] == sorted(
        (task.device, task.period_s) for task in tasks
    )
    # Two registers: 8 characters, 9 back, a silence before each, and 5 ms to think.
    assert [(17 + 7) * 10 / 9600 + 0.005] * 4 == pytest.approx([task.takes_s for task in tasks])


def test_each_device_is_asked_as_often_as_its_scan_classes_say(wire):
    play = played_for(wire(3), 120.0)

    counts = Counter((one.unit, one.key) for one in play.exchanges)
    assert {3, 121} >= {count for count in counts.values() if count > 4 or count == 3} >= {3}
    assert 0 == play.skips_count
    assert 3 == sum(count in (120, 121, 122) for count in counts.values())


@pytest.mark.parametrize("kind", ["modbus-rtu", "modbus-tcp"])
def test_on_a_bus_that_rests_between_requests_and_has_too_much_to_do_nobody_is_left_out(wire, kind):
    """All who wait are due when the rest is over: the first of the site file must not be asked each time."""
    play = played_for(wire(5, fast_s=0.05, answer_s=0.02, kind=kind, bus_pause_s=0.001), 10.0)
    counts = Counter(one.unit for one in play.exchanges)

    assert max(counts.values()) <= 1.2 * min(counts[unit] for unit in range(1, 6))


def test_nothing_goes_over_the_line_before_it_has_been_silent(wire):
    play = played_for(wire(4, fast_s=0.1), 5.0)

    between_s = [
        after.ended_s - before.ended_s
        for before, after in zip(play.exchanges, play.exchanges[1:], strict=False)
    ]
    assert min(between_s) >= 17 * 10 / 9600 + 2 * SILENCE_S + 0.005 - 1e-6


def test_how_long_an_answer_takes_says_the_person_for_one_device_then_for_all_then_the_profile(wire):
    told = wire(2, answer_s=0.03)

    assert {"m1": 0.03, "m2": 0.03} == played_for(told, 0.0).answers_s()
    assert {"m1": 0.08, "m2": 0.01} == played_for(told, 0.0, AssumedAnswers(0.01, {"m1": 0.08})).answers_s()


def test_what_happens_to_devices_is_kept_with_its_moment(wire):
    async def work():
        play = SimulatedBus(wire(2), AssumedAnswers())

        async def script():
            await play.wait_until_identified()
            play.simulated_devices.dead |= play.units(["m2"])
            await asyncio.sleep(30)

        await play.through(script)
        return play

    assert ["m2"] == [event.device for event in run_simulated(work()).events if event.name == "device.aside"]


def test_lines_of_modbus_can_be_rehearsed(wire):
    assert can_be_simulated(wire(1))
    assert can_be_simulated(wire(1, kind="modbus-tcp"))
