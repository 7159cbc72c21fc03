import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.house.sample import Mark
from quartier.store.chunks import Chunk
from quartier.store.database import Database, Job
from quartier.store.outbox import DAMAGED_MAX, Outbox, above
from quartier.store.shelf import Shelf

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
    database.commit(Job(7, NAMES, 2, seals=[*seals, chunk_of("bat1", 1, 3)]))
    database.close()
    return tmp_path / "history.db"


@pytest.fixture
def shelf(path: Path) -> Iterator[Shelf]:
    made = Shelf(path)
    yield made
    made.close()


HEADS = {"grid": Mark(7, 44)}


def test_a_stream_is_read_from_file_and_memory_in_its_sequence(shelf: Shelf) -> None:
    memory = {"grid": [chunk_of("grid", 39, 2), chunk_of("grid", 41, 4)]}
    found = Outbox(shelf).read({"grid": Mark(6, 38)}, HEADS, memory, 1000)

    assert [(6, 39), (6, 40), *((7, seq) for seq in range(1, 45))] == [(row.boot, row.seq) for row in found]


def test_small_chunks_without_end_leave_no_hole_before_memory(shelf: Shelf) -> None:
    found = Outbox(shelf).read({}, HEADS, {"grid": [chunk_of("grid", 41, 4)]}, 1000)

    assert 84 == len(found)
    assert [5, 6, 7] == [row.seq for row in Outbox(shelf).read({"grid": Mark(6, 4)}, HEADS, {}, 3)]


def test_live_data_reads_no_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "absent.db")
    outbox = Outbox(shelf)
    found = outbox.read({"grid": Mark(7, 42)}, HEADS, {"grid": [chunk_of("grid", 41, 4)]}, 10)

    assert [43, 44] == [row.seq for row in found]
    assert shelf._connection is None


def test_streams_are_merged_by_age(shelf: Shelf) -> None:
    found = Outbox(shelf).read({"grid": Mark(7, 0)}, {**HEADS, "bat1": Mark(7, 3)}, {}, 5)

    assert [7001, 7001, 7002, 7002, 7003] == [row.taken_utc_ms for row in found]


def test_a_damaged_chunk_is_left_out_and_what_follows_is_offered(path: Path, shelf: Shelf) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(60) WHERE boot = 6 AND first = 3")
    connection.close()

    assert [1, 2, 5, 6] == [row.seq for row in Outbox(shelf).read({}, HEADS, {}, 4)]
    assert [("damaged", 3, 4)] == [(gap.why, gap.first, gap.last) for _, gap in shelf.damaged]


def test_damage_without_end_is_passed_over_a_little_at_a_time(path: Path, shelf: Shelf) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(60) WHERE stream = 'grid'")
    connection.close()
    memory = {"grid": [chunk_of("grid", 41, 4)]}

    assert [] == Outbox(shelf).read({}, HEADS, memory, 10)
    assert DAMAGED_MAX + 1 == len(shelf.damaged)


def test_a_file_that_cannot_be_read_is_condemned_and_nothing_newer_overtakes(
    path: Path, shelf: Shelf
) -> None:
    path.write_bytes(b"rubbish" * 1000)

    assert [] == Outbox(shelf).read({}, HEADS, {"grid": [chunk_of("grid", 41, 4)]}, 10)
    assert shelf.condemned


def test_while_a_damaged_file_is_carried_over_nothing_newer_overtakes(shelf: Shelf) -> None:
    outbox = Outbox(shelf)
    outbox.is_partial = True
    memory = {"grid": [chunk_of("grid", 41, 4)]}

    assert [] == outbox.read({"grid": Mark(7, 10)}, HEADS, memory, 10)
    assert [43, 44] == [row.seq for row in outbox.read({"grid": Mark(7, 42)}, HEADS, memory, 10)]


def test_above_compares_boots_first() -> None:
    assert [True, False, False, True] == [
        above(Mark(7, 5), boot, seq) for boot, seq in ((7, 6), (7, 5), (6, 9), (8, 0))
    ]
