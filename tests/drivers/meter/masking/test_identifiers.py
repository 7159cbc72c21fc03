"""Decoders tell what names a meter; what is encrypted is refused."""

import pytest

from quartier_drivers.protocol import EncryptedError
from quartier_drivers.registry import load_protocol
from quartier_sim.meters.captures import CAPTURES


def find_identifiers(name, data):
    return load_protocol(name).find_identifiers(data)


def said(name, count=20):
    return b"".join(telegram.data for telegram in CAPTURES[name](3, count))


@pytest.mark.parametrize(
    "name",
    ["tic-standard", "tic-historique", "p1-dutch", "iec62056-d", "sml", "sml-kermit", "dlms-hdlc", "mbus"],
)
def test_each_protocol_has_its_identifiers(name):
    assert [text for text in find_identifiers(name.partition("-")[0], said(name)) if len(text) > 5]


@pytest.mark.parametrize("name", ["dlms-ciphered", "p1-smarty"])
def test_what_a_meter_encrypts_is_refused(name):
    with pytest.raises(EncryptedError, match="encrypts"):
        list(find_identifiers(name.partition("-")[0], said(name)))


def test_what_is_no_line_with_meters_has_none():
    assert [] == list(find_identifiers("modbus", b"12345678"))
