"""The parity bit is taken off, and tells of damage where it is there."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.iec62056.datasets import DAMAGED_CHARACTER, SEVEN_BITS, strip_parity

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
