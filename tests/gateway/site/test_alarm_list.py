"""The list of alarms over synthetic time: what it tells, keeps, forgets, and never forgets."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.site import alarm_list
from quartier.site.alarm_list import AlarmList
from quartier.site.alarm_types import Acknowledgement, Alarm, list_standing_alarms, update_standing_alarms
from quartier.site.records import Now

S = 1_000_000_000
NOON_MS = 1_790_000_000_000
ANNA = Acknowledgement("anna", "1001", NOON_MS, "seen")
BEN = Acknowledgement("ben", "1002", NOON_MS)
UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read")
NEAR = Alarm("supply.near", "linky", "96 % is drawn")


def at(second):
    return Now(round(second * S), NOON_MS + round(second * 1000), synced=True)


class Watch:
    """A book, looked at once a second."""

    def __init__(self, book=None):
        self.book = book or AlarmList()
        self.second = 0
        self.told = []

    def go(self, seconds, *present):
        for _ in range(seconds):
            changes = self.book.look(present, at(self.second))
            self.told += [("raised", one.code, self.second) for one in changes.raised]
            self.told += [("cleared", one.code, self.second) for one in changes.cleared]
            self.second += 1
        return self

    def one(self, alarm=UNREAD):
        return self.book.records[alarm.key]


def test_an_alarm_is_raised_once_and_cleared_a_minute_after_its_cause_ended():
    watch = Watch().go(5, UNREAD).go(90)

    assert [("raised", "contact.unread", 0), ("cleared", "contact.unread", 65)] == watch.told
    assert (NOON_MS, NOON_MS + 65_000) == (watch.one().since_utc_ms, watch.one().cleared_utc_ms)


def test_a_text_whose_figures_change_is_the_same_alarm_with_the_newest_words():
    watch = Watch().go(3, NEAR).go(3, Alarm("supply.near", "linky", "98 % is drawn"))

    assert [("raised", "supply.near", 0)] == watch.told
    assert ("98 % is drawn", 1) == (watch.one(NEAR).words, watch.one(NEAR).count)


def test_what_it_is_about_tells_two_alarms_apart():
    watch = Watch().go(1, UNREAD, Alarm("contact.unread", "dso2", "…"))

    assert [1, 2] == sorted(one.number for one in watch.book.records.values())


def test_of_two_with_one_key_in_one_look_the_first_counts():
    watch = Watch().go(1, NEAR, Alarm("supply.near", "linky", "second"))

    assert ("96 % is drawn", 1) == (watch.one(NEAR).words, watch.one(NEAR).count)


def test_one_that_flickers_is_one_alarm_with_a_count_and_told_once():
    watch = Watch()
    for _ in range(20):
        watch.go(2, UNREAD).go(5)

    assert [("raised", "contact.unread", 0)] == watch.told
    assert (20, NOON_MS, NOON_MS + 19 * 7000) == (
        watch.one().count,
        watch.one().since_utc_ms,
        watch.one().last_utc_ms,
    )


def test_one_that_keeps_coming_back_within_a_minute_is_raised_once_and_counted():
    watch = Watch()
    for _ in range(60):
        watch.go(5, UNREAD).go(55)

    assert 1 == len([one for one in watch.told if one[0] == "raised"])
    assert 60 == watch.one().count


def test_its_words_say_when_its_cause_ended_until_it_comes_back():
    watch = Watch(AlarmList(zone="Europe/Paris")).go(5, UNREAD).go(1)
    assert "contact dso1 cannot be read; ended 16:13:25" == watch.one().words

    assert "contact dso1 cannot be read" == watch.go(1, UNREAD).one().words
    assert "contact dso1 cannot be read; ended 16:13:27" == watch.go(70).one().words


def test_one_whose_cause_ended_is_not_there_for_the_book_that_holds_it_itself():
    watch = Watch().go(5, UNREAD).go(60, Alarm(*UNREAD.key, "; ended", None, NOON_MS)).go(1)

    assert ("cleared", "contact.unread", 65) == watch.told[-1]


def test_an_acknowledged_alarm_stays_on_the_list_until_it_is_gone():
    watch = Watch().go(1, UNREAD)
    watch.book.acknowledge(watch.book.select_records("contact.unread:dso1"), ANNA)
    assert (True, True) == (watch.one().is_active, watch.one().is_listed)

    watch.go(70)
    assert (False, False) == (watch.one().is_active, watch.one().is_listed)
    assert ANNA == watch.one().acknowledged


def test_one_that_is_gone_stays_on_the_list_until_somebody_has_seen_it():
    watch = Watch().go(1, UNREAD).go(1000)
    assert (False, True) == (watch.one().is_active, watch.one().is_listed)

    watch.book.acknowledge(watch.book.select_records("all"), ANNA)
    assert not watch.one().is_listed


def test_raised_anew_after_it_was_gone_it_is_to_be_seen_anew():
    watch = Watch().go(1, UNREAD)
    watch.book.acknowledge(watch.book.select_records("all"), ANNA)
    watch.go(70).go(1, UNREAD)

    assert (None, 2) == (watch.one().acknowledged, watch.one().count)
    assert (NOON_MS, NOON_MS + 71_000) == (watch.one().first_utc_ms, watch.one().since_utc_ms)


def test_one_that_flickers_after_it_was_acknowledged_stays_acknowledged():
    watch = Watch().go(1, UNREAD)
    watch.book.acknowledge(watch.book.select_records("all"), ANNA)
    watch.go(5).go(1, UNREAD)

    assert (ANNA, 2) == (watch.one().acknowledged, watch.one().count)


def test_who_saw_it_first_stays():
    watch = Watch().go(1, UNREAD)
    picked = watch.book.select_records("1")

    assert [UNREAD.key] == [one.key for one in watch.book.acknowledge(picked, ANNA)]
    assert [] == watch.book.acknowledge(picked, BEN)
    assert ANNA == watch.one().acknowledged


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("1", [("contact.unread", "dso1")]),
        ("contact.unread", [("contact.unread", "dso1"), ("contact.unread", "dso2")]),
        ("contact.unread:dso2", [("contact.unread", "dso2")]),
        ("cap.unmet", [("cap.unmet", ""), ("cap.unmet", "generation")]),
        ("cap.unmet:", [("cap.unmet", "")]),
        ("9", []),
        ("contact", []),
        ("", []),
    ],
)
def test_one_is_named_by_its_number_its_code_or_its_code_and_what_it_is_about(words, found):
    places = [
        ("contact.unread", "dso1"),
        ("contact.unread", "dso2"),
        ("cap.unmet", ""),
        ("cap.unmet", "generation"),
    ]
    watch = Watch().go(1, *(Alarm(code, of, "…") for code, of in places))

    assert found == [one.key for one in watch.book.select_records(words)]


def test_all_names_those_that_nobody_has_seen_the_newest_first():
    watch = Watch().go(1, UNREAD).go(1, UNREAD, NEAR)
    assert [NEAR.key, UNREAD.key] == [one.key for one in watch.book.select_records("all")]

    watch.book.acknowledge(watch.book.select_records("2"), ANNA)
    assert [UNREAD.key] == [one.key for one in watch.book.select_records("all")]


def test_a_restart_does_not_raise_anew_what_is_still_there():
    first = Watch().go(5, UNREAD)
    first.book.acknowledge(first.book.select_records("all"), ANNA)
    again = Watch(AlarmList.load(json.loads(json.dumps(first.book.facts()))))
    again.second = 1000
    again.go(60).go(5, UNREAD)  # a minute until it is seen again

    assert [] == again.told
    assert first.one() == again.one()


def test_what_was_mended_meanwhile_is_gone_once_everything_was_looked_at():
    first = Watch().go(5, UNREAD)
    again = Watch(AlarmList.load(first.book.facts())).go(100)

    assert [("cleared", "contact.unread", alarm_list.ALARM_SETTLE_S)] == again.told


def test_numbers_go_on_after_a_restart():
    first = Watch().go(1, UNREAD)
    again = Watch(AlarmList.load(first.book.facts())).go(1, UNREAD, NEAR)

    assert 2 == again.one(NEAR).number


LOST = Alarm("loss.grid_meter_lost", "", "the grid meter is lost")
BACK = Alarm("output.given_back", "bat1.setpoint_w", "bat1: given back, grid meter lost", LOST.key)
UNMET = Alarm("cap.unmet", "", "the caps cannot be met", LOST.key)


def test_what_comes_of_an_alarm_is_listed_with_it_and_told_once():
    watch = Watch().go(1, LOST, BACK).go(5, BACK, LOST, UNMET)

    assert [("raised", "loss.grid_meter_lost", 0)] == watch.told
    assert [LOST.key] == list(watch.book.records)
    assert [str(BACK), str(UNMET)] == [one.words for one in watch.one(LOST).consequences]
    assert [{"code": BACK.code, "of": BACK.of, "words": str(BACK)}] == watch.one(LOST).data()["consequences"][
        :1
    ]


def test_an_alarm_whose_cause_does_not_stand_is_one_of_its_own():
    watch = Watch().go(1, BACK)

    assert [("raised", "output.given_back", 0)] == watch.told


def test_one_whose_cause_is_found_later_is_taken_off_the_list_and_told_to_be_gone():
    watch = Watch().go(1, BACK).go(1, BACK, LOST)

    assert [
        ("raised", "output.given_back", 0),
        ("raised", "loss.grid_meter_lost", 1),
        ("cleared", "output.given_back", 1),
    ] == watch.told
    assert [LOST.key] == list(watch.book.records)


def test_an_alarm_ends_a_minute_after_its_own_cause_whatever_came_of_it():
    watch = Watch().go(3, LOST, BACK).go(30, BACK).go(60)

    assert [("raised", LOST.code, 0), ("cleared", LOST.code, 63)] == watch.told
    assert [False] == [one.is_active for one in watch.book.records.values()]


def test_what_outlasts_the_alarm_that_it_came_of_becomes_an_alarm_of_its_own_at_once():
    watch = Watch().go(3, LOST, BACK).go(90, BACK).go(70)

    assert [
        ("raised", LOST.code, 0),
        ("raised", BACK.code, 63),
        ("cleared", LOST.code, 63),
        ("cleared", BACK.code, 153),
    ] == watch.told


def test_an_ended_consequence_is_active_with_its_alarm_and_leaves_with_it():
    def list_active(second):
        alarms = update_standing_alarms(holds, [LOST, BACK][second >= 3 :][: 2 * (second < 33)], at(second))
        holds.clear()
        holds.update(alarms)
        shown = list_standing_alarms(holds, "UTC")
        book.look(shown, at(second))
        active = {one.key for one in book.records.values() if one.is_active}
        return active, {one.key for one in book.select_active(shown)}

    holds, book = {}, AlarmList()
    told = [list_active(second) for second in range(100)]

    assert ({LOST.key}, {LOST.key, BACK.key}) == told[62]
    assert [(set(), set())] * 37 == told[63:]


def test_an_alarm_that_its_consequences_keep_says_when_its_own_cause_ended():
    watch = Watch().go(3, LOST, BACK).go(1, BACK, LOST.after(1_764_000_000_000, "UTC"))

    assert "the grid meter is lost; ended 16:00:00" == watch.one(LOST).words
    assert "the grid meter is lost; ended 16:00:00" == watch.go(90).one(LOST).words
    assert "the grid meter is lost" == watch.go(1, LOST).one(LOST).words


def test_what_comes_of_what_comes_of_an_alarm_is_listed_with_the_first():
    bus = Alarm("loss.bus_down", "rs485", "the bus is down")
    silent = Alarm("loss.battery_silent", "bat1", "bat1 is silent", bus.key)
    back = Alarm("output.given_back", "bat1.setpoint_w", "given back", silent.key)
    watch = Watch().go(1, back, silent, bus)

    assert [bus.key] == list(watch.book.records)
    assert [back.key, silent.key] == [(one.code, one.of) for one in watch.one(bus).consequences]


def test_one_that_matters_more_than_its_cause_stays_an_alarm_of_its_own():
    bus = Alarm("loss.bus_down", "rs485", "the bus is down")
    watch = Watch().go(1, bus, Alarm("loss.grid_meter_lost", "", "lost", bus.key))

    assert [bus.key, LOST.key] == list(watch.book.records)


def test_two_that_name_each_other_as_their_cause_are_one_alarm_at_most_each():
    first = Alarm("device.silent", "a", "a", ("device.silent", "b"))
    watch = Watch().go(9, first, Alarm("device.silent", "b", "b", first.key))

    assert {"raised"} == {word for word, _, _ in watch.told}


def test_what_grows_into_another_alarm_is_that_one_alone():
    stale = Alarm("loss.grid_meter_stale", "", "the grid meter is late")
    watch = Watch().go(7, stale).go(1, LOST).go(5, LOST, stale)

    assert [LOST.key] == list(watch.book.records)
    assert ("cleared", "loss.grid_meter_stale", 7) == watch.told[-1]


def test_the_stage_before_it_stays_listed_with_what_it_grew_into_until_that_is_raised_anew():
    stale = Alarm("loss.grid_meter_stale", "", "the grid meter is late")
    watch = Watch().go(7, stale).go(1, LOST)
    assert [("loss.grid_meter_stale", "", "the grid meter is late")] == [
        (one.code, one.of, one.words) for one in watch.one(LOST).consequences
    ]
    watch.go(70)
    assert ([False], 1) == (
        [one.is_active for one in watch.book.records.values()],
        len(watch.one(LOST).consequences),
    )
    assert () == watch.go(1, LOST).one(LOST).consequences


def test_a_number_is_never_given_again_though_its_alarm_left_the_list():
    stale = Alarm("loss.grid_meter_stale", "", "the grid meter is late")
    watch = Watch().go(1, LOST).go(70).go(5, stale).go(1, LOST)  # number 1 again, and 2 is gone with that
    emptied = {**watch.book.facts(), "alarms": []}

    assert 3 == watch.go(1, LOST, NEAR).one(NEAR).number
    assert 3 == Watch(AlarmList.load(json.loads(json.dumps(emptied)))).go(1, NEAR).one(NEAR).number


def test_what_came_of_an_alarm_is_kept_over_a_restart_and_forgotten_when_it_is_raised_anew():
    watch = Watch().go(1, LOST, BACK)
    again = Watch(AlarmList.load(json.loads(json.dumps(watch.book.facts()))))
    kept = again.one(LOST).consequences
    again.go(200).go(1, LOST)

    assert (watch.one(LOST).consequences, ()) == (kept, again.one(LOST).consequences)


def test_of_what_comes_of_an_alarm_so_many_are_listed_and_no_more():
    several = [Alarm("device.silent", f"d{number}", "…", LOST.key) for number in range(40)]

    assert alarm_list.CONSEQUENCES_MAX == len(Watch().go(1, LOST, *several).one(LOST).consequences)


ROW = Watch().go(1, UNREAD).one().data()


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        {"alarms": None},
        {"alarms": [7]},
        {"alarms": [{}]},
        {"alarms": [ROW | {"count": "3"}]},
        {"alarms": [ROW | {"number": True}]},
        {"alarms": [ROW | {"words": None}]},
        {"alarms": [ROW | {"acknowledged": 7}]},
        {"alarms": [ROW | {"acknowledged": {"by": "anna"}}]},
        {"alarms": [ROW | {"consequences": [{"code": "cap.unmet"}]}]},
        {"alarms": [ROW | {"consequences": 7}]},
        {"alarms": [], "last_number": "9"},
        {"alarms": [{name: value for name, value in ROW.items() if name != "cleared_utc_ms"}]},
    ],
)
def test_a_row_that_cannot_be_read_is_left_out(facts):
    assert {} == AlarmList.load(facts).records


def test_of_two_rows_with_one_key_or_one_number_the_first_counts():
    found = AlarmList.load({"alarms": [ROW, ROW | {"words": "other"}, ROW | {"of": "dso2"}]})

    assert [UNREAD.key] == list(found.records)
    assert str(UNREAD) == found.records[UNREAD.key].words


def test_a_row_of_a_code_that_is_no_longer_known_goes_like_any_other():
    watch = Watch(AlarmList.load({"alarms": [ROW | {"code": "old.code"}]})).go(200)

    assert not watch.book.records["old.code", "dso1"].is_active


def test_the_oldest_that_is_gone_and_seen_leaves_first_and_an_active_one_never(monkeypatch):
    monkeypatch.setattr(alarm_list, "ALARMS_MAX", 3)
    several = [Alarm("device.silent", f"d{number}", "…") for number in range(6)]
    watch = Watch().go(1, several[0]).go(70).go(1, several[1]).go(70).go(1, several[2]).go(70)
    watch.book.acknowledge(watch.book.select_records("device.silent:d1"), ANNA)

    assert ["d0", "d2", "d3"] == sorted(of for _, of in watch.go(1, several[3]).book.records)
    assert ["d2", "d3", "d4"] == sorted(of for _, of in watch.go(1, *several[3:5]).book.records)
    assert {"d0", "d1", "d2", "d3", "d4", "d5"} == {of for _, of in watch.go(1, *several).book.records}


ALARMS = [Alarm("device.silent", name, name) for name in "abcd"]
HANDLERS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.sets(st.integers(0, 3)), st.integers(1, 40)),
        st.tuples(st.just("ack"), st.sampled_from(["all", "1", "2", "device.silent:c"]), st.just(0)),
        st.tuples(st.just("restart"), st.none(), st.integers(0, 2)),
    ),
    max_size=40,
)


@examples(30)
@given(HANDLERS)
def test_whatever_comes_goes_and_is_seen_the_list_keeps_its_promises(handlers):
    watch, present = Watch(), set()
    for what, which, seconds in handlers:
        before = dict(watch.book.records)
        if what == "look":
            present = {ALARMS[number].key for number in which}
            watch.go(seconds, *(ALARMS[number] for number in which))
        elif what == "ack":
            watch.book.acknowledge(watch.book.select_records(which), ANNA)
        else:
            watch.book = AlarmList.load(json.loads(json.dumps(watch.book.facts())))
            assert before == watch.book.records, "a restart changes nothing that is kept"
        records = watch.book.records

        assert before.keys() <= records.keys(), "none is lost"
        assert present <= {key for key, one in records.items() if one.is_active} or what != "look"
        assert len(records) == len({one.number for one in records.values()})
        for key, one in records.items():
            assert key == one.key
            assert one.first_utc_ms <= one.since_utc_ms <= one.last_utc_ms
            assert one.cleared_utc_ms is None or one.last_utc_ms < one.cleared_utc_ms
            assert one.is_listed == (one.is_active or one.acknowledged is None)
            then = before.get(key)
            if then is not None:
                assert then.number == one.number
                assert then.count <= one.count
                assert then.first_utc_ms == one.first_utc_ms
                raised_anew = one.since_utc_ms > then.since_utc_ms
                if then.acknowledged is not None and one.acknowledged is None:
                    assert raised_anew, "only being raised anew takes an acknowledgement away"
                if not raised_anew:
                    assert then.is_active or one == replace(then, acknowledged=one.acknowledged), (
                        "gone is gone"
                    )
