import math
from datetime import datetime

import pytest

from quartier_sim.bacnet import encoding

# Examples of ASHRAE 135-2020, clauses 20.2.3 to 20.2.15.
EXAMPLES = [
    (encoding.encode_null(), "00"),
    (encoding.encode_boolean(False), "10"),
    (encoding.encode_boolean(True), "11"),
    (encoding.encode_unsigned(72), "2148"),
    (encoding.encode_real(72.0), "4442900000"),
    (
        encoding.encode_text("This is a BACnet string!"),
        "75190054686973206973206120424143 6E657420737472696E6721",
    ),
    (encoding.encode_bits([1, 0, 1, 0, 1]), "8203A8"),
    (encoding.encode_enumerated(0), "9100"),
    (encoding.encode_identifier(3, 15), "C400C0000F"),
    (encoding.encode_date_time(datetime(1991, 1, 24, 17, 35, 45, 170_000)), "A45B011804 B411232D11"),  # noqa: DTZ001 - the standard's example
    (encoding.encode_tagged(2, b"\x48", context=True), "2948"),
    (encoding.encode_tagged(33, b"\x00", context=True), "F92100"),
    (encoding.encode_wrapped(0, encoding.encode_unsigned(1)), "0E21010F"),
]


@pytest.mark.parametrize(("made", "octets"), EXAMPLES)
def test_values_stand_as_the_standards_examples_have_them(made, octets):
    assert bytes.fromhex(octets) == made


def test_long_data_tell_their_length_in_one_octet_or_three():
    assert bytes.fromhex("65FD") == encoding.encode_tagged(6, bytes(253))[:2]
    assert bytes.fromhex("65FE00FE") == encoding.encode_tagged(6, bytes(254))[:4]
    assert [253, 254] == [
        len(encoding.parse_tags(encoding.encode_tagged(6, bytes(size)))[0].data) for size in (253, 254)
    ]


@pytest.mark.parametrize(
    ("octets", "value"),
    [("00", None), ("11", 1.0), ("2148", 72.0), ("31B8", -72.0), ("4442900000", 72.0), ("9101", 1.0)],
)
def test_numbers_are_read_by_their_type(octets, value):
    (tag,) = encoding.parse_tags(bytes.fromhex(octets))

    assert value == tag.value


def test_a_double_and_what_is_no_number():
    assert math.isnan(encoding.parse_tags(bytes.fromhex("55087FF8000000000000"))[0].value)
    with pytest.raises(ValueError, match="no number"):
        _ = encoding.parse_tags(encoding.encode_text("eight"))[0].value
    with pytest.raises(ValueError, match="no application tag"):
        _ = encoding.parse_tags(encoding.encode_opening(1))[0].value


@pytest.mark.parametrize("octets", ["44 4290", "65", "65FE00", "F9", "16", "C4 000001", "75 FF 00000100 00"])
def test_what_is_cut_off_is_no_tag(octets):
    with pytest.raises(ValueError, match="cut off|beyond the end|no kind"):
        encoding.parse_tags(bytes.fromhex(octets))


def test_the_closing_tag_that_belongs_to_an_opening_one_is_found():
    found = encoding.parse_tags(
        encoding.encode_wrapped(
            3, encoding.encode_wrapped(1, encoding.encode_null()) + encoding.encode_unsigned(5)
        )
        + encoding.encode_null()
    )

    assert 5 == encoding.find_closing(found, 0)
    with pytest.raises(ValueError, match="without its closing"):
        encoding.find_closing(found[:3], 0)


def test_an_identifier_of_another_length_is_none():
    with pytest.raises(ValueError, match="no object identifier"):
        _ = encoding.parse_tags(encoding.encode_unsigned(5))[0].key
    assert (28, 4_194_303) == encoding.parse_tags(encoding.encode_identifier(28, 4_194_303))[0].key
