"""Each form of an identifier is replaced by one of the same length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.commissioning.wire_record.identifiers import IdentifierMasks

DECIMAL, LETTERED, TEN = "12345678", "E0047004643693507", "0a01454d480000bc614e"


@pytest.fixture
def names():
    found = IdentifierMasks()
    found.learn([DECIMAL, LETTERED, TEN])
    return found


@pytest.mark.parametrize(
    "form",
    [
        b"12345678",
        b"3132333435363738",
        bytes.fromhex("12345678"),
        bytes.fromhex("78563412"),
        (12345678).to_bytes(4, "big"),
        (12345678).to_bytes(4, "little"),
        bytes.fromhex("614e00bc"),
        b"21436587",
        LETTERED.encode(),
        LETTERED.encode().hex().upper().encode(),
        bytes.fromhex(TEN),
    ],
)
def test_every_form_of_it_is_replaced_by_one_as_long(names, form):
    swept = names.mask_bytes(b"before " + form + b" behind")

    assert form not in swept
    assert len(form) + 14 == len(swept)
    assert swept.startswith(b"before ")
    assert swept.endswith(b" behind")


def test_letters_that_tell_the_maker_stay_and_the_same_is_always_the_same(names):
    assert "E0000000000000002" == names.other(LETTERED) == names.other(LETTERED)
    assert "0a01454d480000000003" == names.other(TEN)


def test_what_is_too_short_names_nobody(names):
    names.learn(["1", "abcd", "  "])

    assert b"1 abcd" == names.mask_bytes(b"1 abcd")


@given(st.text("0123456789", min_size=8, max_size=14), st.binary(max_size=40))
def test_no_identifier_of_digits_stays_as_text_or_bcd(text, around):
    found = IdentifierMasks()
    found.learn([text])
    packed = bytes.fromhex(text if len(text) % 2 == 0 else f"0{text}")
    told = [text.encode()]
    told += [packed, packed[::-1]] if sum(byte != 0 for byte in packed) >= 3 else []
    for form in told:
        assert form not in found.mask_bytes(around + form + around) or form in around


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("10.0.0.3:502", "192.0.2.1:502"),
        ("fe80::1%eth0:502", "2001:db8::1:502"),
        ("", ""),
    ],
)
def test_addresses_become_those_that_documentation_uses(address, other):
    assert other == IdentifierMasks().address(address)
