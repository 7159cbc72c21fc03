"""Dates of types F, G, I and J, as EN 13757-3 Annex A lays out their bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.mbus.quantities import INVALID_TIME, TIME_SIZES, MbusTime, parse_time


def told(code):
    raw = bytes.fromhex(code)
    return parse_time(int.from_bytes(raw, "little", signed=True), len(raw))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2013-12-31", "BF1C"),
        ("1999-11-20", "74CB"),
        ("*-12-31", "FFFC"),
        ("2008-06-*", "0016"),
        ("*-*-01", "E1FF"),
        ("", "0000"),
        ("", "FFFF"),
        ("", "E10D"),
        ("", "BE12"),
        ("2023-02-28", "FC22"),
        ("", "FD22"),
        ("*-02-31", "FFF2"),
    ],
)
def test_type_g_is_a_date(text, code):
    assert MbusTime(text) == told(code)


@pytest.mark.parametrize(
    ("text", "is_summer", "code"),
    [
        ("2014-12-13T12:10:00", False, "0A0CCD1C"),
        ("2012-07-24T10:23:00", True, "178A9817"),
        ("2120-02-29T23:59:00", False, "3B579D22"),
    ],
)
def test_type_f_is_a_date_and_a_time_to_the_minute(text, is_summer, code):
    found = told(code)

    assert (text[4:], is_summer) == (found.text[4:], found.is_summer)


def packed_f(year, month, day, hour, minute, century=0, summer=0, invalid=0):
    return (
        minute
        | invalid << 7
        | (hour | century << 5 | summer << 7) << 8
        | (day | (year & 7) << 5) << 16
        | (month | (year >> 3) << 4) << 24
    )


@pytest.mark.parametrize(
    ("whole", "year", "century"),
    [
        (2000, 0, 0),
        (2080, 80, 0),
        (1981, 81, 0),
        (1999, 99, 0),
        (2026, 26, 1),
        (2099, 99, 1),
        (2101, 1, 2),
        (2250, 50, 3),
    ],
)
def test_a_century_says_the_year_and_without_one_it_is_guessed(whole, year, century):
    assert f"{whole}-05-06T07:08:00" == parse_time(packed_f(year, 5, 6, 7, 8, century), 4).text


def test_a_time_that_says_that_it_is_invalid_is_none():
    assert INVALID_TIME == parse_time(packed_f(20, 5, 6, 7, 8, invalid=1), 4)


@pytest.mark.parametrize(
    "parts", [(20, 13, 6, 7, 8), (20, 0, 6, 7, 8), (20, 5, 6, 24, 8), (20, 5, 6, 7, 60), (120, 5, 6, 7, 8)]
)
def test_what_no_calendar_has_is_no_time(parts):
    assert INVALID_TIME == parse_time(packed_f(*parts), 4)


def test_every_hour_and_minute_are_stars():
    assert "2020-05-06T*:*:00" == parse_time(packed_f(20, 5, 6, 31, 63), 4).text


@pytest.mark.parametrize(("text", "code"), [("12:34:56", "38220C"), ("*:*:*", "3F3F1F"), ("", "3C0000")])
def test_type_j_is_a_time(text, code):
    assert MbusTime(text) == told(code)


def test_type_i_is_a_date_and_a_time_to_the_second():
    assert MbusTime("2026-11-25T19:30:05") == told("051E13593B30")
    assert MbusTime("2026-07-25T19:30:05", is_summer=True) == told("451E13593730")
    assert INVALID_TIME == told("059E13593B30")


@given(st.integers(), st.sampled_from(TIME_SIZES))
def test_any_code_is_a_moment_or_none(code, size):
    assert isinstance(parse_time(code, size).text, str)
