import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.history_file.chunk_reader import ChunkReader
from quartier.store.history_file.database import CommitJob, Database

NAMES = [("grid", "power_w")]


def chunk_of(first: int, count: int = 5, boot: int = 7) -> Chunk:
    chunk = Chunk("grid", boot, first, NAMES)
    for index in range(count):
        chunk.append(0, 0, float(first + index), 1000 + index)
    return chunk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = Database(tmp_path / "history.db", 1_000_000)
    database.open()
    database.commit(
        CommitJob(7, NAMES, 1, seals=[chunk_of(1, boot=6), chunk_of(1), chunk_of(6), chunk_of(11)])
    )
    database.close()
    return tmp_path / "history.db"


@pytest.fixture
def chunk_reader(path: Path) -> Iterator[ChunkReader]:
    made = ChunkReader(path)
    yield made
    made.close()


def settled(chunk_reader: ChunkReader) -> None:
    """Lets the reader finish all it was asked for."""
    if chunk_reader._thread is not None:
        chunk_reader._requests.put(None)
        chunk_reader._thread.join()
        chunk_reader._thread = None


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (StreamPosition(0, 0), (6, 1)),
        (StreamPosition(6, 4), (6, 1)),
        (StreamPosition(6, 5), (7, 1)),
        (StreamPosition(7, 0), (7, 1)),
        (StreamPosition(7, 5), (7, 6)),
        (StreamPosition(7, 14), (7, 11)),
        (StreamPosition(7, 15), None),
        (StreamPosition(2**64 - 1, 2**64 - 1), None),
    ],
)
def test_the_chunk_that_holds_the_next_sample_is_given(
    chunk_reader: ChunkReader, mark: StreamPosition, expected: tuple[int, int] | None
) -> None:
    entry = chunk_reader.after("grid", mark)

    assert expected == (entry and (entry.boot, entry.first))


def test_what_is_held_or_fetched_ahead_costs_no_read(chunk_reader: ChunkReader) -> None:
    chunk_reader.after("grid", StreamPosition(7, 0))
    settled(chunk_reader)
    chunk_reader._read_now = None  # type: ignore[assignment]  # a read would fail

    assert [1, 1, 6] == [
        chunk_reader.after("grid", mark).first
        for mark in (StreamPosition(7, 0), StreamPosition(7, 3), StreamPosition(7, 5))
    ]


def test_a_chunk_under_another_key_than_its_own_is_damaged(path: Path, chunk_reader: ChunkReader) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET first = 16 WHERE first = 11")
    connection.close()
    entry = chunk_reader.after("grid", StreamPosition(7, 10))

    assert entry is not None
    assert entry.chunk is None
    assert [("damaged", "grid", 7, 16, 20)] == [
        (gap.why, gap.stream, gap.boot, gap.first, gap.last) for _, gap in chunk_reader.damaged
    ]


def test_a_chunk_evicted_after_its_key_was_read_is_no_damage(path: Path, chunk_reader: ChunkReader) -> None:
    chunk_reader.after("grid", StreamPosition(0, 0))
    settled(chunk_reader)

    def evict(statement: str) -> None:
        """Delete the next chunk between two statements of a reader, if it needs two."""
        if statements:
            with sqlite3.connect(path) as connection:
                connection.execute("DELETE FROM chunk WHERE first = 11")
            connection.close()
        statements.append(statement)

    statements: list[str] = []
    assert chunk_reader._connection is not None
    chunk_reader._connection.set_trace_callback(evict)
    entry = chunk_reader.after("grid", StreamPosition(7, 10))

    assert entry is not None
    assert [] == list(chunk_reader.damaged)


def test_a_replaced_file_is_read_anew(path: Path, chunk_reader: ChunkReader) -> None:
    chunk_reader.after("grid", StreamPosition(7, 0))
    settled(chunk_reader)
    path.unlink()
    database = Database(path, 1_000_000)
    database.open()
    database.commit(CommitJob(9, NAMES, 1, seals=[chunk_of(1, boot=9)]))
    database.close()
    chunk_reader.forget()

    assert 9 == chunk_reader.after("grid", StreamPosition(7, 0)).boot


def test_an_absent_file_is_no_damage(tmp_path: Path) -> None:
    chunk_reader = ChunkReader(tmp_path / "absent.db")

    assert chunk_reader.after("grid", StreamPosition(0, 0)) is None
    assert (False, False) == (chunk_reader.condemned, chunk_reader.is_hidden)


def test_a_file_that_cannot_be_read_just_now_is_hidden_until_it_can(
    path: Path, chunk_reader: ChunkReader
) -> None:
    with sqlite3.connect(path) as locker:
        locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        assert chunk_reader.after("grid", StreamPosition(0, 0)) is None
        assert (False, True) == (chunk_reader.condemned, chunk_reader.is_hidden)
        locker.execute("COMMIT")
    locker.close()

    assert (6, 1) == ((entry := chunk_reader.after("grid", StreamPosition(0, 0))).boot, entry.first)
    assert not chunk_reader.is_hidden
