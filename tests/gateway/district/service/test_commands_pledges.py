"""ACCEPTED is said once it is on disk; the answers of one command keep their order."""

import pytest

from quartier.control.requests import Ack
from quartier.district.service.commands import ACK_DELAY_FLOOR_S, ACK_DELAY_MAX_S, PendingAcks
from quartier.site.records import Now


def at(seconds):
    return Now(int(seconds * 1e9), 0, synced=True)


def ack(status, seq=1, kind="command"):
    return Ack(f"c{seq}", seq, kind, "OK", status)


@pytest.fixture
def said():
    return []


@pytest.fixture
def pledges(said):
    return PendingAcks(lambda one: said.append((one.seq, one.status)))


def test_what_was_accepted_is_said_only_once_it_is_kept_and_what_follows_stays_behind_it(pledges, said):
    pledges.answer([ack("ACCEPTED"), ack("STARTED")], at(0))
    assert ([], True) == (said, pledges.rung.is_set())
    count = pledges.count
    pledges.answer([ack("SUCCEEDED"), ack("ACCEPTED", 2)], at(1))

    pledges.kept(count)
    assert [(1, "ACCEPTED"), (1, "STARTED")] == said
    pledges.kept(pledges.count)
    assert [(1, "SUCCEEDED"), (2, "ACCEPTED")] == said[2:]


def test_a_refusal_keeps_nobody_waiting_nor_does_a_document_that_is_no_command(pledges, said):
    pledges.answer([ack("REJECTED"), ack("ACCEPTED", 2, "envelope")], at(0))

    assert [(1, "REJECTED"), (2, "ACCEPTED")] == said
    assert not pledges.rung.is_set()


def test_where_the_disk_refuses_it_is_said_all_the_same_in_time(pledges, said):
    pledges.answer([ack("ACCEPTED")], at(0))
    pledges.look(at(ACK_DELAY_MAX_S - 0.1))
    assert [] == said

    pledges.look(at(ACK_DELAY_MAX_S))
    assert [(1, "ACCEPTED")] == said
    pledges.kept(pledges.count)
    assert [(1, "ACCEPTED")] == said, "once"


def test_what_waited_too_long_leaves_the_rest_to_the_disk(pledges, said):
    pledges.answer([ack("ACCEPTED")], at(0))
    count = pledges.count
    pledges.answer([ack("ACCEPTED", 2)], at(2))
    pledges.look(at(ACK_DELAY_MAX_S))

    pledges.kept(count)
    assert [(1, "ACCEPTED")] == said, "the second came after what was kept"


def test_a_fast_clock_gives_the_disk_its_time():
    said = []
    pledges = PendingAcks(said.append, rate=60.0)
    pledges.answer([ack("ACCEPTED")], at(0))
    pledges.look(at(60 * ACK_DELAY_FLOOR_S - 1))

    assert [] == said
