"""STATE and watermark as hosts may write them, and as they may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.district.wire_formats import (
    encode_varint,
    parse_json,
    parse_state,
    parse_watermark,
    parse_whole_number,
)
from quartier.site.samples import StreamPosition


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"online": true, "timestamp": 5}', (True, 5)),
        (b'{"timestamp": 0, "online": false, "more": 1}', (False, 0)),
        (b'{"online": 1, "timestamp": 5}', None),
        (b'{"online": true}', None),
        (b'{"online": true, "timestamp": 5.5}', None),
        (b'{"online": true, "timestamp": -5}', None),
        (b'{"online": true, "timestamp": true}', None),
        (b"ONLINE", None),
        (b'{"online": true, "timestamp": 5}' + b" " * 5_000, None),
    ],
)
def test_state(data, expected):
    assert expected == parse_state(data)


def test_a_watermark():
    data = b'{"bdseq": 3, "streams": {"grid": {"boot": 1, "seq": 2}, "node": {"boot": 18446744073709551615, "seq": 0}}}'
    assert (3, {"grid": StreamPosition(1, 2), "node": StreamPosition(2**64 - 1, 0)}, None) == parse_watermark(
        data
    )
    assert (None, {}, None) == parse_watermark(b'{"streams": {}}')


@pytest.mark.parametrize(
    "data",
    [
        b'{"bdseq": 1}',
        b'{"streams": {"grid": 5}}',
        b'{"streams": {"grid": {"boot": 1}}}',
        b'{"streams": {"grid": {"boot": 1, "seq": 18446744073709551616}}}',
        b'{"streams": {"grid": {"boot": 1, "seq": 1.0}}}',
    ],
)
def test_a_watermark_with_one_fault_counts_for_nothing(data):
    assert parse_watermark(data) is None


@pytest.mark.parametrize(
    "data", [b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b'"x"', b"{" * 9_999]
)
def test_json_of_other_forms_is_none(data):
    assert parse_json(data, 100_000) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (2**64 - 1, 2**64 - 1),
        (2**64, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("1", None),
        (None, None),
    ],
)
def test_a_whole_number(value, expected):
    assert expected == parse_whole_number(value)


@examples(60)
@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_none(data):
    parse_state(data)
    parse_watermark(data)


@pytest.mark.parametrize(
    ("told", "late_s"),
    [
        ("1.5", 1.5),
        ("0", 0.0),
        ("-1", None),
        ("true", None),
        ('"1"', None),
        ("1e10", None),
        ("9" * 400, None),
    ],
)
def test_how_late_a_district_is_counts_where_it_is_a_plain_number(told, late_s):
    assert late_s == parse_watermark(f'{{"streams": {{}}, "late_s": {told}}}'.encode()).late_s


@pytest.mark.parametrize(
    ("expected", "number"),
    # MQTT 5.0, table 1-1: the least and the greatest of each length
    [
        ("00", 0),
        ("7f", 127),
        ("8001", 128),
        ("ff7f", 16_383),
        ("808001", 16_384),
        ("ffff7f", 2_097_151),
        ("80808001", 2_097_152),
        ("ffffff7f", 268_435_455),
    ],
)
def test_a_number_takes_as_few_bytes_as_it_needs(expected, number):
    assert expected == encode_varint(number).hex()
