import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.gap_records import GapRecord
from quartier.store.history_file.contents import (
    add_checksum,
    find_holes,
    is_damage,
    read_gaps,
    read_marks,
    read_tail_pieces,
    read_tails,
    verify_value,
)
from quartier.store.history_file.database import CommitJob, Database

NAMES = [("grid", "power_w"), ("bat1", "power_w")]


def chunk_of(stream: str, first: int, count: int) -> Chunk:
    chunk = Chunk(stream, 7, first, NAMES)
    for index in range(count):
        chunk.append([name for name, _ in NAMES].index(stream), 0, float(index), first + index)
    return chunk


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = Database(tmp_path / "history.db", 1_000_000)
    database.open()
    one, other = chunk_of("grid", 1, 3), chunk_of("bat1", 1, 2)
    database.commit(
        CommitJob(7, NAMES, 2, parts=[(one, 0, 3), (other, 0, 2)], marks={"grid": StreamPosition(7, 2)})
    )
    yield database._require_connection()
    database.close()


def test_a_value_whose_checksum_does_not_hold_is_not_believed() -> None:
    text, crc = add_checksum("grid", [7, 2])

    assert [7, 2] == verify_value("grid", text, crc)
    assert [None] * 4 == [
        verify_value(key, value, check)
        for key, value, check in (
            ("bat1", text, crc),
            ("grid", "[7, 3]", crc),
            ("grid", text, crc + 1),
            ("grid", None, crc),
        )
    ]


def test_an_altered_mark_is_left_out_so_that_samples_go_again(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE mark SET value = '[7, 3]'")

    assert [] == list(read_marks(connection))


def test_a_damaged_tail_is_left_out_and_covers_nothing(connection: sqlite3.Connection) -> None:
    assert [{(7, "grid"): 3, (7, "bat1"): 2}] == [lasts for _, lasts in read_tails(connection)]
    connection.execute("UPDATE tail SET body = zeroblob(100)")

    assert [] == list(read_tail_pieces(connection))
    assert [{}] == [lasts for _, lasts in read_tails(connection)]


def test_a_name_that_was_altered_costs_its_samples_not_those_of_others(
    connection: sqlite3.Connection,
) -> None:
    connection.execute('UPDATE point SET value = \'["grid", "voltage_v"]\' WHERE id = 0')

    assert ["bat1", "bat1"] == [row.stream for piece in read_tail_pieces(connection) for row in piece.rows()]


def test_holes_between_chunks_are_found_unless_a_gap_record_names_them(
    connection: sqlite3.Connection,
) -> None:
    for number, (first, count) in enumerate(((1, 10), (11, 5), (20, 5), (30, 1))):
        connection.execute(
            "INSERT INTO chunk VALUES (?, 'grid', 7, ?, ?, ?, ?, x'')",
            (number, first, count, first, first + count),
        )
    known = GapRecord("evicted", "grid", 7, 16, 19, 0, 0)
    connection.execute("INSERT INTO gap (value, crc) VALUES (?, ?)", add_checksum("gap", known.data()))

    assert [known] == read_gaps(connection)
    assert [GapRecord("damaged", "grid", 7, 25, 29, 25, 30)] == find_holes(connection, 8)
    assert [] == find_holes(connection, 7)


def test_damage_is_told_from_trouble_with_the_disk(tmp_path: Path) -> None:
    (tmp_path / "rubbish.db").write_bytes(b"x" * 5000)
    with sqlite3.connect(tmp_path / "rubbish.db") as rubbish, pytest.raises(sqlite3.DatabaseError) as damage:
        rubbish.execute("SELECT * FROM sqlite_master")
    rubbish.close()
    with pytest.raises(sqlite3.OperationalError) as trouble:
        sqlite3.connect(tmp_path / "absent" / "history.db")

    assert (True, False) == (is_damage(damage.value), is_damage(trouble.value))
