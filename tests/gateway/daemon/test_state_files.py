"""The link state on disk: what a start may believe, and what a disk that refuses does."""

import asyncio
import threading
from dataclasses import replace

import pytest
import structlog
from tests.gateway.virtual import make_clock

from quartier.control.link import allowed, machine
from quartier.control.link import state as link_state
from quartier.control.requests import Ack
from quartier.daemon import state_files
from quartier.daemon.state_files import DeviceMemory
from quartier.district.service.commands import PendingAcks
from quartier.runtime import state_file
from quartier.runtime.clock import ClockSetting, SiteClock, find_boot_id
from quartier.site.records import Now
from quartier.site.site_layout import SiteLimits

LIMITS = SiteLimits(
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
    return state_file.load_facts(folder / state_files.LINK_FILE)


def another_boot(folder):
    """As if the machine had started again since."""
    state_file.save_facts(folder / state_files.LINK_FILE, {**facts_of(folder), "boot_id": "another"})


def test_without_a_file_there_is_no_state_and_no_outage(tmp_path):
    assert state_files.LinkRecord(None) == state_files.load_link(tmp_path)


def test_what_was_kept_comes_back(tmp_path, state):
    state_files.save_link(tmp_path, state, planned=False)

    found = state_files.load_link(tmp_path)
    assert (link_state.dump_link_state(state), False, False) == (
        link_state.dump_link_state(found.state),
        found.outage,
        found.lost,
    )


@pytest.mark.parametrize(("planned", "outage"), [(False, True), (True, False)])
def test_another_boot_is_an_outage_unless_the_stop_was_planned(tmp_path, state, planned, outage):
    state_files.save_link(tmp_path, state, planned=planned)
    another_boot(tmp_path)

    assert outage is state_files.load_link(tmp_path).outage


@pytest.mark.parametrize("planned", [False, True])
def test_another_boot_is_known_by_its_name_and_one_without_a_name_is_not(tmp_path, state, planned):
    state_files.save_link(tmp_path, state, planned=planned)
    same = state_files.load_link(tmp_path).rebooted
    another_boot(tmp_path)
    another = state_files.load_link(tmp_path).rebooted
    state_file.save_facts(tmp_path / state_files.LINK_FILE, {**facts_of(tmp_path), "boot_id": ""}, twice=True)

    assert (False, True, None) == (same, another, state_files.load_link(tmp_path).rebooted)


def test_a_crash_of_the_daemon_alone_is_no_outage(tmp_path, state):
    state_files.save_link(tmp_path, state, planned=False)

    assert find_boot_id() == facts_of(tmp_path)["boot_id"]
    assert (False, True) == (state_files.load_link(tmp_path).outage, state_files.load_link(tmp_path).killed)


@pytest.mark.parametrize(
    "broken", [{}, {"link": None}, {"link": "INIT"}, {"link": {"format": 99}}, {"link": {"format": 1}}]
)
def test_a_state_that_cannot_be_read_counts_as_none_but_the_outage_still_counts(tmp_path, broken):
    state_file.save_facts(
        tmp_path / state_files.LINK_FILE, {"boot_id": "another", "planned": False, **broken}
    )

    assert state_files.LinkRecord(None, outage=True, lost=True) == state_files.load_link(tmp_path)


@pytest.mark.parametrize("copy", ["a", "b"])
def test_whichever_copy_is_damaged_the_last_state_counts_never_the_one_before(tmp_path, state, copy):
    state_files.save_link(tmp_path, state, planned=False)
    state_files.save_link(tmp_path, replace(state, why="newer"), planned=False)
    path = tmp_path / f"link.{copy}"
    path.write_bytes(path.read_bytes()[:-9])

    found = state_files.load_link(tmp_path)
    assert ("newer", False) == (found.state.why, found.lost)
    assert [(path, True)] == list(state_files.find_damaged_files(tmp_path))


def test_a_state_deleted_where_documents_were_taken_is_lost_not_new(tmp_path):
    state_file.save_facts(
        tmp_path / "documents", {"quartier/v1/issy/b012/envelope/dso": [["key1", 7, "digest"]]}
    )

    assert state_files.LinkRecord(None, lost=True) == state_files.load_link(tmp_path)


def test_two_damaged_copies_never_prevent_a_start_and_are_known_as_lost(tmp_path, state):
    state_files.save_link(tmp_path, state, planned=False)
    state_files.save_link(tmp_path, state, planned=False)
    for copy in tmp_path.glob("link.*"):
        copy.write_bytes(b"\0" * 40)

    assert state_files.LinkRecord(None, lost=True) == state_files.load_link(tmp_path)
    assert [False, False] == [sound for _, sound in state_files.find_damaged_files(tmp_path)]


class Desk:
    """The keeper's task, its log, and a state that the test changes."""

    def __init__(self, folder, state):
        self.state = state
        self.log = structlog.testing.CapturingLogger()
        self.asked_count = 0
        clock = SiteClock(ClockSetting(rate=1000.0))
        self.task = asyncio.create_task(state_files.run_link_saving(folder, self.present, clock, self.log))

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
    monkeypatch.setattr(state_files, "LINK_PERIOD_FLOOR_S", 0.01)
    folder = tmp_path / "state"
    folder.mkdir()
    running = Desk(folder, state)
    yield running, folder
    running.task.cancel()
    await asyncio.wait([running.task])


async def test_a_change_that_lasts_is_on_disk_and_mere_time_is_not_written(desk):
    keeping, folder = desk
    await keeping.until(
        lambda: facts_of(folder) and not state_file.find_damaged_copies(folder / state_files.LINK_FILE)
    )
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
    fsync = state_file.os.fsync

    def hanging(descriptor):
        if not begun.is_set():
            begun.set()
            slow.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(state_file.os, "fsync", hanging)
    first = asyncio.create_task(asyncio.to_thread(state_files.save_link, tmp_path, state, planned=False))
    await asyncio.to_thread(begun.wait, 60)
    last = asyncio.create_task(asyncio.to_thread(state_files.save_link, tmp_path, state, planned=True))
    await asyncio.wait([last], timeout=0.1)
    slow.set()
    await asyncio.gather(first, last)

    assert facts_of(tmp_path)["planned"] is True


VIRTUAL_TIME = True
DEADLINE_S = 60_000.0  # virtual; only ends a test that has failed
SOON_S = state_files.MEMORY_PERIOD_S / 4  # virtual: well before the regular write

NOON = 1_764_000_000_000


class Rememberer:
    def __init__(self, kept=None):
        self.facts = kept or {}
        self.recalled = []

    def dump_state(self):
        return self.facts

    def recall(self, kept, away_s):
        self.recalled.append((kept, away_s))


class Forgetful:
    pass


def reminded(facts, utc_ms=NOON + 60_000, *, synced=True):
    driver = Rememberer()
    DeviceMemory(facts).restore_driver("linky", driver, utc_ms, synced=synced)
    return driver.recalled


def test_a_driver_is_given_back_what_it_kept_and_told_how_long_ago():
    facts = DeviceMemory().gather([("linky", Rememberer({"x": 1})), ("relay", Forgetful())], NOON)

    assert {"linky": {"kept": {"x": 1}, "utc_ms": NOON}} == facts
    assert [({"x": 1}, 60.0)] == reminded(facts)
    DeviceMemory(facts).restore_driver("linky", Forgetful(), NOON, synced=True)


def test_where_nobody_can_tell_how_long_it_was_long():
    facts = {"linky": {"kept": {"x": 1}, "utc_ms": NOON}}

    assert 86400 < reminded(facts, synced=False)[0][1]
    assert 86400 < reminded(facts, NOON - 1000)[0][1]


@pytest.mark.parametrize(
    "facts", [None, {}, {"linky": 3}, {"linky": {}}, {"linky": {"kept": 1, "utc_ms": "x"}}]
)
def test_facts_that_make_no_sense_are_left(facts):
    assert [] == reminded(facts)


def test_a_device_that_is_away_stays_remembered():
    known = DeviceMemory({"linky": {"kept": {"x": 1}, "utc_ms": NOON}})

    assert {"linky"} == set(known.gather([], NOON + 1))


async def test_what_changed_is_on_disk_and_a_disk_that_refuses_is_said_once(tmp_path):
    log, folder, driver = structlog.testing.CapturingLogger(), tmp_path / "absent", Rememberer({"x": 1})
    clock = make_clock(1000.0)
    keeping = asyncio.create_task(
        state_files.run_memory_saving(folder, DeviceMemory(), lambda: [("linky", driver)], clock, log)
    )
    async with asyncio.timeout(DEADLINE_S):
        while not log.calls:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(1.0)
        folder.mkdir()
        while not state_file.load_facts(folder / state_files.MEMORY_FILE):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(1.0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert ["memory.not_kept"] == [call.args[0] for call in log.calls]
    again = Rememberer()
    state_files.load_device_memory(folder).restore_driver("linky", again, NOON, synced=True)
    assert {"x": 1} == again.recalled[0][0]


def _kept(folder, name):
    return (state_file.load_facts(folder / state_files.MEMORY_FILE) or {}).get(name, {}).get("kept")


async def test_a_contract_that_is_learnt_or_changed_is_on_disk_long_before_the_minute_is_over(tmp_path):
    log, clock = structlog.testing.CapturingLogger(), make_clock(1.0)
    turn, named = Rememberer(), [("linky", Rememberer({"x": 1}))]
    keeping = asyncio.create_task(
        state_files.run_memory_saving(
            tmp_path,
            DeviceMemory(),
            lambda: [("gateway", turn), *named],
            clock,
            log,
            contract=turn.dump_state,
        )
    )
    await asyncio.sleep(0)
    assert not (tmp_path / state_files.MEMORY_FILE).exists()
    for subscribed_va in (9_000.0, 12_000.0):
        turn.facts = {"subscribed_va": {"linky": subscribed_va}}
        async with asyncio.timeout(SOON_S):
            while turn.facts != _kept(tmp_path, "gateway"):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(1.0)
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_an_answer_that_waits_is_said_as_soon_as_what_it_promises_is_on_disk(tmp_path):
    log, clock, turn = structlog.testing.CapturingLogger(), make_clock(1.0), Rememberer()
    found, kept = [], asyncio.Event()

    def say(ack):
        found.append((ack.status, _kept(tmp_path, "gateway")))
        kept.set()

    pending_acks = PendingAcks(say)
    keeping = asyncio.create_task(
        state_files.run_memory_saving(
            tmp_path,
            DeviceMemory(),
            lambda: [("gateway", turn)],
            clock,
            log,
            contract=dict,
            pending_acks=pending_acks,
        )
    )
    await asyncio.sleep(0)
    turn.facts = {"district": {"commands": ["c1"]}}
    pending_acks.answer([Ack("c1", 1, "command", "OK", "ACCEPTED")], clock.now())
    async with asyncio.timeout(SOON_S):
        await kept.wait()
    keeping.cancel()
    await asyncio.wait([keeping])

    assert [("ACCEPTED", turn.facts)] == found


def test_nothing_to_remember_is_no_file(tmp_path):
    state_files.save_device_memory(tmp_path, {})

    assert [] == list(tmp_path.iterdir())
