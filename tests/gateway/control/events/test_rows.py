from pathlib import Path

import pytest

from quartier.control.events import rows as events_rows
from quartier.control.events.rows import GONE, HIGH, HIGH_U, LOW_B, LOW_C, LOW_D, LOW_U


@pytest.mark.parametrize(
    ("row", "limit", "hold_s", "tiers"),
    [
        (LOW_D, 49.8, 2.0, "D"),
        (LOW_C, 49.5, 1.0, "C"),
        (LOW_B, 49.2, 0.5, "B"),
        (HIGH, 50.2, 0.0, ""),
        (LOW_U, 90.0, 60.0, "D"),
        (HIGH_U, 110.0, 60.0, ""),
        (GONE, 50.0, 0.0, ""),
    ],
)
def test_the_rows_are_those_of_the_specification(row, limit, hold_s, tiers):
    assert (limit, hold_s, tiers) == (row.limit, row.hold_s, row.tiers)
    assert row in events_rows.EVENT_ROWS


@pytest.mark.parametrize("row", events_rows.EVENT_ROWS, ids=lambda row: row.name)
def test_a_row_is_past_at_its_limit_and_lets_go_only_its_slack_away(row):
    short = row.limit - row.side * 0.001

    assert row.is_past(row.limit)
    assert not row.is_past(short)
    assert (row.slack > 0) is row.is_past(short, was=True)


def test_only_the_last_low_row_needs_fast_readings():
    assert [1.0, 1.0, 0.2] == [row.period_max_s for row in events_rows.LOW]


@pytest.mark.parametrize(
    ("period_s", "words"),
    [
        (0.2, ""),
        (1.0, ""),
        (2.0, "the frequency is read every 2 s: only one reading at or below 49 Hz acts, on tiers D and C"),
        (None, "the grid meter does not measure the frequency"),
    ],
)
def test_what_a_slow_meter_cannot_serve_is_said(period_s, words):
    found = events_rows.find_unserved_rows(period_s)

    assert bool(words) is bool(found)
    assert found.startswith(words)


def test_people_read_the_same_table():
    rows = dict(events_rows.render_event_table())

    assert "tier B off" == rows["f ≤ 49.2 Hz for 0.5 s, or 49 Hz once"]
    assert rows["U of a phase ≤ 90 % for 60 s"].startswith("tier D off")
    assert len(events_rows.EVENT_ROWS) + 5 == len(rows)


def test_the_operators_page_prints_the_table():
    page = (Path(__file__).parents[4] / "gateway/docs/operators.md").read_text()

    assert [] == [row for row in events_rows.render_event_table() if f"| {row[0]} | {row[1]} |" not in page]
