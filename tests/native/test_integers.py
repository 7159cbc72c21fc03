import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference.blocks import ByteReader
from quartier_native.reference.integers import decode_column, encode_column

INT64 = st.integers(-(2**63), 2**63 - 1)


def decoded(data: bytes, count: int) -> list[int]:
    reader = ByteReader(data)
    numbers = decode_column(reader, count)
    reader.close()
    return numbers


@given(
    st.one_of(
        st.lists(INT64), st.lists(st.integers(-9, 9)), st.lists(st.sampled_from([0, 0, 0, 1000, -(2**63)]))
    )
)
def test_all_numbers_come_back(numbers: list[int]) -> None:
    assert numbers == decoded(encode_column(numbers), len(numbers))


@pytest.mark.parametrize(
    ("numbers", "size"),
    [
        ([], 0),
        ([5], 1),
        ([5] * 1000, 2),
        (list(range(0, 70_000, 70)), 11),
        ([index // 20 for index in range(1000)], 110),
        ([7_000 * (index % 2) for index in range(1000)], 300),
    ],
)
def test_what_is_regular_is_small(numbers: list[int], size: int) -> None:
    assert len(encode_column(numbers)) <= size


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\x01", id="no model"),
        pytest.param(b"\x00\x01\x38\x00\x00", id="order 3"),
        pytest.param(b"\x00\x01\x18\x00", id="no block"),
        pytest.param(b"\x00\x01\x18\x00\x41" + bytes(20), id="65 bits"),
        pytest.param(b"\x00\x01\x18\x00\x08\x07", id="fewer errors than numbers"),
        pytest.param(b"\x00\x01\x18\x00\x80\x00", id="no exceptions"),
        pytest.param(b"\x00\x01\x18\x00\x80\x02" + bytes(20), id="more exceptions than numbers"),
        pytest.param(b"\x00\x01\x18\x00\x80\x00\x80\x01", id="an exception behind the last number"),
        pytest.param(b"\x00\x01\x18\x00\x81\x00\x00\x3f" + bytes(20), id="an exception of 65 bits"),
        pytest.param(b"\x00\x01\x18\x00\x02\x05\x05", id="bytes left over"),
    ],
)
def test_what_is_no_column_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="corrupt"):
        decoded(data, 3)
