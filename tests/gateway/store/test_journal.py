import errno
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.store import journal
from quartier.store.journal import Columns, Journal, list_names, make_places_frame
from quartier_drivers.readings import FLOAT, TEXT

PLACES = make_places_frame(
    list_names([(0, "grid", "power_w"), (1, "node", "x_text")]), [("grid", 5), ("node", 1)]
)


def powers(*numbers: float) -> Columns:
    return array("I", [0] * len(numbers)), array("B", [FLOAT] * len(numbers)), array("d", numbers)


def written(folder: Path, *, size_max_bytes: int = 1 << 20) -> Journal:
    made = Journal(folder / "journal", 7, size_max_bytes)
    made.rotate()
    return made


def filled(folder: Path, frames: int = 3) -> Path:
    made = written(folder)
    for number in range(frames):
        rows = array("I", [0, 1]), array("B", [FLOAT, TEXT]), array("d", [number + 0.5, 0.0])
        assert made.append(b"" if number else PLACES, 1000 + number, rows, [(1, f"é{number}")])
    made.close()
    return made.path


def test_what_was_appended_is_replayed_with_its_numbers(tmp_path: Path) -> None:
    samples = list(journal.read_journal(filled(tmp_path)).samples)

    assert [
        ("grid", 7, 5, "power_w", 1000, 0.5),
        ("grid", 7, 6, "power_w", 1001, 1.5),
        ("grid", 7, 7, "power_w", 1002, 2.5),
        ("node", 7, 1, "x_text", 1000, "é0"),
        ("node", 7, 2, "x_text", 1001, "é1"),
        ("node", 7, 3, "x_text", 1002, "é2"),
    ] == [(row.stream, row.boot, row.seq, row.metric, row.taken_utc_ms, row.value) for row in samples]


def test_a_tail_cut_at_any_byte_keeps_the_frames_before_it(tmp_path: Path) -> None:
    path = filled(tmp_path)
    content = path.read_bytes()
    counts = []
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        found = journal.read_journal(path)
        counts.append(len(found.samples))
        assert found.complete == (journal.read_journal(path).complete)

    assert {0, 2, 4, 6} == set(counts)
    assert counts == sorted(counts)
    assert 6 == counts[-1]


@given(st.data())
def test_a_flipped_byte_never_gives_a_sample_that_was_not_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = filled(tmp_path_factory.mktemp("flip"))
    content = path.read_bytes()
    before = journal.read_journal(path)
    where = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(
        content[:where] + bytes([content[where] ^ data.draw(st.integers(1, 255))]) + content[where + 1 :]
    )
    found = journal.read_journal(path)

    assert not found.complete
    for piece, whole in zip(found.pieces, before.pieces, strict=False):
        assert list(piece.rows()) == list(whole.rows(0, len(piece)))


def test_many_samples_in_one_call_are_one_frame(tmp_path: Path) -> None:
    made = written(tmp_path)
    head = make_places_frame(list_names([(0, "grid", "power_w")]), [("grid", 1)])

    assert made.append(head, 5, powers(*range(1000)), [])
    assert list(range(1000)) == [row.value for row in journal.read_journal(made.path).samples]


def test_generations_are_found_oldest_first_and_removed_when_done(tmp_path: Path) -> None:
    made = written(tmp_path)
    first = made.path
    made.append(PLACES, 1, powers(1.0), [])
    made.rotate()
    both = made.size_bytes

    assert [first, made.path] == journal.list_journal_files(tmp_path / "journal")
    assert 7 == journal.find_journal_boot(first)
    made.drop(first)
    assert 0 < made.size_bytes < both - made.size_bytes
    assert [made.path] == journal.list_journal_files(tmp_path / "journal")
    made.close()


def test_beyond_its_bound_or_without_a_folder_it_counts_and_goes_on(tmp_path: Path) -> None:
    small = written(tmp_path, size_max_bytes=10)
    assert small.append(PLACES, 1, powers(1.0), [])
    assert not small.append(b"", 1, powers(1.0), [])
    (tmp_path / "file").write_text("")
    nowhere = Journal(tmp_path / "file", 7, 100)
    nowhere.rotate()

    assert not nowhere.append(PLACES, 1, powers(1.0), [])
    assert (1, 2) == (small.failed_count, nowhere.failed_count)
    small.close()


def test_only_a_cut_between_two_pages_is_taken_for_a_kill(tmp_path: Path) -> None:
    made = written(tmp_path)
    made.append(PLACES, 1, powers(*range(100)), [])
    made.append(b"", 2, powers(*range(1000)), [])
    made.close()
    content = made.path.read_bytes()
    whole = {}
    for size in (4095, 4096, 4097, 8192):
        made.path.write_bytes(content[:size])
        whole[size] = journal.read_journal(made.path).complete

    assert {4095: False, 4096: True, 4097: False, 8192: True} == whole
    assert 100 == len(journal.read_journal(made.path).samples)


def test_one_that_is_new_is_complete_and_one_that_is_empty_is_not(tmp_path: Path) -> None:
    made = written(tmp_path)
    made.close()
    assert journal.read_journal(made.path).complete
    made.path.write_bytes(b"")

    assert not journal.read_journal(made.path).complete


def test_one_that_could_not_take_a_sample_says_so_though_its_folder_is_full(tmp_path: Path) -> None:
    made = written(tmp_path, size_max_bytes=10)
    made.append(PLACES, 1, powers(1.0), [])
    assert journal.read_journal(made.path).complete
    made.append(b"", 2, powers(2.0), [])
    made.close()

    assert not journal.read_journal(made.path).complete
    assert [1.0] == [row.value for row in journal.read_journal(made.path).samples]


def test_a_full_folder_leaves_no_half_frame(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    made = written(tmp_path)
    made.append(PLACES, 1, powers(1.0), [])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (made.size_bytes + 20, limits[1]))
    try:
        assert not made.append(b"", 2, powers(*[2.0] * 10), [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert made.append(make_places_frame("[]", [("grid", 9)]), 3, powers(3.0), [])

    assert [(5, 1.0), (9, 3.0)] == [(row.seq, row.value) for row in journal.read_journal(made.path).samples]
    made.close()


def test_a_generation_knows_how_far_all_streams_were_numbered_and_that_another_follows(
    tmp_path: Path,
) -> None:
    made = written(tmp_path)
    first = made.path
    made.append(PLACES, 1, powers(1.0), [])
    made.rotate({"grid": 5, "bat1": 9})
    made.close()

    assert (1, True, {}) == ((one := journal.read_journal(first)).generation, one.is_followed, one.lasts)
    assert one.complete
    two = journal.read_journal(made.path)
    assert (2, False, {"grid": 5, "bat1": 9}) == (two.generation, two.is_followed, two.lasts)
    assert two.complete


def test_one_whose_follower_could_not_be_begun_is_not_complete(tmp_path: Path) -> None:
    made = written(tmp_path)
    first = made.path
    made.append(PLACES, 1, powers(1.0), [])
    (tmp_path / "journal" / "next").mkdir()
    made.rotate({"grid": 5})

    assert not made.append(PLACES, 2, powers(2.0), [])
    found = journal.read_journal(first)
    assert (False, False) == (found.complete, found.is_followed)


@pytest.mark.parametrize(("number", "passes"), [(errno.EMFILE, True), (errno.EIO, False)])
def test_one_that_cannot_be_read_just_now_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: object
) -> None:
    path = filled(tmp_path)

    def refuse(_path: Path) -> bytes:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    if passes:
        with pytest.raises(OSError, match="refused"):
            journal.read_journal(path)
    else:
        assert not journal.read_journal(path).complete
