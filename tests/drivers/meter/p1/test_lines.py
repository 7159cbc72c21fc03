"""Telegrams without CRC: what is lost, doubled or joined shows in widths and lines (DSMR 2.2 and 3.0)."""

import pytest
from tests.drivers.meter.p1.conftest import DUTCH, OLD, telegram

from quartier_drivers.meter.discovery.capture_decoding import CaptureDecoder
from quartier_drivers.meter.p1 import push_decoder
from quartier_drivers.meter.p1.lines import (
    LINES_MAX,
    LineReader,
    decode_serial,
    find_meter_number,
    is_well_formed,
    make_outline,
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


# Both versions as their companion standards print them; real meters differ as the third does.
V3 = (
    *OLD[:2],
    "1-0:1.8.2(23456.789*kWh)",
    "1-0:2.8.1(00345.001*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(001.19*kW)",
    "1-0:2.7.0(000.00*kW)",
    *OLD[4:],
)
V2 = (
    "0-0:96.1.1(204B413655303031353835353735303131)",
    "1-0:1.8.1(08671.923*kWh)",
    "1-0:1.8.2(07855.111*kWh)",
    "0-0:96.14.0(0001)",
    "1-0:1.7.0(0001.71*kW)",
    "1-0:2.7.0(0000.00*kW)",
    "0-0:17.0.0(0999.00*kW)",
    "0-0:96.3.10(1)",
    "0-0:96.13.1()",
    "0-0:96.13.0()",
    "0-1:24.1.0(3)",
    "0-1:96.1.0(3238313031353431303030363031353132)",
    "0-1:24.3.0(121030140000)(08)(60)(1)(0-1:24.2.1)(m3)",
    "(00947.680)",
    "0-1:24.4.0(2)",
)
KAMSTRUP = tuple(row.replace("(0999.00*kW)", "(999*A)") for row in V2)


def values(telegrams) -> set:
    return {(group.label, group.value) for one in telegrams for group in one.groups}


def heard(stream: bytes, *, is_capture: bool = False) -> list:
    decoder = push_decoder.make_decoder(is_capture=is_capture)
    return [*decoder.feed(stream), *decoder.end()]


@pytest.mark.parametrize("lines", [V3, V2, KAMSTRUP])
def test_a_telegram_counts_once_its_lines_were_seen_before(lines):
    text = telegram(*lines, has_crc=False)

    assert [0, 1, 2] == [len(heard(text * count)) for count in (1, 2, 3)]
    assert 1 == len(heard(text, is_capture=True)), "a file may hold but one"
    decoder = push_decoder.make_decoder()
    decoder.feed(text)
    assert (1, 0) == (decoder.counts.good_count, decoder.counts.bad_count), "the speed of the line is right"


def points(text: bytes) -> dict:
    """What the profile of these meters makes of a file."""
    frames = CaptureDecoder("p1", "dsmr/p1_before_5").frames([text])
    return {name: value for one in frames for name, value in one.points.items()}


@pytest.mark.parametrize("lines", [V3, V2])
def test_a_lost_or_doubled_byte_never_makes_a_wrong_value_even_in_a_file(lines):
    text = telegram(*lines, has_crc=False)
    true = points(text)
    assert {"power_w", "energy_import_wh"} <= true.keys()
    for at in range(text.index(b"1-0:1.8.1"), len(text)):
        for damaged in (text[:at] + text[at + 1 :], text[:at] + text[at : at + 1] + text[at:]):
            assert points(damaged).items() <= true.items(), text[at - 9 : at + 9]


@pytest.mark.parametrize("lines", [V3, V2])
def test_a_port_joined_anywhere_that_loses_any_stretch_tells_only_what_was_said(lines):
    text = telegram(*lines, has_crc=False)
    true = values(heard(text, is_capture=True))
    for start in range(0, len(text), 3):
        assert values(heard(text[start:] + text * 2)) == true
        for size in (1, 2, 9, 20, 25, 26, 27, 40):
            damaged = heard(text * 2 + text[:start] + text[start + size :] + text)
            assert values(damaged) == true, (start, size)


def test_a_digit_of_one_counter_before_the_rest_of_the_next_is_no_value_of_either():
    joined = [V2[0], "1-0:1.8.1(08655.111*kWh)", *V2[3:]]

    assert is_well_formed(joined), "each width holds"
    assert set() == values(heard(telegram(*V2, has_crc=False) + telegram(*joined, has_crc=False)))


def test_a_message_and_the_digits_may_change_from_one_telegram_to_the_next():
    other = [row.replace("13.1()", "13.1(3031)").replace("0001.71", "0012.04") for row in V2]

    assert make_outline(V2) == make_outline(other)
    assert 1 == len(heard(telegram(*V2, has_crc=False) + telegram(*other, has_crc=False)))


def test_new_lines_cost_one_telegram_and_the_old_ones_stay_known():
    gone = [row for row in V2 if not row.startswith(("0-1:", "("))]
    old, new = telegram(*V2, has_crc=False), telegram(*gone, has_crc=False)

    assert 3 == len(heard(old * 2 + new + old + old))
    assert 2 == len(heard(old * 2 + new * 2))


def test_a_line_that_has_had_a_crc_needs_one_for_ever():
    newer = [row for row in DUTCH if "0.2.8" not in row and "1.0.0(" not in row]
    stripped = telegram(*newer, has_crc=False)

    assert 1 == len(heard(telegram(*DUTCH) + stripped * 3))


@pytest.mark.parametrize(
    "row",
    [
        "1-0:1.8.1(1234.678*kWh)",
        "1-0:1.8.1(1234567.678*kWh)",
        "1-0:1.8.1(12345.67*kWh)",
        "1-0:1.7.0(01.19*kW)",
        "1-0:1.7.0(00001.19*kW)",
        "0-0:17.0.0(16*A)",
        "0-0:17.0.0(0016*A)",
        "0-0:96.14.0(002)",
        "0-1:96.1.0(323)",
        "0-1:24.3.0(09021216000)(00)(60)(1)(0-1:24.2.1)(m3)",
        "(0001.001)",
        "(00001.0001)",
        "0-1:24.4.0()",
    ],
)
def test_a_number_of_another_width_is_refused(row):
    assert not is_well_formed([row])


def test_two_counters_of_one_telegram_have_one_width():
    assert not is_well_formed(["1-0:1.7.0(001.19*kW)", "1-0:2.7.0(0000.00*kW)"])
