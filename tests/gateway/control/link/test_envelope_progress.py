import json

import pytest

from quartier.control.link import envelope_progress
from quartier.control.link.envelope_progress import ConnectionMeasurement
from quartier.control.requests import Ack

EPOCH_MS = 1_790_000_000_000
INSIDE, OUTSIDE, UNKNOWN = (
    ConnectionMeasurement(inside=True),
    ConnectionMeasurement(inside=False),
    ConnectionMeasurement(inside=None),
)


@pytest.fixture
def follow(document):
    """``follow.give(seq, …)``, ``follow.look(kept, t)``: what is said, as (id, status, reason)."""

    class Follow:
        def __init__(self):
            self.held = {}

        def give(self, seq=1, waits="", **more):
            envelope = document(seq, **more)
            ack = Ack(envelope.id, envelope.seq, "envelope", "OK", "ACCEPTED", waits)
            self.held, acks = envelope_progress.add_envelope(self.held, envelope, ack)
            return [(ack.id, ack.status, ack.reason) for ack in acks]

        def look(self, kept, t=1):
            self.held, acks = envelope_progress.advance_envelopes(self.held, kept, EPOCH_MS + t * 1000)
            return [(ack.id, ack.status, ack.reason) for ack in acks]

    return Follow()


def test_rule_started_at_its_start_and_succeeded_only_when_measured_inside(follow):
    assert [("district-1", "ACCEPTED", "")] == follow.give(start_s=10)
    assert [] == follow.look(INSIDE, 9)
    assert [("district-1", "STARTED", "")] == follow.look(UNKNOWN, 10)
    assert [] == follow.look(OUTSIDE, 11)
    assert [("district-1", "SUCCEEDED", "")] == follow.look(INSIDE, 12)
    assert [] == follow.look(OUTSIDE, 13), "said once"


def test_rule_revoked_by_a_newer_document_of_the_same_topic(follow):
    follow.give(1)
    follow.give(1, program="dso")

    assert [("district-1", "REVOKED", ""), ("district-2", "ACCEPTED", "")] == follow.give(2)
    assert ["dso-1", "district-2"] == [one.id for one in sorted(follow.held.values(), key=lambda o: o.seq)]


def test_rule_the_same_document_is_answered_by_where_it_stands(follow):
    follow.give(waits="CLOCK")
    assert [("district-1", "ACCEPTED", "")] == follow.give()
    follow.look(INSIDE)

    assert [("district-1", "SUCCEEDED", "")] == follow.give()


@pytest.mark.parametrize(
    ("seen", "kept", "reason"),
    [
        (OUTSIDE, OUTSIDE, "UNCONTROLLED_LOADS"),
        (OUTSIDE, ConnectionMeasurement(inside=False, by_hand=True), "LOCAL_OVERRIDE"),
        (UNKNOWN, UNKNOWN, "SAFETY"),
    ],
)
def test_what_was_never_kept_is_aborted_at_its_end_with_the_reason(follow, seen, kept, reason):
    follow.give(exp_s=100)
    follow.look(seen, 50)

    assert [("district-1", "ABORTED", reason)] == follow.look(kept, 101)
    assert {} == follow.held


def test_what_ends_before_its_start_expired(follow):
    follow.give(start_s=200, exp_s=100)

    assert [("district-1", "ABORTED", "EXPIRED")] == follow.look(OUTSIDE, 101)


def test_what_was_kept_ends_without_a_word(follow):
    follow.give(exp_s=100)
    follow.look(INSIDE)

    assert ([], {}) == (follow.look(OUTSIDE, 101), follow.held)


def test_over_a_restart_each_stands_where_it_stood(follow):
    follow.give()
    follow.look(OUTSIDE)
    kept = json.loads(json.dumps(envelope_progress.dump_envelopes(follow.held)))

    assert follow.held == envelope_progress.load_envelopes(kept)


def test_what_is_broken_is_said():
    with pytest.raises(ValueError, match="broken"):
        envelope_progress.load_envelopes({"dso": {"id": 1}})
