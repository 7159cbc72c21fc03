"""Which endpoint is taken: the strongest that the site file allows, never a weaker one."""

import pytest

from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.endpoint_choice import (
    ENCRYPT_MODE,
    NO_SECURITY_MODE,
    SIGN_MODE,
    EndpointOffer,
    choose_offer,
    explain_refusal,
)


def bus(**keys):
    known = {"kind": "opcua", "url": "opc.tcp://plant", "anonymous": True}
    return OpcuaBus.model_validate(known | keys)


ALL = [
    EndpointOffer("None", NO_SECURITY_MODE, b"c"),
    EndpointOffer("Basic128Rsa15", ENCRYPT_MODE, b"c"),
    EndpointOffer("Basic256Sha256", SIGN_MODE, b"c"),
    EndpointOffer("Basic256Sha256", ENCRYPT_MODE, b"c"),
    EndpointOffer("Aes128_Sha256_RsaOaep", ENCRYPT_MODE, b"c"),
    EndpointOffer("Aes256_Sha256_RsaPss", ENCRYPT_MODE, b"c"),
]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, EndpointOffer("Aes256_Sha256_RsaPss", ENCRYPT_MODE, b"c")),
        ({"policy": "Basic256Sha256"}, EndpointOffer("Basic256Sha256", ENCRYPT_MODE, b"c")),
        ({"mode": "sign"}, EndpointOffer("Basic256Sha256", SIGN_MODE, b"c")),
        ({"insecure_policy": "Basic128Rsa15"}, EndpointOffer("Basic128Rsa15", ENCRYPT_MODE, b"c")),
        ({"insecure_policy": "None"}, EndpointOffer("None", NO_SECURITY_MODE, b"c")),
    ],
)
def test_the_strongest_that_is_allowed_is_taken(keys, expected):
    assert expected == choose_offer(ALL, bus(**keys))
    assert expected == choose_offer(ALL[::-1], bus(**keys))


def test_a_server_without_security_is_not_taken_by_itself():
    assert choose_offer(ALL[:3], bus()) is None
    assert choose_offer([], bus()) is None


def test_a_refusal_says_what_there_is_and_what_is_wanted():
    words = explain_refusal(ALL[:2], bus())

    assert "offers None (none), Basic128Rsa15 (sign-and-encrypt)" in words
    assert "wanted is Aes256_Sha256_RsaPss or Aes128_Sha256_RsaOaep or Basic256Sha256" in words
    assert "offers nothing" in explain_refusal([], bus())
