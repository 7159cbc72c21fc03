import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference.bits import (
    BitReader,
    BitWriter,
    ByteReader,
    folded,
    put_varint,
    signed,
    unfolded,
)

UINT64 = st.integers(0, 2**64 - 1)


@given(st.lists(st.tuples(UINT64, st.integers(0, 52))))
def test_rice_codes_come_back_and_nothing_is_left(codes: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    for number, low_count in codes:
        writer.put_rice(number, low_count)
    reader = BitReader(bytes(writer))
    assert [number for number, _ in codes] == [reader.take_rice(low_count) for _, low_count in codes]
    reader.close()


@pytest.mark.parametrize(
    ("number", "low_count", "bits"), [(0, 0, 1), (3, 0, 4), (19, 0, 20), (20, 0, 31), (9, 2, 5)]
)
def test_a_rice_code_has_its_length(number: int, low_count: int, bits: int) -> None:
    writer = BitWriter()
    writer.put_rice(number, low_count)
    assert (bits + 7) // 8 == len(bytes(writer))


def test_reading_past_the_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="corrupt"):
        BitReader(b"\x00").take_rice(0)
    with pytest.raises(ValueError, match="corrupt"):
        BitReader(b"\x01").take(9)
    with pytest.raises(ValueError, match="corrupt"):
        BitReader(b"\x01\x00").close()
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
    assert number == unfolded(folded(number))
    assert 0 <= folded(number) < 2**64
    assert number == signed(number + 2**64) == signed(number - 2**64)
