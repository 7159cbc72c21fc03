"""Values are read as IEC 61334-6 writes them; hostile ones cost no more than their bytes."""

import math
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import array, i8, named, octets, structure, text, u16, u32

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import (
    AxdrReader,
    Item,
    MalformedData,
    TruncatedData,
    encode_item,
    read_item,
)


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        (None, "00"),
        (True, "03ff"),
        (False, "0300"),
        ("1010", "0404a0"),
        ("101000001", "0409a080"),
        (-2, "05fffffffe"),
        (4294967294, "06fffffffe"),
        (b"\x01\x02", "09020102"),
        ("AB", "0a024142"),
        ("é", "0c02c3a9"),
        (42, "0d42"),
        (0x4F, "0d4f"),
        (-1, "0fff"),
        (-2, "10fffe"),
        (255, "11ff"),
        (65534, "12fffe"),
        (-1, "14ffffffffffffffff"),
        (2**64 - 1, "15ffffffffffffffff"),
        (27, "161b"),
        (1.5, "173fc00000"),
        (-2.25, "18c002000000000000"),
        (bytes(12), "19" + "00" * 12),
        (bytes(5), "1a" + "00" * 5),
        (bytes(4), "1b" + "00" * 4),
        (None, "ff"),
    ],
)
def test_each_data_type_is_read(expected: object, sent: str) -> None:
    assert expected == read_item(bytes.fromhex(sent)).value


def test_long_lengths_are_read() -> None:
    assert b"x" * 200 == read_item(b"\x09\x81\xc8" + b"x" * 200).value
    assert b"x" * 300 == read_item(b"\x09\x82\x01\x2c" + b"x" * 300).value


def test_lists_hold_lists() -> None:
    tree = read_item(array(structure(named("1-0:1.8.0"), u32(7)), structure(u16(1))))

    assert 7 == tree.items[0].items[1].value
    assert () == tree.items[1].items[0].items


def test_a_compact_array_is_an_array() -> None:
    # two structures of a uint16 and a fixed array of two int8
    kind = b"\x02\x02\x12\x01\x00\x02\x0f"
    sent = b"\x13" + kind + b"\x08" + b"\x00\x07\xff\x02" + b"\x01\x00\x03\x04"

    rows = [
        [item.value if not item.items else [part.value for part in item.items] for item in row.items]
        for row in read_item(sent).items
    ]
    assert [[7, [-1, 2]], [256, [3, 4]]] == rows


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "06000000",
        "0903",
        "0980",
        "09850000000000",
        "07",
        "1c00",
        "0201",
        "01820fff00",
        "0984ffffffff",
        "1300010000",
        "13020001ff",
        "1301ffff000100",
        "131301",
        "00ff",
        "0600000001ff",
    ],
)
def test_what_is_no_value_is_malformed(sent: str) -> None:
    with pytest.raises(MalformedData):
        read_item(bytes.fromhex(sent))


def test_lists_within_lists_end_somewhere() -> None:
    with pytest.raises(MalformedData, match="lists within lists"):
        read_item(b"\x02\x01" * 100_000 + b"\x00")
    with pytest.raises(MalformedData, match="types within types"):
        read_item(b"\x13" + b"\x02\x01" * 100_000)


def test_null_data_behind_the_value_is_filling() -> None:
    assert 7 == read_item(u32(7) + b"\0\0").value


def test_what_ends_too_early_may_go_on() -> None:
    with pytest.raises(TruncatedData):
        AxdrReader(u32(7)[:-1]).item()


def test_a_name_whose_tag_and_length_are_swapped_is_mended_where_all_then_fits() -> None:
    swapped = b"\x06\x09" + named("1-0:31.7.0")[2:]
    sent = structure(swapped, b"\x10\x00\xf4", structure(i8(-2), b"\x16\x21"))

    assert named("1-0:31.7.0")[2:] == read_item(sent).items[0].octets


def test_a_descriptor_without_tags_is_mended_where_all_then_fits() -> None:
    bare = b"\x00\x03" + named("1-0:1.7.0")[2:] + b"\x02"
    sent = structure(b"\x16\x01", array(b"\x02\x02" + bare + u32(1956)))

    row = read_item(sent).items[1].items[0]
    assert (3, named("1-0:1.7.0")[2:], 2) == row.items[0].value
    assert 1956 == row.items[1].value


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with suppress(MalformedData):
        read_item(data)


SCALARS = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(lambda n: Item(axdr.INT32, n)),
    st.integers(0, 2**64 - 1).map(lambda n: Item(axdr.UINT64, n)),
    st.binary(max_size=200).map(lambda data: Item(axdr.OCTETS, data)),
    st.text(max_size=50).map(lambda data: Item(axdr.UTF8, data)),
    st.floats(allow_nan=False).map(lambda n: Item(axdr.FLOAT64, n)),
    st.booleans().map(lambda on: Item(axdr.BOOLEAN, on)),
    st.just(Item(axdr.NULL, None)),
    st.binary(min_size=12, max_size=12).map(lambda data: Item(axdr.DATE_TIME, data)),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6).map(lambda items: Item(axdr.STRUCTURE, items)),
    max_leaves=40,
)


@given(TREES)
def test_what_is_written_is_read_again(tree: Item) -> None:
    reader = AxdrReader(encode_item(tree))

    assert tree == reader.item()
    assert 0 == reader.left_bytes_count


def test_numbers_that_do_not_fit_are_not_written() -> None:
    with pytest.raises(ValueError, match="data type 17"):
        encode_item(Item(axdr.UINT8, 256))
    with pytest.raises(ValueError, match="not written"):
        encode_item(Item(axdr.BITS, "101"))


def test_a_float_keeps_its_bits() -> None:
    assert math.isnan(read_item(b"\x17" + struct.pack(">f", math.nan)).value)  # type: ignore[arg-type]  # a float by its tag
    assert octets(b"") + text("") == encode_item(Item(axdr.OCTETS, b"")) + encode_item(Item(axdr.TEXT, ""))
