"""The key list: read whole or with every fault."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS
from tests.effort import examples

from quartier.district.documents import key_list
from quartier_district.key_folder import encode_public_key, sign_key_list
from quartier_district.signed_documents import SigningKey
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
    found = key_list.parse_plain_list(json.dumps([entry(), entry(kid="opt2", nbf=5, exp=9)]))
    assert [("opt1", 0), ("opt2", 1)] == [(kid, issuer.age) for kid, issuer in found.items()]
    assert frozenset({"envelope"}) == found["opt1"].types


@pytest.mark.parametrize(("at_ms", "valid"), [(4, False), (5, True), (8, True), (9, False)])
def test_a_key_is_valid_from_nbf_until_before_exp(at_ms, valid):
    issuer = key_list.parse_plain_list(json.dumps([entry(nbf=5, exp=9)]))["opt1"]
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
        (json.dumps([entry(), entry()]), "is listed twice"),
        (json.dumps([entry(nbf=9, exp=5)]), "not after nbf"),
        (json.dumps([entry(nbf="9")]), "nbf"),
        (json.dumps([entry(kid=f"k{n}") for n in range(65)]), "at most 64"),
    ],
)
def test_a_faulty_list_is_refused_whole(text, fault):
    with pytest.raises(ConfigError, match=fault):
        key_list.parse_plain_list(text)


def test_every_fault_is_named_and_no_key_is_shown():
    with pytest.raises(ConfigError) as error:
        key_list.parse_plain_list(
            json.dumps([entry(public_key="AAAA"), entry(kid="b", nbf=2, exp=1)]), "keys.json"
        )
    assert ["0.public_key", "1.exp"] == [fault.key for fault in error.value.faults]
    assert PUBLIC not in str(error.value)


def test_a_grid_operators_key_signs_envelopes_of_its_program_only_and_no_other_key_signs_those():
    found = key_list.parse_plain_list(
        json.dumps([entry(kid="opt", types=["heartbeat", "envelope"]), entry(kid="dso", programs=["dso"])])
    )
    rights = {
        (kid, kind, program): key_list.may_sign(found[kid], kind, program, found)
        for kid in found
        for kind, program in (("envelope", "dso"), ("envelope", "district"), ("heartbeat", ""))
    }
    assert {
        ("opt", "envelope", "dso"): False,
        ("opt", "envelope", "district"): True,
        ("opt", "heartbeat", ""): True,
        ("dso", "envelope", "dso"): True,
        ("dso", "envelope", "district"): False,
        ("dso", "heartbeat", ""): False,
    } == rights


def test_programs_belong_to_envelopes():
    with pytest.raises(ConfigError, match="without the type envelope"):
        key_list.parse_plain_list(json.dumps([entry(types=["job"], programs=["dso"])]))


def test_a_fingerprint_is_the_thumbprint_of_rfc_8037():
    raw = key_list.decode_raw_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == key_list.make_fingerprint(raw)


ROOT = SigningKey("root", Ed25519PrivateKey.from_private_bytes(b"r" * 32))
OTHER = SigningKey("other", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
BODY = {"district": "issy", "seq": 5, "keys": [entry()]}


def test_a_list_that_the_root_signed_is_read_with_its_number():
    found = key_list.open_signed_list(
        sign_key_list(ROOT, BODY), "keys.jws", [encode_public_key(ROOT)], "issy"
    )
    assert ({"opt1"}, 5) == (set(found.issuers), found.seq)
    assert key_list.make_fingerprint(key_list.decode_raw_key(encode_public_key(ROOT))) == found.root


def test_one_of_two_roots_is_enough_so_that_a_root_can_be_changed():
    assert (
        5
        == key_list.open_signed_list(
            sign_key_list(ROOT, BODY), "f", [encode_public_key(OTHER), encode_public_key(ROOT)], "issy"
        ).seq
    )


@pytest.mark.parametrize(
    ("text", "roots", "why"),
    [
        (sign_key_list(OTHER, BODY), [encode_public_key(ROOT)], "no root of the site file signed it"),
        (
            sign_key_list(ROOT, BODY)[:-8] + "AAAAAAAA",
            [encode_public_key(ROOT)],
            "no root of the site file signed it",
        ),
        (sign_key_list(ROOT, BODY), [], "names no root"),
        (json.dumps([entry()]), [encode_public_key(ROOT)], "no root of the site file signed it"),
        (
            PyJWS().encode(json.dumps(BODY).encode(), ROOT.private, "EdDSA"),
            [encode_public_key(ROOT)],
            "no signed key list",
        ),
        (sign_key_list(ROOT, {**BODY, "district": "lyon"}), [encode_public_key(ROOT)], "expected 'issy'"),
        ("", [encode_public_key(ROOT)], "no root of the site file signed it"),
    ],
)
def test_a_list_that_no_root_signed_for_this_district_is_refused(text, roots, why):
    with pytest.raises(key_list.UnsignedList, match=why):
        key_list.open_signed_list(text, "keys.jws", roots, "issy")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"district": "issy", "keys": [entry()]}, "seq"),
        ({**BODY, "keys": []}, "keys"),
        ({**BODY, "extra": 1}, "extra"),
        ({**BODY, "keys": [entry(public_key="AAAA")]}, "32 bytes"),
    ],
)
def test_a_signed_list_with_a_fault_is_refused_whole(body, fault):
    with pytest.raises(ConfigError, match=fault):
        key_list.open_signed_list(sign_key_list(ROOT, body), "keys.jws", [encode_public_key(ROOT)], "issy")


def test_a_list_larger_than_any_is_not_even_verified():
    with pytest.raises(ConfigError, match="expected at most"):
        key_list.open_signed_list("A" * 60_000, "keys.jws", [encode_public_key(ROOT)], "issy")


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
@examples(40)
def test_whatever_comes_as_a_list_is_refused_with_a_fault_and_nothing_else(text):
    with pytest.raises(ConfigError):
        key_list.open_signed_list(text, "list", [encode_public_key(ROOT)], "issy")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
@examples(20)
def test_whatever_the_root_signed_is_a_whole_list_or_refused_with_a_fault(keys):
    with pytest.raises(ConfigError):
        key_list.open_signed_list(
            sign_key_list(ROOT, {**BODY, "keys": keys}), "list", [encode_public_key(ROOT)], "issy"
        )
