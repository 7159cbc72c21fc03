import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.site.samples import Sample, StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.history_file.chunk_reader import ChunkReader
from quartier.store.history_file.database import CommitJob, Database
from quartier.store.outbox import DAMAGED_CHUNKS_COUNT_MAX, Outbox, is_above

NAMES = [("grid", "power_w"), ("bat1", "power_w")]


def chunk_of(stream: str, first: int, count: int, boot: int = 7) -> Chunk:
    chunk = Chunk(stream, boot, first, NAMES)
    for index in range(count):
        chunk.append(
            [name for name, _ in NAMES].index(stream), 0, float(first + index), 1000 * boot + first + index
        )
    return chunk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with 40 small chunks of two boots of ``grid`` and one of ``bat1``."""
    database = Database(tmp_path / "history.db", 1_000_000)
    database.open()
    seals = [chunk_of("grid", 1 + 2 * number, 2, boot) for boot in (6, 7) for number in range(20)]
    database.commit(CommitJob(7, NAMES, 2, seals=[*seals, chunk_of("bat1", 1, 3)]))
    database.close()
    return tmp_path / "history.db"


@pytest.fixture
def chunk_reader(path: Path) -> Iterator[ChunkReader]:
    made = ChunkReader(path)
    yield made
    made.close()


HEADS = {"grid": StreamPosition(7, 44)}


def read(
    chunk_reader: ChunkReader | Outbox,
    marks: dict[str, StreamPosition],
    memory: dict[str, list[Chunk]],
    limit: int,
    heads: dict[str, StreamPosition] = HEADS,
) -> list[Sample]:
    outbox = chunk_reader if isinstance(chunk_reader, Outbox) else Outbox(chunk_reader)
    return [sample for run in outbox.runs(marks, heads, memory, limit) for sample in run.rows()]


def test_a_stream_is_read_from_file_and_memory_in_its_sequence(chunk_reader: ChunkReader) -> None:
    memory = {"grid": [chunk_of("grid", 39, 2), chunk_of("grid", 41, 4)]}
    found = read(chunk_reader, {"grid": StreamPosition(6, 38)}, memory, 1000)

    assert [(6, 39), (6, 40), *((7, seq) for seq in range(1, 45))] == [(row.boot, row.seq) for row in found]


def test_small_chunks_without_end_leave_no_hole_before_memory(chunk_reader: ChunkReader) -> None:
    found = read(chunk_reader, {}, {"grid": [chunk_of("grid", 41, 4)]}, 1000)

    assert 84 == len(found)
    assert [5, 6, 7] == [row.seq for row in read(chunk_reader, {"grid": StreamPosition(6, 4)}, {}, 3)]


def test_live_data_reads_no_file(tmp_path: Path) -> None:
    chunk_reader = ChunkReader(tmp_path / "absent.db")
    found = read(chunk_reader, {"grid": StreamPosition(7, 42)}, {"grid": [chunk_of("grid", 41, 4)]}, 10)

    assert [43, 44] == [row.seq for row in found]
    assert chunk_reader._connection is None


def test_where_not_all_fit_each_stream_gets_its_share_oldest_wait_first(chunk_reader: ChunkReader) -> None:
    found = read(chunk_reader, {"grid": StreamPosition(7, 0)}, {}, 5, {**HEADS, "bat1": StreamPosition(7, 3)})
    assert [("bat1", 1), ("bat1", 2), ("bat1", 3), ("grid", 1), ("grid", 2)] == [
        (row.stream, row.seq) for row in found
    ]


def test_what_a_stream_leaves_of_its_share_goes_to_the_others(chunk_reader: ChunkReader) -> None:
    found = read(
        chunk_reader,
        {"grid": StreamPosition(7, 0), "bat1": StreamPosition(7, 2)},
        {},
        8,
        {**HEADS, "bat1": StreamPosition(7, 3)},
    )
    assert [("grid", 7), ("bat1", 1)] == list(Counter(row.stream for row in found).items())
    assert [*range(1, 8)] == [row.seq for row in found if row.stream == "grid"]
    found = read(
        chunk_reader,
        {"grid": StreamPosition(7, 4), "bat1": StreamPosition(7, 0)},
        {},
        8,
        {**HEADS, "bat1": StreamPosition(7, 3)},
    )
    assert [("bat1", 3), ("grid", 5)] == list(Counter(row.stream for row in found).items())


@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=9), limit=st.integers(1, 300))
def test_fewer_than_the_limit_are_offered_only_where_there_are_no_more(counts: list[int], limit: int) -> None:
    memory = {f"load{at}": [Chunk(f"load{at}", 7, 1, NAMES)] for at in range(len(counts))}
    for (chunk,), count in zip(memory.values(), counts, strict=True):
        for at in range(count):
            chunk.append(0, 0, float(at), 1000 + at)
    marks: dict[str, StreamPosition] = {}
    runs = Outbox(ChunkReader(Path("absent.db"))).runs(marks, {}, memory, limit)

    assert min(limit, sum(counts)) == sum(map(len, runs))
    for run in runs:
        assert marks.get(run.stream, StreamPosition(7, 0)).seq + 1 == run.first, "each stream in its sequence"
        marks[run.stream] = StreamPosition(7, run.last)


def test_runs_go_on_across_chunks_with_their_own_names_and_end_with_a_boot(chunk_reader: ChunkReader) -> None:
    runs = Outbox(chunk_reader).runs(
        {"grid": StreamPosition(6, 37)}, HEADS, {"grid": [chunk_of("grid", 41, 4)]}, 1000
    )

    assert [(6, 38, 40), (7, 1, 44)] == [(run.boot, run.first, run.last) for run in runs]
    assert {"power_w"} == {row.metric for run in runs for row in run.rows()}


def test_one_stream_alone_is_read_up_to_a_hole(chunk_reader: ChunkReader) -> None:
    outbox = Outbox(chunk_reader)
    memory = [chunk_of("grid", 41, 4), chunk_of("grid", 47, 4)]

    run = outbox.run("grid", StreamPosition(7, 38), HEADS["grid"], memory, 100)
    assert run is not None
    assert (39, 44) == (run.first, run.last)
    assert outbox.run("grid", StreamPosition(7, 50), HEADS["grid"], memory, 100) is None
    assert outbox.run("ev1", StreamPosition(0, 0), None, (), 100) is None


def test_a_damaged_chunk_is_left_out_and_what_follows_is_offered(
    path: Path, chunk_reader: ChunkReader
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(60) WHERE boot = 6 AND first = 3")
    connection.close()

    assert [1, 2, 5, 6] == [row.seq for row in read(chunk_reader, {}, {}, 4)]
    assert [("damaged", 3, 4)] == [(gap.why, gap.first, gap.last) for _, gap in chunk_reader.damaged]


def test_damage_without_end_is_passed_over_a_little_at_a_time(path: Path, chunk_reader: ChunkReader) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(60) WHERE stream = 'grid'")
    connection.close()
    memory = {"grid": [chunk_of("grid", 41, 4)]}

    assert [] == read(chunk_reader, {}, memory, 10)
    assert DAMAGED_CHUNKS_COUNT_MAX + 1 == len(chunk_reader.damaged)


def test_a_file_that_cannot_be_read_is_condemned_and_nothing_newer_overtakes(
    path: Path, chunk_reader: ChunkReader
) -> None:
    path.write_bytes(b"rubbish" * 1000)

    assert [] == read(chunk_reader, {}, {"grid": [chunk_of("grid", 41, 4)]}, 10)
    assert chunk_reader.condemned


def test_while_the_file_cannot_be_read_nothing_newer_overtakes(path: Path, chunk_reader: ChunkReader) -> None:
    memory = {"grid": [chunk_of("grid", 41, 4)]}
    with sqlite3.connect(path) as locker:
        locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        assert [] == read(chunk_reader, {"grid": StreamPosition(6, 38)}, memory, 10)
        assert [43, 44] == [
            row.seq for row in read(chunk_reader, {"grid": StreamPosition(7, 42)}, memory, 10)
        ]
        locker.execute("COMMIT")
    locker.close()

    assert [39, 40, 1] == [row.seq for row in read(chunk_reader, {"grid": StreamPosition(6, 38)}, memory, 3)]


def test_while_a_damaged_file_is_carried_over_nothing_newer_overtakes(chunk_reader: ChunkReader) -> None:
    outbox = Outbox(chunk_reader)
    outbox.is_partial = True
    memory = {"grid": [chunk_of("grid", 41, 4)]}

    assert [] == read(outbox, {"grid": StreamPosition(7, 10)}, memory, 10)
    assert [43, 44] == [row.seq for row in read(outbox, {"grid": StreamPosition(7, 42)}, memory, 10)]


def test_above_compares_boots_first() -> None:
    assert [True, False, False, True] == [
        is_above(StreamPosition(7, 5), boot, seq) for boot, seq in ((7, 6), (7, 5), (6, 9), (8, 0))
    ]
