"""A tail may go once sealed chunks hold all of it, and not before."""

from quartier.store.chunks import Chunk
from quartier.store.history_file.commit_log import TailCoverage, find_lasts, is_covered


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
