"""The fixed structure: two counters with six bits of unit each (EN 1434-3:1997)."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import record

from quartier_drivers.device_profile.loading import load_profile
from quartier_drivers.meter.mbus.data_records import split_records
from quartier_drivers.meter.mbus.header import TelegramHeader
from quartier_drivers.meter.mbus.records import (
    make_failure_group,
    make_groups,
    make_status_group,
    parse_fixed_groups,
    parse_fixed_header,
)
from quartier_drivers.meter.meaning import TelegramMeaning
from quartier_drivers.meter.telegrams import Telegram
from quartier_drivers.readings import Quality


def both(state, units, first, second, *, high_first=False):
    data = bytes.fromhex("78563412") + bytes([0x0A, state]) + bytes.fromhex(units + first + second)
    if high_first:
        parts = (data[0:4], data[4:5], data[5:6], data[6:8], data[8:12], data[12:16])
        data = b"".join(part[::-1] for part in parts)
    header = parse_fixed_header(data, high_first=high_first)
    return header, parse_fixed_groups(data, header, high_first=high_first)


@pytest.mark.parametrize("high_first", [False, True])
def test_counters_are_decimal_with_unit_and_medium(high_first):
    header, (energy, volume, state) = both(0x00, "0569", "31650000", "69000000", high_first=high_first)

    assert ("12345678", "heat", 10) == (header.serial, header.medium_text, header.access)
    assert (6531000, "Wh", "energy") == (energy.value, energy.unit, energy.more["quantity"])
    assert (0.069, "m3", "volume") == (volume.value, volume.unit, volume.more["quantity"])
    assert "0x00" == state.value


def test_counters_may_be_binary_with_sign():
    _, (first, *_) = both(0x01, "1400", "FEFFFFFF", "00000000")

    assert (-2, "W") == (first.value, first.unit)


def test_the_second_counter_may_be_the_first_of_the_due_day():
    _, (first, second, _) = both(0x00, "05BE", "10000000", "07000000")

    assert [(10000, 0, "Wh"), (7000, 1, "Wh")] == [
        (one.value, one.more["storage"], one.unit) for one in (first, second)
    ]


def test_both_may_be_stored():
    _, (first, second, _) = both(0x02, "0505", "10000000", "07000000")

    assert [1, 1] == [first.more["storage"], second.more["storage"]]


@pytest.mark.parametrize(
    ("value", "unit", "code"),
    [
        (1, "Wh", 0x02),
        (10**8, "Wh", 0x0A),
        (1000, "J", 0x0B),
        (10**11, "J", 0x13),
        (10**8, "W", 0x1C),
        (1000, "J/h", 0x1D),
        (1e-6, "m3", 0x26),
        (0.001, "m3", 0x29),
        (100, "m3", 0x2E),
        (0.001, "m3/h", 0x32),
        (100, "m3/h", 0x37),
        (0.001, "°C", 0x38),
        (1, "", 0x39),
        (1, "", 0x3F),
    ],
)
def test_units_are_those_of_the_table(value, unit, code):
    _, (first, *_) = both(0x00, f"{code:02X}00", "01000000", "00000000")

    assert (value, unit) == (first.value, first.unit)


def test_digits_that_are_none_are_told():
    _, (first, *_) = both(0x00, "0505", "EEEEEEEE", "00000000")

    assert ("0xEEEEEEEE", "no decimal digits") == (first.value, first.more["error"])


def test_times_are_texts():
    _, (clock, day, _) = both(0x00, "0001", "56341200", "26123100")

    assert ("12:34:56", "31.12.26") == (clock.value, day.value)


@pytest.mark.parametrize(
    ("medium", "units"),
    [("other", "0505"), ("water", "C545"), ("heat_cost_allocator", "0585"), ("gas", "8585")],
)
def test_the_medium_is_in_the_top_bits_of_both_units(medium, units):
    assert medium == both(0x00, units, "00000000", "00000000")[0].medium_text


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
        told = meaning.convert(telegram)

        assert (is_error or is_alarm or is_permanent or bool(state & 0x10)) == told["fault_on"].value
        assert bool(state & 0x04) == told["supply_low_on"].value
        assert {Quality.GOOD} == {told["fault_on"].quality, told["supply_low_on"].quality}
        assert (is_error or is_permanent) == (told["heat_energy_wh"].quality is Quality.BAD)
