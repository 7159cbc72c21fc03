"""The sums are those of the catalogue and of a twin that works bit by bit."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.transport import KERMIT, KERMIT_HIGH_FIRST, X25


def test_the_check_values_of_the_catalogue_come_out():
    assert 0x906E == int.from_bytes(X25.of(b"123456789"), "little")
    assert 0x2189 == int.from_bytes(KERMIT.of(b"123456789"), "little")


@given(st.binary(max_size=300))
def test_sums_are_those_of_a_twin_bit_by_bit(wire: SimpleNamespace, data):
    assert wire.x25(data) == X25.of(data)
    assert wire.kermit(data) == KERMIT.of(data)


def test_a_maker_may_send_the_high_byte_first():
    assert KERMIT.of(b"abc")[::-1] == KERMIT_HIGH_FIRST.of(b"abc")
