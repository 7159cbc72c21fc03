"""Data sets as meters of many makers write them."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.iec62056.datasets import (
    DAMAGED_CHARACTER,
    SEVEN_BITS,
    RepeatedForms,
    find_serial,
    parse_groups,
    strip_parity,
)
from quartier_drivers.meter.iec62056.push_decoder import make_decoder
from quartier_drivers.meter.iec62056.set_reader import SETS_MAX
from quartier_drivers.meter.telegrams import Group


def said(text: str) -> list[Group]:
    groups, bad_count = parse_groups(text)
    assert 0 == bad_count
    return groups


@pytest.mark.parametrize(
    ("text", "label", "value", "unit"),
    [
        ("1.8.0(001234.56*kWh)", "1.8.0", 1234.56, "kWh"),
        ("1-0:1.8.0*255(00024321.1234567*kWh)", "1-0:1.8.0", 24321.1234567, "kWh"),
        ("1-0:1.8.1*00(001*kWh)", "1-0:1.8.1*00", 1, "kWh"),
        ("1-0:21.7.255*255(-000114.25*W)", "1-0:21.7.255", -114.25, "W"),
        ("1.8.1*05(001200.00*kWh)", "1.8.1*05", 1200.0, "kWh"),
        ("1.6.1&03(1.5*kW)", "1.6.1&03", 1.5, "kW"),
        ("1-0:1.8.1*255(031234.5678)", "1-0:1.8.1", 31234.5678, ""),
        ("1.8.0(0012345)", "1.8.0", 12345, ""),
        ("6.8(0417.250*MWh)", "6.8", 417.25, "MWh"),
        ("6.26(08123.45*m3)", "6.26", 8123.45, "m3"),
        ("6.33(001.500*m3ph)", "6.33", 1.5, "m3/h"),
        ("9.21(00004711)", "9.21", "00004711", ""),
        ("0.0.0(00012345)", "0.0.0", "00012345", ""),
        ("F.F(00000000)", "F.F", "00000000", ""),
        ("F(0)", "F", "0", ""),
        ("C.1.0(LGZ 123)", "C.1.0", "LGZ 123", ""),
        ("0.9.1(19:30:00)", "0.9.1", "19:30:00", ""),
        ("6.36*02(01&00:00)", "6.36*02", "01&00:00", ""),
        ("9.1(0&1&0&0017&ABCD&?:)", "9.1", "0&1&0&0017&ABCD&?:", ""),
        ("6.8.1()", "6.8.1", "", ""),
        ("31.7(000.12 * A)", "31.7", 0.12, "A"),
        ("1.7.0( 0.123*kW)", "1.7.0", 0.123, "kW"),
        ("1-0:1.8.0(00000023,7250000*kWh)", "1-0:1.8.0", 23.725, "kWh"),
        ("L.1.0(12)", "L.1.0", "12", ""),
    ],
)
def test_one_value_of_one_address(text, label, value, unit):
    assert [Group(label, value, unit)] == said(text)


def test_a_line_may_hold_several_sets():
    text = "6.8(0417.250*MWh)6.26(08123.45*m3)9.21(00004711)\r\n6.26*01(08001.25*m3)6.8*01(0411.125*MWh)\r\n"

    assert ["6.8", "6.26", "9.21", "6.26*01", "6.8*01"] == [group.label for group in said(text)]


def test_an_address_may_have_several_values():
    [group] = said("9.4(101.5*C&081.1*C)")
    assert (101.5, "C", {"value_2": 81.1, "unit_2": "C"}) == (group.value, group.unit, dict(group.more))

    [group] = said("2.1(1.5*kW)(3.5*kW)(text)")
    assert {"value_2": 3.5, "unit_2": "kW", "value_3": "text"} == dict(group.more)


def test_a_largest_value_has_its_time():
    [group] = said("1.6.1(02.345*kW)(2611251930)")
    assert "2026-11-25T19:30:00" == group.time

    assert "2026-07-01T08:15:30" == said("1.6.1(02.345*kW)(1260701081530)")[0].time
    assert "" == said("1.6.1(02.345*kW)(0000000000)")[0].time
    assert "" == said("1.6.1(02.345*kW)(123)")[0].time


def test_a_load_profile_costs_no_other_group():
    groups, bad_count = parse_groups(
        "1.8.0(1.0*kWh)\r\nP.01(2611251930)(00)(15)(1)(1.5)(kW)\r\n(0.123)\r\n(0.124)\r\n2.8.0(2.0*kWh)\r\n"
    )

    assert (["1.8.0", "P.01", "2.8.0"], 0) == ([group.label for group in groups], bad_count)


@pytest.mark.parametrize(
    "damaged",
    [
        "1.8.0(0012\x7f4*kWh)",
        "1.8.0 001234*kWh)",
        "1.8.0(001234*kWh",
        "1.8\x7f0(001234*kWh)",
        "1.8.0(00\x05234*kWh)",
        "#+%(5)",
    ],
)
def test_a_damaged_set_costs_only_itself(damaged):
    groups, bad_count = parse_groups(f"2.8.0(1.0*kWh)\r\n{damaged}\r\n3.8.0(2.0*kvarh)\r\n")

    assert (["2.8.0", "3.8.0"], 1) == ([group.label for group in groups], bad_count)


@pytest.mark.parametrize(
    "odd", ["1.8.0(:01234*kWh)", "1.8.0(001234*kW`)", "1.8.0i(001234*kWh)", "x.8.0(1*kWh)", "9.4(1*C&2*Q)"]
)
def test_what_no_check_covers_must_look_as_the_standard_has_it(odd):
    assert 1 == len(parse_groups(odd)[0])
    assert ([], 1) == parse_groups(odd, is_checked=False)


@pytest.mark.parametrize(
    "usual",
    ["1-0:96.5.5*255(80)", "C.1.0(ISK 1)", "F.F(00)", "6.36.1*01(2018-09-07)", "9.4(1*C&2*C)"],
)
def test_what_meters_say_looks_right(usual):
    assert parse_groups(usual) == parse_groups(usual, is_checked=False)


def test_a_meter_says_its_number_in_many_places():
    assert "1ESY1100004711" == find_serial(
        said("1-0:0.0.0*255(60004711)\r\n0-0:96.1.255*255(1ESY1100004711)\r\n")
    )
    assert "12345678" == find_serial(said("0.0.0(00000007)\r\nC.1.0(12345678)\r\n"))
    assert "60001234" == find_serial(said("9.21(00004711)\r\n9.20(60001234)\r\n"))
    assert "00004711" == find_serial(said("6.8(1.0*MWh)9.21(00004711)"))
    assert "4711" == find_serial(said("0.0( 4711 )"))
    assert "" == find_serial(said("1.8.0(1.0*kWh)\r\nC.1.0()\r\n"))


def test_numbers_longer_than_any_meter_has_are_text():
    assert "9" * 5_000 == said(f"1.8.0({'9' * 5_000})")[0].value


def test_no_more_sets_are_told_than_a_meter_can_have():
    assert SETS_MAX == len(parse_groups("1.8.0(1*kWh)" * 2 * SETS_MAX)[0])


@pytest.mark.parametrize("piece", ["x", "(", ")", "a(", "()", "(((", "1*C&", "a)"])
def test_long_rubbish_takes_no_longer_for_its_length(piece):
    def steps(count):
        return sum(1 for _ in parse_groups(piece * count)[0])

    assert steps(20_000) <= SETS_MAX


@given(st.text(st.characters(codec="ascii")))
def test_any_text_is_taken(text):
    parse_groups(text)


TEXT = st.text(st.characters(codec="ascii", exclude_characters="\x7f"), min_size=1).map(str.encode)


@given(TEXT)
def test_plain_text_stays_as_it_is(text):
    assert text == strip_parity(text)
    assert text == text.translate(SEVEN_BITS)


@given(TEXT)
def test_seven_bits_with_parity_are_found_in_eight(wire: SimpleNamespace, text):
    assert text == strip_parity(wire.as_eight_bits(text))
    assert text == wire.as_eight_bits(text).translate(SEVEN_BITS)


@given(TEXT, st.data())
def test_a_wrong_parity_shows(wire: SimpleNamespace, text, data):
    coded = wire.as_eight_bits(b"1.8.0(" + text)
    at = data.draw(st.integers(6, len(coded) - 1))
    damaged = coded[:at] + bytes([coded[at] ^ 1 << data.draw(st.integers(0, 7))]) + coded[at + 1 :]

    assert DAMAGED_CHARACTER == strip_parity(damaged)[at]


def test_a_character_that_the_port_found_damaged_shows():
    assert b"1.8.0(12\x7f4)" == strip_parity(b"1.8.0(12\xff4)")


SETS = [
    "1-0:0.0.0*255(1095110000987654)",
    "1-0:1.8.1*255(004321.5678)",
    "1-0:2.8.1*255(000001.9160)",
    "1-0:96.5.5*255(82)",
    "1-0:32.7.0*255(238.39*V)",
    "1-0:21.7.0*255(+00154*W)",
]


def changed(**values: str) -> list[str]:
    """The same lines with other digits."""
    return [line.replace("004321.5678", values.get("energy", "004321.5678")) for line in SETS]


def heard(stream: bytes) -> list[set[tuple[str, object]]]:
    port = make_decoder()
    return [{(group.label, group.value) for group in one.groups} for one in port.feed(stream) + port.end()]


def test_the_first_message_of_a_line_tells_nothing_and_the_second_all(wire: SimpleNamespace):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)

    assert [0, 1, 2] == [len(heard(push * count)) for count in (1, 2, 3)]
    assert len(SETS) == len(heard(push * 2)[0])
    assert 1 == len(make_decoder(is_capture=True).feed(push))


def test_other_digits_and_another_sign_are_the_same_line(wire: SimpleNamespace):
    first = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    second = wire.pushed(
        "HAG5eHZ010C_EHZ1ZA22",
        [line.replace("+00154", "-00283").replace("(82)", "(A2)") for line in changed(energy="004399.0001")],
    )
    (told,) = heard(first + second)

    assert {("1-0:21.7.0", -283), ("1-0:1.8.1", 4399.0001), ("1-0:96.5.5", "A2")} <= told


@pytest.mark.parametrize("size", [1, 2, 5, 9, 27, 28, 29, 40])
def test_a_port_joined_anywhere_that_loses_any_stretch_tells_only_what_was_said(
    wire: SimpleNamespace, size: int
):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    (said,) = heard(push * 2)
    for start in range(len(push)):
        assert all(told <= said for told in heard(push[start:] + push * 2))
        assert all(told <= said for told in heard(push * 2 + push[:start] + push[start + size :] + push))


def test_a_doubled_byte_costs_its_line_alone(wire: SimpleNamespace):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    place = push.index(b"4321")
    told = heard(push * 2 + push[:place] + b"4" + push[place:])

    assert told[0] - told[1] == {("1-0:1.8.1", 4321.5678)}


def test_a_number_of_varying_width_is_believed_once_each_width_was_seen():
    familiar = RepeatedForms()
    messages = [f"1.7.0({value}*W)" for value in (98, 99, 100, 101, 97)]

    assert ["", messages[1], "", messages[3], messages[4]] == [familiar.of(one) for one in messages]


def test_a_message_with_a_block_check_counts_at_once_on_a_port_too(wire: SimpleNamespace):
    assert 1 == len(make_decoder().feed(wire.data_message(*SETS)))


def test_what_is_remembered_has_an_end():
    familiar = RepeatedForms()
    for number in range(3_000):
        for _ in range(2):
            familiar.of(f"{number}.0({number % 10})")

    assert len(familiar._known) <= 512
