"""Numbers of the bench, decoded by the rig's own code."""

import pytest
from pydantic import ValidationError

from quartier_hil.real_devices.bench_model import Register


@pytest.mark.parametrize(
    ("expected", "words", "told"),
    [
        (1.0, [1], {"type": "bool"}),
        (65535.0, [0xFFFF], {}),
        (-1.0, [0xFFFF], {"type": "int16"}),
        (-1234.5, [0xFFFF, 0xCFC7], {"type": "int32", "scale": 0.1}),
        (1234.5, [0xCFC7, 0xFFFF], {"type": "int32", "scale": 0.1, "words": "low-first", "sign": -1}),
        (4_294_967_295.0, [0xFFFF, 0xFFFF], {"type": "uint32"}),
        (2300.5, [0x450F, 0xC800], {"type": "float32"}),
    ],
)
def test_a_number_has_the_houses_unit_and_sign(expected, words, told):
    assert expected == pytest.approx(Register(register="input:0", **told).number(words))


def test_a_text_ends_at_its_first_zero():
    assert "EM24" == Register(register="holding:1", type="text", length=4).format_value(
        [0x454D, 0x3234, 0x0041, 0x2020]
    )


def test_a_text_is_no_number():
    with pytest.raises(ValueError, match="is a text"):
        Register(register="holding:1", type="text").number([0])


def test_numbers_count_from_zero_and_may_be_hexadecimal():
    register = Register(register="input:0x0034", type="float32")

    assert ("input", 0x34, 2) == (register.table, register.address, register.count)


@pytest.mark.parametrize("wrong", ["30053", "input", "input:", "inputs:1", "holding:0xZZ"])
def test_what_is_no_register_is_refused(wrong):
    with pytest.raises(ValidationError):
        Register(register=wrong)
