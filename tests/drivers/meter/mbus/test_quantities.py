"""The tables of value information fields, against lines typed from EN 13757-3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.mbus.quantities import (
    FB_VIFE,
    FD_FD_VIFE,
    FD_VIFE,
    INVALID_TIME,
    PRIMARY_VIF,
    RESERVED_KIND,
    TIME_NUMBER,
    TIME_SIZES,
    MbusTime,
    ValueKind,
    parse_time,
)


@pytest.mark.parametrize("table", [PRIMARY_VIF, FB_VIFE, FD_VIFE, FD_FD_VIFE])
def test_a_table_has_a_line_for_each_code(table):
    assert 128 == len(table)


@pytest.mark.parametrize(
    ("quantity", "unit", "worth", "codes"),
    [
        ("energy", "Wh", 1e-3, 0x00),
        ("energy", "Wh", 1e4, 0x07),
        ("energy", "J", 1e0, 0x08),
        ("volume", "m3", 1e-6, 0x10),
        ("volume", "m3", 1e-3, 0x13),
        ("mass", "kg", 1e4, 0x1F),
        ("on_time", "s", 86400, 0x23),
        ("operating_time", "s", 3600, 0x26),
        ("power", "W", 1e0, 0x2B),
        ("power", "J/h", 1e0, 0x30),
        ("volume_flow", "m3/h", 1e-3, 0x3B),
        ("volume_flow", "m3/min", 1e-7, 0x40),
        ("volume_flow", "m3/s", 1e-9, 0x48),
        ("mass_flow", "kg/h", 1e-3, 0x50),
        ("flow_temperature", "°C", 1e-1, 0x5A),
        ("return_temperature", "°C", 1e0, 0x5F),
        ("temperature_difference", "K", 1e-3, 0x60),
        ("external_temperature", "°C", 1e-2, 0x65),
        ("pressure", "bar", 1e0, 0x6B),
        ("heat_cost", "", 1, 0x6E),
        ("averaging_duration", "s", 60, 0x71),
        ("actuality_duration", "s", 1, 0x74),
        ("serial", "", 1, 0x78),
    ],
)
def test_primary_codes(quantity, unit, worth, codes):
    check(PRIMARY_VIF, quantity, unit, worth, codes)


@pytest.mark.parametrize(
    ("quantity", "unit", "worth", "code"),
    [
        ("energy", "Wh", 1e6, 0x01),
        ("reactive_energy", "varh", 1e3, 0x02),
        ("apparent_energy", "VAh", 1e4, 0x05),
        ("energy", "J", 1e9, 0x09),
        ("energy", "cal", 1e8, 0x0F),
        ("volume", "m3", 1e3, 0x11),
        ("reactive_power", "var", 1e3, 0x17),
        ("mass", "kg", 1e6, 0x19),
        ("relative_humidity", "%", 1e-1, 0x1A),
        ("power", "W", 1e6, 0x29),
        ("frequency", "Hz", 1e-2, 0x2D),
        ("power", "J/h", 1e9, 0x31),
        ("apparent_power", "VA", 1e0, 0x34),
        ("temperature_limit", "°C", 1e-3, 0x74),
        ("cumulated_maximum_power", "W", 1e4, 0x7F),
    ],
)
def test_codes_behind_fb(quantity, unit, worth, code):
    check(FB_VIFE, quantity, unit, worth, code)


@pytest.mark.parametrize(
    ("quantity", "unit", "worth", "code"),
    [
        ("credit", "", 1e-3, 0x00),
        ("manufacturer", "", 1, 0x0A),
        ("firmware_version", "", 1, 0x0E),
        ("software_version", "", 1, 0x0F),
        ("customer_location", "", 1, 0x10),
        ("error_flags", "", 1, 0x17),
        ("digital_input", "", 1, 0x1B),
        ("baud_rate", "Bd", 1, 0x1C),
        ("tariff_descriptor", "", 1, 0x23),
        ("storage_interval", "s", 86400, 0x27),
        ("storage_interval", "year", 1, 0x29),
        ("duration_since_readout", "s", 3600, 0x2E),
        ("tariff_duration", "s", 60, 0x31),
        ("tariff_period", "s", 1, 0x34),
        ("tariff_period", "year", 1, 0x39),
        ("dimensionless", "", 1, 0x3A),
        ("voltage", "V", 1e-9, 0x40),
        ("voltage", "V", 1e-1, 0x48),
        ("current", "A", 1e-12, 0x50),
        ("current", "A", 1e-3, 0x59),
        ("reset_counter", "", 1, 0x60),
        ("duration_since_cumulation", "s", 3600, 0x68),
        ("battery_operating_time", "year", 1, 0x6F),
        ("radio_level", "dBm", 1, 0x71),
        ("battery_lifetime", "s", 86400, 0x74),
    ],
)
def test_codes_behind_fd(quantity, unit, worth, code):
    check(FD_VIFE, quantity, unit, worth, code)


def check(table, quantity, unit, worth, code):
    kind = table[code]

    assert (quantity, unit) == (kind.quantity, kind.unit)
    assert worth == pytest.approx(kind.factor * 10.0**kind.exponent, rel=1e-12)


def test_dates_are_told_as_such():
    assert {TIME_NUMBER} == {PRIMARY_VIF[code].form for code in (0x6C, 0x6D)} | {
        FD_VIFE[code].form for code in (0x30, 0x70)
    }


def test_the_third_table_hangs_on_the_second():
    assert ValueKind("battery_lifetime", "month") == FD_FD_VIFE[2]


def test_a_code_that_nobody_defined_is_reserved():
    assert [RESERVED_KIND] * 3 == [PRIMARY_VIF[0x6F], FB_VIFE[0x0A], FD_VIFE[0x7F]]


def test_a_correction_moves_the_exponent():
    assert ValueKind("energy", "Wh", 2) == ValueKind("energy", "Wh", -1).add_exponent(3)


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
