"""The check sequence is that of ISO/IEC 13239."""

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import crc

from quartier_drivers.meter.dlms.hdlc import crc_x25, is_crc_valid


def test_the_check_value_of_the_catalogue_comes_out() -> None:
    assert 0x906E == crc_x25(b"123456789")


def test_a_head_of_a_meter_in_the_field_holds() -> None:
    assert is_crc_valid(bytes.fromhex("A084CEFF0313"), bytes.fromhex("128B"))


@given(st.binary(max_size=300))
def test_it_is_what_the_bits_say_one_by_one(data: bytes) -> None:
    assert crc(data) == crc_x25(data).to_bytes(2, "little")
    assert is_crc_valid(data, crc(data))
