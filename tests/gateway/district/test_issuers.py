"""The key list: read whole or with every fault."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quartier.district import issuers
from quartier_drivers.errors import ConfigError

RAW = (
    Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    .public_key()
    .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
)
PUBLIC = base64.urlsafe_b64encode(RAW).rstrip(b"=").decode()


def entry(**changes):
    return {"kid": "opt1", "public_key": PUBLIC, "types": ["envelope"], **changes}


def test_a_later_key_is_newer():
    found = issuers.read(json.dumps([entry(), entry(kid="opt2", nbf=5, exp=9)]))
    assert [("opt1", 0), ("opt2", 1)] == [(kid, issuer.age) for kid, issuer in found.items()]
    assert frozenset({"envelope"}) == found["opt1"].types


@pytest.mark.parametrize(("at_ms", "valid"), [(4, False), (5, True), (8, True), (9, False)])
def test_a_key_is_valid_from_nbf_until_before_exp(at_ms, valid):
    issuer = issuers.read(json.dumps([entry(nbf=5, exp=9)]))["opt1"]
    assert valid == issuer.is_valid(at_ms)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no JSON list"),
        ("{", "no JSON list"),
        ("{}", "list"),
        ("[" * 50_000, "no JSON list"),
        (json.dumps([entry(extra=1)]), "extra"),
        (json.dumps([entry(types=[])]), "types"),
        (json.dumps([entry(public_key="AAAA")]), "32 bytes in base64url"),
        (json.dumps([entry(public_key="é")]), "32 bytes in base64url"),
        (json.dumps([entry(), entry()]), "stands twice"),
        (json.dumps([entry(nbf=9, exp=5)]), "not after nbf"),
        (json.dumps([entry(nbf="9")]), "nbf"),
        (json.dumps([entry(kid=f"k{n}") for n in range(65)]), "at most 64"),
    ],
)
def test_a_faulty_list_is_refused_whole(text, fault):
    with pytest.raises(ConfigError, match=fault):
        issuers.read(text)


def test_every_fault_is_named_and_no_key_is_shown():
    with pytest.raises(ConfigError) as error:
        issuers.read(json.dumps([entry(public_key="AAAA"), entry(kid="b", nbf=2, exp=1)]), "keys.json")
    assert ["0.public_key", "1.exp"] == [fault.key for fault in error.value.faults]
    assert PUBLIC not in str(error.value)
