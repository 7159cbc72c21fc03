import sqlite3
from contextlib import closing
from pathlib import Path

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.gap_records import GapRecord
from quartier.store.history_file.contents import FileContents
from quartier.store.history_file.database import CommitJob, Database
from quartier.store.history_file.salvage import Salvage, read_damaged_file, set_aside

NAMES = [("grid", "power_w")]
UTC_MS = 1_700_000_000_000


def chunk_of(first: int, count: int = 10) -> Chunk:
    chunk = Chunk("grid", 7, first, NAMES)
    for index in range(count):
        chunk.append(0, 0, float(first + index), 1000 + first + index)
    return chunk


def file_of(folder: Path) -> Path:
    """40 sealed chunks, one tail, a mark and a gap record."""
    database = Database(folder / "history.db", 1_000_000)
    database.open()
    seals = [chunk_of(1 + 10 * number) for number in range(40)]
    gap = GapRecord("evicted", "grid", 6, 1, 5, 0, 10)
    tail = [(chunk_of(401, 3), 0, 3)]
    database.commit(
        CommitJob(7, NAMES, 1, parts=tail, seals=seals, marks={"grid": StreamPosition(7, 15)}, gaps=[gap])
    )
    database.close()
    return folder / "history.db"


def carried(folder: Path, aside: Path) -> tuple[Database, list[GapRecord]]:
    database = Database(folder / "new.db", 1_000_000)
    database.open()
    salvage = Salvage(aside)
    while salvage.step(database, 7):
        pass
    return database, salvage.lost


def firsts(database: Database) -> list[int]:
    return [
        first for (first,) in database._require_connection().execute("SELECT first FROM chunk ORDER BY first")
    ]


def test_a_file_is_set_aside_under_a_name_with_the_time_and_only_two_are_kept(tmp_path: Path) -> None:
    for number in range(3):
        file_of(tmp_path)
        set_aside(tmp_path / "history.db", UTC_MS + 1000 * number)

    assert ["history.db.damaged-20231114T221321Z", "history.db.damaged-20231114T221322Z"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_two_damages_in_one_second_overwrite_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        file_of(tmp_path)
        set_aside(tmp_path / "history.db", UTC_MS)

    assert 2 == len(list(tmp_path.iterdir()))


def test_a_whole_file_is_carried_over_whole(tmp_path: Path) -> None:
    aside = set_aside(file_of(tmp_path), UTC_MS)
    loaded = read_damaged_file(aside)
    database, lost = carried(tmp_path, aside)

    assert (7, {"grid": StreamPosition(7, 15)}, [401, 402, 403]) == (
        loaded.boot,
        loaded.marks,
        [row.value for piece in loaded.pieces for row in piece.rows()],
    )
    assert list(range(1, 401, 10)) == firsts(database)
    assert [] == lost
    database.close()


def test_a_chunk_that_was_altered_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(50) WHERE first = 21")
        connection.execute("UPDATE chunk SET first = 9999 WHERE first = 31")
    connection.close()
    database, lost = carried(tmp_path, path)

    assert [first for first in range(1, 401, 10) if first != 21] == firsts(database)
    assert [("damaged", "grid", 7, 21, 30, 1021, 1030)] == [
        (gap.why, gap.stream, gap.boot, gap.first, gap.last, gap.from_utc_ms, gap.to_utc_ms) for gap in lost
    ]
    database.close()


def test_with_only_the_chunks_left_the_heads_come_from_them(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.executescript("DROP TABLE meta; DROP TABLE mark; DROP TABLE tail; DROP TABLE gap;")
    connection.close()
    loaded = read_damaged_file(path)
    assert FileContents() == loaded

    with closing(Salvage(path)) as salvage:
        salvage.add_keys(loaded)

    assert ({"grid": StreamPosition(7, 400)}, {(7, "grid"): 400}) == (loaded.heads, loaded.sealed)


def test_of_rubbish_nothing_is_left_and_that_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_bytes(b"rubbish" * 1000)

    assert FileContents() == read_damaged_file(tmp_path / "rubbish")
    database, lost = carried(tmp_path, tmp_path / "rubbish")
    assert ([], []) == (firsts(database), lost)
    database.close()


def test_gap_records_of_the_file_set_aside_are_read(tmp_path: Path) -> None:
    with closing(Salvage(file_of(tmp_path))) as salvage:
        assert [GapRecord("evicted", "grid", 6, 1, 5, 0, 10)] == salvage.old_gaps
