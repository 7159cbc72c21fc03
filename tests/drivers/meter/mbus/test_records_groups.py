"""Records become groups: scaled, dated, or said why not."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import record

from quartier_drivers.device_profile.loading import load_profile
from quartier_drivers.meter.mbus.data_records import split_records
from quartier_drivers.meter.mbus.header import TelegramHeader
from quartier_drivers.meter.mbus.records import make_failure_group, make_groups, make_status_group
from quartier_drivers.meter.meaning import TelegramMeaning
from quartier_drivers.meter.telegrams import Telegram
from quartier_drivers.readings import Quality

HEADER = TelegramHeader("12345678", "ACW", 3, 0x07, 9, 0x04)


def one(body, **more):
    rows, _ = split_records(body)
    (found,) = make_groups(rows, HEADER, **more)
    return found


@pytest.mark.parametrize(
    ("value", "unit", "body"),
    [
        (12.565, "m3", record(12565, "13")),
        (218370, "Wh", record(21837, "04")),
        (-0.2, "K", record(-2, "62", "bcd6")),
        (21.5, "°C", record(21.5, "5B", "real")),
        (0.1, "m3", record(100000, "9028")),
        (231.4, "V", record(2314, "FD48", "int16")),
        (-15, "W", record(-15, "2B", "int8")),
        (2**62, "Wh", record(2**62, "03", "int64")),
        (65535, "", record(-1, "FD17", "int16")),
        (4294967295, "Wh", record(-1, "83FC11")),
        (10.3, "°C", record(102, "DA7A", "int16")),
    ],
)
def test_a_number_is_scaled_into_its_unit(value, unit, body):
    found = one(body)

    assert (value, unit) == (pytest.approx(found.value, rel=1e-15), found.unit)
    assert type(value) is type(found.value)


def test_a_record_without_data_has_an_empty_value():
    assert "" == one(record(0, "6C", "none")).value


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 7))
def test_decimals_are_the_nearest_to_what_is_meant(raw, exponent):
    assert float(f"{raw}e{exponent - 6}") == one(record(raw, f"{0x10 + exponent:02X}")).value


def test_records_are_numbered_from_where_the_telegram_before_ended():
    rows, _ = split_records(record(1, "13") + record(2, "13"))

    assert ["7", "8"] == [group.label for group in make_groups(rows, HEADER, first=7)]


def test_a_date_is_told_as_text_and_as_time():
    found = one(bytes.fromhex("046D178A9817"))

    assert ("2012-07-24T10:23:00", "2012-07-24T10:23:00", 1) == (
        found.value,
        found.time,
        found.more["summer_time"],
    )


def test_a_date_with_stars_is_no_time_of_a_clock():
    found = one(bytes.fromhex("426CFFFC"))

    assert ("*-12-31", "") == (found.value, found.time)


def test_a_date_that_is_none_says_so():
    found = one(bytes.fromhex("426C0000"))

    assert ("", "", "invalid time") == (found.value, found.time, found.more["error"])


def test_the_date_of_a_maximum_keeps_its_number_beside_the_date():
    found = one(bytes.fromhex("9410DA6F32147A18"))

    assert (41065374.6, "", "2011-08-26T20:50:00") == (found.value, found.unit, found.time)


@pytest.mark.parametrize(
    ("value", "error", "body"),
    [
        ("0xEEEE", "no decimal digits", b"\x0a\x13\xee\xee"),
        ("not a number", "not a number", b"\x05\x13" + struct.pack("<f", math.nan)),
        ("not a number", "not a number", b"\x05\x13" + struct.pack("<f", math.inf)),
        ("no data available", "no data available", record(0, "8615")),
    ],
)
def test_what_has_no_value_says_why_in_a_text_that_is_no_number(value, error, body):
    found = one(body)

    assert (value, error) == (found.value, found.more["error"])


def test_an_overflow_is_a_number_and_says_so():
    found = one(b"\x0a\x13\x21\xa3")

    assert (10.321, "overflow") == (found.value, found.more["error"])


def test_text_is_read_in_its_order_without_control_characters():
    assert "RVD235" == one(bytes.fromhex("0DFD0B06353332445652")).value
    assert "m³" == one(b"\x0d\xfd\x0b\x04\x00\xb3m ").value


def test_a_long_binary_is_hex():
    assert "0x090807060504030201" == one(b"\x0d\xfd\x0b\xe9" + bytes(range(1, 10))).value


def test_what_is_the_makers_is_hex_as_sent():
    found = one(b"\x0f\x60\x01")

    assert ("0x6001", "maker_data", "ACW") == (found.value, found.more["quantity"], found.more["maker"])


def test_the_state_is_a_group_that_profiles_take_bits_from():
    found = make_status_group(HEADER)

    assert ("status", "0x04", "power low", 9) == (
        found.label,
        found.value,
        found.more["qualifier"],
        found.more["access"],
    )


def test_a_failure_is_a_group_in_words():
    assert ("error", "why") == (make_failure_group("why").label, make_failure_group("why").value)


def test_no_group_can_be_changed_by_another_telegrams():
    first, second = one(record(1, "13")), one(record(2, "13"))

    assert first.more is second.more
    with pytest.raises(TypeError):
        first.more["quantity"] = "mine"


def test_each_state_of_the_standard_says_a_fault_or_a_doubt_or_neither():
    profile = load_profile("generic/mbus_heat")
    meaning = TelegramMeaning({name: (name, said) for name, said in profile.parts[""].items()})
    energy = record(21837, "06")
    for state in range(256):  # EN 13757-7:2018, Table 8
        is_error, is_alarm, is_permanent = state & 3 == 2, state & 3 == 3, bool(state & 0x08)
        header = TelegramHeader("12345678", "ACW", 3, 0x04, 9, state)
        rows, _ = split_records(energy)
        telegram = Telegram("12345678", (*make_groups(rows, header), make_status_group(header)))
        told = meaning.told(telegram)

        assert (is_error or is_alarm or is_permanent or bool(state & 0x10)) == told["fault_on"].value
        assert bool(state & 0x04) == told["supply_low_on"].value
        assert {Quality.GOOD} == {told["fault_on"].quality, told["supply_low_on"].quality}
        assert (is_error or is_permanent) == (told["heat_energy_wh"].quality is Quality.BAD)
