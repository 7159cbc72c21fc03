import math
from datetime import datetime

import pytest

from quartier_hil.devices.bacnet import tags

# Examples of ASHRAE 135-2020, clauses 20.2.3 to 20.2.15.
EXAMPLES = [
    (tags.null(), "00"),
    (tags.boolean(False), "10"),
    (tags.boolean(True), "11"),
    (tags.unsigned(72), "2148"),
    (tags.real(72.0), "4442900000"),
    (tags.text("This is a BACnet string!"), "75190054686973206973206120424143 6E657420737472696E6721"),
    (tags.bits([1, 0, 1, 0, 1]), "8203A8"),
    (tags.enumerated(0), "9100"),
    (tags.identifier(3, 15), "C400C0000F"),
    (tags.moment(datetime(1991, 1, 24, 17, 35, 45, 170_000)), "A45B011804 B411232D11"),  # noqa: DTZ001 - the standard's example
    (tags.tagged(2, b"\x48", context=True), "2948"),
    (tags.tagged(33, b"\x00", context=True), "F92100"),
    (tags.wrapped(0, tags.unsigned(1)), "0E21010F"),
]


@pytest.mark.parametrize(("made", "octets"), EXAMPLES)
def test_values_stand_as_the_standards_examples_have_them(made, octets):
    assert bytes.fromhex(octets) == made


def test_long_data_tell_their_length_in_one_octet_or_three():
    assert bytes.fromhex("65FD") == tags.tagged(6, bytes(253))[:2]
    assert bytes.fromhex("65FE00FE") == tags.tagged(6, bytes(254))[:4]
    assert [253, 254] == [len(tags.read(tags.tagged(6, bytes(size)))[0].data) for size in (253, 254)]


@pytest.mark.parametrize(
    ("octets", "value"),
    [("00", None), ("11", 1.0), ("2148", 72.0), ("31B8", -72.0), ("4442900000", 72.0), ("9101", 1.0)],
)
def test_numbers_are_read_by_their_type(octets, value):
    (tag,) = tags.read(bytes.fromhex(octets))

    assert value == tag.value


def test_a_double_and_what_is_no_number():
    assert math.isnan(tags.read(bytes.fromhex("55087FF8000000000000"))[0].value)
    with pytest.raises(ValueError, match="no number"):
        _ = tags.read(tags.text("eight"))[0].value
    with pytest.raises(ValueError, match="no application tag"):
        _ = tags.read(tags.opening(1))[0].value


@pytest.mark.parametrize("octets", ["44 4290", "65", "65FE00", "F9", "16", "C4 000001", "75 FF 00000100 00"])
def test_what_is_cut_off_is_no_tag(octets):
    with pytest.raises(ValueError, match="cut off|beyond the end|no kind"):
        tags.read(bytes.fromhex(octets))


def test_the_closing_tag_that_belongs_to_an_opening_one_is_found():
    found = tags.read(tags.wrapped(3, tags.wrapped(1, tags.null()) + tags.unsigned(5)) + tags.null())

    assert 5 == tags.within(found, 0)
    with pytest.raises(ValueError, match="without its closing"):
        tags.within(found[:3], 0)


def test_an_identifier_of_another_length_is_none():
    with pytest.raises(ValueError, match="no object identifier"):
        _ = tags.read(tags.unsigned(5))[0].key
    assert (28, 4_194_303) == tags.read(tags.identifier(28, 4_194_303))[0].key
