from dataclasses import replace

import pytest

from quartier.control.link.state import LinkMode
from quartier.control.link.transitions import TRANSITIONS, make_initial_state, resume_state
from quartier.site.records import Now

S = 1_000_000_000


def test_fresh_is_init_from_now():
    state = make_initial_state(Now(5, 7, synced=False))

    assert (LinkMode.INIT, 5, 7) == (state.mode, state.since_ns, state.since_utc_ms)


def test_the_monotonic_clock_that_went_on_gives_the_time_that_passed():
    old = replace(make_initial_state(Now(10 * S, 0, synced=True)), seen_ns=60 * S, owed_ns=100 * S)
    new = resume_state(old, Now(90 * S, 1, synced=False))

    assert (10 * S, 100 * S) == (new.since_ns, new.owed_ns)


def test_one_that_began_anew_counts_only_what_was_served():
    old = replace(
        make_initial_state(Now(500 * S, 0, synced=True)),
        seen_ns=560 * S,
        owed_ns=600 * S,
        shed_until_ns=590 * S,
    )
    new = resume_state(old, Now(3 * S, 10_000_000, synced=True))

    assert (-57 * S, 43 * S, 33 * S) == (new.since_ns, new.owed_ns, new.shed_until_ns)


def test_a_heartbeat_from_before_is_never_fresh():
    old = replace(make_initial_state(Now(0, 0, synced=True)), heartbeat_ns=0, seen_ns=0)
    new = resume_state(old, Now(1 * S, 1000, synced=True))

    assert -59 * S - 1 == new.heartbeat_ns
    assert new.heartbeat_n is None


@pytest.mark.parametrize(
    ("now", "known"),
    [
        (Now(90 * S, 0, synced=False), True),
        (Now(3 * S, 90_000, synced=True), True),
        (Now(3 * S, 90_000, synced=False), False),
    ],
    ids=["the monotonic clock went on", "the wall clock tells", "neither does"],
)
def test_a_heartbeat_from_before_counts_where_a_clock_tells_how_long_ago_it_was(now, known):
    old = replace(make_initial_state(Now(10 * S, 0, synced=True)), seen_ns=60 * S, heartbeat_ns=50 * S)

    assert known is (resume_state(old, now).heartbeat_ns is not None)


def test_every_state_has_a_way_out_and_every_way_its_reason():
    assert set(LinkMode) == {row.source for row in TRANSITIONS}
    assert len(TRANSITIONS) == len({(row.source, row.why) for row in TRANSITIONS})
    assert all(row.source is not row.target for row in TRANSITIONS)


def test_only_a_heartbeat_with_a_document_leads_into_control():
    into = {row.holds.__name__ for row in TRANSITIONS if row.target is LinkMode.CONTROLLED}

    assert {"_is_paired", "_is_paired_since_failsafe"} == into


def _paired(drive, document, after_s):
    """A heartbeat at the present, and a document so much later."""
    beat_at = drive.t
    drive.beat(beat_at)
    drive.give(document(9), beat_at + after_s)
    return drive


def _init(drive, document, wait_s):
    return _paired(drive().start(), document, wait_s)


def _init_owed(drive, _document, t):
    return drive().start(lost=True).tick(t)


def _init_over(drive, _document, t):
    return drive().start().tick(t)


def _hold(drive, _document, t):
    return drive().controlled(on_loss="hold").tick(t)


def _silent(drive, _document, t):
    return drive().controlled().tick(t)


def _no_document(drive, _document, t):
    return drive().controlled(exp_s=1000).beats_until(1000).beats_until(t)


def _hold_paired(drive, document, wait_s):
    return _paired(drive().controlled(on_loss="hold").tick(121).tick(300), document, wait_s)


def _hold_used_up(drive, _document, t):
    return drive().controlled(on_loss="hold", length_s=1000).tick(121).tick(t)


def _failsafe_paired(drive, document, wait_s):
    return _paired(drive().failsafe().tick(300), document, wait_s)


def _minimum(drive, _document, t):
    return drive().failsafe().tick(t)


def _back(drive, _document, t):
    return drive().failsafe().tick(270).beats_until(t)


def _autonomous_paired(drive, document, wait_s):
    return _paired(drive().start().tick(121), document, wait_s)


# By row, in the table's order: how its limit is reached, the last moment before it and the first after.
EDGES = (
    (_init, 61, 59),
    (_init_owed, 119, 121),
    (_init_over, 119, 121),
    (_hold, 119, 121),
    (_silent, 119, 121),
    (_no_document, 1059, 1061),
    (_hold_paired, 61, 59),
    (_hold_used_up, 999, 1001),
    (_failsafe_paired, 61, 59),
    (_minimum, 121 + 7199, 121 + 7201),
    (_back, 300 + 119, 300 + 121),
    (_autonomous_paired, 61, 59),
)


def test_every_row_has_its_edge():
    assert len(TRANSITIONS) == len(EDGES)


@pytest.mark.parametrize(
    "number", range(len(TRANSITIONS)), ids=lambda number: f"{number + 1}: {TRANSITIONS[number].why}"
)
def test_each_row_is_taken_a_second_past_its_limit_and_not_a_second_before(drive, document, number):
    row, (reach, short, past) = TRANSITIONS[number], EDGES[number]
    before, after = reach(drive, document, short), reach(drive, document, past)

    assert row.source is before.mode
    assert (row.target, row.why) == (after.mode, after.state.why)
