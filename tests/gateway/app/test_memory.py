"""What devices must know after a restart is on disk, and given back to whoever remembers."""

import asyncio

import pytest
import structlog
from tests.gateway.virtual import make_clock

from quartier.app import memory
from quartier.app.memory import Memory
from quartier.app.pledges import Pledges
from quartier.control.requests import Ack
from quartier.runtime import statefile

VIRTUAL_TIME = True
DEADLINE_S = 60_000.0  # virtual; only ends a test that has failed
SOON_S = memory.PERIOD_S / 4  # virtual: well before the regular write

NOON = 1_764_000_000_000


class Rememberer:
    def __init__(self, kept=None):
        self.facts = kept or {}
        self.recalled = []

    def kept(self):
        return self.facts

    def recall(self, kept, away_s):
        self.recalled.append((kept, away_s))


class Forgetful:
    pass


def reminded(facts, utc_ms=NOON + 60_000, *, synced=True):
    driver = Rememberer()
    Memory(facts).remind("linky", driver, utc_ms, synced=synced)
    return driver.recalled


def test_a_driver_is_given_back_what_it_kept_and_told_how_long_ago():
    facts = Memory().gather([("linky", Rememberer({"x": 1})), ("relay", Forgetful())], NOON)

    assert {"linky": {"kept": {"x": 1}, "utc_ms": NOON}} == facts
    assert [({"x": 1}, 60.0)] == reminded(facts)
    Memory(facts).remind("linky", Forgetful(), NOON, synced=True)


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
    known = Memory({"linky": {"kept": {"x": 1}, "utc_ms": NOON}})

    assert {"linky"} == set(known.gather([], NOON + 1))


async def test_what_changed_is_on_disk_and_a_disk_that_refuses_is_said_once(tmp_path):
    log, folder, driver = structlog.testing.CapturingLogger(), tmp_path / "absent", Rememberer({"x": 1})
    clock = make_clock(1000.0)
    keeping = asyncio.create_task(memory.run(folder, Memory(), lambda: [("linky", driver)], clock, log))
    async with asyncio.timeout(DEADLINE_S):
        while not log.calls:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(1.0)
        folder.mkdir()
        while not statefile.load(folder / memory.FILE):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(1.0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert ["memory.not_kept"] == [call.args[0] for call in log.calls]
    again = Rememberer()
    memory.recalled(folder).remind("linky", again, NOON, synced=True)
    assert {"x": 1} == again.recalled[0][0]


def _kept(folder, name):
    return (statefile.load(folder / memory.FILE) or {}).get(name, {}).get("kept")


async def test_a_contract_that_is_learnt_or_changed_is_on_disk_long_before_the_minute_is_over(tmp_path):
    log, clock = structlog.testing.CapturingLogger(), make_clock(1.0)
    turn, named = Rememberer(), [("linky", Rememberer({"x": 1}))]
    keeping = asyncio.create_task(
        memory.run(tmp_path, Memory(), lambda: [("gateway", turn), *named], clock, log, turn.kept)
    )
    await asyncio.sleep(0)
    assert not (tmp_path / memory.FILE).exists()
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

    pledges = Pledges(say)
    keeping = asyncio.create_task(
        memory.run(tmp_path, Memory(), lambda: [("gateway", turn)], clock, log, dict, pledges)
    )
    await asyncio.sleep(0)
    turn.facts = {"district": {"commands": ["c1"]}}
    pledges.answer([Ack("c1", 1, "command", "OK", "ACCEPTED")], clock.now())
    async with asyncio.timeout(SOON_S):
        await kept.wait()
    keeping.cancel()
    await asyncio.wait([keeping])

    assert [("ACCEPTED", turn.facts)] == found


def test_nothing_to_remember_is_no_file(tmp_path):
    memory.keep(tmp_path, {})

    assert [] == list(tmp_path.iterdir())
