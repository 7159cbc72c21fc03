"""Ciphered APDUs open with the right keys, once, and never show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import AUTHENTICATION, KEY, TITLE, length
from tests.drivers.meter.dlms.conftest import sealed as standard

from quartier_drivers.meter.dlms.ciphering import (
    AUTHENTICATED,
    ENCRYPTED,
    ApduOpener,
    CipherKeys,
    DecryptionRefused,
    encrypt_apdu,
    encrypt_service,
)

KEYS = CipherKeys(KEY, AUTHENTICATION)
# Green Book 9.2.7.2.4, example: a get-request, system title and keys as there.
BOOK_TITLE = bytes.fromhex("4D4D4D0000BC614E")
BOOK_APDU = bytes.fromhex("C0010000080000010000FF0200")
BOOK = {
    0x10: "C81E1001234567C0010000080000010000FF020006725D910F9221D263877516",
    0x20: "C8122001234567411312FF935A47566827C467BC",
    0x30: "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
}


@pytest.mark.parametrize(("control", "expected"), BOOK.items())
def test_the_green_books_examples_come_out(control: int, expected: str) -> None:
    made = encrypt_service(KEYS, BOOK_TITLE, control, 0x01234567, BOOK_APDU)

    assert bytes.fromhex(expected) == made
    assert (
        BOOK_APDU
        == ApduOpener(KEYS if control & AUTHENTICATED else CipherKeys(KEY)).unseal(made[2:], BOOK_TITLE).apdu
    )


@given(
    st.binary(max_size=300),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0x00, 0x10, 0x20, 0x30, 0x21, 0x31, 0x70]),
)
def test_what_another_library_seals_is_opened(apdu: bytes, counter: int, control: int) -> None:
    opened = ApduOpener(KEYS if control & AUTHENTICATED else CipherKeys(KEY)).open(
        standard(apdu, counter, control)
    )

    assert (apdu, TITLE, counter) == (opened.apdu, opened.title, opened.counter)
    assert bool(control & 0x10) == opened.is_authenticated
    assert standard(apdu, counter, control)[10:] == length(
        len(encrypt_apdu(KEYS, TITLE, control, counter, apdu))
    ) + encrypt_apdu(KEYS, TITLE, control, counter, apdu)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_changed_bit_is_refused(apdu: bytes, data: st.DataObject) -> None:
    whole = bytearray(standard(apdu, 7))
    at = data.draw(st.integers(8 * 16, 8 * len(whole) - 1))
    whole[at // 8] ^= 1 << at % 8

    with pytest.raises(DecryptionRefused):
        ApduOpener(KEYS).open(bytes(whole))


def test_without_the_authentication_key_a_tag_is_not_checked() -> None:
    opened = ApduOpener(CipherKeys(KEY)).open(standard(b"\x0f\x01", 7))

    assert (b"\x0f\x01", False) == (opened.apdu, opened.is_authenticated)


def test_invocation_counters_must_rise_for_each_system_title() -> None:
    opener = ApduOpener(KEYS)
    opener.keep(opener.open(standard(b"\x0f", 7)))

    for again in (7, 6):
        with pytest.raises(DecryptionRefused, match="after 7"):
            opener.keep(opener.open(standard(b"\x0f", again)))
    opener.keep(opener.open(standard(b"\x0f", 8)))
    opener.keep(opener.open(standard(b"\x0f", 1, title=b"KFM\x00\x00\x00\x00\x01")))
    opener.keep(opener.open(standard(b"\x0f", 1, 0x70)))  # the broadcast key has a counter of its own


@pytest.mark.parametrize("control", [0x00, 0x20])
def test_with_an_authentication_key_nothing_counts_that_it_does_not_prove(control: int) -> None:
    with pytest.raises(DecryptionRefused, match="nothing authenticates"):
        ApduOpener(KEYS).open(standard(b"\x0f", 7, control))


def test_a_counter_that_was_not_kept_does_not_count() -> None:
    opener = ApduOpener(CipherKeys(KEY))
    opener.open(standard(b"\x0f", 2**32 - 1, 0x20))

    assert 7 == opener.open(standard(b"\x0f", 7, 0x20)).counter


@pytest.mark.parametrize(
    ("why", "keys", "apdu"),
    [
        ("no key was given", CipherKeys(), standard(b"\x0f", 1)),
        ("keys of 16 bytes", CipherKeys(bytes(32)), standard(b"\x0f", 1)),
        ("security suite 7", KEYS, standard(b"\x0f", 1, 0x37)),
        ("compressed", KEYS, standard(b"\x0f", 1, 0xB0)),
        ("does not hold", CipherKeys(KEY, KEY), standard(b"\x0f", 1)),
        ("does not hold", CipherKeys(AUTHENTICATION, AUTHENTICATION), standard(b"\x0f", 1)),
        ("does not add up", KEYS, standard(b"\x0f", 1)[:-1]),
        ("does not add up", KEYS, b"\xdb"),
        ("system title of 3 bytes", KEYS, b"\xdb\x03KFM\x05\x30\0\0\0\0"),
        ("without its head", KEYS, b"\xdb\x08" + TITLE + b"\x02\x30\0"),
        ("without its authentication tag", KEYS, b"\xdb\x08" + TITLE + b"\x06\x30\0\0\0\0\0"),
        ("wrapped or agreed", KEYS, b"\xdd\0\x08" + TITLE + b"\0\0\0\x01\x01\x00\x05\x30\0\0\0\0"),
    ],
)
def test_a_refusal_says_why_and_shows_no_key(why: str, keys: CipherKeys, apdu: bytes) -> None:
    with pytest.raises(DecryptionRefused, match=why) as refusal:
        ApduOpener(keys).open(apdu)

    shown = f"{refusal.value!r} {keys!r}"
    assert KEY.hex() not in shown
    assert repr(KEY)[2:20] not in shown
    assert "Keys()" in shown


def test_general_ciphering_authenticates_its_head() -> None:
    head = b"\x01\x07" + b"\x08" + TITLE + b"\x00" * 3
    inside = encrypt_apdu(KEYS, TITLE, 0x30, 5, b"\x0f\x01", head)
    apdu = b"\xdd" + head + b"\x00" + length(len(inside)) + inside

    assert b"\x0f\x01" == ApduOpener(KEYS).open(apdu).apdu
    with pytest.raises(DecryptionRefused):
        ApduOpener(KEYS).open(apdu.replace(b"\x01\x07", b"\x01\x08"))
    with_key = b"\xdd" + head + b"\x01\x00\x02" + length(len(inside)) + inside
    assert b"\x0f\x01" == ApduOpener(KEYS).open(with_key).apdu


def test_suite_2_has_long_keys() -> None:
    keys = CipherKeys(bytes(range(32)), bytes(32))

    assert b"\x0f" == ApduOpener(keys).unseal(encrypt_apdu(keys, TITLE, 0x32, 1, b"\x0f"), TITLE).apdu


def test_dedicated_services_have_tags_of_their_own() -> None:
    assert 0xD0 == encrypt_service(KEYS, TITLE, AUTHENTICATED | ENCRYPTED, 1, b"\xc0\x01", dedicated=True)[0]
    assert 0xC8 == encrypt_service(KEYS, TITLE, AUTHENTICATED | ENCRYPTED, 1, b"\xc0\x01")[0]
