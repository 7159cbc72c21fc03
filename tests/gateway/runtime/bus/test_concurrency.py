"""Slots by scripted exchanges: who is waited for, who has room, what a lost line leaves."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier.runtime.bus.device_health import NEVER_NS, DeviceHealth
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import LinkLost

INFOS = {"grid.power_w": PointInfo("grid.power_w", "float", "analog-input:1", 1.0)}


def health(name, *, trunk="", failures=0, known=True):
    driver = SimpleNamespace(points=INFOS, due_ns=0, trunk=trunk)
    return DeviceHealth(name, driver, known=known, failures_count=failures)


class Exchange:
    """Something that takes until it is told to end, or its line is closed."""

    def __init__(self):
        self.story = []
        self._done = None

    async def __call__(self):
        self._done = asyncio.get_running_loop().create_future()
        self.story.append("begun")
        try:
            await self._done
        except BaseException as error:
            self.story.append(type(error).__name__)
            raise
        self.story.append("ended")

    def end(self, error=None):
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


def wide(bus=4, trunk=2):
    freed = []
    return ConcurrentExchanges(
        SimpleNamespace(concurrency=(bus, trunk)), lambda one: freed.append(one.name)
    ), freed


async def through(slots, work, close=None):
    """Do ``work``, with a line that can be closed."""

    async def closed():
        if close is not None:
            close()

    await slots.through(work, closed)


async def begun(slots, *devices, writes=False):
    exchanges = [Exchange() for _ in devices]
    for one, exchange in zip(devices, exchanges, strict=True):
        assert slots.admits(one)
        await slots.run(one, exchange, writes=writes)
    await asyncio.sleep(0)
    return exchanges


async def all_done(slots):
    await asyncio.wait(slots._exchanges)


async def test_on_other_lines_what_is_begun_is_waited_for_and_there_is_always_room():
    slots, story, one = ConcurrentExchanges(SimpleNamespace(), lambda _one: None), [], health("m1")

    async def exchange():
        story.append("done")

    async def work():
        await slots.run(one, exchange)
        story.append("gone on")

    await through(slots, work)

    assert ["done", "gone on"] == story
    assert (False, True, 1.0) == (slots.is_wide, slots.has_room(one), slots.free_share)


async def test_a_failure_on_another_line_is_the_callers():
    slots = ConcurrentExchanges(SimpleNamespace(), lambda _one: None)

    async def exchange():
        raise LinkLost("gone")

    async def work():
        await slots.run(health("m1"), exchange)

    with pytest.raises(LinkLost):
        await through(slots, work)


async def test_on_a_wide_line_others_are_asked_meanwhile_and_each_device_one_thing_at_a_time():
    slots, freed = wide()
    first, second = health("a"), health("b")

    async def work():
        exchanges = await begun(slots, first, second)
        assert [["begun"], ["begun"]] == [one.story for one in exchanges]
        assert [NEVER_NS, NEVER_NS] == [first.due_ns, second.due_ns], "its next turn is after its answer"
        assert (True, 0.5) == (slots.is_asking, slots.free_share)
        for one in exchanges:
            one.end()

    await through(slots, work)
    assert (["a", "b"], [0, 0], 1.0) == (freed, [first.due_ns, second.due_ns], slots.free_share)


async def test_who_finds_no_slot_has_its_turn_when_one_is_free():
    slots, freed = wide(bus=1)
    waiting = health("b")

    async def work():
        (exchange,) = await begun(slots, health("a"))
        assert (False, NEVER_NS) == (slots.admits(waiting), waiting.due_ns)
        exchange.end()

    await through(slots, work)
    assert (["a", "b"], 0, True) == (freed, waiting.due_ns, slots.admits(waiting))


async def test_those_behind_one_router_share_its_slots_and_take_none_of_the_others():
    slots, _ = wide(bus=8, trunk=2)

    async def work():
        exchanges = await begun(slots, health("a", trunk="network 1"), health("b", trunk="network 1"))
        found = [slots.has_room(health("x", trunk=trunk)) for trunk in ("network 1", "network 2", "")]
        assert [False, True, True] == found
        for one in exchanges:
            one.end()

    await through(slots, work)


@pytest.mark.parametrize("doubt", [{"failures": 1}, {"known": False}])
async def test_who_may_be_silent_leaves_the_last_slots_to_those_who_answer(doubt):
    slots, _ = wide(bus=8, trunk=4)
    silent = [health(f"silent{number}", trunk="network 1", **doubt) for number in range(4)]

    async def work():
        exchanges = await begun(slots, *silent[:3])
        well = health("well", trunk="network 1")
        assert (False, True) == (slots.has_room(silent[3]), slots.has_room(well))
        assert not slots.is_asking, "nobody's news wait for who is silent"
        for one in exchanges:
            one.end()

    await through(slots, work)


async def test_one_slot_is_for_everybody():
    slots, _ = wide(bus=1, trunk=1)

    assert slots.has_room(health("silent", trunk="network 1", failures=3))


@pytest.mark.parametrize("error", [LinkLost("gone"), ZeroDivisionError("a fault of a driver")])
async def test_what_a_slot_fails_with_is_raised_once_by_who_looks(error):
    slots, freed = wide()

    async def work():
        (exchange,) = await begun(slots, health("a"))
        exchange.end(error)
        await all_done(slots)
        with pytest.raises(type(error)):
            slots.check()
        slots.check()

    await through(slots, work)
    assert ["a"] == freed


@pytest.mark.parametrize(
    ("error", "counts"), [(LinkLost("gone"), False), (ZeroDivisionError("a fault"), True)]
)
async def test_who_ends_waits_for_what_is_under_way_and_only_a_fault_of_a_driver_counts(error, counts):
    slots, _ = wide()
    exchanges = []

    async def work():
        exchanges.extend(await begun(slots, health("a"), health("b")))
        exchanges[0].end(error)
        asyncio.get_running_loop().call_soon(exchanges[1].end)

    with pytest.raises(ZeroDivisionError) if counts else contextlib.nullcontext():
        await through(slots, work)
    assert "ended" == exchanges[1].story[-1]


async def test_a_lost_line_ends_what_is_read_and_has_what_is_written_find_out():
    slots, freed = wide()
    exchanges = []

    async def work():
        exchanges.extend(await begun(slots, health("a")))
        exchanges.extend(await begun(slots, health("b"), writes=True))
        raise LinkLost("the cable is out")

    def close():  # as a line does: who waits for an answer is told
        exchanges[1].end(LinkLost("closed"))

    with pytest.raises(LinkLost, match="the cable is out"):
        await through(slots, work, close)
    assert [["begun", "CancelledError"], ["begun", "LinkLost"]] == [one.story for one in exchanges]
    assert {"a", "b"} == set(freed)


async def test_who_is_cut_off_leaves_nothing_under_way():
    slots, _ = wide()
    exchanges = []

    async def work():
        exchanges.extend(await begun(slots, health("a"), health("b"), writes=True))
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(through(slots, work))
    while len(exchanges) < 2:  # noqa: ASYNC110 - two turns of the loop
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert [["begun", "CancelledError"]] * 2 == [one.story for one in exchanges]


async def test_who_has_less_time_because_one_is_asked_in_vain():
    slots, _ = wide(bus=8, trunk=4)
    alone, *behind = (health("a"), health("b", trunk="network 1"), health("c", trunk="network 1"))
    every = [alone, *behind]

    assert ([alone], 1) == slots.find_neighbours(alone, every)
    assert (behind, 4) == slots.find_neighbours(behind[0], every)
    assert (every, 1) == ConcurrentExchanges(SimpleNamespace(), lambda _one: None).find_neighbours(
        alone, every
    )
