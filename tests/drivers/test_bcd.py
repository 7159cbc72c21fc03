"""Four bits a digit."""

import pytest

from quartier_drivers.bcd import code_of, number_of


@pytest.mark.parametrize(
    ("code", "number"), [(0x1234, 1234), (0, 0), (0x99999999, 99_999_999), (0x0010, 10), (0x00010000, 10000)]
)
def test_each_four_bits_are_a_digit(code: int, number: int) -> None:
    assert number == number_of(code)
    assert code == code_of(number)


@pytest.mark.parametrize("code", [0x000A, 0xFFFF, 0x12F4, 0xA0000000])
def test_what_holds_no_digit_is_no_number(code: int) -> None:
    assert number_of(code) is None
