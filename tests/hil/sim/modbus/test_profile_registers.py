"""The rig's own codec of profiles: types, orders of words, flags, and the ends of a register."""

import pytest

from quartier_drivers.device_profile.register_address import parse_address
from quartier_drivers.device_profile.schema import Source
from quartier_sim.modbus.profile_registers import decode_count, decode_value, encode_value


def make_source(type_name="uint16", register="holding:0", **more):
    return Source.model_construct(address=parse_address(register), type_name=type_name, **more)


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        (make_source("int16", scale=0.1), -12.3, [0xFF85]),
        (make_source("int32"), -1234.0, [0xFFFF, 0xFB2E]),
        (make_source("int32", word_order="low-first"), -1234.0, [0xFB2E, 0xFFFF]),
        (make_source("uint32", byte_order="low-first"), 0x01020304, [0x0201, 0x0403]),
        (make_source("float32"), 230.5, [0x4366, 0x8000]),
        (make_source("bcd32"), 12_345_678, [0x1234, 0x5678]),
        (make_source("uint16", offset=-40.0), 20.0, [60]),
        (make_source("int16", sign=-1), 500.0, [0xFE0C]),
        (make_source("bool", "coil:3"), 1.0, [1]),
        (make_source("directed16", length=3, bits=(1, 2)), 700.0, [0b010, 9, 700]),
        (make_source("directed16", length=3, bits=(1, 2)), -700.0, [0b100, 9, 700]),
    ],
)
def test_a_value_and_its_registers(source, value, words):
    assert words == encode_value(source, value, [0, 9, 0])
    if source.type_name != "directed16":
        assert value == pytest.approx(decode_value(source, words))


def test_a_number_beyond_the_register_is_its_end():
    assert [0xFFFF] == encode_value(make_source("uint16"), 1e6, [0])
    assert [0x8000] == encode_value(make_source("int16"), -1e6, [0])


def test_the_code_for_not_there_is_never_a_number():
    source = make_source("uint16", absent=(0xFFFF,))

    assert [0xFFFE] == encode_value(source, 1e6, [0])
    assert decode_value(source, [0xFFFF]) is None
    with pytest.raises(ValueError, match="is no number"):
        decode_count(source, [0xFFFF])


def test_a_flag_leaves_the_other_bits_of_its_register():
    source = make_source("uint16", bits=(4, 6))

    assert [0b1101_1111] == encode_value(source, 5, [0b1111_1111])
    assert 5.0 == decode_value(source, [0b1101_1111])


def test_a_sum_is_shared_out_and_read_as_a_whole():
    source = make_source("int16", sum_of=3)

    assert [4, 3, 3] == encode_value(source, 10, [0, 0, 0])
    assert 10.0 == decode_value(source, [4, 3, 3])
