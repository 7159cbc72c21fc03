import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference.blocks import ByteReader, pack, unpack

UINT64 = st.integers(0, 2**64 - 1)
UINT32 = st.integers(0, 2**32 - 1)
SMALL = st.integers(0, 40)
FAR = st.one_of(SMALL, SMALL, SMALL, SMALL, SMALL, UINT64)
NEAR = st.one_of(SMALL, SMALL, SMALL, SMALL, SMALL, UINT32)


def blocks(*kinds: st.SearchStrategy[int]) -> st.SearchStrategy[list[int]]:
    return st.one_of(*(st.lists(numbers, min_size=1, max_size=128) for numbers in kinds))


def unpacked(data: bytes, count: int, *, wide: bool) -> list[int]:
    reader = ByteReader(data)
    numbers = unpack(reader, count, wide=wide)
    reader.close()
    return numbers


@given(blocks(UINT64, SMALL, FAR))
def test_numbers_of_64_bits_come_back_and_nothing_is_left(numbers: list[int]) -> None:
    data = pack(numbers, wide=True)
    # Both strings of bits are filled up to a byte, so patches may cost one byte more than none.
    assert len(data) <= 2 + (64 * len(numbers) + 7) // 8
    assert numbers == unpacked(data, len(numbers), wide=True)


@given(blocks(UINT32, SMALL, NEAR))
def test_near_numbers_come_back_and_nothing_is_left(numbers: list[int]) -> None:
    data = pack(numbers)
    # Lanes are filled up to whole rows of four, and each to a byte.
    assert len(data) <= 2 + 4 * (len(numbers) + 3) // 4 * 4 + 4
    assert numbers == unpacked(data, len(numbers), wide=False)


@pytest.mark.parametrize(
    ("numbers", "near", "wide"),
    [
        ([0] * 128, 1, 1),
        ([1] * 128, 1 + 16, 1 + 16),
        ([2**32 - 1] * 128, 1 + 512, 1 + 512),
        ([0] * 127 + [1], 1 + 1 + 2, 1 + 1 + 2),
        ([3, 1] * 63 + [1000, 2], 1 + 32 + 1 + 3, 1 + 32 + 1 + 3),
        ([5], 1 + 4, 1 + 1),
        ([5] * 12, 1 + 4 * 2, 1 + 5),
    ],
)
def test_a_block_takes_the_bits_it_needs(numbers: list[int], near: int, wide: int) -> None:
    assert (near, wide) == (len(pack(numbers)), len(pack(numbers, wide=True)))


def test_few_numbers_are_laid_out_lane_by_lane() -> None:
    assert bytes.fromhex("01 01 00 01 01") == pack([1, 0, 1, 1])
    assert bytes.fromhex("03 29 01 02 03") == pack([1, 1, 2, 3, 5])


def test_lanes_take_turns_by_words_of_32_bits() -> None:
    words = [index * 0x01010101 for index in (1, 2, 3, 0x80)]
    assert b"\x20" + b"".join(word.to_bytes(4, "little") for word in words) == pack(words)


def test_a_wide_block_is_one_string_of_bits() -> None:
    assert bytes.fromhex("01 05") == pack([1, 0, 1], wide=True)
    assert bytes.fromhex("80 00 c0 3f") == pack([0] * 127 + [1], wide=True)
