"""Lanes by scripted errands: who is waited for, who has room, what a lost line leaves."""

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


class Errand:
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


async def through(lanes, work, close=None):
    """Do ``work``, with a line that can be closed."""

    async def closed():
        if close is not None:
            close()

    await lanes.through(work, closed)


async def begun(lanes, *devices, writes=False):
    errands = [Errand() for _ in devices]
    for one, errand in zip(devices, errands, strict=True):
        assert lanes.admits(one)
        await lanes.run(one, errand, writes=writes)
    await asyncio.sleep(0)
    return errands


async def all_done(lanes):
    await asyncio.wait(lanes._exchanges)


async def test_on_other_lines_what_is_begun_is_waited_for_and_there_is_always_room():
    lanes, story, one = ConcurrentExchanges(SimpleNamespace(), lambda _one: None), [], health("m1")

    async def errand():
        story.append("done")

    async def work():
        await lanes.run(one, errand)
        story.append("gone on")

    await through(lanes, work)

    assert ["done", "gone on"] == story
    assert (False, True, 1.0) == (lanes.is_wide, lanes.has_room(one), lanes.free_share)


async def test_a_failure_on_another_line_is_the_callers():
    lanes = ConcurrentExchanges(SimpleNamespace(), lambda _one: None)

    async def errand():
        raise LinkLost("gone")

    async def work():
        await lanes.run(health("m1"), errand)

    with pytest.raises(LinkLost):
        await through(lanes, work)


async def test_on_a_wide_line_others_are_asked_meanwhile_and_each_device_one_thing_at_a_time():
    lanes, freed = wide()
    first, second = health("a"), health("b")

    async def work():
        errands = await begun(lanes, first, second)
        assert [["begun"], ["begun"]] == [one.story for one in errands]
        assert [NEVER_NS, NEVER_NS] == [first.due_ns, second.due_ns], "its next turn is after its answer"
        assert (True, 0.5) == (lanes.is_asking, lanes.free_share)
        for one in errands:
            one.end()

    await through(lanes, work)
    assert (["a", "b"], [0, 0], 1.0) == (freed, [first.due_ns, second.due_ns], lanes.free_share)


async def test_who_finds_no_lane_has_its_turn_when_one_is_free():
    lanes, freed = wide(bus=1)
    waiting = health("b")

    async def work():
        (errand,) = await begun(lanes, health("a"))
        assert (False, NEVER_NS) == (lanes.admits(waiting), waiting.due_ns)
        errand.end()

    await through(lanes, work)
    assert (["a", "b"], 0, True) == (freed, waiting.due_ns, lanes.admits(waiting))


async def test_those_behind_one_router_share_its_lanes_and_take_none_of_the_others():
    lanes, _ = wide(bus=8, trunk=2)

    async def work():
        errands = await begun(lanes, health("a", trunk="network 1"), health("b", trunk="network 1"))
        found = [lanes.has_room(health("x", trunk=trunk)) for trunk in ("network 1", "network 2", "")]
        assert [False, True, True] == found
        for one in errands:
            one.end()

    await through(lanes, work)


@pytest.mark.parametrize("doubt", [{"failures": 1}, {"known": False}])
async def test_who_may_be_silent_leaves_the_last_lanes_to_those_who_answer(doubt):
    lanes, _ = wide(bus=8, trunk=4)
    silent = [health(f"silent{number}", trunk="network 1", **doubt) for number in range(4)]

    async def work():
        errands = await begun(lanes, *silent[:3])
        well = health("well", trunk="network 1")
        assert (False, True) == (lanes.has_room(silent[3]), lanes.has_room(well))
        assert not lanes.is_asking, "nobody's news wait for who is silent"
        for one in errands:
            one.end()

    await through(lanes, work)


async def test_one_lane_is_for_everybody():
    lanes, _ = wide(bus=1, trunk=1)

    assert lanes.has_room(health("silent", trunk="network 1", failures=3))


@pytest.mark.parametrize("error", [LinkLost("gone"), ZeroDivisionError("a fault of a door")])
async def test_what_a_lane_fails_with_is_raised_once_by_who_looks(error):
    lanes, freed = wide()

    async def work():
        (errand,) = await begun(lanes, health("a"))
        errand.end(error)
        await all_done(lanes)
        with pytest.raises(type(error)):
            lanes.check()
        lanes.check()

    await through(lanes, work)
    assert ["a"] == freed


@pytest.mark.parametrize(
    ("error", "counts"), [(LinkLost("gone"), False), (ZeroDivisionError("a fault"), True)]
)
async def test_who_ends_waits_for_what_is_under_way_and_only_a_fault_of_a_door_counts(error, counts):
    lanes, _ = wide()
    errands = []

    async def work():
        errands.extend(await begun(lanes, health("a"), health("b")))
        errands[0].end(error)
        asyncio.get_running_loop().call_soon(errands[1].end)

    with pytest.raises(ZeroDivisionError) if counts else contextlib.nullcontext():
        await through(lanes, work)
    assert "ended" == errands[1].story[-1]


async def test_a_lost_line_ends_what_is_read_and_has_what_is_written_find_out():
    lanes, freed = wide()
    errands = []

    async def work():
        errands.extend(await begun(lanes, health("a")))
        errands.extend(await begun(lanes, health("b"), writes=True))
        raise LinkLost("the cable is out")

    def close():  # as a line does: who waits for an answer is told
        errands[1].end(LinkLost("closed"))

    with pytest.raises(LinkLost, match="the cable is out"):
        await through(lanes, work, close)
    assert [["begun", "CancelledError"], ["begun", "LinkLost"]] == [one.story for one in errands]
    assert {"a", "b"} == set(freed)


async def test_who_is_cut_off_leaves_nothing_under_way():
    lanes, _ = wide()
    errands = []

    async def work():
        errands.extend(await begun(lanes, health("a"), health("b"), writes=True))
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(through(lanes, work))
    while len(errands) < 2:  # noqa: ASYNC110 - two turns of the loop
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert [["begun", "CancelledError"]] * 2 == [one.story for one in errands]


async def test_who_has_less_time_because_one_is_asked_in_vain():
    lanes, _ = wide(bus=8, trunk=4)
    alone, *behind = (health("a"), health("b", trunk="network 1"), health("c", trunk="network 1"))
    every = [alone, *behind]

    assert ([alone], 1) == lanes.find_neighbours(alone, every)
    assert (behind, 4) == lanes.find_neighbours(behind[0], every)
    assert (every, 1) == ConcurrentExchanges(SimpleNamespace(), lambda _one: None).find_neighbours(
        alone, every
    )
