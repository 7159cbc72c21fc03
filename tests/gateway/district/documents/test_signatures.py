"""The end of each certificate in a file."""

import base64
import datetime as dt
import subprocess
import sys
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS

from quartier.district.documents import signatures
from quartier.district.documents.signatures import find_certificate_subject, iterate_certificates
from quartier_district.broker_access import CertificateAuthority

START = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)


def test_each_certificate_of_a_file_is_named_by_its_subject_with_its_end(tmp_path):
    authority = CertificateAuthority(tmp_path, START)
    own = authority.gateway("issy", "b012", dt.timedelta(days=30)).cert_file.read_bytes()
    leaf, ca = iterate_certificates(own + authority.ca_file.read_bytes(), "certificate")
    assert ("certificate issy.b012", int((START + dt.timedelta(days=30)).timestamp() * 1000)) == (
        leaf.name,
        leaf.exp_utc_ms,
    )
    assert ca.exp_utc_ms > leaf.exp_utc_ms
    assert "issy.b012" == find_certificate_subject(own)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_a_fault(pem):
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words
        list(iterate_certificates(pem, "certificate"))
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        find_certificate_subject(pem)


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = PRIVATE.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
HEADERS = {"kid": "a", "b64": False, "crit": ["b64"]}
SIGNATURE = PyJWS().encode(b"payload", PRIVATE, "EdDSA", HEADERS, is_payload_detached=True)


def test_what_was_signed_holds_and_says_by_which_key():
    signatures.check_signature(SIGNATURE, signatures.make_public_key(RAW), b"payload")

    assert "a" == signatures.read_header(SIGNATURE)["kid"]


@pytest.mark.parametrize("payload", [b"", b"payloae", b"payload "])
def test_another_payload_breaks_it(payload):
    with pytest.raises(signatures.BrokenSignature):
        signatures.check_signature(SIGNATURE, signatures.make_public_key(RAW), payload)


def headed(header):
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".." + SIGNATURE.rpartition(".")[2]


NONSENSE = [
    headed(text)
    for text in (
        b"[" * 1_500,
        b'{"alg":[1]}',
        b'{"alg":"EdDSA","crit":[[1]]}',
        b'{"a":' * 300,
        b"\xff",
        b"9" * 1_500,
    )
]


@pytest.mark.parametrize("text", ["", "a.b.c", "..", "é", SIGNATURE[5:]])
def test_nonsense_is_broken_and_nothing_else(text):
    with pytest.raises(signatures.BrokenSignature):
        signatures.read_header(text)


@pytest.mark.parametrize("text", NONSENSE)
def test_a_header_of_nonsense_is_broken_at_the_latest_when_it_is_checked(text):
    with pytest.raises(signatures.BrokenSignature):
        signatures.check_signature(text, signatures.make_public_key(RAW), b"payload")
    with suppress(signatures.BrokenSignature):
        signatures.read_header(text)


def test_a_key_has_32_bytes():
    with pytest.raises(ValueError, match="32 bytes"):
        signatures.make_public_key(RAW[1:])


def test_a_district_without_keys_does_not_import_them():
    code = "import sys, quartier.daemon.district_link; print({'jwt', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()" == done.stdout.strip()
