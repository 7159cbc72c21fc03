"""An alarm reads as its words and is known by its code and what it is about."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.site.alarm_kinds import AlarmSeverity
from quartier.site.alarm_types import Alarm, format_alarm_name, list_standing_alarms, update_standing_alarms
from quartier.site.records import Now

UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read: it counts as acting")


def test_it_reads_as_its_words_for_people_and_programs():
    assert "contact dso1 cannot be read: it counts as acting" == UNREAD
    assert json.dumps(str(UNREAD)) == json.dumps(UNREAD)


def test_it_is_known_by_code_and_what_it_is_about_whatever_its_figures():
    other = Alarm("supply.near", "linky", "96 % is drawn")

    assert Alarm("supply.near", "linky", "97 % is drawn").key == other.key
    assert ("contact.unread", "dso1") == UNREAD.key


def test_severity_and_remedy_come_from_the_table():
    assert AlarmSeverity.WARNING is UNREAD.severity
    assert UNREAD.remedy.endswith("the input board and the wire of dso1.")


def test_what_it_comes_of_is_no_part_of_which_alarm_it_is():
    back = Alarm("output.given_back", "bat1.setpoint_w", "…", ("loss.grid_meter_lost", ""))

    assert (None, ("loss.grid_meter_lost", "")) == (UNREAD.cause, back.cause)
    assert Alarm("output.given_back", "bat1.setpoint_w", "…").key == back.key


def test_the_remedy_of_a_point_names_its_asset():
    assert "`quartier why pump`" in Alarm("output.second_master", "pump.relay_on", "…").remedy


def test_a_code_that_is_not_in_the_table_is_no_alarm():
    with pytest.raises(KeyError):
        Alarm("contact.odd", "dso1", "…")


@pytest.mark.parametrize(("of", "name"), [("dso1", "contact.unread:dso1"), ("", "contact.unread")])
def test_people_name_it_by_code_and_what_it_is_about(of, name):
    assert name == format_alarm_name("contact.unread", of)


# How long one stands

S, NOON_MS = 1_000_000_000, 1_790_000_000_000
NEAR = Alarm("supply.near", "linky", "96 % is drawn")


def at(second):
    return Now(second * S, NOON_MS + second * 1_000, synced=True)


def stood(spans, until_s):
    """The spans in which an alarm stands whose cause is there in ``spans``, and the last holds."""
    holds, found, was = {}, [], False
    for second in range(until_s):
        present = [UNREAD] if any(begin <= second < end for begin, end in spans) else []
        holds = update_standing_alarms(holds, present, at(second))
        if bool(holds) != was:
            found.append(second)
        was = bool(holds)
    return found, holds


@pytest.mark.parametrize(
    ("spans", "edges"),
    [
        ([(5, 6)], [5, 66]),
        ([(5, 50)], [5, 110]),
        ([(5, 10), (69, 70)], [5, 130]),
        ([(5, 10), (70, 71)], [5, 131]),
        ([(5, 10), (71, 72)], [5, 70, 71, 132]),
    ],
)
def test_it_stands_at_once_and_until_a_minute_after_its_cause_ended(spans, edges):
    assert edges == stood(spans, 200)[0]


def test_its_repetitions_are_counted_while_it_stands():
    _, holds = stood([(n, n + 2) for n in range(0, 100, 10)], 100)

    assert 10 == holds[UNREAD.key].count


def test_its_words_say_when_its_cause_ended_in_the_time_of_the_building():
    holds = update_standing_alarms(update_standing_alarms({}, [UNREAD, NEAR], at(0)), [NEAR], at(5))
    unread, near = list_standing_alarms(holds, "Europe/Paris")

    assert "contact dso1 cannot be read: it counts as acting; ended 16:13:25" == unread
    assert (UNREAD.key, NOON_MS + 5_000, None) == (unread.key, unread.ended_utc_ms, near.ended_utc_ms)
    assert [UNREAD] == list_standing_alarms(update_standing_alarms(holds, [UNREAD], at(6)), "Europe/Paris")[
        :1
    ]


def test_of_two_with_one_key_the_first_counts():
    other = Alarm("supply.near", "linky", "second")

    assert ["96 % is drawn"] == list_standing_alarms(update_standing_alarms({}, [NEAR, other], at(0)), "UTC")


def test_one_that_ended_is_what_it_was_with_new_words():
    lost = Alarm("output.given_back", "bat1.setpoint_w", "given back", ("loss.grid_meter_lost", ""))
    after = lost.after(NOON_MS, "UTC")

    assert (lost.key, lost.cause, lost.severity) == (after.key, after.cause, after.severity)
    assert after.endswith("; ended 14:13:20")


@examples(30)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 90)), max_size=30))
def test_whatever_its_cause_does_it_is_raised_once_a_minute_at_most(spells):
    holds, raised, second = {}, [], 0
    for is_there, seconds in spells:
        for _ in range(seconds):
            before = bool(holds)
            holds = update_standing_alarms(holds, [UNREAD] if is_there else [], at(second))
            assert bool(holds) or not is_there
            raised += [second] * (bool(holds) and not before)
            second += 1

    assert all(later - sooner > 60 for sooner, later in pairwise(raised))


def test_alarm_takes_more_words_or_another_cause_and_stays_the_same_alarm():
    one = Alarm("cap.exceeded", "import", "over the cap")
    more, caused = one.extend(more="; see meter.suspect"), one.extend(cause=("meter.suspect", "grid"))

    assert ("over the cap; see meter.suspect", one.key, None) == (more, more.key, more.cause)
    assert ("over the cap", one.key, ("meter.suspect", "grid")) == (caused, caused.key, caused.cause)
