"""Spans of what must still be delivered: order, goals, what the receiver has meanwhile."""

import pytest

from quartier.district.sparkplug.backfill import SPANS_MAX, Backlog
from quartier.site.samples import StreamPosition


@pytest.fixture
def notebook(make_notebook):
    return make_notebook()


def drain(backlog, outbox, dead=()):
    sent = []
    while (run := backlog.peek(outbox, set(dead))) is not None:
        sent.append((run.stream, run.first, run.last))
        backlog.note_sent_samples(run, len(run))
    return sent


def test_nothing_above_the_marks_is_no_backlog():
    backlog = Backlog()
    backlog.add({"grid": StreamPosition(7, 3)}, {"grid": StreamPosition(7, 3)})
    assert not backlog


def test_it_ends_at_its_goal_though_newer_samples_come(notebook):
    for _ in range(5):
        notebook.put("grid", "power_w", 1.0)
    backlog = Backlog()
    backlog.add({"grid": StreamPosition(7, 1)}, {"grid": StreamPosition(7, 3)})
    assert [("grid", 2, 3)] == drain(backlog, notebook)
    assert not backlog


def test_the_stream_that_lags_most_goes_next(notebook):
    for minute in range(1_000):
        notebook.put("grid", "power_w", 1.0, minute * 60_000)
    for minute in range(0, 1_000, 100):
        notebook.put("bat1", "soc_pct", 1.0, minute * 60_000)
    backlog = Backlog()
    backlog.add({}, notebook.heads())
    assert [("grid", 1, 500), ("bat1", 1, 10), ("grid", 501, 1_000)] == drain(backlog, notebook)


def test_dead_streams_wait(notebook):
    notebook.put("grid", "power_w", 1.0)
    notebook.put("ev1", "power_w", 1.0)
    backlog = Backlog()
    backlog.add({}, notebook.heads())
    assert [("grid", 1, 1)] == drain(backlog, notebook, dead=["ev1"])
    assert (True, False) == (backlog.holds("ev1"), backlog.holds("grid"))
    assert [("ev1", 1, 1)] == drain(backlog, notebook)


def test_what_the_receiver_has_meanwhile_is_passed_over(notebook):
    for _ in range(1_200):
        notebook.put("grid", "power_w", 1.0)
    backlog = Backlog()
    backlog.add({}, notebook.heads())
    backlog.peek(notebook, set())
    backlog.skip_confirmed({"grid": StreamPosition(7, 1_100)})
    assert [("grid", 1_101, 1_200)] == drain(backlog, notebook)
    backlog.add({}, notebook.heads())
    backlog.skip_confirmed({"grid": StreamPosition(7, 1_200)})
    assert not backlog


def test_what_was_evicted_meanwhile_ends_the_stream(notebook):
    notebook.put("grid", "power_w", 1.0)
    backlog = Backlog()
    backlog.add({}, notebook.heads())
    notebook.kept.clear()
    assert ([], False) == (drain(backlog, notebook), bool(backlog))


def test_too_many_spans_are_joined_and_nothing_is_left_out(notebook):
    backlog = Backlog()
    for number in range(1, 40):
        notebook.put("grid", "power_w", 1.0)
        backlog.add({"grid": StreamPosition(7, number - 1)}, {"grid": StreamPosition(7, number)})
        assert len(backlog._spans) <= SPANS_MAX
    sent = drain(backlog, notebook)
    assert set(range(1, 40)) <= {seq for _, first, last in sent for seq in range(first, last + 1)}


def test_what_was_lost_goes_before_all_else(notebook):
    for _ in range(6):
        notebook.put("grid", "power_w", 1.0)
    backlog = Backlog()
    backlog.add({"grid": StreamPosition(7, 3)}, {"grid": StreamPosition(7, 6)})
    backlog.add({"grid": StreamPosition(7, 1)}, {"grid": StreamPosition(7, 2)}, first=True)
    assert [("grid", 2, 2), ("grid", 4, 6)] == drain(backlog, notebook)
