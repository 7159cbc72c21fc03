"""The example of the Green Book (IEC 62056-5-3 table "glo-get-request"), worked out there by hand."""

import pytest

from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys

KEYS = Keys(
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
    assert expected == cipher.sealed(KEYS, TITLE, COUNTER, PLAIN, control).hex()


def test_without_protection_it_stays():
    assert PLAIN == cipher.sealed(KEYS, TITLE, COUNTER, PLAIN, 0)


def test_the_content_begins_with_control_and_counter():
    assert "3001234567" == cipher.content(KEYS, TITLE, COUNTER, PLAIN, 0x30).hex()[:10]


def test_keys_are_never_shown():
    assert "0001" not in repr(KEYS)
