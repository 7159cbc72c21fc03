"""Data sets of IEC 62056-21."""

from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.iec62056.datasets import _ADDRESSES, _UNITS, _odd
from quartier_native.reference import sets

ADDRESSES = st.sampled_from(
    [
        "1.8.0",
        "1-0:1.8.0*255",
        "0.0.0",
        "C.1.0",
        "9.21",
        "6.8*01",
        "1-0:21.7.255*255",
        "F.F",
        "x",
        "",
        "1.8 .0",
        "1" * 33,
    ]
) | st.text(st.characters(codec="ascii"), max_size=6)
VALUES = (
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "+", "-", " "]),
        st.decimals(0, 10**9, places=3)
        | st.integers(0, 10**19)
        | st.sampled_from(["12.", ".5", "1,5", "1.2.3", ""]),
        st.sampled_from(["", "*kWh", "*KWH", "*m3ph", "*Q", "*", " *kW", "*k W", "*%", "kWh", "*kW*h"]),
    )
    | st.sampled_from(
        ["00012345", "LGZ 123", "19:30:00", "0&1", "a*b", " a", "a ", "\x7f", "a" * 65, "9" * 19, "", "+1"]
    )
    | st.text(st.characters(codec="ascii"), max_size=8)
)
SETS = st.builds(
    "{}({}){}".format, ADDRESSES, VALUES, st.sampled_from(["", "\r\n", "\r\n", "\n", "(1)", " "])
)
BLOCKS = st.lists(SETS, max_size=6).map("".join)


def message(block: str, ending: str, check: int, wrong: int) -> bytes:
    text = (block + ending + "\x03").encode("latin-1")
    return b"\x02" + text + bytes([sets.checked(text, check) ^ wrong])


MESSAGES = st.builds(
    message,
    BLOCKS,
    st.sampled_from(["!\r\n", "!\r\n", "", "!", "\r\n", "!!\r\n", " "]),
    st.integers(0, 2),
    st.sampled_from([0] * 8 + [1, 0x80]),
)


def read_sets(block, is_checked, reader=None):
    groups = []
    end = (reader or sets.SetReader(_ADDRESSES, _UNITS)).sets(block, 0, groups, is_checked=is_checked)
    return end, repr(groups)


def read_messages(data, check, reader=None):
    telegrams = []
    told = (reader or sets.SetReader(_ADDRESSES, _UNITS)).messages(data, 0, check, "who", 3, telegrams)
    return told, repr(telegrams)


@given(st.lists(st.tuples(MESSAGES | BLOCKS.map(str.encode), st.booleans()), max_size=5), st.integers(0, 2))
def test_what_was_read_before_makes_no_difference(parts, check):
    reader = sets.SetReader(_ADDRESSES, _UNITS)
    for data, is_checked in parts:
        if data[:1] == b"\x02":
            assert read_messages(data, check) == read_messages(data, check, reader)
        else:
            assert read_sets(data, is_checked) == read_sets(data, is_checked, reader)


@given(ADDRESSES, VALUES, st.booleans())
def test_a_set_that_is_taken_is_what_the_driver_makes_of_it(address, value, is_checked):
    text = f"{address}({value})"
    end, found = read_sets(text.encode("latin-1"), is_checked)
    groups = []
    bad_count = _odd(text[:end].lstrip("\r\n"), groups, is_checked=is_checked)

    if found != "[]":
        assert (repr(groups), 0) == (found, bad_count)


def test_sets_of_a_block_are_read_up_to_one_that_is_not_plain():
    block = b"1.8.0(001.5*kWh)\r\n0.0.0(0012)2.8.0(7)\r\n9.4(1*C&2*C)\r\n1.8.1(1*kWh)"
    groups = []
    end = sets.SetReader(_ADDRESSES, _UNITS).sets(block, 0, groups, is_checked=True)

    assert block.index(b"9.4") == end
    assert [("1.8.0", 1.5, "kWh"), ("0.0.0", "0012", ""), ("2.8.0", 7, "")] == [
        (group.label, group.value, group.unit) for group in groups
    ]


def test_what_nothing_checks_must_look_as_the_standard_has_it():
    for odd in (b"x.8.0(1*kWh)", b"1.8.0(1*Q)"):
        assert (len(odd), 0) == (read_sets(odd, True)[0], read_sets(odd, False)[0])


def test_a_message_tells_its_meter_from_the_surest_set_that_says_it():
    data = message("0.0.0(1)C.1.0()9.21(2)\r\n", "!\r\n", sets.XOR, 0) + message(
        "1.8.0(1*kWh)\r\n", "!\r\n", sets.XOR, 0
    )
    telegrams = []
    told = sets.SetReader(_ADDRESSES, _UNITS).messages(data, 0, sets.XOR, "LGZ", 2, telegrams)

    assert ((len(data), 4), [("2", 2), ("LGZ", 0)]) == (
        told,
        [(one.meter, one.bad_count) for one in telegrams],
    )


def test_a_message_that_is_wrong_or_goes_on_is_left():
    good = message("1.8.0(1*kWh)\r\n", "!\r\n", sets.XOR, 0)

    assert (len(good), 1) == read_messages(good + good[:-1], sets.XOR)[0]
    for bad in (message("1.8.0(1*kWh)", "", sets.XOR, 1), message("", "!\r\n", sets.XOR, 0), good[1:]):
        assert ((0, 0), "[]") == read_messages(bad, sets.XOR)


def test_no_more_sets_are_told_than_a_meter_can_have():
    groups = []
    sets.SetReader(_ADDRESSES, _UNITS).sets(b"1.8.0(1)" * 2000, 0, groups, is_checked=True)

    assert sets.SETS_MAX == len(groups)
    assert ((0, 0), "[]") == read_messages(message("1.8.0(1)" * 2000, "", sets.XOR, 0), sets.XOR)


@given(st.integers(0, 10**18 - 1), st.integers(0, 18), st.sampled_from(["", "-", "+"]))
def test_a_number_is_rounded_once(number, decimals, sign):
    digits = f"{number:019}"[-18:]
    text = f"{sign}{digits[: 18 - decimals] or '0'}.{digits[18 - decimals :]}"[: 20 if decimals < 18 else 19]
    groups = []
    sets.SetReader(_ADDRESSES, _UNITS).sets(f"1.8.0({text}*kWh)".encode(), 0, groups, is_checked=True)

    assert [float(text)] * len(groups) == [group.value for group in groups]
