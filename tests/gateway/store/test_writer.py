from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.store.chunks import Chunk
from quartier.store.database import Database, Job
from quartier.store.writer import Committed, Failed, Opened, Salvaged, Writer

NAMES = [("grid", "power_w")]
WAIT_S = 10
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
    assert not made.is_alive


def give(writer: Writer, *jobs: Job) -> list[type]:
    for one in jobs:
        writer.submit(one)
        assert writer.wait(WAIT_S)
    kinds = [type(report) for report in writer.reports]
    writer.reports.clear()
    return kinds


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


def test_only_an_idle_writer_takes_a_job(tmp_path: Path) -> None:
    unstarted = Writer(Database(tmp_path / "history.db", 1_000_000))
    assert not unstarted.is_idle

    unstarted.submit(OPEN)
    unstarted.start()

    assert unstarted.wait(WAIT_S)
    assert unstarted.is_idle
    unstarted.stop(WAIT_S)
