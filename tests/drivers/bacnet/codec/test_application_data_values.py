"""Application data as Python values, for any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.bacnet.codec.application_data import (
    NO_TAG,
    OPAQUE,
    Element,
    parse_bits,
    parse_elements,
    parse_text,
    parse_whole_number,
)
from quartier_native.bacnet import (
    BOOLEAN,
    CHARACTERS,
    LIST,
    NULL,
    ODD,
    REAL,
    UNSIGNED,
    FaultError,
)


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
