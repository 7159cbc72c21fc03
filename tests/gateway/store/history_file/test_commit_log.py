"""A tail may go once sealed chunks hold all of it, and not before."""

import resource
from pathlib import Path

import pytest

from quartier.store.chunks import Chunk
from quartier.store.history_file import commit_log
from quartier.store.history_file.commit_log import (
    CommitLog,
    TailCoverage,
    find_lasts,
    is_covered,
    list_log_files,
    read_log_file,
)


def chunk(stream: str, first: int = 1) -> Chunk:
    return Chunk(stream, 7, first, [(stream, "power_w")])


def test_samples_of_chunks_reach_to_their_last_sequence() -> None:
    assert {(7, "grid"): 14, (7, "pv"): 3} == find_lasts([(chunk("grid", 10), 2, 5), (chunk("pv"), 0, 3)])


def test_a_tail_is_covered_when_every_stream_of_it_is() -> None:
    tail = {(7, "grid"): 14, (7, "pv"): 3}

    assert is_covered(tail, {(7, "grid"): 14, (7, "pv"): 20})
    assert not is_covered(tail, {(7, "grid"): 13, (7, "pv"): 20})
    assert not is_covered(tail, {(7, "grid"): 14})


def test_what_is_added_reaches_as_far_as_the_newest_says() -> None:
    reach, grid = TailCoverage(), chunk("grid", 10)
    for stop in (3, 5):
        reach.add(1, [(grid, 0, stop)])
    reach.add(1, [(chunk("grid", 15), 0, 2)])

    assert {1: {(7, "grid"): 16}} == reach.find_coverage()


def test_each_file_keeps_its_own() -> None:
    reach, grid = TailCoverage(), chunk("grid")
    reach.begin({4: {(6, "pv"): 99}})
    reach.add(5, [(grid, 0, 3)])
    reach.add(6, [(grid, 3, 8)])

    assert {4: {(6, "pv"): 99}, 5: {(7, "grid"): 3}, 6: {(7, "grid"): 8}} == reach.find_coverage()
    reach.forget(5)
    assert [4, 6] == list(reach.find_coverage())


def test_a_log_that_begins_anew_knows_its_files_alone() -> None:
    reach = TailCoverage()
    reach.add(1, [(chunk("grid"), 0, 3)])
    reach.begin({})

    assert {} == reach.find_coverage()


BODIES = [bytes([number]) * (50 * number) for number in range(1, 20)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def filled(path: Path) -> CommitLog:
    log = CommitLog(path)
    for body in BODIES:
        log.append(body)
    return log


def held(path: Path) -> list[bytes]:
    return [body for _, file in list_log_files(path) for body in read_log_file(file)[0]]


def test_what_was_added_comes_back_and_what_is_added_after_a_start_is_in_a_new_file(path: Path) -> None:
    filled(path).close()
    log = CommitLog(path)

    assert {1: (BODIES, True)} == log.begin()
    assert 2 == log.append(b"new")
    assert [*BODIES, b"new"] == held(path)
    assert sum(file.stat().st_size for _, file in list_log_files(path)) == log.size_bytes
    log.close()


def test_a_large_file_is_followed_by_another_and_each_can_be_dropped(path: Path) -> None:
    log = CommitLog(path)
    numbers = [log.append(bytes(30_000)) for _ in range(12)]
    assert ([1] * 5 + [2] * 5 + [3] * 2, 3) == (numbers, log.number)

    assert log.drop(1)
    assert [2, 3] == [number for number, _ in list_log_files(path)]
    assert sum(file.stat().st_size for _, file in list_log_files(path)) == log.size_bytes
    log.close()


def test_whatever_byte_is_altered_costs_its_frame_and_no_other(path: Path) -> None:
    filled(path).close()
    ((_, file),) = list_log_files(path)
    sound = file.read_bytes()
    for at in range(0, len(sound), 37):
        file.write_bytes(sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1 :])
        found, is_whole = read_log_file(file)
        assert (len(BODIES) - 1, False) == (len(found), is_whole)
        assert [body for body in BODIES if body in found] == found


def test_a_zeroed_page_costs_the_frames_that_it_hits(path: Path) -> None:
    filled(path).close()
    ((_, file),) = list_log_files(path)
    sound = file.read_bytes()
    file.write_bytes(sound[:4096] + bytes(1024) + sound[5120:])

    found, is_whole = read_log_file(file)
    assert not is_whole
    assert BODIES[:10] == found[:10]
    assert BODIES[-5:] == found[-5:]


def test_a_file_cut_anywhere_gives_what_is_before_the_cut(path: Path) -> None:
    filled(path).close()
    ((_, file),) = list_log_files(path)
    sound = file.read_bytes()
    for size in range(0, len(sound), 101):
        file.write_bytes(sound[:size])
        found, is_whole = read_log_file(file)
        assert BODIES[: len(found)] == found
        assert is_whole == (sum(10 + len(body) for body in found) == size)


def test_bytes_of_a_tail_that_look_like_a_frame_are_none(path: Path) -> None:
    log = CommitLog(path)
    log.append(b"QF" * 300)
    log.append(b"sound")
    log.close()
    ((_, file),) = list_log_files(path)
    content = bytearray(file.read_bytes())
    content[2] ^= 1  # the first frame's length
    file.write_bytes(content)

    assert ([b"sound"], False) == read_log_file(file)


def test_a_full_disk_leaves_nothing_of_a_frame_and_the_next_one_is_in_a_new_file(path: Path) -> None:
    log = CommitLog(path)
    log.append(bytes(100))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
            log.append(bytes(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert 2 == log.append(b"again")
    assert [bytes(100), b"again"] == held(path)
    log.close()


def test_a_folder_that_is_gone_is_an_error_and_leaves_no_file(path: Path) -> None:
    log = CommitLog(path.parent / "away" / "history.db")
    with pytest.raises(FileNotFoundError):
        log.append(b"x")
    (path.parent / "away").mkdir()

    log.append(b"x")
    assert [b"x"] == held(path.parent / "away" / "history.db")
    log.close()


def test_a_file_that_somebody_removed_is_noticed(path: Path) -> None:
    log = filled(path)
    assert not log.is_gone
    commit_log.remove_log_files(path)

    assert log.is_gone
    assert [] == list_log_files(path)
    log.close()


def test_files_move_with_the_history_that_they_belong_to(path: Path) -> None:
    filled(path).close()
    aside = path.with_name("history.db.damaged-20260101T000000Z")
    commit_log.move_log_files(path, aside)

    assert ([], BODIES) == (list_log_files(path), held(aside))
    assert all(commit_log.is_log_file(file.name) for _, file in list_log_files(aside))
    assert not commit_log.is_log_file(aside.name)
