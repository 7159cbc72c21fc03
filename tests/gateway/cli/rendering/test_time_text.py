from zoneinfo import ZoneInfo

import pytest

from quartier.cli.rendering.time_text import (
    DisplayClock,
    align_ms,
    describe_zone,
    find_zone,
    format_stamp,
    is_relative,
    parse_duration_s,
    parse_moment_ms,
    parse_seconds,
)

PARIS = ZoneInfo("Europe/Paris")
NOW_MS = 1_795_620_000_000  # 2026-11-25 15:20 UTC


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("10s", 10),
        ("15min", 900),
        ("10m", 600),
        ("1.5h", 5400),
        ("2h30m", 9000),
        ("2h 30min", 9000),
        ("1d12h", 129_600),
        ("1d", 86400),
        ("2w", 1_209_600),
    ],
)
def test_spans(text, expected_s):
    assert expected_s == parse_duration_s(text)


@pytest.mark.parametrize(
    "text", ["15", "15 minutes", "", "-1h", "h", "10ms", "30m2h", "5m5m", "9" * 400 + "s"]
)
def test_a_wrong_span_says_what_was_expected(text):
    with pytest.raises(ValueError, match="such as 15min"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-25 16:20:00+01:00"),
        ("-2h", "2026-11-25 14:20:00+01:00"),
        ("2h", "2026-11-25 14:20:00+01:00"),
        ("2h20m", "2026-11-25 14:00:00+01:00"),
        ("today", "2026-11-25 00:00:00+01:00"),
        ("yesterday", "2026-11-24 00:00:00+01:00"),
        ("2026-11-25", "2026-11-25 00:00:00+01:00"),
        ("2026-11-25T14:30", "2026-11-25 14:30:00+01:00"),
        ("2026-11-25T14:30+00:00", "2026-11-25 15:30:00+01:00"),
    ],
)
def test_moments_in_paris(text, expected):
    assert expected == format_stamp(parse_moment_ms(text, NOW_MS, PARIS), PARIS)


def test_the_day_of_the_change_to_winter_time_has_25_hours():
    begin_ms = parse_moment_ms("2026-10-25", NOW_MS, PARIS)
    end_ms = parse_moment_ms("2026-10-26", NOW_MS, PARIS)

    assert 25 * 3_600_000 == end_ms - begin_ms


@pytest.mark.parametrize("text", ["soon", "25.11.2026", "2026-13-01"])
def test_a_wrong_moment_says_what_was_expected(text):
    with pytest.raises(ValueError, match="expected"):
        parse_moment_ms(text, NOW_MS, PARIS)


@pytest.mark.parametrize(
    ("moment", "every_s", "expected"),
    [
        ("2026-11-25T14:27:31+01:00", 900, "2026-11-25T14:15+01:00"),
        ("2026-11-25T14:27:31+01:00", 3600, "2026-11-25T14:00+01:00"),
        ("2026-11-25T14:27:31+01:00", 86_400, "2026-11-25T00:00+01:00"),
        ("2026-11-25T14:15:00+01:00", 900, "2026-11-25T14:15+01:00"),
        ("2026-11-25T14:27:31+01:00", 7 * 86_400, "2026-11-25T14:27:31+01:00"),
        ("2026-11-25T14:27:31+01:00", 50, "2026-11-25T14:27:30+01:00"),
    ],
)
def test_spans_begin_at_whole_quarters_hours_and_days(moment, every_s, expected):
    assert parse_moment_ms(expected, 0) == align_ms(parse_moment_ms(moment, 0), every_s, PARIS)


def test_only_what_is_told_as_so_long_ago_is_rounded():
    assert ([True, True], [False, False, False]) == (
        [is_relative("1d"), is_relative("-2h")],
        [is_relative("now"), is_relative("today"), is_relative("2026-11-25T14:07")],
    )


def test_a_number_alone_is_seconds_only_where_an_option_says_so():
    assert (5.0, 300.0) == (parse_seconds("5"), parse_seconds("5m"))


def test_a_clock_shows_the_date_of_another_day_only():
    now = DisplayClock(NOW_MS, PARIS)
    assert ("16:20:00", "2026-11-24 16:20") == (now.format_time(NOW_MS), now.format_time(NOW_MS - 86_400_000))


def test_the_zone_of_the_machine_is_named(monkeypatch):
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert ("Europe/Paris", "this machine's zone, Asia/Tokyo") == (
        describe_zone(PARIS),
        describe_zone(find_zone(None)),
    )
    monkeypatch.delenv("TZ")
    assert describe_zone(None).removeprefix("this machine's zone, ")
