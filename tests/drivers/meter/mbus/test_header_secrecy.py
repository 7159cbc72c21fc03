"""Security mode 5: what the key opens, and what it does not."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from tests.drivers.meter.mbus.conftest import identity, record, reply

from quartier_drivers.meter.mbus.header import decrypt_records, parse_long_header
from quartier_drivers.meter.mbus.push_decoder import MbusDecoder

KEY = bytes(range(16))
ACCESS = 0x2A


def secret(plain, serial="12345678"):
    """AES-128-CBC; the vector is maker, number, version, medium as sent, and eight times the access number."""
    sent = identity(serial)
    vector = sent[4:6] + sent[0:4] + sent[6:8] + bytes([ACCESS]) * 8
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def header(configuration=0x0510):
    return parse_long_header(identity("12345678") + bytes([ACCESS, 0]) + configuration.to_bytes(2, "little"))


PLAIN = (b"\x2f\x2f" + record(12565, "13")).ljust(16, b"\x2f")


def test_the_key_opens_the_encrypted_blocks_and_what_follows_is_plain():
    assert PLAIN + b"tail" == decrypt_records(secret(PLAIN) + b"tail", header(), KEY)


@pytest.mark.parametrize(
    ("key", "configuration", "cut"),
    [
        (b"", 0x0510, 16),
        (bytes(16), 0x0510, 16),
        (KEY, 0x0520, 16),
        (KEY, 0x0710, 16),
        (KEY, 0x0500, 16),
        (KEY, 0x0510, 15),
    ],
)
def test_anything_else_stays_shut(key, configuration, cut):
    assert decrypt_records(secret(PLAIN)[:cut], header(configuration), key) is None


def test_a_decoder_with_the_key_reads_the_telegram():
    frame = reply(secret(PLAIN), access=ACCESS, configuration=0x0510)

    (found,) = MbusDecoder(KEY).feed(frame)

    assert [12.565, "0x00"] == [group.value for group in found.groups]


def test_why_it_stays_shut_is_said():
    decoder = MbusDecoder()
    decoder.feed(reply(secret(PLAIN), access=ACCESS, configuration=0x0510))

    assert "encrypted (mode 5, AES-128-CBC); no key is given" == decoder.why


def test_a_key_is_not_shown():
    assert KEY.hex() not in repr(MbusDecoder(KEY)) + repr(vars(MbusDecoder()))
