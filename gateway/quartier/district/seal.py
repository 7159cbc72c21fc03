"""Detached signatures: EdDSA with Ed25519 (RFC 8037) in the form of RFC 7797.

The only file that imports PyJWT and cryptography, and imported when the first document is to be checked:
a district that signs nothing does not pay for them (8 MiB).
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

_JWS = PyJWS(algorithms=["EdDSA"])


# Beside PyJWT's own: a header may hold anything, nested as deep as a signature is long.
_BROKEN = (PyJWTError, ValueError, TypeError, RecursionError)


class Broken(Exception):  # noqa: N818 - a state
    """A signature does not hold, or is none."""


def key(raw: bytes) -> Ed25519PublicKey:
    """The public key of 32 bytes.  Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(raw)


def header(signature: str) -> Mapping[str, Any]:
    """What the signature says of itself; nothing of it is proved.  Raises Broken."""
    try:
        return _JWS.get_unverified_header(signature)
    except _BROKEN as error:
        raise Broken(str(error)) from error


def check(signature: str, by: Ed25519PublicKey, payload: bytes) -> None:
    """Check that ``by`` signed the payload, and that the header names nothing unknown.  Raises Broken."""
    try:
        _JWS.decode(signature, by, algorithms=["EdDSA"], detached_payload=payload)
    except _BROKEN as error:
        raise Broken(str(error)) from error


def opened(token: str, by: Ed25519PublicKey) -> bytes:
    """What ``by`` signed in a compact JWS (RFC 7515 section 7.1).  Raises Broken."""
    try:
        payload: bytes = _JWS.decode(token, by, algorithms=["EdDSA"])
    except _BROKEN as error:
        raise Broken(str(error)) from error
    return payload
