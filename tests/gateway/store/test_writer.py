from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.store.chunks import Chunk
from quartier.store.database import Database, Job
from quartier.store.writer import Committed, Failed, Opened, Salvaged, Writer

NAMES = [("grid", "power_w")]
WAIT_S = 60
OPEN = Job(0, (), 0)


def job(first: int, **more: object) -> Job:
    chunk = Chunk("grid", 7, first, NAMES)
    chunk.append(0, 0, 1.0, 1000)
    return Job(7, NAMES, 1, seals=[chunk], **more)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(Database(tmp_path / "state" / "history.db", 1_000_000))
    made.start()
    yield made
    made.stop(WAIT_S)
    assert not made.is_idle


def give(writer: Writer, *jobs: Job) -> list[type]:
    for one in jobs:
        writer.submit(one)
        assert writer.wait(WAIT_S)
    kinds = [type(report) for report in writer.reports]
    writer.reports.clear()
    return kinds


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_that_ends_the_thread_is_said_and_a_stop_is_none(tmp_path: Path) -> None:
    made = Writer(Database(tmp_path / "history.db", 1_000_000))
    before = made.fault
    made.start()
    give(made, OPEN)
    well = made.fault
    made.submit(Job(7, (), 1, begin=True))  # it names one point, and has no name
    made._thread.join(WAIT_S)

    assert ("", "") == (before, well)
    assert made.fault.startswith("the history's writer ended by a bug")
    made.stop(WAIT_S)
    assert "" == made.fault


def test_a_job_is_reported_when_it_is_durable(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()

    assert [Opened, Committed, Committed] == give(writer, OPEN, job(1), job(2))


def test_an_absent_folder_fails_the_job_and_is_tried_again_with_the_next(
    writer: Writer, tmp_path: Path
) -> None:
    assert [Failed, Failed] == give(writer, OPEN, job(1))
    (tmp_path / "state").mkdir()

    assert [Failed, Opened, Committed] == give(writer, job(1), job(1))


def test_a_condemned_file_is_replaced_and_carried_over(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    give(writer, OPEN, job(1), job(2))
    kinds = give(writer, job(3, condemned=True), job(3))
    while Salvaged not in kinds:
        kinds += give(writer, job(4))

    assert [Failed, Opened] == kinds[:2]
    rows = writer._database._connected().execute("SELECT first FROM chunk").fetchall()
    assert {1, 2, 3} <= {first for (first,) in rows}


def test_carrying_over_goes_on_after_a_stop_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "history.db"
    database = Database(path, 1_000_000)
    database.open()
    database.commit(Job(7, NAMES, 1, seals=[job(number).seals[0] for number in range(1, 101)]))
    database.close()
    first = Writer(Database(path, 1_000_000))
    first._database.open()
    first._replace(1_700_000_000_000)
    first._close()
    second = Writer(Database(path, 1_000_000))
    second.start()
    kinds = give(second, OPEN)
    while Salvaged not in kinds:
        kinds += give(second, job(200))
    count = (
        second._database._connected().execute("SELECT count(*) FROM chunk WHERE first <= 100").fetchone()[0]
    )
    second.stop(WAIT_S)

    assert 100 == count


def test_only_an_idle_writer_takes_a_job(tmp_path: Path) -> None:
    unstarted = Writer(Database(tmp_path / "history.db", 1_000_000))
    assert not unstarted.is_idle

    unstarted.submit(OPEN)
    unstarted.start()

    assert unstarted.wait(WAIT_S)
    assert unstarted.is_idle
    unstarted.stop(WAIT_S)
