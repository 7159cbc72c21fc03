"""The answer to a Read, judged by the library's own encoder, cut and bent."""

import struct
import sys
from datetime import UTC, datetime

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_drivers.opcua.connection.read_response import GarbledAnswer, parse_answer

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
TICKS = ua.datetime_to_win_epoch(NOW)
KINDS = {
    "Boolean": st.booleans(),
    "SByte": st.integers(-128, 127),
    "Byte": st.integers(0, 255),
    "Int16": st.integers(-(2**15), 2**15 - 1),
    "UInt16": st.integers(0, 2**16 - 1),
    "Int32": st.integers(-(2**31), 2**31 - 1),
    "UInt32": st.integers(0, 2**32 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "UInt64": st.integers(0, 2**64 - 1),
    "Float": st.floats(width=32, allow_nan=False),
    "Double": st.floats(allow_nan=False),
    "String": st.text(),
}
STAMPS = st.sampled_from([None, NOW])
VALUES = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), KINDS[kind], st.sampled_from([None, 0, 0x40900000, 0x80340000]), STAMPS, STAMPS
    )
)


def body(*values, sent=NOW):
    answer = ua.ReadResponse()
    answer.ResponseHeader.Timestamp = sent
    answer.Results = list(values)
    return struct_to_binary(answer)


def value(variant, status=None, source=None, server=None):
    code = None if status is None else ua.StatusCode(status)
    return ua.DataValue(variant, code, source, server)


@examples(20)
@given(st.lists(VALUES, max_size=12))
def test_scalars_come_as_the_library_sent_them(rows):
    made, expected = [], []
    for kind, raw, status, source, server in rows:
        made.append(value(ua.Variant(raw, ua.VariantType[kind]), status, source, server))
        expected.append(
            (raw, ua.VariantType[kind].value, status or 0, TICKS * bool(source), TICKS * bool(server))
        )

    found = parse_answer(body(*made), len(made))

    assert TICKS == found.sent
    assert expected == [tuple(one) for one in found.values]


def test_picoseconds_stand_behind_their_own_stamp():
    """OPC 10000-6, 5.2.2.17, table 26; the library writes the two the other way round."""
    whole = body(value(ua.Variant(5, ua.VariantType.Byte), 0))
    bare = bytes([0x03, 3, 5]) + bytes(4)
    full = bytes([0x3F, 3, 5]) + bytes(4) + struct.pack("<qHqH", 11, 7, 22, 8)
    assert 1 == whole.count(bare)

    (one,) = parse_answer(whole.replace(bare, full), 1).values

    assert (5, 3, 0, 11, 22) == one


def test_nan_stays_nan_and_an_empty_answer_is_no_value():
    nan, nothing = parse_answer(
        body(value(ua.Variant(float("nan"), ua.VariantType.Double)), value(ua.Variant())), 2
    ).values

    assert nan.raw != nan.raw
    assert (None, 0) == nothing[:2]


@pytest.mark.parametrize(
    "variant",
    [
        ua.Variant([1.5], ua.VariantType.Double, is_array=True),
        ua.Variant(ua.LocalizedText("warm", "en")),
        ua.Variant(["one"], ua.VariantType.String, is_array=True),
    ],
)
def test_what_a_point_can_take_is_taken(variant):
    (one,) = parse_answer(body(value(variant)), 1).values

    assert one.raw in {1.5, "warm", "one"}


@pytest.mark.parametrize(
    "variant",
    [
        ua.Variant([1.0, 2.0], ua.VariantType.Double, is_array=True),
        ua.Variant([[1, 2], [3, 4]], ua.VariantType.Int32, [2, 2], is_array=True),
        ua.Variant(NOW),
        ua.Variant(b"bytes"),
        ua.Variant(ua.NodeId("x", 3)),
        ua.Variant(ua.NodeId(7, 300)),
        ua.Variant(ua.ExpandedNodeId(7, 0, ua.NodeIdType.Numeric, "urn:a", 3), ua.VariantType.ExpandedNodeId),
        ua.Variant(ua.QualifiedName("x", 1)),
        ua.Variant(ua.StatusCode(0x80340000)),
        ua.Variant(ua.Range(0.0, 1.0), ua.VariantType.ExtensionObject),
        ua.Variant(ua.DataValue(ua.Variant(1)), ua.VariantType.DataValue),
        ua.Variant([ua.Variant(1), ua.Variant("x")], ua.VariantType.Variant, is_array=True),
        ua.Variant([], ua.VariantType.String, is_array=True),
    ],
    ids=str,
)
def test_what_no_point_can_take_is_passed_over(variant):
    skipped, after = parse_answer(body(value(variant), value(ua.Variant(42))), 2).values

    assert skipped.raw is None
    assert 42 == after.raw


@given(st.lists(VALUES, min_size=1, max_size=6), st.data())
def test_an_answer_that_is_cut_or_bent_is_rubbish_or_something_else_and_never_an_accident(rows, data):
    whole = body(
        *(
            value(ua.Variant(raw, ua.VariantType[kind]), status, source)
            for kind, raw, status, source, *_ in rows
        )
    )
    end = data.draw(st.integers(0, len(whole)))
    bent = bytearray(whole[:end])
    if bent:
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))

    try:
        found = parse_answer(bytes(bent), len(rows))
    except GarbledAnswer:
        return
    assert len(rows) == len(found.values)


@given(st.binary(max_size=200))
def test_noise_is_no_answer(noise):
    with pytest.raises(GarbledAnswer):
        parse_answer(b"\x01\x00\x7a\x02" + noise[:23], 3)


def test_an_answer_for_another_number_of_nodes_is_rubbish():
    with pytest.raises(GarbledAnswer, match="2 were asked for"):
        parse_answer(body(value(ua.Variant(1))), 2)


def test_a_length_is_not_believed():
    whole = body(value(ua.Variant("abc")))
    lying = whole.replace(b"\x03\0\0\0abc", b"\xff\xff\xff\x7fabc")

    with pytest.raises(GarbledAnswer):
        parse_answer(lying, 1)


def test_many_arrays_of_nothing_cost_nothing():
    """Each says that it has as many elements as the answer has bytes, and none of them takes one."""
    nothing = b"\x01\x80" + (60_000).to_bytes(4, "little")
    many = body(*(value(ua.Variant(1, ua.VariantType.Byte)) for _ in range(10_000)))
    head = many[: len(many) - 10_000 * 3 - 8]
    steps = 0

    def count(*_):
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        found = parse_answer(head + (10_000).to_bytes(4, "little") + nothing * 10_000, 10_000)
    finally:
        sys.setprofile(None)

    assert {None} == {one.raw for one in found.values}
    assert steps < 50 * 10_000


def test_the_service_s_own_diagnostics_are_passed_over():
    answer = ua.ReadResponse()
    answer.ResponseHeader.Timestamp = NOW
    answer.ResponseHeader.StringTable = ["a", "bc"]
    answer.ResponseHeader.ServiceDiagnostics = ua.DiagnosticInfo(SymbolicId=1, AdditionalInfo="why")
    answer.Results = [value(ua.Variant(5))]

    assert 5 == parse_answer(struct_to_binary(answer), 1).values[0].raw
