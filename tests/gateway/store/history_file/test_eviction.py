import random
from pathlib import Path

import pytest

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.history_file.contents import read_undecided
from quartier.store.history_file.database import CommitJob, Database

NAMES = [("grid", "power_w"), ("bat1", "power_w")]
BUDGET_BYTES = 800_000
COUNT = 400  # samples in a chunk: more than a page
DICE = random.Random(5)


def chunk_of(number: int, stream: str) -> Chunk:
    chunk = Chunk(stream, 7, 1 + COUNT * number, NAMES)
    for index in range(COUNT):
        chunk.append(0, 0, DICE.random(), 1000 * number + index)
    return chunk


def filled(tmp_path: Path, commits: int, **more: object) -> tuple[Database, int, list[tuple[str, int, int]]]:
    database = Database(tmp_path / "history.db", BUDGET_BYTES)
    database.open()
    evicted_count, gaps = 0, []
    for number in range(commits):
        done = database.commit(
            CommitJob(7, NAMES, 2, seals=[chunk_of(number, "grid"), chunk_of(number, "bat1")], **more)
        )
        assert done.used_bytes <= BUDGET_BYTES
        evicted_count += done.evicted_count
        gaps += [(gap.stream, gap.first, gap.last) for gap in done.evicted]
    return database, evicted_count, gaps


def kept(database: Database, stream: str) -> list[int]:
    rows = database._require_connection().execute(
        "SELECT first FROM chunk WHERE stream = ? ORDER BY first", (stream,)
    )
    return [first for (first,) in rows]


def test_the_oldest_untrimmed_go_last_and_a_gap_record_names_them(tmp_path: Path) -> None:
    database, evicted_count, gaps = filled(tmp_path, 150)

    assert evicted_count == sum(last - first + 1 for _, first, last in gaps)
    for stream in ("grid", "bat1"):
        ends = [(first, last) for name, first, last in gaps if name == stream]
        assert 1 == ends[0][0]
        assert [last + 1 for _, last in ends[:-1]] == [first for first, _ in ends[1:]]
        assert kept(database, stream)[0] == ends[-1][1] + 1
        assert 1 + COUNT * 149 == kept(database, stream)[-1]
    assert evicted_count == sum(gap.count for gap in read_undecided(database._require_connection()))
    database.close()


def test_trimmed_ones_go_first_however_new_they_are_and_are_no_gap(tmp_path: Path) -> None:
    database, evicted_count, gaps = filled(tmp_path, 130, marks={"bat1": StreamPosition(8, 0)})

    assert evicted_count > 0
    assert [] == gaps
    assert 130 == len(kept(database, "grid"))
    assert 130 > len(kept(database, "bat1"))
    database.close()


@pytest.mark.parametrize("terms", [{"local_streams": ("bat1", "grid")}, {"outbox": False}])
def test_what_never_leaves_the_building_goes_without_a_gap(tmp_path: Path, terms: dict[str, object]) -> None:
    database, evicted_count, gaps = filled(tmp_path, 150, **terms)

    assert evicted_count > 0
    assert [] == gaps
    database.close()


def test_the_file_stops_growing_at_its_budget(tmp_path: Path) -> None:
    database, _, _ = filled(tmp_path, 300)
    database.close()

    assert 1.1 * BUDGET_BYTES > (tmp_path / "history.db").stat().st_size


@pytest.mark.parametrize(("boot", "uncovered"), [(6, 3), (7, 0)])
def test_a_mark_may_be_any_uint64_though_the_file_knows_fewer(
    tmp_path: Path, boot: int, uncovered: int
) -> None:
    mark = StreamPosition(boot, 2**64 - 1)
    database, _, _ = filled(tmp_path, 3, marks={"grid": mark, "bat1": mark})

    done = database.commit(CommitJob(8, NAMES, 2, begin=True, marks={"grid": mark}))
    assert 2 * COUNT * uncovered == done.backlog_count
    database.close()
