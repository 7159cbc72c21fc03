from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.store.chunks import Chunk
from quartier.store.history_file.database import CommitJob, Database
from quartier.store.history_file.writer import (
    FileOpened,
    FileSalvaged,
    HistoryWriter,
    JobCommitted,
    JobFailed,
)

NAMES = [("grid", "power_w")]
WAIT_S = 60
OPEN = CommitJob(0, (), 0)


def job(first: int, **more: object) -> CommitJob:
    chunk = Chunk("grid", 7, first, NAMES)
    chunk.append(0, 0, 1.0, 1000)
    return CommitJob(7, NAMES, 1, seals=[chunk], **more)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[HistoryWriter]:
    made = HistoryWriter(Database(tmp_path / "state" / "history.db", 1_000_000))
    made.start()
    yield made
    made.stop(WAIT_S)
    assert not made.is_idle


def give(writer: HistoryWriter, *jobs: CommitJob) -> list[type]:
    for one in jobs:
        writer.submit(one)
        assert writer.wait(WAIT_S)
    kinds = [type(report) for report in writer.reports]
    writer.reports.clear()
    return kinds


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_that_ends_the_thread_is_said_and_a_stop_is_none(tmp_path: Path) -> None:
    made = HistoryWriter(Database(tmp_path / "history.db", 1_000_000))
    before = made.fault
    made.start()
    give(made, OPEN)
    well = made.fault
    made.submit(CommitJob(7, (), 1, begin=True))  # it names one point, and has no name
    made._thread.join(WAIT_S)

    assert ("", "") == (before, well)
    assert made.fault.startswith("the history's writer ended by a bug")
    made.stop(WAIT_S)
    assert "" == made.fault


def test_a_job_is_reported_when_it_is_durable(writer: HistoryWriter, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()

    assert [FileOpened, JobCommitted, JobCommitted] == give(writer, OPEN, job(1), job(2))


def test_an_absent_folder_fails_the_job_and_is_tried_again_with_the_next(
    writer: HistoryWriter, tmp_path: Path
) -> None:
    assert [JobFailed, JobFailed] == give(writer, OPEN, job(1))
    (tmp_path / "state").mkdir()

    assert [JobFailed, FileOpened, JobCommitted] == give(writer, job(1), job(1))


def test_a_condemned_file_is_replaced_and_carried_over(writer: HistoryWriter, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    give(writer, OPEN, job(1), job(2))
    kinds = give(writer, job(3, condemned=True), job(3))
    while FileSalvaged not in kinds:
        kinds += give(writer, job(4))

    assert [JobFailed, FileOpened] == kinds[:2]
    rows = writer._database._require_connection().execute("SELECT first FROM chunk").fetchall()
    assert {1, 2, 3} <= {first for (first,) in rows}


def test_carrying_over_goes_on_after_a_stop_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "history.db"
    database = Database(path, 1_000_000)
    database.open()
    database.commit(CommitJob(7, NAMES, 1, seals=[job(number).seals[0] for number in range(1, 101)]))
    database.close()
    first = HistoryWriter(Database(path, 1_000_000))
    first._database.open()
    first._replace(1_700_000_000_000)
    first._close()
    second = HistoryWriter(Database(path, 1_000_000))
    second.start()
    kinds = give(second, OPEN)
    while FileSalvaged not in kinds:
        kinds += give(second, job(200))
    count = (
        second._database._require_connection()
        .execute("SELECT count(*) FROM chunk WHERE first <= 100")
        .fetchone()[0]
    )
    second.stop(WAIT_S)

    assert 100 == count


def test_only_an_idle_writer_takes_a_job(tmp_path: Path) -> None:
    unstarted = HistoryWriter(Database(tmp_path / "history.db", 1_000_000))
    assert not unstarted.is_idle

    unstarted.submit(OPEN)
    unstarted.start()

    assert unstarted.wait(WAIT_S)
    assert unstarted.is_idle
    unstarted.stop(WAIT_S)
