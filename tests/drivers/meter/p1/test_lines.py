import pytest
from tests.drivers.meter.p1.conftest import DUTCH, OLD

from quartier_drivers.meter.p1.lines import (
    LINES_MAX,
    LineReader,
    decode_serial,
    find_meter_number,
    render_iso_time,
)
from quartier_drivers.meter.telegrams import Group


def read(*lines: str) -> list[Group]:
    return LineReader().read("\r\n".join(lines))[0]


# A line, and what it says.
LINES = [
    ("1-0:1.8.1(002130.115*kWh)", Group("1-0:1.8.1", 2130.115, "kWh")),
    ("1-0:1.8.0(006545766*Wh)", Group("1-0:1.8.0", 6545766, "Wh")),
    ("1-0:31.7.0(016*A)", Group("1-0:31.7.0", 16, "A")),
    ("1-0:3.8.0(000021.988*kvarh)", Group("1-0:3.8.0", 21.988, "kvarh")),
    ("1-0:1.7.0.255(00.111*kW)", None),
    ("1-0:1.7.0*255(00.111*kW)", Group("1-0:1.7.0", 0.111, "kW")),
    ("1-0:1.8.0*1(00.111*kWh)", Group("1-0:1.8.0*1", 0.111, "kWh")),
    ("0-0:96.14.0(0002)", Group("0-0:96.14.0", "0002")),
    ("0-0:96.13.0()", Group("0-0:96.13.0", "")),
    ("0-0:1.0.0(200426223325S)", Group("0-0:1.0.0", "200426223325S", "", "2020-04-26T22:33:25+02:00")),
    ("1-0:1.6.0(200509134558W)(02.589*kW)", Group("1-0:1.6.0", 2.589, "kW", "2020-05-09T13:45:58+01:00")),
    ("1-1:31.4.0(200*A)(-200*A)", Group("1-1:31.4.0", "(200*A)(-200*A)")),
    (
        "1-0:99.97.0(1)(0-0:96.7.19)(190326095015W)(0000002014*s)",
        Group("1-0:99.97.0", "(1)(0-0:96.7.19)(190326095015W)(0000002014*s)"),
    ),
    ("0-0:96.50.68(ON)", Group("0-0:96.50.68", "ON")),
    ("1-0:1.8.0(" + "9" * 5_000 + "*kWh)", Group("1-0:1.8.0", "9" * 5_000 + "*kWh")),
]


@pytest.mark.parametrize(("line", "group"), LINES)
def test_a_line_is_one_group(line, group):
    assert ([] if group is None else [group]) == read(line)


def test_a_line_may_have_several_objects():
    line = "1-0:1.8.0(000002.345*kWh)1-0:2.8.0(000000.005*kWh)0-0:96.14.0(0002)"
    groups = [
        Group("1-0:1.8.0", 2.345, "kWh"),
        Group("1-0:2.8.0", 0.005, "kWh"),
        Group("0-0:96.14.0", "0002"),
    ]

    assert (groups, True) == LineReader().read(line)
    assert False is LineReader().read(line + "x")[1]


def test_a_number_with_a_point_needs_no_unit():
    assert [Group("1-0:13.7.0", 0.999)] == LineReader().read("1-0:13.7.0(0.999)")[0]


def test_gas_of_old_versions_stands_on_two_lines():
    gas = next(group for group in read(*OLD) if group.label == "0-1:24.3.0")

    assert (1.001, "m3", "2009-02-12T16:00:00") == (gas.value, gas.unit, gas.time)
    assert {"channel": 1, "medium": "gas"} == gas.more


def test_a_child_is_told_with_its_channel_medium_and_serial():
    water = next(group for group in read(*DUTCH) if group.label == "0-2:24.2.1")

    assert (872.234, "m3", "2026-04-26T22:00:00+02:00") == (water.value, water.unit, water.time)
    assert {"channel": 2, "medium": "water", "meter": "8SAG1234567890"} == water.more
    assert {} == read(*DUTCH)[3].more, "the meter itself has none"


@pytest.mark.parametrize(
    ("line", "is_clean"),
    [("", True), ("1-0:1.8.0(1)", True), ("1-0:1.8.0(1", False), ("(1)", False), ("x", False)],
)
def test_a_line_that_is_no_object_is_noticed(line, is_clean):
    assert is_clean == LineReader().read(line)[1]


def test_who_speaks_is_said_in_hexadecimal_or_plainly():
    assert "E0044007382246019" == find_meter_number(read(*DUTCH))
    assert "3960221976967177082151037881335713" == decode_serial("3960221976967177082151037881335713")
    assert "ABC" == decode_serial("ABC")
    assert find_meter_number(read("1-0:1.8.0(1*kWh)")) == ""


@pytest.mark.parametrize("digits", ["", "261301000000W", "260132000000S", "26010124", "26010100000x"])
def test_no_date_is_no_time(digits):
    assert render_iso_time(digits) == ""


def test_a_line_that_is_known_says_the_same_again_and_with_other_children_what_they_make_of_it():
    reader = LineReader()
    gas = ("0-1:24.1.0(003)", "0-1:24.2.1(260426223001S)(00246.138*m3)")
    water = ("0-1:24.1.0(007)", gas[1])
    said = [dict(reader.read("\r\n".join(lines))[0][1].more) for lines in (gas, gas, water, gas, gas[1:] * 2)]

    assert ["gas", "gas", "water", "gas", None] == [one.get("medium") for one in said]


def test_a_value_on_a_second_line_is_never_taken_from_another_telegram():
    reader = LineReader()
    first = reader.read("\r\n".join(OLD))[0]
    again = reader.read("\r\n".join(OLD).replace("(00001.001)", "(00002.002)"))[0]

    assert [1.001, 2.002] == [
        next(g.value for g in found if g.label == "0-1:24.3.0") for found in (first, again)
    ]
    assert first == reader.read("\r\n".join(OLD))[0]


def test_what_is_kept_has_an_end():
    reader = LineReader()
    for number in range(3_000):
        reader.read(f"1-0:1.8.0({number:06}.000*kWh)")
    assert len(reader._known) <= LINES_MAX + 1
