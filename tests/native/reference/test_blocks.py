import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference.blocks import ByteReader, fold, put_varint, unfold, wrap_signed

UINT64 = st.integers(0, 2**64 - 1)


def test_reading_past_the_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="corrupt"):
        ByteReader(b"ab").take(3)
    with pytest.raises(ValueError, match="corrupt"):
        ByteReader(b"ab").close()


@given(UINT64)
def test_varints_come_back(number: int) -> None:
    out = bytearray()
    put_varint(out, number)
    assert number == ByteReader(bytes(out)).take_varint()


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x00"])
def test_a_varint_that_ends_late_or_never_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="corrupt"):
        ByteReader(data).take_varint()


@given(st.integers(-(2**63), 2**63 - 1))
def test_folding_is_undone_and_stays_in_64_bits(number: int) -> None:
    assert number == unfold(fold(number))
    assert 0 <= fold(number) < 2**64
    assert number == wrap_signed(number + 2**64) == wrap_signed(number - 2**64)
