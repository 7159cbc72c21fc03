"""An alarm reads as its words and is known by its code and what it is about."""

import json

import pytest

from quartier.house.alarm import Alarm, named
from quartier.house.alarmkind import Severity

UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read: it counts as acting")


def test_it_reads_as_its_words_for_people_and_programs():
    assert "contact dso1 cannot be read: it counts as acting" == UNREAD
    assert json.dumps(str(UNREAD)) == json.dumps(UNREAD)


def test_it_is_known_by_code_and_what_it_is_about_whatever_its_figures():
    other = Alarm("supply.near", "linky", "96 % is drawn")

    assert Alarm("supply.near", "linky", "97 % is drawn").key == other.key
    assert ("contact.unread", "dso1") == UNREAD.key


def test_severity_and_remedy_come_from_the_table():
    assert Severity.WARNING is UNREAD.severity
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
    assert name == named("contact.unread", of)
