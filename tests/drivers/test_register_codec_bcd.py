"""Four bits a digit."""

import pytest

from quartier_drivers.register_codec import encode_bcd, parse_bcd


@pytest.mark.parametrize(
    ("code", "number"), [(0x1234, 1234), (0, 0), (0x99999999, 99_999_999), (0x0010, 10), (0x00010000, 10000)]
)
def test_each_four_bits_are_a_digit(code: int, number: int) -> None:
    assert number == parse_bcd(code)
    assert code == encode_bcd(number)


@pytest.mark.parametrize("code", [0x000A, 0xFFFF, 0x12F4, 0xA0000000])
def test_what_holds_no_digit_is_no_number(code: int) -> None:
    assert parse_bcd(code) is None
