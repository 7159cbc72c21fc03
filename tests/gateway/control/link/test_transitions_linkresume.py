from dataclasses import replace

import pytest

from quartier.control.link.state import LinkMode
from quartier.control.link.transitions import make_initial_state, resume_state
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
