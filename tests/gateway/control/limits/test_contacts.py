from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.limits import contacts
from quartier.control.limits.contacts import ContactHold, ContactState
from quartier.control.observe.observations import LastGood
from quartier.control.records import PowerLimits
from quartier.site.site_layout import LimitContact

S = 1_000_000_000
DSO = LimitContact(name="dso1", import_max_w=4200.0)
CLOSED, OPEN, SILENT = 1.0, 0.0, None


class Watch:
    """One contact over time: each step is a second with what was read then."""

    def __init__(self, contact=DSO):
        self.contact = contact
        self.holds = {}
        self.memories = {}
        self.t = -1

    def sees(self, value, seconds=1):
        for _ in range(seconds):
            self.t += 1
            if value is not SILENT:
                self.memories = {contacts.find_contact_point(self.contact): LastGood(value, self.t * S)}
            self.holds = contacts.update_contacts([self.contact], self.holds, self.memories, self.t * S)
        return self.holds[self.contact.name]


# What was read second by second, and what is judged in the end.
TABLE = [
    ("the first reading that is closed acts at once", [(CLOSED, 1)], ContactState.ACTS),
    ("the first reading that is open rests at once", [(SILENT, 1), (OPEN, 1)], ContactState.RESTS),
    ("before any reading it acts", [(SILENT, 1)], ContactState.WAITING),
    ("15 s without any reading are still waiting", [(SILENT, 16)], ContactState.WAITING),
    ("16 s without any reading: it cannot be read, and acts", [(SILENT, 17)], ContactState.LOST),
    ("closing acts with one reading", [(OPEN, 30), (CLOSED, 1)], ContactState.ACTS),
    ("open for 60 s still holds", [(CLOSED, 5), (OPEN, 60)], ContactState.RELEASING),
    ("open for more than 60 s it is released", [(CLOSED, 5), (OPEN, 61)], ContactState.RESTS),
    (
        "closing again begins the 60 s anew",
        [(CLOSED, 5), (OPEN, 50), (CLOSED, 1), (OPEN, 50)],
        ContactState.RELEASING,
    ),
    ("15 s of silence still rest", [(OPEN, 5), (SILENT, 15)], ContactState.RESTS),
    (
        "16 s of silence: a reading that old says nothing, so it acts",
        [(OPEN, 5), (SILENT, 16)],
        ContactState.LOST,
    ),
    ("silence never releases it", [(CLOSED, 5), (OPEN, 10), (SILENT, 3600)], ContactState.LOST),
    ("who was lost and is open is held 60 s", [(OPEN, 5), (SILENT, 20), (OPEN, 60)], ContactState.RELEASING),
    ("and is then released", [(OPEN, 5), (SILENT, 20), (OPEN, 61)], ContactState.RESTS),
    ("who was lost and is closed acts on", [(CLOSED, 5), (SILENT, 20), (CLOSED, 1)], ContactState.ACTS),
]


@pytest.mark.parametrize(("steps", "why"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_contact_is_judged_by_the_table(steps, why):
    watch = Watch()
    for value, seconds in steps:
        hold = watch.sees(value, seconds)

    assert why == hold.why
    assert (why is not ContactState.RESTS) == hold.is_acting


def test_a_contact_may_act_when_it_is_open_so_that_a_broken_wire_acts():
    watch = Watch(replace(DSO, acts_open=True))

    assert ContactState.RESTS == watch.sees(CLOSED).why
    assert ContactState.ACTS == watch.sees(OPEN).why


def test_bounce_shorter_than_asked_for_does_not_act():
    watch = Watch(replace(DSO, debounce_s=2.0))
    watch.sees(OPEN, 5)

    assert ContactState.RESTS == watch.sees(CLOSED, 2).why
    assert ContactState.RESTS == watch.sees(OPEN).why
    assert ContactState.RESTS == watch.sees(CLOSED, 2).why
    assert ContactState.ACTS == watch.sees(CLOSED).why


def test_an_old_reading_seen_again_is_no_second_one():
    watch = Watch(replace(DSO, debounce_s=2.0))
    watch.sees(OPEN, 5)
    watch.sees(CLOSED)

    assert ContactState.RESTS == watch.sees(SILENT, 10).why, "ten cycles, but one reading"


def test_a_slowly_read_contact_is_given_three_of_its_polls():
    watch = Watch(replace(DSO, period_s=20.0))
    watch.sees(OPEN)

    assert ContactState.RESTS == watch.sees(SILENT, 60).why
    assert ContactState.LOST == watch.sees(SILENT).why


def test_since_when_it_acts_does_not_move_while_it_acts():
    watch = Watch()
    watch.sees(OPEN, 10)
    watch.sees(CLOSED, 5)
    watch.sees(OPEN, 5)

    assert 10 * S == watch.sees(SILENT, 100).since_ns


def test_those_that_act_are_sources_of_caps_by_name():
    both = LimitContact(name="dso2", export_max_w=0.0, generation_max_w=3000.0)
    holds = {"dso1": ContactHold(ContactState.LOST, 0), "dso2": ContactHold(ContactState.ACTS, 0)}

    assert [
        ("contact dso1, cannot be read", PowerLimits(4200.0, inf)),
        ("contact dso2", PowerLimits(inf, 0.0, 3000.0)),
    ] == [(str(source), powers) for source, powers in contacts.find_contact_limits([DSO, both], holds)]
    assert [] == list(contacts.find_contact_limits([DSO], {"dso1": ContactHold(ContactState.RESTS, 0)}))


def test_people_see_each_contact_and_are_alarmed_by_one_that_cannot_be_read():
    holds = {"dso1": ContactHold(ContactState.LOST, 5 * S)}

    assert {
        "dso1": {"acting": True, "why": "cannot be read", "age_s": 2.0, "caps": {"import": 4200.0}}
    } == contacts.render_contacts([DSO], holds, 7 * S)
    assert ["contact dso1 cannot be read: it counts as acting"] == contacts.find_contact_alarms(holds)
    assert [] == contacts.find_contact_alarms({"dso1": ContactHold(ContactState.WAITING, 0)})


@given(st.lists(st.tuples(st.sampled_from([CLOSED, OPEN, SILENT]), st.integers(1, 40)), max_size=12))
def test_it_rests_only_on_evidence(steps):
    """Resting needs a fresh open reading; and after acting, open readings over 60 s in a row."""
    watch, acted, open_since, closed_ever = Watch(), False, None, False
    for value, seconds in steps:
        for _ in range(seconds):
            hold = watch.sees(value)
            if value is CLOSED:
                closed_ever = acted = True
            if value is not OPEN:
                open_since = open_since if value is SILENT else None
            elif open_since is None:
                open_since = watch.t
            if hold.is_acting:
                acted = acted or hold.why is not ContactState.WAITING
                continue
            memory = watch.memories[contacts.find_contact_point(DSO)]
            assert (OPEN, True) == (memory.value, watch.t - memory.taken_ns / S <= 15)
            if acted and closed_ever:
                assert open_since is not None
                assert memory.taken_ns / S - open_since >= 60
