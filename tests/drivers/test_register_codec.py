"""Four bits a digit."""

import math
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.device_profile.schema import WIDTHS, Point
from quartier_drivers.readings import Quality
from quartier_drivers.register_codec import (
    decode_number,
    decode_part,
    decode_point,
    decode_power,
    encode_bcd,
    encode_point,
    encode_raw,
    make_decoder,
    parse_bcd,
    render_raw,
)


@pytest.mark.parametrize(
    ("code", "number"), [(0x1234, 1234), (0, 0), (0x99999999, 99_999_999), (0x0010, 10), (0x00010000, 10000)]
)
def test_each_four_bits_are_a_digit(code: int, number: int) -> None:
    assert number == parse_bcd(code)
    assert code == encode_bcd(number)


@pytest.mark.parametrize("code", [0x000A, 0xFFFF, 0x12F4, 0xA0000000])
def test_what_holds_no_digit_is_no_number(code: int) -> None:
    assert parse_bcd(code) is None


ORDERS = st.sampled_from(["high-first", "low-first"])
WHOLE = [name for name in WIDTHS if name.startswith(("int", "uint"))]
BAD = (None, Quality.BAD)


def point(**keys: Any) -> Point:
    keys.setdefault("register", "holding:0")
    return Point.model_validate(keys)


def writable(low: float = -1e9, high: float = 1e9, **keys: Any) -> Point:
    return point(write={"low": low, "high": high, "on_release": 0}, **keys)


@pytest.mark.parametrize(
    ("words", "order", "registers"),
    [
        ("high-first", "high-first", [16967, 52429]),
        ("low-first", "low-first", [52684, 18242]),
        ("high-first", "low-first", [18242, 52684]),
        ("low-first", "high-first", [52429, 16967]),
    ],
    ids=["abcd", "dcba", "badc", "cdab"],
)
def test_49_95_reads_the_same_in_all_four_word_orders(words: str, order: str, registers: list[int]) -> None:
    source = point(type="float32", words=words, bytes=order)

    assert struct.unpack(">f", struct.pack(">f", 49.95))[0] == decode_number(source, registers)
    assert registers == encode_raw(source, 49.95)


@given(st.sampled_from(WHOLE), ORDERS, ORDERS, st.data())
def test_every_whole_number_of_every_type_and_order_comes_back(
    type_name: str, words: str, order: str, data: st.DataObject
) -> None:
    source = point(type=type_name, words=words, bytes=order)
    raw = data.draw(st.integers(*source.raw_range))
    registers = encode_raw(source, raw)

    assert source.width == len(registers)
    assert all(0 <= one <= 0xFFFF for one in registers)
    assert float(raw) == decode_number(source, registers)


@given(st.sampled_from(WHOLE), ORDERS, ORDERS, st.integers(-3, 3), st.data())
def test_the_quick_path_reads_what_the_plain_one_reads(
    type_name: str, words: str, order: str, power: int, data: st.DataObject
) -> None:
    source = point(type=type_name, words=words, bytes=order, scale=0.1, sign=-1, absent=[0x8000, 0x7FFFFFFF])
    registers = data.draw(
        st.lists(
            st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x1234]),
            min_size=source.width,
            max_size=source.width,
        )
    )
    value, quality = make_decoder("power_w", source)(registers, power)

    assert decode_number(source, registers, power) == value
    assert (Quality.BAD if value is None else Quality.GOOD) == quality


@given(ORDERS, ORDERS, st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_float32_comes_back(words: str, order: str, raw: float) -> None:
    source = point(type="float32", words=words, bytes=order)

    assert raw == decode_number(source, encode_raw(source, raw))


@given(ORDERS, ORDERS, st.floats(allow_nan=False, allow_infinity=False))
def test_every_float64_comes_back(words: str, order: str, raw: float) -> None:
    source = point(type="float64", words=words, bytes=order)

    assert raw == decode_number(source, encode_raw(source, raw))


@given(
    st.integers(-0x8000, 0x7FFF),
    st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0, 0.25, 1 / 3]),
    st.sampled_from([0.0, 0.1, -273.15]),
    st.sampled_from([1, -1]),
    st.integers(-3, 3),
)
def test_scaling_is_the_nearest_number_to_what_the_manual_says(
    raw: int, scale: float, offset: float, sign: int, power: int
) -> None:
    source = point(type="int16", scale=scale, offset=offset, sign=sign)
    exact = Fraction(repr(scale)) * sign * Fraction(10) ** power * raw + Fraction(repr(offset))

    assert float(exact) == decode_number(source, [raw & 0xFFFF], power)


def test_1234_at_a_tenth_is_123_4_and_nothing_else() -> None:
    assert 123.4 == decode_number(point(type="uint16", scale=0.1), [1234])
    assert 0.3 == decode_number(point(type="uint16", scale=0.1), [3])


@given(st.integers(-0x8000, 0x7FFF), st.sampled_from([1.0, 0.1, 0.01, 10.0]), st.sampled_from([1, -1]))
def test_what_was_read_can_be_written_back_unchanged(raw: int, scale: float, sign: int) -> None:
    target = writable(type="int16", scale=scale, sign=sign)
    value = decode_number(target, [raw & 0xFFFF])
    assert isinstance(value, float)

    assert [raw & 0xFFFF] == encode_point(target, value)


@given(st.floats(-100, 100), st.sampled_from([0.1, 0.3, 7.0]))
def test_a_written_value_is_the_nearest_step_and_never_outside_the_limits(value: float, scale: float) -> None:
    target = writable(low=-100, high=100, type="int16", scale=scale)
    written = decode_number(target, encode_point(target, value))
    assert isinstance(written, float)

    assert -100 <= written <= 100
    assert abs(written - value) <= scale


@pytest.mark.parametrize(
    ("value", "what"),
    [(101.0, "outside"), (-1.0, "outside"), (math.nan, "no number"), (math.inf, "no number")],
)
def test_a_value_that_may_not_be_written_is_refused_by_name(value: float, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        encode_point(writable(low=0, high=100, type="uint16"), value)


def test_a_value_that_the_register_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit int16"):
        encode_point(writable(type="int16"), 40000.0)
    with pytest.raises(ValueError, match="does not fit float32"):
        encode_point(writable(low=-1e300, high=1e300, type="float32"), 1e300)


def test_a_code_that_means_absent_is_never_written() -> None:
    with pytest.raises(ValueError, match="not there"):
        encode_point(writable(type="uint16", absent=[0xFFFF]), 65535.0)


def test_a_read_only_point_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        encode_point(point(), 1.0)


def test_a_write_may_go_to_another_register_of_another_type() -> None:
    target = point(
        type="uint32",
        scale=0.001,
        write={
            "low": 0,
            "high": 32,
            "on_release": 0,
            "register": "holding:5004",
            "type": "uint16",
            "scale": 0.1,
        },
    )

    assert [160] == encode_point(target, 16.0)


@pytest.mark.parametrize("registers", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0], [0x7FC0, 1]])
def test_nan_and_infinity_are_bad_when_decoded(registers: list[int]) -> None:
    assert BAD == decode_point("power_w", point(type="float32"), registers)


def test_an_absent_code_is_bad() -> None:
    meter = point(type="int32", words="low-first", scale=0.1, sign=-1, absent=0x7FFFFFFF)

    assert (-1234.5, Quality.GOOD) == decode_point("power_w", meter, [0x3039, 0])
    assert BAD == decode_point("power_w", meter, [0xFFFF, 0x7FFF])


def test_an_implausible_value_is_bad() -> None:
    meter = point(type="int16", low=-100, high=100)

    assert (100.0, Quality.GOOD) == decode_point("power_w", meter, [100])
    assert (101.0, Quality.BAD) == decode_point("power_w", meter, [101])
    assert (-101.0, Quality.BAD) == decode_point("power_w", meter, [-101 & 0xFFFF])


def test_bits_are_counted_from_the_lowest() -> None:
    assert (True, Quality.GOOD) == decode_point("relay_on", point(bit=3), [0b1000])
    assert (False, Quality.GOOD) == decode_point("relay_on", point(bit=3), [0b0111])
    assert (0xA, Quality.GOOD) == decode_point("charge_state", point(bits=[4, 7]), [0x12A4])
    assert (True, Quality.GOOD) == decode_point("relay_on", point(type="uint32", bit=31), [0x8000, 0])


def test_coils_are_on_or_off() -> None:
    relay = point(register="coil:4", write={"on_release": 0})

    assert (True, Quality.GOOD) == decode_point("relay_on", relay, [1])
    assert [1] == encode_point(relay, 1.0)
    assert [0] == encode_point(relay, 0.0)


def test_strings_end_at_nul_and_lose_their_padding() -> None:
    name = point(type="string", length=4)

    assert ("EM24", Quality.GOOD) == decode_point("name_text", name, [0x454D, 0x3234, 0, 0x4141])
    assert ("EM24", Quality.GOOD) == decode_point("name_text", name, [0x454D, 0x3234, 0x2020, 0x2020])
    assert BAD == decode_point("name_text", name, [0, 0, 0, 0])


def test_strings_come_in_either_byte_order() -> None:
    assert "EM24" == decode_number(point(type="string", length=2, bytes="low-first"), [0x4D45, 0x3432])


def test_an_enumeration_keeps_its_number_and_shows_its_name() -> None:
    state = point(values={"0": "idle", "2": "charging"})

    assert (2, Quality.GOOD) == decode_point("charge_state", state, [2])
    assert "0002 (charging)" == render_raw(state, [2])
    assert ("charging", Quality.GOOD) == decode_point("mode_text", state, [2])
    assert BAD == decode_point("mode_text", state, [1])


@pytest.mark.parametrize(("word", "power"), [(0, 0), (3, 3), (0xFFFE, -2), (0x8000, None), (11, None)])
def test_a_scale_register_is_a_signed_power_of_ten_or_void(word: int, power: int | None) -> None:
    assert power == decode_power([word])


HEAD = '[profile]\nprotocol = "modbus"\nmaker = "m"\nmodel = "n"\nsource = "s"\n'


def test_decode_gives_every_point_whose_registers_are_there() -> None:
    profile = parse_profile(
        HEAD
        + """
        [parts.grid.power_w]
        register = "holding:840"
        unit = 100
        type = "int16"
        scale_register = "holding:850"
        [parts.grid.voltage_l1_v]
        register = "input:0x10"
        scale = 0.1
        [parts.grid.current_l1_a]
        register = "input:0x20"
        """,
        "m/n",
        "n.toml",
    )
    registers = {"100/holding:840": [0xFFFF], "100/holding:850": [2], "input:16": [2301]}

    assert {
        "power_w": (-100.0, Quality.GOOD),
        "voltage_l1_v": (230.1, Quality.GOOD),
    } == decode_part(profile, "grid", registers)


def test_a_point_whose_scale_register_is_void_is_bad() -> None:
    text = '[points.power_w]\nregister = "holding:0"\nscale_register = "holding:1"\n'
    profile = parse_profile(HEAD + text, "m/n", "n.toml")

    assert {"power_w": BAD} == decode_part(profile, "", {"holding:0": [5, 0x8000]})
    assert {"power_w": BAD} == decode_part(profile, "", {"holding:0": [5]})


def test_binary_coded_decimals_are_read_and_written() -> None:
    point = Point.model_validate(
        {
            "register": "holding:0",
            "type": "bcd32",
            "scale": 0.1,
            "write": {"low": 0, "high": 9e6, "on_release": 0},
        }
    )

    assert (123456.7, Quality.GOOD) == decode_point("power_w", point, [0x0123, 0x4567])
    assert (None, Quality.BAD) == decode_point("power_w", point, [0x0123, 0x45A7])
    assert [0x0123, 0x4567] == encode_point(point, 123456.7)


def test_a_state_that_follows_no_scale_is_written_by_its_codes_and_no_other() -> None:
    point = Point.model_validate(
        {
            "register": "holding:0",
            "type": "uint32",
            "write": {"low": 1, "high": 3, "on_release": 2, "codes": {"1": 1, "2": 0, "3": 0x10000}},
        }
    )

    assert [[0, 1], [0, 0], [1, 0]] == [encode_point(point, value) for value in (1, 2, 3)]
    with pytest.raises(ValueError, match=r"1.5 has no code; expected one of \[1, 2, 3\]"):
        encode_point(point, 1.5)


# Status word (bit 1 plus, bit 2 minus) and number, and what the two mean; None: they contradict each other.
DIRECTED = [
    ((0b010, 663), 663.0),
    ((0b100, 663), -663.0),
    ((0b000, 0x10000 - 663), 663.0),
    ((0b010, 0x10000 - 663), 663.0),
    ((0b000, 663), -663.0),
    ((0b000, 0), 0.0),
    ((0b100, 0x10000 - 663), None),
    ((0b110, 663), None),
    ((0b110, 0x10000 - 663), None),
]


@pytest.mark.parametrize(("words", "value"), DIRECTED)
def test_a_number_is_read_whether_it_or_its_status_word_has_the_sign(
    words: tuple[int, int], value: float | None
) -> None:
    source = point(type="directed16", length=3, bits=[1, 2], low=-32767, high=32767)

    found, quality = make_decoder("power_w", source)([words[0], 0xFFFF, words[1]], 0)
    assert (value, Quality.BAD if value is None else Quality.GOOD) == (found, quality)
