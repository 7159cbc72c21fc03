"""BACnet answers as columns: twin and kernel say the same, for any bytes."""

import math
import struct
from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quartier_native import properties as compiled
from quartier_native.reference import properties as reference
from quartier_native.reference.bacnet_tags import (
    BITS,
    CHARACTERS,
    CUT,
    DENIED,
    EMPTY,
    ENUMERATED,
    LIST,
    MISSING,
    NULL,
    ODD,
    REAL,
    UNEXPECTED,
    WHOLE,
)
from quartier_native.reference.properties import Ref

ENGINES = pytest.mark.parametrize(
    "reader", [compiled.PropertyReader, reference.PropertyReader], ids=["cython", "twin"]
)
REFS = [
    Ref(0, 1, 85),
    Ref(0, 1, 111),
    Ref(2, 300, 85),
    Ref(2, 300, 87),
    Ref(2, 300, 87, 10),
    Ref(2, 300, 87, 0),
    Ref(1023, 4194303, 4194303, 4294967295),
    Ref(8, 4194303, 76),
    Ref(8, 5, 85),
]
IDS = st.sampled_from([(0, 1), (2, 300), (8, 5), (1023, 4194303), (0, 2)])


def context(number, octets):
    return tag(number, 8, len(octets)) + octets


def tag(number, flag, size):
    first, more = (number, b"") if number < 15 else (15, bytes([number]))
    if size < 5:
        return bytes([first << 4 | flag | size]) + more
    long = bytes([size]) if size < 254 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first << 4 | flag | 5]) + more + long


def tag_of(number, lvt):
    return bytes([number << 4 | 8 | lvt]) if number < 15 else bytes([0xF8 | lvt, number])


def number(value):
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def object_id(kind, instance):
    return (kind << 22 | instance).to_bytes(4, "big")


SCALARS = st.one_of(
    st.sampled_from([b"\x00", b"\x10", b"\x11", b"\x12", b"\x82\x04\x60", b"\x85\x09" + 9 * b"\x05"]),
    st.builds(
        lambda kind, octets: tag(kind, 0, len(octets)) + octets, st.integers(2, 20), st.binary(max_size=12)
    ),
    st.floats(width=32).map(lambda value: b"\x44" + struct.pack(">f", value)),
    st.floats().map(lambda value: b"\x55\x08" + struct.pack(">d", value)),
    st.integers(0, 2**64 - 1).map(lambda value: tag(2, 0, len(number(value))) + number(value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: b"\x35\x08" + value.to_bytes(8, "big", signed=True)),
    st.text(max_size=300).map(lambda text: tag(7, 0, 1 + len(text.encode())) + b"\0" + text.encode()),
)
CONTEXT = st.builds(context, st.integers(0, 254), st.binary(max_size=8))
VALUES = st.recursive(
    st.one_of(SCALARS, CONTEXT, st.just(b"")),
    lambda inside: (
        st.builds(
            lambda number, parts: tag_of(number, 6) + b"".join(parts) + tag_of(number, 7),
            st.integers(0, 20),
            st.lists(inside, max_size=3),
        )
        | st.lists(inside, max_size=4).map(b"".join)
    ),
    max_leaves=8,
)
ERRORS = (
    st.builds(
        lambda one, two: tag(9, 0, len(one)) + one + tag(9, 0, len(two)) + two,
        st.integers(0, 70000).map(number),
        st.integers(0, 70000).map(number),
    )
    | VALUES
)


def result(property_id, index, value, *, is_error):
    ask = context(2, number(property_id)) + (b"" if index is None else context(3, number(index)))
    return ask + (b"\x5e" + value + b"\x5f" if is_error else b"\x4e" + value + b"\x4f")


RESULTS = st.builds(
    lambda property_id, index, is_error, value, error: result(
        property_id, index, error if is_error else value, is_error=is_error
    ),
    st.sampled_from([85, 111, 87, 76, 4194303, 28]),
    st.sampled_from([None, None, None, 10, 0, 4294967295]),
    st.sampled_from([False, False, False, True]),
    VALUES,
    ERRORS,
)
MULTIPLE = st.lists(
    st.builds(
        lambda which, results: (
            context(0, object_id(*which))
            + (b"" if results is None else b"\x1e" + b"".join(results) + b"\x1f")
        ),
        IDS,
        st.none() | st.lists(RESULTS, max_size=4),
    ),
    max_size=5,
).map(b"".join)
SINGLE = st.builds(
    lambda which, property_id, index, value, rest: (
        context(0, object_id(*which))
        + context(1, number(property_id))
        + index
        + b"\x3e"
        + value
        + b"\x3f"
        + rest
    ),
    IDS,
    st.sampled_from([85, 87]),
    st.sampled_from([b"", b"\x29\x0a", b"\x29\x00"]),
    VALUES,
    st.sampled_from([b"", b"", b"\x00"]),
)
CHANGES = st.builds(
    lambda rows, rest: b"\x4e" + b"".join(rows) + b"\x4f" + rest,
    st.lists(
        st.builds(
            lambda property_id, index, value, priority: (
                context(0, number(property_id)) + index + b"\x2e" + value + b"\x2f" + priority
            ),
            st.sampled_from([85, 111, 87]),
            st.sampled_from([b"", b"", b"\x19\x0a"]),
            VALUES,
            st.sampled_from([b"", b"\x39\x08"]),
        ),
        max_size=4,
    ),
    st.sampled_from([b"", b"", b"\x00"]),
)
NOISE = st.lists(
    st.sampled_from(
        [
            0x0C,
            0x1E,
            0x1F,
            0x2E,
            0x2F,
            0x29,
            0x3E,
            0x3F,
            0x4E,
            0x4F,
            0x5E,
            0x5F,
            0x44,
            0x91,
            0x55,
            0x09,
            0x19,
            0x00,
        ]
    )
    | st.integers(0, 255),
    max_size=200,
).map(bytes)
BODIES = st.one_of(MULTIPLE, SINGLE, CHANGES, NOISE)


@st.composite
def damaged(draw):
    """A message as it should be, or cut, or with some bytes that are not its own."""
    body = draw(BODIES)
    way = draw(st.sampled_from(["whole", "whole", "cut", "hit"]))
    if way == "cut":
        return body[: draw(st.integers(0, len(body)))]
    if way == "hit" and body:
        octets = bytearray(body)
        for _ in range(draw(st.integers(1, 3))):
            octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
        return bytes(octets)
    return body


def comparable(told):
    how, values, kinds, spans = told
    assert (array, "d", array, "H") == (type(values), values.typecode, type(spans), spans.typecode)
    return how, values.tobytes(), kinds, spans.tolist()


COMPILED, TWIN = compiled.PropertyReader(REFS), reference.PropertyReader(REFS)


@given(damaged(), st.integers(0, 3))
@example(bytes.fromhex("0c000000011e29554e444290000002"), 0)
def test_twin_and_kernel_read_the_same_of_any_bytes(data, at):
    at = min(at, len(data)) if at == 3 else 0

    assert comparable(TWIN.multiple(data, at)) == comparable(COMPILED.multiple(data, at))
    assert comparable(TWIN.single(data, at)) == comparable(COMPILED.single(data, at))
    for which in (1, 2 << 22 | 300):
        assert comparable(TWIN.changes(data, at, which)) == comparable(COMPILED.changes(data, at, which))


@given(damaged())
def test_a_span_is_always_within_the_message_and_values_are_those_of_their_spans(data):
    for told in (COMPILED.multiple(data, 0), COMPILED.single(data, 0)):
        _, values, kinds, spans = told
        for place, kind in enumerate(kinds):
            start, end = spans[2 * place], spans[2 * place + 1]
            assert 0 <= start <= end <= len(data)
            if kind == REAL:
                assert repr(struct.unpack(">f", data[end - 4 : end])[0]).strip("-") in {
                    repr(values[place]).strip("-"),
                    "nan",
                }
            if kind in {MISSING, EMPTY, LIST, CHARACTERS, NULL, ODD}:
                assert math.isnan(values[place])


@ENGINES
def test_an_answer_becomes_columns_in_the_order_of_the_request(reader):
    refs = [
        Ref(0, 2, 85),
        Ref(0, 1, 111),
        Ref(0, 1, 85),
        Ref(0, 1, 28),
        Ref(8, 9, 76),
        Ref(0, 3, 85),
        Ref(0, 4, 85),
    ]
    data = (
        b"..."
        + context(0, object_id(0, 1))
        + b"\x1e"
        + result(85, None, b"\x44" + struct.pack(">f", 21.5), is_error=False)
        + result(111, None, b"\x82\x04\x60", is_error=False)
        + result(28, None, b"\x73\x00hi", is_error=False)
        + b"\x1f"
        + context(0, object_id(8, 9))
        + b"\x1e"
        + result(76, None, 2 * b"\xc4\x02\x00\x00\x09", is_error=False)
        + b"\x1f"
        + context(0, object_id(0, 3))
        + b"\x1e"
        + result(85, None, b"\x91\x01\x91\x1f", is_error=True)
        + b"\x1f"
        + context(0, object_id(0, 2))
        + b"\x1e"
        + result(85, None, b"\x91\x03", is_error=False)
        + b"\x1f"
    )
    how, values, kinds, spans = reader(refs).multiple(data, 3)

    assert WHOLE == how
    assert bytes([ENUMERATED, BITS, REAL, CHARACTERS, LIST, DENIED, MISSING]) == kinds
    assert [3.0, 6.0, 21.5] == values[:3].tolist()
    assert 65536 * 1 + 31 == values[5]
    assert b"\x73\x00hi" == data[spans[6] : spans[7]]
    assert (0, 0) == (spans[12], spans[13])


@ENGINES
def test_the_first_of_two_counts_and_what_nobody_asked_for_is_passed_over(reader):
    one, two = (result(85, None, b"\x44" + struct.pack(">f", value), is_error=False) for value in (1.0, 2.0))
    other = result(85, 3, b"\x44" + struct.pack(">f", 3.0), is_error=False)
    data = (
        context(0, object_id(0, 1))
        + b"\x1e"
        + other
        + one
        + two
        + b"\x1f"
        + context(0, object_id(0, 7))
        + b"\x1e"
        + two
        + b"\x1f"
    )
    how, values, kinds, _ = reader([Ref(0, 1, 85)]).multiple(data, 0)

    assert (WHOLE, [1.0], bytes([REAL])) == (how, values.tolist(), kinds)


@ENGINES
def test_every_cut_is_seen_and_what_stood_before_it_is_told(reader):
    first = (
        context(0, object_id(0, 1))
        + b"\x1e"
        + result(85, None, b"\x44" + struct.pack(">f", 1.5), is_error=False)
    )
    data = first + result(111, None, b"\x82\x04\x60", is_error=False) + b"\x1f"
    own = reader([Ref(0, 1, 85), Ref(0, 1, 111)])
    for size in range(len(data)):
        how, values, kinds, _ = own.multiple(data[:size], 0)
        # An object without its list is whole; so is nothing at all.
        assert (WHOLE if size in {0, 5} else CUT) == how, size
        assert (REAL if size >= len(first) else MISSING) == kinds[0]
        assert size < len(first) or values[0] == 1.5
    assert WHOLE == own.multiple(data, 0)[0]
    assert UNEXPECTED == own.multiple(data + b"\x00", 0)[0]


@ENGINES
def test_an_answer_to_one_question_ends_where_it_ends(reader):
    own = reader([Ref(2, 300, 87, 10)])
    data = context(0, object_id(2, 300)) + b"\x19\x57\x29\x0a\x3e\x00\x3f"

    assert (WHOLE, bytes([NULL])) == (own.single(data, 0)[0], own.single(data, 0)[2])
    assert UNEXPECTED == own.single(data + b"\x00", 0)[0]
    assert bytes([MISSING]) == own.single(data.replace(b"\x29\x0a", b"\x29\x0b"), 0)[2]
    assert bytes([EMPTY]) == own.single(data.replace(b"\x3e\x00", b"\x3e"), 0)[2]


@ENGINES
def test_a_device_that_is_asked_by_anybodys_instance_answers_with_its_own(reader):
    own = reader([Ref(8, 4194303, 75), Ref(8, 9, 77)])
    data = context(0, object_id(8, 5)) + b"\x19\x4b\x3e\xc4\x02\x00\x00\x05\x3f"

    assert [float(8 << 22 | 5)] == own.single(data, 0)[1][:1].tolist()
    assert 2 * bytes([MISSING]) == own.single(data.replace(b"\x19\x4b", b"\x19\x4d"), 0)[2]
    assert 2 * bytes([MISSING]) == own.single(b"\x0c\x02\x40" + data[3:], 0)[2]


@ENGINES
def test_a_notification_tells_the_properties_of_its_object(reader):
    own = reader([Ref(0, 1, 85), Ref(0, 1, 111)])
    data = b"\x4e\x09\x55\x2e\x44" + struct.pack(">f", 2.5) + b"\x2f\x39\x08\x09\x6f\x2e\x82\x04\x10\x2f\x4f"

    how, values, kinds, _ = own.changes(data, 0, 1)
    assert (WHOLE, [2.5, 8.0], bytes([REAL, BITS])) == (how, values.tolist(), kinds)
    assert 2 * bytes([MISSING]) == own.changes(data, 0, 2)[2]


@ENGINES
def test_refs_are_checked(reader):
    for wrong in (
        (1024, 0, 0),
        (0, 1 << 22, 0),
        (0, 0, 1 << 22),
        (0, 0, 0, 1 << 32),
        (0, 0, 0, -2),
        (-1, 0, 0),
    ):
        with pytest.raises(ValueError, match="type|property"):
            reader([Ref(*wrong)])
    with pytest.raises(ValueError, match="twice"):
        reader([Ref(0, 1, 85), Ref(0, 1, 85)])
    assert 2 == len(reader([(0, 1, 85), (0, 1, 85, 1)]))
    assert (WHOLE, b"") == reader([]).multiple(b"", 0)[::2]


@ENGINES
def test_data_are_no_longer_than_a_datagram_and_read_from_within(reader):
    own = reader(REFS)
    for data, at in ((bytes(65536), 0), (b"ab", 3), (b"ab", -1)):
        with pytest.raises(ValueError, match="bytes, read from"):
            own.multiple(data, at)
