"""What is delivered late, of one connection after the other."""

import pytest

from quartier.district.records import SessionContext, SessionRules
from quartier.district.sparkplug.backfill import Backfill
from quartier.site.records import Now
from quartier.site.samples import StreamPosition


def at(second):
    return Now(second * 1_000_000_000, 0, synced=True)


@pytest.fixture
def notebook(make_notebook):
    made = make_notebook()
    for _ in range(30):
        made.put("grid", "power_w", 1.0)
    return made


def begun(notebook, **rules):
    history = Backfill(SessionRules(**rules), 0.5)
    history.begin(at(0))
    history.backlog.add({}, notebook.heads())
    history.advance_rate(at(0))
    return history


def said(history, notebook, second, marks, *, echoes=True, late_s=None):
    is_moved = history.remove_confirmed(marks, at(second))
    history.process_watermark(
        late_s, marks, SessionContext(at(second), dict, notebook), is_moved=is_moved, echoes=echoes
    )


def test_it_waits_for_a_watermark_that_knows_the_session_but_not_for_ever(notebook):
    assert begun(notebook).next(notebook, (), at(9)) is None
    assert begun(notebook).next(notebook, (), at(10)) is not None
    history = begun(notebook)
    said(history, notebook, 1, {}, echoes=False)
    assert history.next(notebook, (), at(2)) is None
    said(history, notebook, 2, {})
    assert history.next(notebook, (), at(2)) is not None


def test_without_watermarks_it_goes_at_once_and_nothing_is_waited_for(notebook):
    history = begun(notebook, watermark=False)
    history.advance_rate(at(1))
    run = history.next(notebook, (), at(1))
    history.note_sent_samples(run, 0, len(run), at(1), late=True)
    assert not history.is_in_flight
    assert not history.backlog


def test_what_was_lost_goes_again_once_and_is_counted(notebook):
    history = begun(notebook)
    run = history.next(notebook, (), at(10))
    history.note_sent_samples(run, 0, 10, at(10), late=True)
    said(history, notebook, 20, {})
    assert (True, 0) == (history.is_in_flight, history.resent_count)
    said(history, notebook, 100, {}, echoes=False)
    assert 0 == history.resent_count, "a district that does not know the session says nothing of it"
    said(history, notebook, 101, {})
    history.advance_rate(at(200))
    again = history.next(notebook, (), at(200))
    assert (1, 1, 10) == (history.resent_count, again.first, len(again))
    history.note_sent_samples(again, 0, 10, at(200), late=True)
    said(history, notebook, 201, {"grid": StreamPosition(7, 10)})
    assert (False, 200_000_000_000) == (history.is_in_flight, history.last_confirmed_ns)


@pytest.mark.parametrize(("late_s", "second"), [(0.0, 25), (None, 70)])
def test_a_lost_message_goes_again_soon_only_where_live_data_is_stored_first(notebook, late_s, second):
    history = begun(notebook)
    history.note_sent_samples(history.next(notebook, (), at(10)), 0, 30, at(10), late=True)
    assert history.is_unconfirmed
    resent = []
    for now in range(15, 100, 5):
        said(history, notebook, now, {}, late_s=late_s)
        resent.append((now, history.resent_count))
    assert second == next(now for now, count in resent if count)


def test_a_slow_district_gets_small_messages(make_notebook):
    notebook = make_notebook()
    for _ in range(600):
        notebook.put("grid", "power_w", 1.0)
    history = begun(notebook)
    said(history, notebook, 1, {}, late_s=0.0)
    for now in range(6, 60, 5):
        said(history, notebook, now, {}, late_s=1.5)
    history.advance_rate(at(100))
    assert 100 == len(history.next(notebook, (), at(100)))
