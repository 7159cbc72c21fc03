import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from quartier_district.signed_documents import (
    EnvelopeRequest,
    SigningKey,
    make_document,
    make_envelope,
    make_heartbeat,
)

KEY = SigningKey.fresh("opt1")


def _bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_signature_verifies_as_rfc_7797_says_and_names_key_and_topic():
    header, middle, signature = KEY.sign("a/b", b'{"n":1}').split(".")
    public = Ed25519PublicKey.from_public_bytes(_bytes(KEY.listing(["heartbeat"])["public_key"]))

    public.verify(_bytes(signature), header.encode() + b'.{"n":1}')
    assert "" == middle
    assert {"alg": "EdDSA", "kid": "opt1", "topic": "a/b", "b64": False, "crit": ["b64"]} == json.loads(
        _bytes(header)
    )
    with pytest.raises(InvalidSignature):
        public.verify(_bytes(signature), header.encode() + b'.{"n":2}')


def test_a_key_comes_back_from_its_file_and_only_its_owner_may_read_it(tmp_path):
    path = KEY.save(tmp_path)

    assert 0o600 == path.stat().st_mode & 0o777
    assert KEY.listing([]) == SigningKey.load(path).listing([])


def test_a_heartbeat_takes_its_number_from_the_clock():
    assert {"iss": "district", "n": 5, "ts": 5} == json.loads(make_heartbeat(5))


def test_an_envelope_holds_what_was_requested():
    request = EnvelopeRequest(
        intervals=[{"duration_s": 60, "import_max_w": 5}],
        default={"import_max_w": 9, "export_max_w": 9},
        start_ms=100,
        exp_ms=900,
    )
    found = json.loads(make_envelope(request, 7, 100, "issy.b012"))

    assert (7, "issy.b012", 900, "failsafe") == (found["seq"], found["aud"], found["exp"], found["on_loss"])
    assert [{"duration_s": 60, "import_max_w": 5}] == found["intervals"]
    assert "ramp_w_per_s" not in found


def test_any_other_document_stands_inside_what_every_document_carries():
    found = json.loads(make_document({"asset": "bat1", "start": 5}, 7, 100_000, "issy.b012", 900_000))

    assert {
        "id": "bat1-7",
        "seq": 7,
        "iss": "district",
        "aud": "issy.b012",
        "iat": 100_000,
        "nbf": 40_000,
        "exp": 900_000,
        "asset": "bat1",
        "start": 5,
    } == found
