"""Lanes by scripted errands: who is waited for, who has room, what a lost line leaves."""

import asyncio
from types import SimpleNamespace

import pytest

from quartier.runtime.health import NEVER_NS, Health
from quartier.runtime.lanes import Lanes
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import LinkLost

INFOS = {"grid.power_w": PointInfo("grid.power_w", "float", "analog-input:1", 1.0)}


def health(name, *, trunk="", failures=0, known=True):
    driver = SimpleNamespace(points=INFOS, due_ns=0, trunk=trunk)
    return Health(name, driver, known=known, failures_count=failures)


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
    return Lanes(SimpleNamespace(lanes=(bus, trunk)), lambda one: freed.append(one.name)), freed


async def begun(lanes, *devices, writes=False):
    errands = [Errand() for _ in devices]
    for one, errand in zip(devices, errands, strict=True):
        assert lanes.admits(one)
        await lanes.run(one, errand(), writes=writes)
    await asyncio.sleep(0)
    return errands


async def ended(lanes, *errands):
    for one in errands:
        one.end()
    await lanes.ended()


async def test_on_other_lines_what_is_begun_is_waited_for_and_there_is_always_room():
    lanes, story, one = Lanes(SimpleNamespace(), lambda _one: None), [], health("m1")

    async def errand():
        story.append("done")

    await lanes.run(one, errand())

    assert (["done"], False, True, 1.0) == (story, lanes.is_wide, lanes.has_room(one), lanes.free_share)


async def test_a_failure_on_another_line_is_the_callers():
    lanes = Lanes(SimpleNamespace(), lambda _one: None)

    async def errand():
        raise LinkLost("gone")

    with pytest.raises(LinkLost):
        await lanes.run(health("m1"), errand())


async def test_on_a_wide_line_others_are_asked_meanwhile_and_each_device_one_thing_at_a_time():
    lanes, freed = wide()
    first, second = health("a"), health("b")
    errands = await begun(lanes, first, second)

    assert [["begun"], ["begun"]] == [one.story for one in errands]
    assert [NEVER_NS, NEVER_NS] == [first.due_ns, second.due_ns], "its next turn is after its answer"
    assert (True, 0.5) == (lanes.is_asking, lanes.free_share)

    await ended(lanes, *errands)
    assert (["a", "b"], [0, 0], 1.0) == (freed, [first.due_ns, second.due_ns], lanes.free_share)


async def test_who_finds_no_lane_has_its_turn_when_one_is_free():
    lanes, freed = wide(bus=1)
    (errand,) = await begun(lanes, health("a"))
    waiting = health("b")
    refused = lanes.admits(waiting)
    held_ns = waiting.due_ns
    await ended(lanes, errand)

    assert (False, NEVER_NS) == (refused, held_ns)
    assert (["a", "b"], 0, True) == (freed, waiting.due_ns, lanes.admits(waiting))


async def test_those_behind_one_router_share_its_lanes_and_take_none_of_the_others():
    lanes, _ = wide(bus=8, trunk=2)
    errands = await begun(lanes, health("a", trunk="network 1"), health("b", trunk="network 1"))

    found = [lanes.has_room(health("x", trunk=trunk)) for trunk in ("network 1", "network 2", "")]
    assert [False, True, True] == found
    await ended(lanes, *errands)


@pytest.mark.parametrize("doubt", [{"failures": 1}, {"known": False}])
async def test_who_may_be_silent_leaves_the_last_lanes_to_those_who_answer(doubt):
    lanes, _ = wide(bus=8, trunk=4)
    silent = [health(f"silent{number}", trunk="network 1", **doubt) for number in range(4)]
    errands = await begun(lanes, *silent[:3])

    assert (False, True) == (lanes.has_room(silent[3]), lanes.has_room(health("well", trunk="network 1")))
    assert not lanes.is_asking, "nobody's news wait for who is silent"
    await ended(lanes, *errands)


async def test_one_lane_is_for_everybody():
    lanes, _ = wide(bus=1, trunk=1)

    assert lanes.has_room(health("silent", trunk="network 1", failures=3))


@pytest.mark.parametrize("error", [LinkLost("gone"), ZeroDivisionError("a fault of a door")])
async def test_what_a_lane_fails_with_is_raised_once_by_who_looks(error):
    lanes, freed = wide()
    (errand,) = await begun(lanes, health("a"))
    errand.end(error)
    await asyncio.wait(lanes._errands)
    with pytest.raises(type(error)):
        lanes.check()

    lanes.check()
    assert ["a"] == freed


async def test_who_ends_waits_for_what_is_under_way_and_only_a_fault_of_a_door_counts():
    lanes, _ = wide()
    lost, faulty = await begun(lanes, health("a"), health("b"))
    lost.end(LinkLost("gone"))
    faulty.end()
    await lanes.ended()
    assert "ended" == faulty.story[-1]

    (faulty,) = await begun(lanes, health("b"))
    faulty.end(ZeroDivisionError("a fault of a door"))
    with pytest.raises(ZeroDivisionError):
        await lanes.ended()


async def test_a_lost_line_ends_what_is_read_and_has_what_is_written_find_out():
    lanes, _ = wide()
    (read,) = await begun(lanes, health("a"))
    (write,) = await begun(lanes, health("b"), writes=True)
    closings = []

    async def close():
        closings.append(read.story[-1])
        if len(closings) == 1:  # as a line does: who waits for an answer is told
            write.end(LinkLost("closed"))

    await lanes.dropped(close)

    assert (["begun", "CancelledError"], ["begun", "LinkLost"]) == (read.story, write.story)
    assert 2 == len(closings), "who wrote once more may have opened it again"
    lanes.check()


async def test_who_has_less_time_because_one_is_asked_in_vain():
    lanes, _ = wide(bus=8, trunk=4)
    alone, *behind = (health("a"), health("b", trunk="network 1"), health("c", trunk="network 1"))
    every = [alone, *behind]

    assert ([alone], 1) == lanes.neighbours(alone, every)
    assert (behind, 4) == lanes.neighbours(behind[0], every)
    assert (every, 1) == Lanes(SimpleNamespace(), lambda _one: None).neighbours(alone, every)
