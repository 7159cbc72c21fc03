"""The fixed structure: two counters with six bits of unit each (EN 1434-3:1997)."""

import pytest

from quartier_drivers.meter.mbus.records import parse_fixed_groups, parse_fixed_header


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
