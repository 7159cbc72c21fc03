from array import array
from pathlib import Path

from quartier.house.sample import Mark
from quartier.store.chunks import Chunk
from quartier.store.contents import Loaded
from quartier.store.gaps import Gap
from quartier.store.journal import Journal, listed, places
from quartier.store.recovery import recover


def piece(*seqs: int, boot: int = 7) -> Chunk:
    chunk = Chunk("grid", boot, seqs[0], {0: ("grid", "power_w")})
    for seq in seqs:
        chunk.append(0, 0, float(seq), 1000 + seq)
    return chunk


def journal_with(folder: Path, first: int, count: int, boot: int = 7) -> Path:
    made = Journal(folder, boot, 1 << 20)
    made.rotate()
    head = places(listed([(0, "grid", "power_w")]), [("grid", first)])
    for seq in range(first, first + count):
        made.append(head, 1000 + seq, (array("I", [0]), array("B", [0]), array("d", [seq])), [])
        head = b""
    made.close()
    return made.path


def seqs(found: object) -> list[list[object]]:
    return [[row.value for row in chunk.rows()] for chunk in found.chunks]


def test_tail_and_journal_are_joined_and_what_is_in_both_counts_once(tmp_path: Path) -> None:
    loaded = Loaded(boot=7, sealed={(7, "grid"): 2}, pieces=[piece(1, 2), piece(3, 4)])
    found = recover(loaded, [journal_with(tmp_path, 4, 3)], 8, 5000)

    assert [[3, 4, 5, 6]] == seqs(found)
    assert {"grid": Mark(7, 6)} == found.heads
    assert [] == found.gaps


def test_what_a_journal_still_holds_of_sealed_chunks_is_not_taken_again(tmp_path: Path) -> None:
    found = recover(Loaded(boot=7, sealed={(7, "grid"): 9}), [journal_with(tmp_path, 4, 3)], 8, 5000)

    assert [] == seqs(found)


def test_a_hole_parts_the_chunks_and_is_a_gap() -> None:
    loaded = Loaded(boot=7, clean_boot=7, pieces=[piece(1, 2), piece(5, 6)])
    found = recover(loaded, [], 8, 5000)

    assert [[1, 2], [5, 6]] == seqs(found)
    assert [("damaged", 3, 4, 1002, 1005)] == [
        (gap.why, gap.first, gap.last, gap.from_utc_ms, gap.to_utc_ms) for gap in found.gaps
    ]


def test_a_boot_cut_off_from_power_is_one_gap_from_the_first_number_that_may_be_missing() -> None:
    loaded = Loaded(
        boot=7,
        sealed={(7, "bat1"): 40},
        pieces=[piece(1, 2)],
        newest_utc_ms=1002,
        heads={"bat1": Mark(7, 40)},
    )
    (gap,) = recover(loaded, [], 8, 5000).gaps

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
        recover(Loaded(boot=7, clean_boot=7), [], 8, 5000),
        recover(Loaded(boot=7), [journal_with(tmp_path, 1, 1)], 8, 5000),
        recover(Loaded(), [], 8, 5000),
    ]

    assert [[], [], []] == [found.gaps for found in ends]


def test_a_journal_that_cannot_be_read_to_its_end_is_a_gap_from_what_was_read_on(tmp_path: Path) -> None:
    path = journal_with(tmp_path, 3, 4)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = recover(Loaded(boot=7, pieces=[piece(1, 2)]), [path], 8, 5000)

    assert [[1, 2, 3, 4, 5]] == seqs(found)
    assert [Gap("damaged", "*", 7, 0, 0, 1005, 5000, (("grid", 6),))] == found.gaps


def test_a_file_that_is_new_after_an_earlier_start_was_removed_and_that_is_a_gap(tmp_path: Path) -> None:
    (gap,) = recover(Loaded(fresh=True), [journal_with(tmp_path, 1, 4)], 8, 5000, 7).gaps

    assert Gap("removed", "*", 7, 0, 0, 0, 1001) == gap
    assert "what was committed up to boot 7 is missing (removed)" == gap.text()
    assert [] == recover(Loaded(fresh=True), [], 8, 5000).gaps


def test_boots_are_kept_apart(tmp_path: Path) -> None:
    loaded = Loaded(boot=7, clean_boot=7, pieces=[piece(1, boot=6), piece(1)])
    found = recover(loaded, [journal_with(tmp_path, 2, 1, boot=6)], 8, 5000)

    assert [(6, [1, 2]), (7, [1])] == [
        (chunk.boot, [row.value for row in chunk.rows()]) for chunk in found.chunks
    ]
    assert Mark(7, 1) == found.heads["grid"]
