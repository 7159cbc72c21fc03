from array import array
from pathlib import Path

import pytest

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk
from quartier.store.gap_records import GapRecord, render_event
from quartier.store.history_file.contents import FileContents
from quartier.store.journal import Journal, list_names, make_places_frame
from quartier.store.recovery import recover_history
from quartier_drivers.readings import TEXT


def piece(*seqs: int, boot: int = 7) -> Chunk:
    chunk = Chunk("grid", boot, seqs[0], {0: ("grid", "power_w")})
    for seq in seqs:
        chunk.append(0, 0, float(seq), 1000 + seq)
    return chunk


def journal_with(folder: Path, first: int, count: int, boot: int = 7) -> Path:
    made = Journal(folder, boot, 1 << 20)
    made.rotate()
    head = make_places_frame(list_names([(0, "grid", "power_w")]), [("grid", first)])
    for seq in range(first, first + count):
        made.append(head, 1000 + seq, (array("I", [0]), array("B", [0]), array("d", [seq])), [])
        head = b""
    made.close()
    return made.path


def seqs(found: object) -> list[list[object]]:
    return [[row.value for row in chunk.rows()] for chunk in found.chunks]


def test_tail_and_journal_are_joined_and_what_is_in_both_counts_once(tmp_path: Path) -> None:
    loaded = FileContents(boot=7, sealed={(7, "grid"): 2}, pieces=[piece(1, 2), piece(3, 4)])
    found = recover_history(loaded, [journal_with(tmp_path, 4, 3)], 8, 5000)

    assert [[3, 4, 5, 6]] == seqs(found)
    assert {"grid": StreamPosition(7, 6)} == found.heads
    assert [] == found.gaps


def test_what_a_journal_still_holds_of_sealed_chunks_is_not_taken_again(tmp_path: Path) -> None:
    found = recover_history(
        FileContents(boot=7, sealed={(7, "grid"): 9}), [journal_with(tmp_path, 4, 3)], 8, 5000
    )

    assert [] == seqs(found)


def test_a_hole_parts_the_chunks_and_is_a_gap() -> None:
    loaded = FileContents(boot=7, clean_boot=7, pieces=[piece(1, 2), piece(5, 6)])
    found = recover_history(loaded, [], 8, 5000)

    assert [[1, 2], [5, 6]] == seqs(found)
    assert [("damaged", 3, 4, 1002, 1005)] == [
        (gap.why, gap.first, gap.last, gap.from_utc_ms, gap.to_utc_ms) for gap in found.gaps
    ]


def test_a_boot_cut_off_from_power_is_one_gap_from_the_first_number_that_may_be_missing() -> None:
    loaded = FileContents(
        boot=7,
        sealed={(7, "bat1"): 40},
        pieces=[piece(1, 2)],
        newest_utc_ms=1002,
        heads={"bat1": StreamPosition(7, 40)},
    )
    (gap,) = recover_history(loaded, [], 8, 5000).gaps

    assert ("power-cut", "*", 7, 1002, 5000) == (
        gap.why,
        gap.stream,
        gap.boot,
        gap.from_utc_ms,
        gap.to_utc_ms,
    )
    assert (("bat1", 41), ("grid", 3)) == gap.firsts


def test_neither_a_clean_end_nor_a_journal_nor_a_first_start_is_a_gap(tmp_path: Path) -> None:
    ends = [
        recover_history(FileContents(boot=7, clean_boot=7), [], 8, 5000),
        recover_history(FileContents(boot=7), [journal_with(tmp_path, 1, 1)], 8, 5000),
        recover_history(FileContents(), [], 8, 5000),
    ]

    assert [[], [], []] == [found.gaps for found in ends]


def test_a_journal_that_cannot_be_read_to_its_end_is_a_gap_from_what_was_read_on(tmp_path: Path) -> None:
    path = journal_with(tmp_path, 3, 4)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = recover_history(FileContents(boot=7, pieces=[piece(1, 2)]), [path], 8, 5000)

    assert [[1, 2, 3, 4, 5]] == seqs(found)
    assert [GapRecord("damaged", "*", 7, 0, 0, 1005, 5000, (("grid", 6),))] == found.gaps


def test_a_file_that_is_new_after_an_earlier_start_was_removed_and_that_is_a_gap(tmp_path: Path) -> None:
    (gap,) = recover_history(FileContents(fresh=True), [journal_with(tmp_path, 1, 4)], 8, 5000, 7).gaps

    assert GapRecord("removed", "*", 7, 0, 0, 0, 1001) == gap
    assert "what was committed up to boot 7 is missing (removed)" == gap.text()
    assert [] == recover_history(FileContents(fresh=True), [], 8, 5000).gaps


def test_boots_are_kept_apart(tmp_path: Path) -> None:
    loaded = FileContents(boot=7, pieces=[piece(1, boot=6), piece(1)])
    found = recover_history(
        loaded, [journal_with(tmp_path, 2, 1, boot=7), journal_with(tmp_path, 1, 1, 8)], 9, 5000
    )

    assert [(6, [1]), (7, [1, 2]), (8, [1])] == [
        (chunk.boot, [row.value for row in chunk.rows()]) for chunk in found.chunks
    ]
    assert StreamPosition(8, 1) == found.heads["grid"]
    assert ({7: {"grid": 2}, 8: {"grid": 1}}, []) == (found.ends, found.gaps)


def test_the_journal_of_a_boot_that_a_later_one_settled_adds_nothing(tmp_path: Path) -> None:
    files = [journal_with(tmp_path, 3, 4, boot=6)]

    for loaded in (FileContents(boot=7, clean_boot=7), FileContents(boot=6, clean_boot=6)):
        found = recover_history(loaded, files, 8, 5000)
        assert ([], []) == (found.chunks, found.gaps)


def test_of_journal_samples_those_that_the_tail_holds_are_on_disk(tmp_path: Path) -> None:
    loaded = FileContents(boot=7, pieces=[piece(1, 2), piece(3)])
    (chunk,) = recover_history(loaded, [journal_with(tmp_path, 2, 4)], 8, 5000).chunks

    assert (3, 5) == (chunk.committed, len(chunk))


def test_each_boot_that_began_and_left_neither_commit_nor_journal_is_one_gap(tmp_path: Path) -> None:
    loaded = FileContents(boot=7, pieces=[piece(1, 2)], newest_utc_ms=1002)
    found = recover_history(loaded, [journal_with(tmp_path, 1, 3, boot=9)], 12, 5000, started=(7, 8, 9, 11))

    assert [("power-cut", 7, (("grid", 3),)), ("power-cut", 8, ()), ("power-cut", 11, ())] == [
        (gap.why, gap.boot, gap.firsts) for gap in found.gaps
    ]
    assert {9: {"grid": 3}} == found.ends


def test_what_a_record_names_is_not_told_again() -> None:
    hole = GapRecord("damaged", "grid", 7, 3, 4, 0, 0)
    ended = GapRecord("power-cut", "*", 7, 0, 0, 0, 0, (("grid", 7),))
    loaded = FileContents(boot=8, clean_boot=8, pieces=[piece(1, 2), piece(5, 6)], known_gaps=[hole])

    assert [] == recover_history(loaded, [], 9, 5000).gaps
    loaded = FileContents(boot=7, pieces=[piece(1, 2), piece(5, 6)], known_gaps=[hole, ended])
    assert [] == recover_history(loaded, [], 9, 5000).gaps


def test_what_was_evicted_before_the_tail_is_no_damage() -> None:
    for evicted in (StreamPosition(7, 4), StreamPosition(8, 1)):
        loaded = FileContents(boot=8, clean_boot=8, pieces=[piece(5, 6)], evicted={"grid": evicted})
        assert [] == recover_history(loaded, [], 9, 5000).gaps


def test_a_hole_between_sealed_chunks_is_filled_by_what_the_tail_holds() -> None:
    hole = GapRecord("damaged", "grid", 7, 3, 8, 1002, 1009)
    loaded = FileContents(
        boot=7, clean_boot=7, sealed={(7, "grid"): 20}, pieces=[piece(4, 5), piece(8, 9)], gaps=[hole]
    )
    found = recover_history(loaded, [], 8, 5000)

    assert ([[4, 5], [8]], 2) == (seqs(found), found.seal_first_count)
    assert [(3, 3, 1002, 1004), (6, 7, 1005, 1008)] == [
        (gap.first, gap.last, gap.from_utc_ms, gap.to_utc_ms) for gap in found.gaps
    ]


def rotated(folder: Path) -> list[Path]:
    """Three generations: ``grid`` 1 to 2, 3 to 4 and 5 to 6."""
    made = Journal(folder, 7, 1 << 20)
    paths = []
    for first in (1, 3, 5):
        made.rotate({"grid": first - 1} if first > 1 else None)
        head = make_places_frame(list_names([(0, "grid", "power_w")]), [("grid", first)])
        for seq in (first, first + 1):
            made.append(head, 1000 + seq, (array("I", [0]), array("B", [0]), array("d", [seq])), [])
            head = b""
        paths.append(made.path)
    made.close()
    return paths


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ((), []),
        ((0,), [("grid", 1, 2)]),
        ((1,), [("grid", 3, 4)]),
        ((0, 1), [("grid", 1, 4)]),
        ((2,), [("*", 0, 0)]),
        ((0, 2), [("grid", 1, 2), ("*", 0, 0)]),
        ((0, 1, 2), [("*", 0, 0)]),
    ],
)
def test_any_generation_of_a_journal_that_vanishes_is_missed(
    tmp_path: Path, gone: tuple[int, ...], expected: list[tuple[str, int, int]]
) -> None:
    files = [path for place, path in enumerate(rotated(tmp_path)) if place not in gone]
    found = recover_history(FileContents(), files, 8, 5000, started=(7,))

    assert expected == [(gap.stream, gap.first, gap.last) for gap in found.gaps]


def test_a_generation_that_no_sample_followed_is_missed_too(tmp_path: Path) -> None:
    first, _, third = rotated(tmp_path)
    third.write_bytes(third.read_bytes()[: third.read_bytes().find(b"N{") - 8])
    found = recover_history(FileContents(), [first, third], 8, 5000, started=(7,))

    assert [("grid", 3, 4)] == [(gap.stream, gap.first, gap.last) for gap in found.gaps]


def test_a_gap_that_a_killed_start_told_is_recorded_and_not_told_again(tmp_path: Path) -> None:
    gap = GapRecord("power-cut", "*", 7, 0, 0, 0, 5000, (("grid", 3),))
    told = Chunk("event", 8, 1, {0: ("event", "store.gap")})
    told.append(0, TEXT, 0.0, 5000, render_event(gap.text(), gap.data()))
    made = Journal(tmp_path, 8, 1 << 20)
    made.rotate()
    made.append(
        make_places_frame(list_names([(0, "event", "store.gap")]), [("event", 1)]),
        5000,
        (told.points, told.kinds, told.values),
        list(told.texts.items()),
    )
    made.close()

    found = recover_history(FileContents(boot=7, pieces=[piece(1, 2)]), [made.path], 9, 6000, started=(8,))
    assert ([], [gap]) == (found.gaps, found.noted)
    found = recover_history(FileContents(boot=7, pieces=[piece(1)]), [made.path], 9, 6000, started=(8,))
    assert [(("grid", 2),)] == [gap.firsts for gap in found.gaps], "more is missing than was told"
    recorded = FileContents(boot=8, pieces=[told], known_gaps=[gap], unreported_gaps=[gap])
    assert [] == recover_history(recorded, [], 9, 6000, started=(8,)).unreported_gaps
    recorded = FileContents(boot=8, known_gaps=[gap], unreported_gaps=[gap])
    assert [gap] == recover_history(recorded, [], 9, 6000, started=(8,)).unreported_gaps
