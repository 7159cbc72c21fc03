"""What says that the district does not see us, or does not store what it gets."""

import json

import pytest

from quartier.district.sparkplug.watermark_alarms import (
    BacklogGrowth,
    BirthConfirmation,
    WatermarkSilence,
    find_superseded_note,
)
from quartier.site.records import Now
from quartier.site.samples import StreamPosition


def at(second):
    return Now(second * 1_000_000_000, 0, synced=True)


def missed_at(echo, seconds, *, is_passed=False, is_moved=False):
    """When a watermark with another bdSeq, each second, is an alarm."""
    heard = {
        second: echo.process_missing_echo(7, at(second), is_passed=is_passed, is_moved=is_moved)
        for second in seconds
    }
    return [second for second, note in heard.items() if note is not None]


def test_it_is_missed_once_and_waited_for_twice_as_long_after_the_next_births():
    echo = BirthConfirmation(60.0, 200.0)
    for start, expected in ((0, 60), (60, 180), (180, 380), (380, 580)):
        echo.expect(at(start))
        assert [expected] == missed_at(echo, range(start, start + 1000))


def test_births_in_between_do_not_put_it_off():
    echo = BirthConfirmation(60.0, 200.0)
    echo.expect(at(0))
    echo.expect(at(30))
    assert [60] == missed_at(echo, range(100))


def test_an_echo_ends_the_wait_and_makes_the_next_one_short():
    echo = BirthConfirmation(60.0, 200.0)
    echo.expect(at(0))
    assert [60] == missed_at(echo, [60])
    echo.expect(at(60))
    echo.begin()
    assert [] == missed_at(echo, range(60, 1000))
    echo.expect(at(1000))
    assert [1060] == missed_at(echo, range(1000, 2000))


def test_a_watermark_that_moves_puts_it_off_unless_it_passed_the_births():
    echo = BirthConfirmation(60.0, 200.0)
    echo.expect(at(0))
    assert [] == missed_at(echo, range(0, 481, 20), is_moved=True)
    assert [540] == missed_at(echo, range(481, 700), is_passed=True, is_moved=True)


def test_the_alarm_says_which_session_and_how_long():
    echo = BirthConfirmation(60.0, 200.0)
    echo.expect(at(0))
    note = echo.process_missing_echo(7, at(60), is_passed=False, is_moved=False)
    assert (True, {"bdseq": 7, "waited_s": 60.0}) == (note.alarm, note.data)


def test_silence_is_told_once_and_its_end():
    silence = WatermarkSilence(120.0)
    silence.begin(at(0))
    silence.begin(at(100))
    assert [120] == [second for second in range(300) if silence.look(at(second)) is not None]
    assert "district.watermark_back" == silence.process_watermark(at(300)).code
    assert silence.process_watermark(at(301)) is None
    silence.end()
    assert silence.look(at(1000)) is None


def growth(confirmed_a_period, *, recorded=100, flying=True, step_s=300, periods=8):
    """The codes told by period, where so much is confirmed of what is recorded in each."""
    watch, told = BacklogGrowth(), []
    for period in range(periods):
        now = at(period * step_s)
        assert watch.is_due(now)
        marks = {"grid": StreamPosition(7, confirmed_a_period * period)} if confirmed_a_period else {}
        note = watch.look({"grid": StreamPosition(7, recorded * period)}, marks, now, flying=flying)
        told.append("" if note is None else note.code)
        assert not watch.is_due(now)
    return told


def test_a_district_that_confirms_too_little_is_an_alarm_after_three_periods():
    assert ["", "", "", *["district.backlog_grows"] * 5] == growth(0)
    assert "district.backlog_grows" == growth(40)[3]
    assert [""] * 8 == growth(60)


def test_a_quiet_building_is_an_alarm_only_while_something_is_on_its_way():
    assert [""] * 8 == growth(0, recorded=0, flying=False)
    assert "district.backlog_grows" in growth(0, recorded=0, flying=True)


def test_what_grew_while_the_link_was_down_is_no_fault_of_the_district():
    assert [""] * 8 == growth(0, step_s=700)


def test_the_alarm_names_what_waits_and_its_end_is_told():
    watch = BacklogGrowth()
    for period in range(4):
        note = watch.look({"grid": StreamPosition(7, 100 * period)}, {}, at(period * 300), flying=True)
    assert {"streams": ["grid"]} == note.data
    assert "0 confirmed" in note.text
    caught_up = {"grid": StreamPosition(8, 400)}
    assert "district.backlog_falls" == watch.look(caught_up, caught_up, at(1200), flying=True).code


def watermark(**boots):
    streams = {stream: {"boot": boot, "seq": 5} for stream, boot in boots.items()}
    return json.dumps({"bdseq": 1, "streams": streams}).encode()


def is_stranger(boot):
    return boot == 9


def test_a_boot_that_none_of_our_starts_had_is_an_alarm_that_names_it():
    note = find_superseded_note(watermark(grid=7, bat1=9), is_stranger)

    assert ("district.superseded", True, {"boot": 9}) == (note.code, note.alarm, note.data)


@pytest.mark.parametrize("said", [watermark(grid=7, bat1=8), watermark(), b"", b"\xff", b'{"streams": 3}'])
def test_our_own_boots_and_what_is_no_watermark_say_nothing(said):
    assert None is find_superseded_note(said, is_stranger)
