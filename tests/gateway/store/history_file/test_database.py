import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.gap_records import GapRecord
from quartier.store.history_file import commit_log
from quartier.store.history_file.commit_log import list_log_files
from quartier.store.history_file.database import CommitJob, Database
from quartier.store.recovery import recover_history

NAMES = [("grid", "power_w"), ("bat1", "power_w")]
GAP = GapRecord("evicted", "grid", 7, 1, 2, 10, 20)
LOST = GapRecord("damaged", "grid", 7, 5, 8, 10, 20)


def chunk_of(*values: float, stream: str = "grid", first: int = 1, boot: int = 7) -> Chunk:
    chunk = Chunk(stream, boot, first, NAMES)
    for value in values:
        chunk.append([name for name, _ in NAMES].index(stream), 0, value, 1000 + int(value))
    return chunk


def tail_job(*chunks: Chunk, **more: object) -> CommitJob:
    return CommitJob(7, NAMES, 2, parts=[(chunk, 0, len(chunk)) for chunk in chunks], **more)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "history.db", 1_000_000)
    made.open()
    yield made
    made.close()


def count(database: Database, table: str) -> int:
    with sqlite3.connect(database.path) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return found


def test_a_commit_waits_for_the_disk_and_writes_ahead(database: Database) -> None:
    assert ("wal", 2) == tuple(
        database._require_connection().execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    )


def test_a_commit_of_all_streams_is_one_row(database: Database) -> None:
    database.commit(tail_job(chunk_of(1, 2, 3), chunk_of(4, stream="bat1")))

    assert 1 == count(database, "tail")
    assert [1, 2, 3, 4] == [row.value for piece in database.open().pieces for row in piece.rows()]


def test_a_commit_of_200_points_writes_less_than_half_of_what_rows_write(
    database: Database, tmp_path: Path
) -> None:
    names = [(f"a{number // 10}", f"x{number % 10}_w") for number in range(200)]
    chunks = []
    for asset in range(20):
        chunk = Chunk(f"a{asset}", 7, 1, names)
        for number in range(10):
            chunk.append(
                10 * asset + number, 0, (asset * 7919 + number * 104729) % 50000 / 10, 1_700_000_000_000
            )
        chunks.append(chunk)
    database.commit(CommitJob(7, names, 200))
    rows = sqlite3.connect(tmp_path / "rows.db", isolation_level=None)
    rows.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE row (point, time, value);"
    )
    before, before_rows = written(database.path), written(tmp_path / "rows.db")
    database.commit(CommitJob(7, names, 200, parts=[(chunk, 0, 10) for chunk in chunks]))
    rows.execute("BEGIN")
    for chunk in chunks:
        rows.executemany(
            "INSERT INTO row VALUES (?, ?, ?)", zip(chunk.points, chunk.times, chunk.values, strict=True)
        )
    rows.execute("COMMIT")

    assert 0.5 > (written(database.path) - before) / (written(tmp_path / "rows.db") - before_rows)
    rows.close()


def written(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def test_sealing_drops_the_tails_that_it_covers_and_only_those(database: Database) -> None:
    grid, battery = chunk_of(1, 2, 3), chunk_of(4, 5, stream="bat1")
    database.commit(tail_job(grid, battery))
    database.commit(CommitJob(7, NAMES, 2, seals=[grid]))
    assert 1 == count(database, "tail")

    database.commit(CommitJob(7, NAMES, 2, seals=[battery]))

    assert (0, 2) == (count(database, "tail"), count(database, "chunk"))
    assert {(7, "grid"): 3, (7, "bat1"): 2} == {**database.open().sealed}


def test_a_commit_that_has_samples_alone_to_say_is_a_frame_beside_the_file(database: Database) -> None:
    database.commit(tail_job(chunk_of(1)))
    database.commit(tail_job(chunk_of(2, first=2), chunk_of(4, stream="bat1")))

    assert (1, [1]) == (count(database, "tail"), [number for number, _ in list_log_files(database.path)])
    assert [1, 2, 4] == sorted(row.value for piece in database.open().pieces for row in piece.rows())


def test_a_file_of_the_tail_goes_when_all_in_it_is_sealed(database: Database) -> None:
    grid, battery = chunk_of(1, 2, 3), chunk_of(4, 5, stream="bat1")
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(grid, battery))
    database.open()  # what is added to is kept
    database.commit(CommitJob(7, NAMES, 2, seals=[grid]))
    assert [1] == [number for number, _ in list_log_files(database.path)]

    database.commit(CommitJob(7, NAMES, 2, seals=[battery]))

    assert [] == list_log_files(database.path)
    assert {(7, "grid"): 3, (7, "bat1"): 2} == {**database.open().sealed}


def test_names_stay_while_a_file_of_the_tail_needs_them_and_go_with_it(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(old := chunk_of(1, 2)))
    assert [1, 2] == [row.value for piece in database.open().pieces for row in piece.rows()]
    database.commit(CommitJob(8, NAMES, 2, begin=True))
    assert 4 == count(database, "point")

    database.commit(CommitJob(8, NAMES, 2, seals=[old]))

    assert 2 == count(database, "point")


def test_a_tail_that_somebody_removed_is_an_error_and_the_file_is_opened_anew(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(chunk_of(1)))
    commit_log.remove_log_files(database.path)

    with pytest.raises(sqlite3.OperationalError, match="removed"):
        database.commit(tail_job(chunk_of(2, first=2)))
    assert not database.is_open


@pytest.mark.parametrize(("clean", "torn"), [(True, True), (False, False)])
def test_a_damaged_end_of_the_tail_is_known_where_the_last_boot_ended_well(
    database: Database, *, clean: bool, torn: bool
) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(chunk_of(1)))
    database.commit(tail_job(chunk_of(2, first=2)))
    database.commit(CommitJob(7, NAMES, 2, clean=clean, begin=True))
    ((_, file),) = list_log_files(database.path)
    file.write_bytes(file.read_bytes()[:-3])

    loaded = database.open()
    found = recover_history(loaded, [], 8, 5_000)

    assert ([1], True) == ([row.value for chunk in found.chunks for row in chunk.rows()], loaded.is_torn)
    assert ["damaged" if torn else "power-cut"] == [gap.why for gap in found.gaps]
    assert ((("grid", 2),),) == tuple(gap.firsts for gap in found.gaps)


@pytest.mark.parametrize("way", ["gone", "empty", "whole"])
def test_a_tail_that_is_short_of_what_the_last_boot_left_is_known(database: Database, way: str) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(chunk_of(1)))
    database.commit(CommitJob(7, NAMES, 2, clean=True))
    ((_, file),) = list_log_files(database.path)
    if way == "gone":
        file.unlink()
    elif way == "empty":
        file.write_bytes(b"")

    assert ["damaged"] * (way != "whole") == [
        gap.why for gap in recover_history(database.open(), [], 8, 5_000).gaps
    ]


def test_marks_gaps_boot_and_the_clean_end_are_read_again(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, marks={"grid": StreamPosition(7, 3)}, gaps=[GAP], clean=True))
    loaded = database.open()

    assert (7, 7, {"grid": StreamPosition(7, 3)}) == (loaded.boot, loaded.clean_boot, loaded.marks)
    assert 1 == count(database, "gap")


def test_a_failed_commit_leaves_nothing_and_may_be_given_again(database: Database) -> None:
    job = tail_job(chunk_of(1, 2))
    database._require_connection().execute("PRAGMA max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        database.commit(
            CommitJob(7, [*NAMES] * 500, 1000, parts=job.parts, marks={"grid": StreamPosition(7, 1)})
        )
    assert (0, 0) == (count(database, "tail"), count(database, "mark"))
    database._require_connection().execute("PRAGMA max_page_count = 1000000")

    database.commit(job)

    assert [1, 2] == [row.value for piece in database.open().pieces for row in piece.rows()]


def test_a_file_of_another_schema_is_not_taken_for_ours(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()

    with pytest.raises(sqlite3.DatabaseError, match="schema"):
        Database(tmp_path / "history.db", 1_000_000).open()


def test_the_backlog_of_older_boots_is_what_the_marks_do_not_cover(database: Database) -> None:
    seals = [chunk_of(1, 2, 3, boot=5), chunk_of(1, 2, 3, 4, stream="bat1", boot=6), chunk_of(9, boot=7)]

    assert 7 == database.commit(CommitJob(7, NAMES, 2, seals=seals)).backlog_count
    assert (
        5 == database.commit(CommitJob(7, NAMES, 2, marks={"grid": StreamPosition(5, 2)})).backlog_count + 0
    )
    assert 4 == database.commit(CommitJob(7, NAMES, 2, marks={"grid": StreamPosition(6, 1)})).backlog_count


def test_what_a_later_boot_wrote_does_not_stand_for_a_tail_that_went_with_the_emptied_log(
    database: Database,
) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(tail_job(old := chunk_of(1, 2)))
    database.commit(CommitJob(7, NAMES, 2, clean=True))
    database.close()
    before = database.path.read_bytes()  # what stays of the file where the log of boot 8 is emptied
    database.open()
    database.commit(CommitJob(8, NAMES, 2, begin=True, seals=[old]))
    later = chunk_of(*range(200))
    later.boot = 8
    database.commit(CommitJob(8, NAMES, 2, parts=[(later, 0, 200)]))
    database.close()
    database.path.write_bytes(before)

    loaded = database.open()

    assert ([2], True) == ([number for number, _ in list_log_files(database.path)], loaded.is_torn)
    assert ["damaged"] == [gap.why for gap in recover_history(loaded, [], 9, 5_000).gaps]


def test_what_an_earlier_boot_left_in_its_journal_is_committed_under_its_own_names(
    database: Database,
) -> None:
    names = {0: ("pv1", "power_w"), 3: ("grid", "power_w")}  # as that boot numbered its points
    old = Chunk("grid", 6, 41, names)
    for value in (1.0, 2.0, 3.0):
        old.append(3, 0, value, 1000)
    ours = chunk_of(9)
    database.commit(CommitJob(7, NAMES, 2, parts=[(ours, 0, 1), (old, 1, 3)], begin=True))
    pieces = {piece.boot: piece for piece in database.open().pieces}

    assert [("grid", 42, 2.0), ("grid", 43, 3.0)] == [(r.stream, r.seq, r.value) for r in pieces[6].rows()]
    assert [("grid", 1, 9.0)] == [(r.stream, r.seq, r.value) for r in pieces[7].rows()]
    database.commit(CommitJob(7, NAMES, 2, seals=[ours], begin=True))
    assert [6, 7] == [piece.boot for piece in database.open().pieces], "its names stay as long as its tail"
    database.commit(CommitJob(7, NAMES, 2, seals=[old], begin=True))
    assert [] == database.open().pieces


def test_samples_of_an_earlier_boot_are_never_a_frame_beside_the_file(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    database.commit(CommitJob(7, NAMES, 2, parts=[(chunk_of(1, boot=6), 0, 1)]))

    assert ([], 1) == (list_log_files(database.path), count(database, "tail"))


def test_a_record_is_unreported_until_a_later_commit_holds_its_event(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, gaps=[GAP]))
    assert [] == database.open().unreported_gaps

    database.end_salvage([LOST])
    assert [LOST] == database.open().unreported_gaps
    database.end_salvage([LOST])
    database.commit(CommitJob(7, NAMES, 2, marks={"grid": StreamPosition(7, 1)}))
    assert [LOST, LOST] == database.open().unreported_gaps, (
        "the commit was made before its event was numbered"
    )
    database.commit(CommitJob(7, NAMES, 2, marks={"grid": StreamPosition(7, 1)}, is_salvage_reported=True))
    assert ([], [GAP, LOST, LOST]) == ((loaded := database.open()).unreported_gaps, loaded.known_gaps)


def test_a_commit_that_failed_told_of_no_record(database: Database) -> None:
    database.commit(CommitJob(7, NAMES, 2, begin=True))
    connection = database._require_connection()
    connection.execute("CREATE TRIGGER refuse BEFORE DELETE ON chunk BEGIN SELECT raise(ABORT, 'no'); END")
    database.commit(CommitJob(7, NAMES, 2, seals=[chunk_of(1)]))
    (number,) = connection.execute("SELECT id FROM chunk").fetchone()
    with pytest.raises(sqlite3.Error, match="no"):
        database.commit(CommitJob(7, NAMES, 2, gaps=[GAP], damaged_ids=[number]))
    connection.execute("DROP TRIGGER refuse")
    database.commit(CommitJob(7, NAMES, 2, gaps=[GAP], damaged_ids=[number]))

    assert ([GAP], []) == ((loaded := database.open()).known_gaps, loaded.unreported_gaps)


def test_how_far_streams_were_evicted_is_kept(tmp_path: Path) -> None:
    dice = random.Random(1)
    database = Database(tmp_path / "history.db", 40_000)
    database.open()
    for number in range(40):
        full = chunk_of(*(1000 * dice.random() for _ in range(100)), first=1 + 100 * number)
        database.commit(CommitJob(7, NAMES, 2, seals=[full], outbox=False))
    (first,) = database._require_connection().execute("SELECT min(first) FROM chunk").fetchone()

    assert first > 1
    assert {"grid": StreamPosition(7, first - 1)} == database.open().evicted
    assert [] == database.open().gaps
    database.close()


def test_boots_whose_records_were_pruned_are_not_searched_for_holes_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quartier.store.history_file.database.GAPS_COUNT_MAX", 2)
    seals = [chunk_of(1, boot=boot, first=first) for boot in (5, 6) for first in (1, 3)]
    hole = GapRecord("dropped", "grid", 5, 2, 2, 0, 0)
    database.commit(CommitJob(7, NAMES, 2, seals=seals, gaps=[hole]))
    assert [6] == [gap.boot for gap in database.open().gaps]
    database.commit(CommitJob(7, NAMES, 2, gaps=[GAP, GAP]))

    assert [6] == [gap.boot for gap in database.open().gaps]


def test_a_file_that_replaces_another_is_as_new_until_it_is_committed_to(tmp_path: Path) -> None:
    first = Database(tmp_path / "first.db", 1_000_000)
    assert [True, False] == [first.open(had_history=had).fresh for had in (False, True)]
    first.close()
    second = Database(tmp_path / "second.db", 1_000_000)
    assert [True, True] == [second.open(had_history=True).fresh for _ in range(2)]
    second.commit(CommitJob(7, NAMES, 2, begin=True))
    assert not second.open(had_history=True).fresh
    second.close()
