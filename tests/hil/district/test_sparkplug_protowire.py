import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_district.sparkplug import (
    WireFormatError,
    decode_float32,
    decode_float64,
    encode_bytes,
    encode_number,
    iterate_fields,
)


def test_the_examples_of_the_encoding_page_are_read():
    # protobuf.dev, "Encoding": Test1 {a: 150}, Test2 {b: "testing"}.
    assert [(1, 150)] == list(iterate_fields(bytes.fromhex("089601")))
    assert [(2, b"testing")] == list(iterate_fields(bytes.fromhex("120774657374696e67")))


def test_fixed_fields_come_as_their_bytes():
    found = dict(iterate_fields(bytes.fromhex("0d0000803f11000000000000f03f")))

    assert 1.0 == decode_float32(found[1])
    assert 1.0 == decode_float64(found[2])


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 2**64 - 1) | st.binary(max_size=40))))
def test_what_is_written_is_read(items):
    data = b"".join(encode_number(f, v) if isinstance(v, int) else encode_bytes(f, v) for f, v in items)

    assert items == list(iterate_fields(data))


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_a_format_error(data):
    try:
        list(iterate_fields(data))
    except WireFormatError:
        return


@pytest.mark.parametrize("text", ["08", "0a05616263", "0b", "0801ff", "08ffffffffffffffffffffff01"])
def test_damage_is_told(text):
    with pytest.raises(WireFormatError):
        list(iterate_fields(bytes.fromhex(text)))
