"""What heads of records mean: place, quantity, scale, what narrows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import FUNCTIONS, dib

from quartier_drivers.meter.mbus.record_meaning import (
    COMBINABLE_VIFE,
    COUNT_FORM,
    DURATION_FORM,
    EXTENDED_VIFE,
    NO_QUALIFIER,
    RESERVED_QUALIFIER,
    TIME_FORM,
    Qualifier,
    find_meaning,
)


def meant(head, **more):
    return find_meaning(bytes.fromhex(head), "ACW", "heat", **more)


@given(st.integers(0, 3), st.integers(0, 2**41 - 1), st.integers(0, 2**20 - 1), st.integers(0, 2**10 - 1))
def test_function_storage_tariff_and_subunit_are_put_together_from_all_extensions(
    function, storage, tariff, subunit
):
    more = find_meaning(dib(4, function, storage, tariff, subunit) + b"\x13", "", "water").more

    assert (FUNCTIONS[function], storage, tariff, subunit) == (
        more["function"],
        more["storage"],
        more["tariff"],
        more["subunit"],
    )


@pytest.mark.parametrize(
    ("quantity", "unit", "top", "bottom", "head"),
    [
        ("volume", "m3", 1, 1000, "0413"),
        ("energy", "Wh", 1000, 1, "0406"),
        ("on_time", "s", 3600, 1, "0422"),
        ("energy", "Wh", 10**6, 1, "04FB01"),
        ("voltage", "V", 1, 10, "02FD48"),
        ("battery_lifetime", "month", 1, 1, "01FDFD02"),
        ("energy", "Wh", 100, 1, "048675"),
        ("energy", "Wh", 10**6, 1, "04867D"),
        ("rh", "", 1, 1, "047C026872"),
        ("%RH", "", 1, 100, "02FC0348522574"),
        ("%RH", "", 1, 10000, "02FCF47403485225"),
        ("maker_specific", "", 1, 1, "04FF13"),
        ("reserved", "", 1, 1, "01FD7C"),
        ("energy", "Wh/h", 1000, 1, "0486A200"),
        ("power", "W s", 1, 1, "04AB36"),
        ("volume", "m3", 1, 1000000, "049028"),
    ],
)
def test_a_value_information_block_says_quantity_unit_and_scale(quantity, unit, top, bottom, head):
    found = meant(head)

    assert (quantity, unit, top, bottom) == (found.more["quantity"], found.unit, found.top, found.bottom)


@pytest.mark.parametrize(
    ("quantity", "qualifier", "head"),
    [
        ("energy", "", "0406"),
        ("energy", "", "048400"),
        ("energy", "only positive", "04863B"),
        ("power", "maker 01", "02ACFF01"),
        ("maker_specific", "maker 93 00", "01FF9300"),
        ("voltage", "L2", "02FDC8FC02"),
        ("voltage", "L1-L2, averaged", "02FDC8FC8512"),
        ("duration", "first lower limit exceed of volume_flow", "04BE50"),
        ("date", "end of last of flow_temperature", "8410DA6F"),
        ("count", "exceeds of upper limit of power", "01AB49"),
        ("volume", "future", "04937E"),
        ("volume", "increment per input pulse 0", "049028"),
    ],
)
def test_what_narrows_or_changes_a_quantity_is_said(quantity, qualifier, head):
    more = meant(head).more

    assert (quantity, qualifier) == (more["quantity"], more["qualifier"])


def test_a_duration_is_in_seconds_whatever_the_quantity_was():
    found = meant("01B852")

    assert ("s", 3600, 1) == (found.unit, found.top, found.bottom)


def test_a_very_long_text_is_a_text():
    assert 128 * "x" == find_meaning(b"\x01\x7c\x80" + 128 * b"x", "ACW", "heat").more["quantity"]


def test_text_of_a_unit_is_turned_round_but_in_mode_2():
    assert "hr" == meant("047C027268").more["quantity"]
    assert "rh" == meant("047C027268", high_first=True).more["quantity"]


def test_a_failed_record_has_no_value_but_a_reason():
    found = meant("048615")

    assert ("no data available", "no data available", False) == (
        found.error,
        found.more["error"],
        found.is_plain,
    )


@pytest.mark.parametrize(
    ("size", "head"), [(2, "426C"), (4, "046D"), (6, "066D"), (3, "036D"), (4, "04FD30"), (0, "0C6D")]
)
def test_dates_are_of_the_type_that_their_size_says(size, head):
    assert size == meant(head).moment_size


def test_flags_and_unsigned_numbers_know_their_bits():
    assert [16, 32, 0] == [meant(head).bits for head in ("02FD17", "0486FC11", "0406")]


def test_an_additive_constant_is_in_the_unit_of_the_value():
    assert 0.1 == pytest.approx(meant("02DA7A").shift)


def test_who_says_it_stands_in_each():
    assert ("ACW", "heat") == (meant("0406").more["maker"], meant("0406").more["medium"])


@given(st.integers(0, 14), st.lists(st.integers(0x80, 0xFF), max_size=9), st.integers(0, 0x7F))
def test_any_head_means_something(field, vifes, last):
    block = bytes([*vifes, last]) if vifes else bytes([last])
    if block[0] & 0x7F != 0x7C:
        assert find_meaning(bytes([field]) + block, "ACW", "heat").more["quantity"]


def test_each_table_has_a_line_for_each_code():
    assert (128, 128) == (len(COMBINABLE_VIFE), len(EXTENDED_VIFE))


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (NO_QUALIFIER, 0x00),
        (Qualifier(error="too many DIFE"), 0x01),
        (Qualifier(error="too many VIFE"), 0x0B),
        (Qualifier(error="no data available"), 0x15),
        (Qualifier(error="data overflow"), 0x16),
        (Qualifier(error="data underflow"), 0x17),
        (Qualifier(error="data error"), 0x18),
        (Qualifier(error="premature end of record"), 0x1C),
        (Qualifier(per="s"), 0x20),
        (Qualifier(per="revolution"), 0x27),
        (Qualifier("increment per input pulse 0"), 0x28),
        (Qualifier("increment per output pulse 1"), 0x2B),
        (Qualifier(per="l"), 0x2C),
        (Qualifier(per="A"), 0x35),
        (Qualifier(times="s"), 0x36),
        (Qualifier("start", TIME_FORM), 0x39),
        (Qualifier("uncorrected"), 0x3A),
        (Qualifier("only positive"), 0x3B),
        (Qualifier("only negative"), 0x3C),
        (Qualifier("lower limit"), 0x40),
        (Qualifier("upper limit"), 0x48),
        (Qualifier("exceeds of lower limit", COUNT_FORM), 0x41),
        (Qualifier("begin of first lower limit exceed", TIME_FORM), 0x42),
        (Qualifier("end of last lower limit exceed", TIME_FORM), 0x47),
        (Qualifier("end of first upper limit exceed", TIME_FORM), 0x4B),
        (Qualifier("begin of last upper limit exceed", TIME_FORM), 0x4E),
        (Qualifier("first lower limit exceed", DURATION_FORM, 1), 0x50),
        (Qualifier("last lower limit exceed", DURATION_FORM, 86400), 0x57),
        (Qualifier("first upper limit exceed", DURATION_FORM, 1), 0x58),
        (Qualifier("last upper limit exceed", DURATION_FORM, 3600), 0x5E),
        (Qualifier("first", DURATION_FORM, 60), 0x61),
        (Qualifier("last", DURATION_FORM, 86400), 0x67),
        (Qualifier("during lower limit exceed"), 0x68),
        (Qualifier("leakage"), 0x69),
        (Qualifier("begin of first", TIME_FORM), 0x6A),
        (Qualifier("end of first", TIME_FORM), 0x6B),
        (Qualifier("during upper limit exceed"), 0x6C),
        (Qualifier("overflow"), 0x6D),
        (Qualifier("begin of last", TIME_FORM), 0x6E),
        (Qualifier("end of last", TIME_FORM), 0x6F),
        (Qualifier(exponent=-6), 0x70),
        (Qualifier(exponent=1), 0x77),
        (Qualifier(shift=-3), 0x78),
        (Qualifier(shift=0), 0x7B),
        (Qualifier(exponent=3), 0x7D),
        (Qualifier("future"), 0x7E),
        (RESERVED_QUALIFIER, 0x10),
    ],
)
def test_combinable_codes(expected, code):
    assert expected == COMBINABLE_VIFE[code]


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (Qualifier("L1"), 0x01),
        (Qualifier("L3-L1"), 0x07),
        (Qualifier("quadrant 4"), 0x0B),
        (Qualifier("import minus export"), 0x0C),
        (Qualifier(is_unsigned=True), 0x11),
        (RESERVED_QUALIFIER, 0x7F),
    ],
)
def test_codes_behind_fc(expected, code):
    assert expected == EXTENDED_VIFE[code]
