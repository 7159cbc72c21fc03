"""Which endpoint is taken: the strongest that the site file allows, never a weaker one."""

import pytest

from quartier_drivers.opcua.bus import OpcuaBus
from quartier_drivers.opcua.offer import ENCRYPT, NONE, SIGN, Offer, chosen, refusal


def bus(**keys):
    known = {"kind": "opcua", "url": "opc.tcp://plant", "anonymous": True}
    return OpcuaBus.model_validate(known | keys)


ALL = [
    Offer("None", NONE, b"c"),
    Offer("Basic128Rsa15", ENCRYPT, b"c"),
    Offer("Basic256Sha256", SIGN, b"c"),
    Offer("Basic256Sha256", ENCRYPT, b"c"),
    Offer("Aes128_Sha256_RsaOaep", ENCRYPT, b"c"),
    Offer("Aes256_Sha256_RsaPss", ENCRYPT, b"c"),
]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, Offer("Aes256_Sha256_RsaPss", ENCRYPT, b"c")),
        ({"policy": "Basic256Sha256"}, Offer("Basic256Sha256", ENCRYPT, b"c")),
        ({"mode": "sign"}, Offer("Basic256Sha256", SIGN, b"c")),
        ({"insecure_policy": "Basic128Rsa15"}, Offer("Basic128Rsa15", ENCRYPT, b"c")),
        ({"insecure_policy": "None"}, Offer("None", NONE, b"c")),
    ],
)
def test_the_strongest_that_is_allowed_is_taken(keys, expected):
    assert expected == chosen(ALL, bus(**keys))
    assert expected == chosen(ALL[::-1], bus(**keys))


def test_a_server_without_security_is_not_taken_by_itself():
    assert chosen(ALL[:3], bus()) is None
    assert chosen([], bus()) is None


def test_a_refusal_says_what_there_is_and_what_is_wanted():
    words = refusal(ALL[:2], bus())

    assert "offers None (none), Basic128Rsa15 (sign-and-encrypt)" in words
    assert "wanted is Aes256_Sha256_RsaPss or Aes128_Sha256_RsaOaep or Basic256Sha256" in words
    assert "offers nothing" in refusal([], bus())
