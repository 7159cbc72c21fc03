"""Check detached signatures and read certificates; the only importer of PyJWT and cryptography (pure).

It is imported when the first document is to be checked: a district that signs nothing does not load these
libraries (8 MiB).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from quartier.district.records import ExpiringCredential


def iterate_certificates(pem: bytes, what: str) -> Iterator[ExpiringCredential]:
    """Yield each certificate of a PEM file, named by ``what`` it is for and its subject.

    Raises ValueError if the file holds none.
    """
    for cert in x509.load_pem_x509_certificates(pem):
        name = _find_common_name(cert) or f"number {cert.serial_number:x}"
        yield ExpiringCredential(f"{what} {name}", int(cert.not_valid_after_utc.timestamp() * 1000))


def find_certificate_subject(pem: bytes) -> str:
    """Return the common name of the first certificate; empty if it has none.

    Brokers identify the gateway by it. Raises ValueError if the file holds no certificate.
    """
    return _find_common_name(x509.load_pem_x509_certificates(pem)[0])


def _find_common_name(cert: x509.Certificate) -> str:
    names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


_JWS = PyJWS(algorithms=["EdDSA"])
# Besides PyJWT's own errors: a header may hold anything, nested as deep as the signature is long.
_BROKEN_ERRORS = (PyJWTError, ValueError, TypeError, RecursionError)


class BrokenSignature(Exception):  # noqa: N818 - a state
    """A signature is invalid or missing."""


def make_public_key(raw: bytes) -> Ed25519PublicKey:
    """Return the public key of 32 bytes. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(raw)


def read_header(signature: str) -> Mapping[str, Any]:
    """Return the unverified header of a signature. Raises BrokenSignature."""
    try:
        return _JWS.get_unverified_header(signature)
    except _BROKEN_ERRORS as error:
        raise BrokenSignature(str(error)) from error


def check_signature(signature: str, by: Ed25519PublicKey, payload: bytes) -> None:
    """Check that ``by`` signed the payload, and that the header names nothing unknown.

    Raises BrokenSignature.
    """
    try:
        _JWS.decode(signature, by, algorithms=["EdDSA"], detached_payload=payload)
    except _BROKEN_ERRORS as error:
        raise BrokenSignature(str(error)) from error


def open_token(token: str, by: Ed25519PublicKey) -> bytes:
    """Return the payload that ``by`` signed in a compact JWS (RFC 7515 section 7.1).

    Raises BrokenSignature.
    """
    try:
        payload: bytes = _JWS.decode(token, by, algorithms=["EdDSA"])
    except _BROKEN_ERRORS as error:
        raise BrokenSignature(str(error)) from error
    return payload
