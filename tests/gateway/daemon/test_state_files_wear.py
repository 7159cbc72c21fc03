"""The counts of writes on disk: it survives, and a disk that refuses is said once."""

import asyncio

import structlog
from tests.gateway.virtual import make_clock

from quartier.daemon import state_files
from quartier.runtime import state_file
from quartier.runtime.bus.write_budget import WriteCounts

VIRTUAL_TIME = True
DEADLINE_S = 60_000.0  # virtual; only ends a test that has failed

NOON = 1_764_000_000_000


def test_without_a_file_nothing_was_written(tmp_path):
    assert 0 == state_files.load_write_counts(tmp_path).total("ev1.current_max_a")


def test_what_was_kept_comes_back(tmp_path):
    counts = WriteCounts()
    counts.add("ev1.current_max_a", NOON)
    state_files.save_write_counts(tmp_path, counts)

    assert 1 == state_files.load_write_counts(tmp_path).total("ev1.current_max_a")


def test_a_file_that_makes_no_sense_never_prevents_a_start(tmp_path):
    state_file.save_facts(tmp_path / state_files.WRITES_FILE, {"day": 1, "today": [], "total": {"x": "many"}})

    assert 0 == state_files.load_write_counts(tmp_path).total("x")


async def test_each_change_is_on_disk_soon_and_a_disk_that_refuses_is_said_once(tmp_path):
    log = structlog.testing.CapturingLogger()
    counts, folder = WriteCounts(), tmp_path / "absent"
    keeping = asyncio.create_task(state_files.run_write_count_saving(folder, counts, make_clock(1000.0), log))
    counts.add("ev1.current_max_a", NOON)
    async with asyncio.timeout(DEADLINE_S):
        while not log.calls:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(1.0)
        folder.mkdir()
        while not state_file.load_facts(folder / state_files.WRITES_FILE):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(1.0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert ["writes.not_kept"] == [call.args[0] for call in log.calls]
    assert 1 == state_files.load_write_counts(folder).total("ev1.current_max_a")
