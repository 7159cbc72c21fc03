import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.store.gap_records import GapRecord, KnownGaps, load_gap, render_event, subtract_spans

LOST = GapRecord("evicted", "grid", 7, 11, 20, 1000, 2000)
CUT = GapRecord("power-cut", "*", 7, 0, 0, 1000, 2000, (("bat1", 3), ("grid", 11)))


def test_a_gap_survives_json() -> None:
    assert [LOST, CUT] == [load_gap(json.loads(json.dumps(gap.data()))) for gap in (LOST, CUT)]


def test_a_gap_counts_what_is_known_to_be_missing() -> None:
    assert (10, 0) == (LOST.count, CUT.count)


def test_a_gap_says_what_where_and_why_in_one_line() -> None:
    assert "10 samples of grid are missing (evicted; boot 7, from 11)" == LOST.text()
    assert "samples after the last commit of boot 7 are missing (power-cut)" == CUT.text()


def test_an_event_is_one_json_object_with_text_and_data() -> None:
    assert {"text": "né", "data": {"a": 1}} == json.loads(render_event("né", {"a": 1}))


@given(
    span=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple),
    others=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=6),
)
def test_what_is_left_of_a_span_is_what_no_other_holds(
    span: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    held = {number for first, last in others for number in range(first, last + 1)}
    left = subtract_spans(span, others)

    assert [number for number in range(span[0], span[1] + 1) if number not in held] == [
        number for first, last in left for number in range(first, last + 1)
    ]
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(left))


def test_of_a_record_only_what_none_names_is_new() -> None:
    known = KnownGaps([LOST.part(3, 4), LOST.part(8, 8)])

    assert [(1, 2), (5, 7), (9, 9)] == [(gap.first, gap.last) for gap in known.subtract(LOST.part(1, 9))]
    assert [] == known.subtract(LOST.part(3, 4))
    known.add(LOST.part(1, 9))
    assert [] == known.subtract(LOST.part(1, 9))


@pytest.mark.parametrize(
    ("told", "firsts", "is_new"),
    [
        ({"grid": 4}, {"grid": 4}, False),
        ({"grid": 4}, {"grid": 9}, False),
        ({"grid": 4}, {"grid": 3}, True),
        ({}, {"grid": 4}, False),
        ({"grid": 4}, {}, True),
        ({"grid": 4}, {"grid": 4, "bat1": 2}, False),
        ({"grid": 4, "bat1": 2}, {"grid": 4}, True),
    ],
)
def test_the_end_of_a_boot_is_told_again_only_where_more_is_missing(
    told: dict[str, int], firsts: dict[str, int], is_new: object
) -> None:
    end = GapRecord("power-cut", "*", 7, 0, 0, 0, 0, tuple(told.items()))
    again = GapRecord("power-cut", "*", 7, 0, 0, 0, 0, tuple(firsts.items()))

    assert bool(is_new) == bool(KnownGaps([end]).subtract(again))
    assert KnownGaps([end]).subtract(replace(again, boot=8))
