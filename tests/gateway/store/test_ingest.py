from array import array
from pathlib import Path

from quartier.site.records import Now
from quartier.site.samples import Sample, StreamPosition
from quartier.store import journal
from quartier.store.chunks import Chunk
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.ingest import Ingest
from quartier_drivers.readings import Layout, Quality, Reading, Readings, make_readings

EXACT = Deadbands({"w": NO_DEADBAND, "text": NO_DEADBAND})


def ingest_at(folder: Path, chunk_count: int = 16) -> Ingest:
    made = Ingest(folder / "journal", EXACT, ["grid"], chunk_count)
    made.start(7)
    return made


def record(ingest: Ingest, *values: float, point: str = "grid.power_w") -> None:
    for value in values:
        now = Now(int(value), 1000, synced=True)
        ingest.record(make_readings([Reading(point, value, Quality.GOOD, now.ns)], now.ns), now)


def replayed(folder: Path) -> list[Sample]:
    return [
        row
        for path in journal.list_journal_files(folder / "journal")
        for row in journal.read_journal(path).samples
    ]


def journalled(folder: Path) -> list[tuple[str, int, object]]:
    return [(row.stream, row.seq, row.value) for row in replayed(folder)]


def test_what_is_recorded_stands_in_the_journal_before_it_returns(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1, 2)
    ingest.rotate()
    record(ingest, 3)
    ingest.event("a.b", "x", {}, Now(0, 0, synced=True))

    assert [
        ("grid", 1, 1),
        ("grid", 2, 2),
        ("grid", 3, 3),
        ("event", 1, '{"data":{},"text":"x"}'),
    ] == journalled(tmp_path)


def test_a_layout_that_is_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, *range(100))

    assert 0 == len(ingest._ways)
    assert 1 == len(ingest._gates)


def test_readings_of_several_streams_fill_each_chunk_to_its_limit_and_not_beyond(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    points = ("grid.power_w", "gateway.x_w", "grid.power_l1_w", "grid.power_l2_w")
    layout = Layout(points, bytes(4))
    record(ingest, 0.5)
    for step in range(1, 6):
        values = array("d", [step + place / 8 for place in range(4)])
        now = Now(step, 1000 * step, synced=True)
        assert 4 == ingest.record(Readings(layout, values, bytes(4), step), now)

    assert [("grid", 1, 12), ("node", 1, 4)] == [
        (chunk.stream, chunk.first, chunk.last) for chunk in ingest.waiting
    ]
    rows = [row for chunk in ingest.memory["grid"] for row in chunk.rows()]
    assert [0.5, *(step + place / 8 for step in range(1, 6) for place in (0, 2, 3))] == [
        row.value for row in rows
    ]
    assert list(range(1, 17)) == [row.seq for row in rows]
    assert rows == [row for row in replayed(tmp_path) if row.stream == "grid"]


def test_what_does_not_pass_is_neither_numbered_nor_journalled(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1)
    size_bytes = ingest.journal.size_bytes
    record(ingest, 1)

    assert ({"grid": 1}, size_bytes) == (ingest.find_lasts(), ingest.journal.size_bytes)


def test_a_full_chunk_waits_to_be_sealed_and_the_next_goes_on_counting(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    record(ingest, 1, 2, 3, 4, 5)

    assert [[1, 4]] == [[chunk.first, chunk.last] for chunk in ingest.waiting]
    assert [[1, 4], [5, 5]] == [[chunk.first, chunk.last] for chunk in ingest.memory["grid"]]
    assert {"grid": 5} == ingest.find_lasts()


def test_a_chunk_holds_more_the_more_points_its_stream_has(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    for point in ("grid.power_w", "grid.power_l1_w"):
        record(ingest, 1, 2, 3, point=point)

    assert [] == ingest.waiting
    record(ingest, 4, 5)
    assert [8] == [len(chunk) for chunk in ingest.waiting]


def test_an_old_chunk_is_closed_though_it_is_not_full(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1)
    ingest.seal_older_than(1000)
    assert [] == ingest.waiting

    ingest.seal_older_than(1001)

    assert [1] == [len(chunk) for chunk in ingest.waiting]


def test_a_failed_write_makes_a_hole_in_the_journal_but_no_wrong_number(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1)
    bound, ingest.journal._size_max_bytes = ingest.journal._size_max_bytes, 0
    record(ingest, 2)
    ingest.journal._size_max_bytes = bound
    record(ingest, 3)

    assert [("grid", 1, 1), ("grid", 3, 3)] == journalled(tmp_path)
    assert [1, 2, 3] == [row.value for chunk in ingest.chunks() for row in chunk.rows()]


def test_relief_lets_the_oldest_go_names_them_and_keeps_events(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    ingest.event("a.b", "x", {}, Now(0, 0, synced=True))
    record(ingest, *range(1, 11))
    gaps = ingest.drop_oldest(7, set())

    assert [("dropped", "grid", 1, 4)] == [(gap.why, gap.stream, gap.first, gap.last) for gap in gaps]
    assert 7 == ingest.pending_count()
    assert 1 == len(ingest.memory["event"][0])
    assert 11 == ingest.find_lasts()["grid"] + 1


def test_relief_touches_neither_what_is_on_disk_nor_what_the_writer_has_in_hand(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    record(ingest, *range(1, 13))
    first, second, _ = ingest.waiting
    first.committed = 3
    gaps = ingest.drop_oldest(0, {id(second)})

    assert [(4, 4), (9, 12)] == [(gap.first, gap.last) for gap in gaps]
    assert [1, 2, 3, 5, 6, 7, 8] == [row.value for chunk in ingest.chunks() for row in chunk.rows()]


def test_relief_removes_the_generations_of_what_went(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, 4)
    for start in (1, 5, 9):
        record(ingest, *range(start, start + 4))
        ingest.rotate()
    ingest.drop_oldest(4, set())

    assert [("grid", 9, 9), ("grid", 10, 10), ("grid", 11, 11), ("grid", 12, 12)] == journalled(tmp_path)


def test_the_backlog_is_what_no_mark_covers_and_no_eviction_took(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1, 2, 3, 4)
    record(ingest, 1, point="gateway.x_w")

    assert [5, 2, 2, 4, 1] == [
        ingest.count_backlog(marks, evicted, local)
        for marks, evicted, local in (
            ({}, {}, ()),
            ({"grid": StreamPosition(7, 3)}, {}, ()),
            ({}, {"grid": 3}, ()),
            ({"grid": StreamPosition(6, 99)}, {}, ("node",)),
            ({}, {}, ("grid",)),
        )
    ]


def test_a_re_read_site_file_keeps_the_numbers_of_points_that_stay(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1)
    ingest.set_assets(["grid", "pv1"])
    record(ingest, 2)
    record(ingest, 3, point="pv1.power_w")

    assert [("grid", "power_w"), ("pv1", "power_w")] == list(ingest.names)
    assert {"grid": 2, "pv1": 1} == ingest.find_lasts()


def test_what_is_numbered_before_the_journal_begins_is_journalled_then_if_it_is_not_on_disk(
    tmp_path: Path,
) -> None:
    ingest = Ingest(tmp_path / "journal", EXACT, ["grid"], 16)
    ingest.start(7, journal_later=True)
    for text in "xyz":
        ingest.event("a.b", text, {}, Now(0, 0, synced=True))
    record(ingest, 1)
    assert ([], [7]) == (
        journalled(tmp_path),
        [journal.find_journal_boot(p) for p in journal.list_journal_files(tmp_path / "journal")],
    )
    ingest.memory["event"][0].committed = 1
    ingest.begin_journal()
    ingest.event("a.c", "w", {}, Now(0, 0, synced=True))
    record(ingest, 2)

    rows = sorted((row.stream, row.seq, row.metric) for row in replayed(tmp_path))
    assert [
        ("event", 2, "a.b"),
        ("event", 3, "a.b"),
        ("event", 4, "a.c"),
        ("grid", 1, "power_w"),
        ("grid", 2, "power_w"),
    ] == rows
    assert ['{"data":{},"text":"y"}', '{"data":{},"text":"z"}'] == [
        row.value for row in replayed(tmp_path) if row.metric == "a.b"
    ]


def test_samples_of_earlier_boots_stand_before_those_of_this_one_oldest_boot_first(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    record(ingest, 1)
    older = [Chunk("grid", boot, 1, [("grid", "power_w")]) for boot in (5, 6)]
    for chunk in older:
        chunk.append(0, 0, 9.0, 900)
    ingest.adopt([older[1], older[0]], 1)

    assert [5, 6, 7] == [chunk.boot for chunk in ingest.memory["grid"]]
    assert older[::-1] == ingest.waiting
    assert ingest.holds_older()
    for chunk in older:
        chunk.committed = 1
    assert not ingest.holds_older()
