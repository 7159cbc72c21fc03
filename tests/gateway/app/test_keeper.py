"""The link state on disk: what a start may believe, and what a disk that refuses does."""

import asyncio
import threading
from dataclasses import replace

import pytest
import structlog

from quartier.app import keeper
from quartier.control.link import allowed, machine
from quartier.control.link import state as link_state
from quartier.house.assets import Limits
from quartier.house.now import Now
from quartier.runtime import statefile
from quartier.runtime.clock import ClockSetting, HouseClock, boot_id

LIMITS = Limits(
    import_hard_w=12000,
    export_hard_w=6000,
    import_failsafe_w=6000,
    export_failsafe_w=0,
    import_autonomous_w=9600,
    export_autonomous_w=6000,
)
PARAMS = allowed.LinkParameters(limits=LIMITS)
NOW = Now(5_000_000_000, 1_764_000_000_000, synced=True)


@pytest.fixture
def state():
    return machine.start_link(PARAMS, None, NOW, outage=False)


def facts_of(folder):
    return statefile.load(folder / keeper.FILE)


def another_boot(folder):
    """As if the machine had started again since."""
    statefile.save(folder / keeper.FILE, {**facts_of(folder), "boot_id": "another"})


def test_without_a_file_there_is_no_state_and_no_outage(tmp_path):
    assert keeper.Recalled(None) == keeper.recalled(tmp_path)


def test_what_was_kept_comes_back(tmp_path, state):
    keeper.keep(tmp_path, state, planned=False)

    found = keeper.recalled(tmp_path)
    assert (link_state.dump_link_state(state), False, False) == (
        link_state.dump_link_state(found.state),
        found.outage,
        found.lost,
    )


@pytest.mark.parametrize(("planned", "outage"), [(False, True), (True, False)])
def test_another_boot_is_an_outage_unless_the_stop_was_planned(tmp_path, state, planned, outage):
    keeper.keep(tmp_path, state, planned=planned)
    another_boot(tmp_path)

    assert outage is keeper.recalled(tmp_path).outage


@pytest.mark.parametrize("planned", [False, True])
def test_another_boot_is_known_by_its_name_and_one_without_a_name_is_not(tmp_path, state, planned):
    keeper.keep(tmp_path, state, planned=planned)
    same = keeper.recalled(tmp_path).rebooted
    another_boot(tmp_path)
    another = keeper.recalled(tmp_path).rebooted
    statefile.save(tmp_path / keeper.FILE, {**facts_of(tmp_path), "boot_id": ""}, twice=True)

    assert (False, True, None) == (same, another, keeper.recalled(tmp_path).rebooted)


def test_a_crash_of_the_daemon_alone_is_no_outage(tmp_path, state):
    keeper.keep(tmp_path, state, planned=False)

    assert boot_id() == facts_of(tmp_path)["boot_id"]
    assert (False, True) == (keeper.recalled(tmp_path).outage, keeper.recalled(tmp_path).killed)


@pytest.mark.parametrize(
    "broken", [{}, {"link": None}, {"link": "INIT"}, {"link": {"format": 99}}, {"link": {"format": 1}}]
)
def test_a_state_that_cannot_be_read_counts_as_none_but_the_outage_still_counts(tmp_path, broken):
    statefile.save(tmp_path / keeper.FILE, {"boot_id": "another", "planned": False, **broken})

    assert keeper.Recalled(None, outage=True, lost=True) == keeper.recalled(tmp_path)


@pytest.mark.parametrize("copy", ["a", "b"])
def test_whichever_copy_is_damaged_the_last_state_counts_never_the_one_before(tmp_path, state, copy):
    keeper.keep(tmp_path, state, planned=False)
    keeper.keep(tmp_path, replace(state, why="newer"), planned=False)
    path = tmp_path / f"link.{copy}"
    path.write_bytes(path.read_bytes()[:-9])

    found = keeper.recalled(tmp_path)
    assert ("newer", False) == (found.state.why, found.lost)
    assert [(path, True)] == list(keeper.damage(tmp_path))


def test_a_state_deleted_where_documents_were_taken_is_lost_not_new(tmp_path):
    statefile.save(tmp_path / "documents", {"quartier/v1/issy/b012/envelope/dso": [["key1", 7, "digest"]]})

    assert keeper.Recalled(None, lost=True) == keeper.recalled(tmp_path)


def test_two_damaged_copies_never_prevent_a_start_and_are_known_as_lost(tmp_path, state):
    keeper.keep(tmp_path, state, planned=False)
    keeper.keep(tmp_path, state, planned=False)
    for copy in tmp_path.glob("link.*"):
        copy.write_bytes(b"\0" * 40)

    assert keeper.Recalled(None, lost=True) == keeper.recalled(tmp_path)
    assert [False, False] == [sound for _, sound in keeper.damage(tmp_path)]


class Desk:
    """The keeper's task, its log, and a state that the test changes."""

    def __init__(self, folder, state):
        self.state = state
        self.log = structlog.testing.CapturingLogger()
        self.asked_count = 0
        clock = HouseClock(ClockSetting(rate=1000.0))
        self.task = asyncio.create_task(keeper.run(folder, self.present, clock, self.log))

    def present(self):
        self.asked_count += 1
        return self.state

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)
                assert not self.task.done()

    async def turns(self, count):
        """Until the keeper has looked at the state ``count`` more times."""
        wanted = self.asked_count + count
        await self.until(lambda: self.asked_count >= wanted)

    def said(self):
        return [call.args[0] for call in self.log.calls]


@pytest.fixture
async def desk(tmp_path, state, monkeypatch):
    monkeypatch.setattr(keeper, "FLOOR_S", 0.01)
    folder = tmp_path / "state"
    folder.mkdir()
    running = Desk(folder, state)
    yield running, folder
    running.task.cancel()
    await asyncio.wait([running.task])


async def test_a_change_that_lasts_is_on_disk_and_mere_time_is_not_written(desk):
    keeping, folder = desk
    await keeping.until(lambda: facts_of(folder) and not statefile.damaged(folder / keeper.FILE))
    first = {path: path.read_bytes() for path in folder.iterdir()}
    keeping.state = replace(keeping.state, seen_ns=keeping.state.seen_ns + 1)
    await keeping.turns(3)
    assert first == {path: path.read_bytes() for path in folder.iterdir()}

    keeping.state = replace(keeping.state, seqs={"dso": 8})
    await keeping.until(lambda: facts_of(folder)["link"]["seqs"] == {"dso": 8})
    assert facts_of(folder)["planned"] is False


async def test_a_disk_that_refuses_is_said_once_and_tried_until_it_takes(desk):
    keeping, folder = desk
    await keeping.until(lambda: facts_of(folder))
    away = folder.with_name("away")
    folder.rename(away)
    keeping.state = replace(keeping.state, seqs={"dso": 9})
    await keeping.until(lambda: "link.not_kept" in keeping.said())
    await keeping.turns(4)
    assert ["link.not_kept"] == keeping.said()

    away.rename(folder)
    await keeping.until(lambda: facts_of(folder)["link"]["seqs"] == {"dso": 9})
    assert ["link.not_kept"] == keeping.said()


async def test_the_last_word_of_a_daemon_that_leaves_waits_for_the_one_a_slow_disk_has_in_hand(
    tmp_path, state, monkeypatch
):
    slow, begun = threading.Event(), threading.Event()
    fsync = statefile.os.fsync

    def hanging(descriptor):
        if not begun.is_set():
            begun.set()
            slow.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(statefile.os, "fsync", hanging)
    first = asyncio.create_task(asyncio.to_thread(keeper.keep, tmp_path, state, planned=False))
    await asyncio.to_thread(begun.wait, 60)
    last = asyncio.create_task(asyncio.to_thread(keeper.keep, tmp_path, state, planned=True))
    await asyncio.wait([last], timeout=0.1)
    slow.set()
    await asyncio.gather(first, last)

    assert facts_of(tmp_path)["planned"] is True
