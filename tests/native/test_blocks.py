import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference.blocks import pack, unpack
from quartier_native.reference.varints import ByteReader

UINT64 = st.integers(0, 2**64 - 1)
SMALL = st.integers(0, 40)
PEAKS = st.one_of(SMALL, SMALL, SMALL, SMALL, SMALL, UINT64)


@given(st.one_of(*(st.lists(numbers, min_size=1, max_size=64) for numbers in (UINT64, SMALL, PEAKS))))
def test_numbers_come_back_and_nothing_is_left(numbers: list[int]) -> None:
    data = pack(numbers)
    # Both strings of bits are filled up to a byte, so patches may cost one byte more than none.
    assert len(data) <= 2 + (64 * len(numbers) + 7) // 8
    reader = ByteReader(data)
    assert numbers == unpack(reader, len(numbers))
    reader.close()


@pytest.mark.parametrize(
    ("numbers", "size"),
    [
        ([0] * 64, 1),
        ([1] * 64, 1 + 8),
        ([2**64 - 1] * 64, 1 + 512),
        ([0] * 63 + [1], 1 + 1 + 2),
        ([3, 1] * 31 + [1000, 2], 1 + 16 + 1 + 3),
        ([5], 1 + 1),
    ],
)
def test_a_block_takes_the_bits_it_needs(numbers: list[int], size: int) -> None:
    assert size == len(pack(numbers))


def test_a_kept_block_is_laid_out_as_written() -> None:
    assert bytes.fromhex("01 05") == pack([1, 0, 1])
    assert bytes.fromhex("80 00 c0 1f") == pack([0] * 63 + [1])
