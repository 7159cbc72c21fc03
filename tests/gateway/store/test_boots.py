import errno
from pathlib import Path

import pytest

from quartier.store.boots import find_next_boot, had_history, read_boot, read_started, save_boot

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("known", "synced", "expected"),
    [
        ([], True, 1_700_000_000),
        ([], False, 1),
        ([41], False, 42),
        ([41, 1_600_000_000], False, 1_600_000_001),
        ([1_600_000_000], True, 1_700_000_000),
        ([1_800_000_000], True, 1_800_000_001),
    ],
)
def test_the_boot_rises_and_is_unix_time_where_the_clock_is_trusted(
    known: list[int], synced: object, expected: int
) -> None:
    assert expected == find_next_boot(known, NOW_MS, synced=bool(synced))


def test_a_kept_boot_is_read_again(tmp_path: Path) -> None:
    assert save_boot(tmp_path / "boot", 1_700_000_000)
    assert save_boot(tmp_path / "boot", 1_700_000_001)

    assert 1_700_000_001 == read_boot(tmp_path / "boot")
    assert ["boot"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("opened", [False, True])
def test_whether_there_was_a_history_is_kept_beside_it(tmp_path: Path, opened: object) -> None:
    assert save_boot(tmp_path / "boot", 7, opened=bool(opened))

    assert (7, opened) == (read_boot(tmp_path / "boot"), had_history(tmp_path / "boot"))


@pytest.mark.parametrize(
    "content", [b"", b"17", b"1700000000 deadbeef\n", b"\xff\xfe", b"-5 1\n", b"1 2 3", b"7+ 00000000"]
)
def test_a_damaged_boot_is_not_believed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "boot").write_bytes(content)

    assert read_boot(tmp_path / "boot") is None


def test_an_absent_folder_is_no_error(tmp_path: Path) -> None:
    assert not save_boot(tmp_path / "absent" / "boot", 1)
    assert read_boot(tmp_path / "absent" / "boot") is None


def test_boots_whose_end_is_not_known_yet_are_kept_with_it(tmp_path: Path) -> None:
    assert save_boot(tmp_path / "boot", 9, opened=True, unsettled=[7, 8])

    assert (9, True, {7, 8, 9}) == (
        read_boot(tmp_path / "boot"),
        had_history(tmp_path / "boot"),
        read_started(tmp_path / "boot"),
    )


def test_a_number_that_is_reserved_was_no_start(tmp_path: Path) -> None:
    assert save_boot(tmp_path / "boot", 9, opened=True, unsettled=[7], reserved=True)

    assert (9, {7}) == (read_boot(tmp_path / "boot"), read_started(tmp_path / "boot"))
    assert had_history(tmp_path / "boot")


def test_a_disk_that_takes_no_new_file_takes_the_boot_in_the_place_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert save_boot(tmp_path / "boot", 7)

    def full(_path: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Path, "replace", full)
    assert save_boot(tmp_path / "boot", 8, opened=True, unsettled=[7])

    assert (8, {7, 8}) == (read_boot(tmp_path / "boot"), read_started(tmp_path / "boot"))
