"""Values as octets, by the examples of the standard (ASHRAE 135-2020, clause 20.2), and there and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.bacnet.codec.application_data import (
    NO_TAG,
    OPAQUE,
    RELINQUISH,
    Date,
    Element,
    ObjectId,
    Time,
    encode_element,
    encode_tag,
    parse_bits,
    parse_elements,
    parse_text,
    parse_whole_number,
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
    ODD,
    REAL,
    SIGNED,
    TIME,
    UNSIGNED,
    FaultError,
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


def test_lists_nest_and_keep_the_numbers_of_their_tags():
    found = parse_elements(bytes.fromhex("0e 2105 1e 10 1f 0f 3e 3f 00"))

    inside = (Element(UNSIGNED, 5), Element(LIST, (Element(BOOLEAN, False),), 1))
    assert (Element(LIST, inside, 0), Element(LIST, (), 3), Element(NULL, None)) == found


def test_what_only_the_context_tells_is_left_as_octets():
    # Load Control: a shed level of 25 percent (clause 21, BACnetShedLevel).
    assert (Element(OPAQUE, b"\x19", 0),) == parse_elements(bytes.fromhex("0919"))
    assert NO_TAG == parse_elements(b"\x00")[0].number


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"\x00Gr\xc3\xbcn", "Grün"),
        (b"\x05Gr\xfcn", "Grün"),
        (b"\x04\x00G\x00r\x00\xfc\x00n", "Grün"),
        (b"\x03\x00\x00\x00G\x00\x00\x00\xfc", "Gü"),
        (b"\x01\x03\x52Gr\x81n", "Grün"),  # code page 850
        (b"\x01\xff\xffGr", "Gr"),
        (b"\x02\x30\x21", "亜"),
        (b"\x00\xff", "�"),
        (b"\x00", ""),
    ],
)
def test_every_character_set_is_read(octets, said):
    assert said == parse_text(octets)


@pytest.mark.parametrize("octets", [b"\x06a", b"\x01a", b"\xff"])
def test_an_unknown_character_set_is_no_text(octets):
    with pytest.raises(ValueError, match="character set"):
        parse_text(octets)
    assert ODD == parse_elements(bytes([0x70 | len(octets)]) + octets)[0].kind


@pytest.mark.parametrize("octets", ["20", "4300000000"[:8], "d0", "70", "8108", "0100", "29" * 1 + "01"])
def test_what_is_framed_well_and_no_value_keeps_its_octets(octets):
    kind = parse_elements(bytes.fromhex(octets))[0].kind

    assert kind in {ODD, OPAQUE}


@pytest.mark.parametrize("octets", ["0e", "0f", "0e1f", "21", "0e0f0f", 40 * "0e"])
def test_what_is_framed_badly_is_a_fault(octets):
    with pytest.raises(FaultError):
        parse_elements(bytes.fromhex(octets))


@given(st.binary(max_size=100))
def test_any_bytes_are_elements_or_a_fault(data):
    try:
        found = parse_elements(data)
    except FaultError:
        return
    assert (not data) == (not found)


def test_numbers_and_bits_have_bounds():
    for octets in (b"", bytes(9)):
        with pytest.raises(ValueError, match="octets"):
            parse_whole_number(octets)
    assert (True, False) == parse_bits(b"\x06\x80")
    assert () == parse_bits(b"\x00")
    for octets in (b"\x08\x00", b"\x01"):
        with pytest.raises(ValueError, match="bit string"):
            parse_bits(octets)


def test_reals_keep_what_is_no_number():
    assert ["nan", "inf"] == [
        repr(parse_elements(bytes.fromhex(octets))[0].value) for octets in ("447fc00000", "447f800000")
    ]
    assert (REAL, CHARACTERS) == tuple(one.kind for one in parse_elements(bytes.fromhex("4400000000 7100")))
