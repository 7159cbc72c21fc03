"""The example of the Green Book (IEC 62056-5-3 table "glo-get-request"), worked out there by hand."""

import pytest

from quartier_sim.meters import encryption
from quartier_sim.meters.encryption import CipherKeys

KEYS = CipherKeys(
    bytes.fromhex("000102030405060708090a0b0c0d0e0f"), bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
)
TITLE = bytes.fromhex("4d4d4d0000bc614e")
COUNTER = 0x01234567
PLAIN = bytes.fromhex("c0010000080000010000ff0200")


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (0x10, "c0010000080000010000ff020006725d910f9221d263877516"),
        (0x20, "411312ff935a47566827c467bc"),
        (0x30, "411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"),
    ],
)
def test_text_is_protected_as_in_the_green_book(control, expected):
    assert expected == encryption.protect(KEYS, TITLE, COUNTER, PLAIN, control).hex()


def test_without_protection_it_stays():
    assert PLAIN == encryption.protect(KEYS, TITLE, COUNTER, PLAIN, 0)


def test_the_content_begins_with_control_and_counter():
    assert "3001234567" == encryption.build_ciphered_content(KEYS, TITLE, COUNTER, PLAIN, 0x30).hex()[:10]


def test_keys_are_never_shown():
    assert "0001" not in repr(KEYS)


def test_what_was_sealed_is_opened_and_what_was_changed_is_not():
    title, plain = b"QRT\0\0\0\0\1", b"\xc0\x01\xc1"
    whole = encryption.build_ciphered_content(KEYS, title, 9, plain, 0x30)

    assert plain == encryption.decrypt_content(KEYS, title, whole)
    with pytest.raises(ValueError, match="tag"):
        encryption.decrypt_content(KEYS, title, whole[:6] + bytes([whole[6] ^ 1]) + whole[7:])
    with pytest.raises(ValueError, match="control 0x20"):
        encryption.decrypt_content(
            KEYS, title, encryption.build_ciphered_content(KEYS, title, 9, plain, 0x20)
        )


def test_a_proof_is_control_counter_and_tag_and_differs_by_challenge():
    title = b"QRT\0\0\0\0\1"
    proof = encryption.compute_gmac(KEYS, title, 7, b"challenge")

    assert (17, b"\x10\x00\x00\x00\x07") == (len(proof), proof[:5])
    assert proof != encryption.compute_gmac(KEYS, title, 7, b"challengf")
