import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.contract import OWN_RULE, SLOT_NS, Command, Origin, find_slot_ns, find_wait_s
from quartier_drivers.readings import (
    BOOL,
    FLOAT,
    INT,
    NO_READINGS,
    TEXT,
    Layout,
    Quality,
    Reading,
    make_readings,
)

values = st.one_of(st.floats(allow_nan=False), st.integers(), st.booleans(), st.text(max_size=9))
rows = st.lists(st.tuples(values, st.sampled_from(Quality), st.text(max_size=4)), max_size=40)


@given(rows)
def test_columns_give_back_the_rows_that_they_were_made_of(found):
    wanted = [Reading(f"a.p{at}_w", value, quality, 7, raw) for at, (value, quality, raw) in enumerate(found)]
    made = make_readings(wanted, 7)

    assert wanted == list(made)
    assert [type(row.value) for row in wanted] == [type(row.value) for row in made]
    assert [math.copysign(1, row.value) for row in wanted if type(row.value) is float] == [
        math.copysign(1, row.value) for row in made if type(row.value) is float
    ]


def test_a_layout_is_known_by_its_identity_and_readings_of_it_share_it():
    layout = Layout(("a.power_w", "a.on_on", "a.x_index", "a.s_text"), bytes([FLOAT, BOOL, INT, TEXT]))
    row = [
        Reading(point, value, Quality.GOOD, 0)
        for point, value in zip(layout.points, (1.5, True, 2**60 + 1, "x"), strict=True)
    ]
    made = make_readings(row, 5, layout)

    assert layout is made.layout
    assert layout != Layout(layout.points, layout.kinds)
    assert [1.5, True, 2**60 + 1, "x"] == [reading.value for reading in made]
    assert {5} == {reading.taken_ns for reading in made}


def test_a_bad_reading_takes_the_kind_of_its_layout():
    layout = Layout(("a.x_index",), bytes([INT]))
    (reading,) = make_readings([Reading("a.x_index", 0.0, Quality.BAD, 0)], 5, layout)

    assert (0, int, Quality.BAD) == (reading.value, type(reading.value), reading.quality)


def test_columns_can_be_indexed_like_any_sequence():
    made = make_readings([Reading("a.p_w", 1.0, Quality.GOOD, 0), Reading("a.q_w", 2.0, Quality.STALE, 0)], 0)

    assert ("a.q_w", Quality.STALE) == (made[-1].point, made[-1].quality)
    assert ["a.p_w"] == [reading.point for reading in made[:1]]
    with pytest.raises(IndexError):
        made[2]
    assert not NO_READINGS


def test_a_slot_is_never_before_its_time():
    assert [0, SLOT_NS, SLOT_NS, 2 * SLOT_NS] == [find_slot_ns(at) for at in (0, 1, SLOT_NS, SLOT_NS + 1)]


def test_moments_of_a_period_lie_their_phase_past_its_multiples():
    period_ns, phase_ns = 10 * SLOT_NS, 3 * SLOT_NS
    expected = {0: 3, 3: 3, 4: 13, 13: 13, 14: 23}
    assert expected == {at: find_slot_ns(at * SLOT_NS, period_ns, phase_ns) // SLOT_NS for at in expected}
    assert phase_ns == find_slot_ns(1, period_ns, phase_ns + 5 * period_ns), (
        "more than a period is as good as less"
    )


def test_who_waits_in_step_wakes_at_whole_multiples_after_half_a_period_at_least():
    expected = {0.0: 1.0, 0.4: 0.6, 0.5: 0.5, 0.6: 1.4, 1.001: 0.999}
    assert expected == {at_s: find_wait_s(round(at_s * 1e9), 1.0) for at_s in expected}
    assert 10.0 == find_wait_s(0, 10.0)


def test_a_command_is_a_rule_of_ours_until_somebody_says_more():
    assert OWN_RULE == Command("bat1.setpoint_w", 0.0, 1).who
    assert "rule" == OWN_RULE.kind


def test_documents_are_told_apart_by_id_and_seq():
    assert Origin("document", "dso", "12", 1) != Origin("document", "dso", "12", 2)
