"""Values as octets, by the examples of the standard (ASHRAE 135-2020, clause 20.2), and there and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.bacnet.codec.application_data import (
    RELINQUISH,
    Date,
    Element,
    ObjectId,
    Time,
    encode_element,
    encode_tag,
    parse_elements,
)
from quartier_native.bacnet import (
    BITS,
    BOOLEAN,
    CHARACTERS,
    DATE,
    DOUBLE,
    ENUMERATED,
    LIST,
    NULL,
    OBJECT,
    OCTETS,
    REAL,
    SIGNED,
    TIME,
    UNSIGNED,
)

EXAMPLES = [
    ("00", NULL, None),
    ("10", BOOLEAN, False),
    ("11", BOOLEAN, True),
    ("2148", UNSIGNED, 72),
    ("3148", SIGNED, 72),
    ("31b8", SIGNED, -72),
    ("320080", SIGNED, 128),
    ("3180", SIGNED, -128),
    ("4442900000", REAL, 72.0),
    ("55084052000000000000", DOUBLE, 72.0),
    ("631234ff", OCTETS, b"\x12\x34\xff"),
    ("7519 00 546869732069732061204241436e657420737472696e6721", CHARACTERS, "This is a BACnet string!"),
    ("7505 00 4672c3bc", CHARACTERS, "Frü"),
    ("8203a8", BITS, (True, False, True, False, True)),
    ("9100", ENUMERATED, 0),
    ("a45b011804", DATE, Date(1991, 1, 24, 4)),
    ("a4ffff20ff", DATE, Date(None, None, 32)),
    ("b411232d11", TIME, Time(17, 35, 45, 17)),
    ("c400c0000f", OBJECT, ObjectId(3, 15)),
]


@pytest.mark.parametrize(("octets", "kind", "value"), EXAMPLES)
def test_the_standards_examples_are_written(octets, kind, value):
    assert octets.replace(" ", "") == encode_element(kind, value).hex()


VALUES = st.one_of(
    st.tuples(st.just(NULL), st.none()),
    st.tuples(st.just(BOOLEAN), st.booleans()),
    st.tuples(st.just(UNSIGNED), st.integers(0, 2**64 - 1)),
    st.tuples(st.just(ENUMERATED), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(SIGNED), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(REAL), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(DOUBLE), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(OCTETS), st.binary(max_size=300)),
    st.tuples(st.just(CHARACTERS), st.text(max_size=300)),
    st.tuples(st.just(BITS), st.lists(st.booleans(), max_size=80).map(tuple)),
    st.tuples(
        st.just(DATE),
        st.builds(
            Date,
            st.none() | st.integers(1900, 2154),
            st.none() | st.integers(1, 14),
            st.none() | st.integers(1, 34),
            st.none() | st.integers(1, 7),
        ),
    ),
    st.tuples(
        st.just(TIME),
        st.builds(
            Time,
            st.none() | st.integers(0, 23),
            st.none() | st.integers(0, 59),
            st.none() | st.integers(0, 59),
            st.none() | st.integers(0, 99),
        ),
    ),
    st.tuples(st.just(OBJECT), st.builds(ObjectId, st.integers(0, 1023), st.integers(0, 4194303))),
)


@given(st.lists(VALUES, max_size=5))
def test_what_is_written_is_read_as_it_was(values):
    octets = b"".join(encode_element(kind, value) for kind, value in values)

    assert repr(tuple(Element(kind, value) for kind, value in values)) == repr(parse_elements(octets))


@given(st.integers(0, 254), st.integers(0, 70000))
def test_a_tag_says_how_much_it_holds(number, size):
    (found,) = parse_elements(b"\x0e" + encode_tag(number, size, is_context=True) + bytes(size) + b"\x0f")

    assert Element(LIST, (Element(-1, bytes(size), number),), 0) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (UNSIGNED, -1),
        (UNSIGNED, 1.5),
        (UNSIGNED, 1 << 64),
        (SIGNED, 1 << 63),
        (REAL, math.nan),
        (REAL, math.inf),
        (REAL, 1e39),
        (DOUBLE, -math.inf),
        (REAL, "warm"),
        (DATE, Date(1800, 1, 1)),
        (TIME, 5),
        (OBJECT, ObjectId(1024, 0)),
        (LIST, ()),
        (UNSIGNED, math.nan),
    ],
)
def test_what_a_kind_cannot_hold_is_never_written(kind, value):
    with pytest.raises(ValueError, match=r"."):
        encode_element(kind, value)


def test_a_whole_float_is_written_as_a_whole_number():
    assert b"\x21\x03" == encode_element(UNSIGNED, 3.0)
    assert b"\x91\x01" == encode_element(ENUMERATED, 1.0)
    assert RELINQUISH == encode_element(NULL, None)
