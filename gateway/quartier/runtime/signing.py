"""The gateway's own signing key, and signed records.

A record is signed without its ``signature``, as JSON with sorted keys and no spaces (UTF-8).
"""

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from quartier.runtime.owned_files import open_plain

PrivateKey = Ed25519PrivateKey
KEY_FILE = "gateway.key"
_GROUPS, _GROUP_LENGTH = 6, 4


def load_key(state_dir: Path) -> PrivateKey:
    """Load the gateway's key; if there is none, create it, readable only by its owner.

    Raises OSError, and ValueError if the file holds no such key.
    """
    return find_key(state_dir) or _make_key(state_dir / KEY_FILE)


def find_key(state_dir: Path) -> PrivateKey | None:
    """Load the gateway's key; None if this machine has none.  Raises as ``load_key``."""
    path = state_dir / KEY_FILE
    try:
        with open_plain(path) as file:
            found = serialization.load_pem_private_key(file.read(), None)
    except FileNotFoundError:
        return None
    if not isinstance(found, PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")  # noqa: TRY004 - the file is wrong, not the call
    return found


def _make_key(path: Path) -> PrivateKey:
    made = PrivateKey.generate()
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    folder = path.parent.stat()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        if os.geteuid() == 0:  # the service, which owns the folder, must read it too
            os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
        file.write(pem)
    return made


def find_public_key(private: PrivateKey) -> str:
    """Return the public key, 32 bytes in hex."""
    return private.public_key().public_bytes_raw().hex()


def find_fingerprint(public_key: str) -> str:
    """Shorten a public key for people: 96 bits of its SHA-256 in groups of four hex digits."""
    digest = sha256(bytes.fromhex(public_key)).hexdigest()
    return "-".join(
        digest[at : at + _GROUP_LENGTH] for at in range(0, _GROUPS * _GROUP_LENGTH, _GROUP_LENGTH)
    )


def is_signed_by(public_key: str, signature: str, content: bytes) -> bool:
    """Return whether the holder of ``public_key`` signed ``content``; key and signature are in hex."""
    try:
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        signer.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def sign_record(record: Mapping[str, Any], private: PrivateKey) -> dict[str, Any]:
    """Return the record with public key and signature."""
    whole = {**record, "public_key": find_public_key(private)}
    return {**whole, "signature": private.sign(_make_bytes(whole)).hex()}


def is_signature_sound(record: Mapping[str, Any]) -> bool:
    """Return whether the signature of the record matches its content and its ``public_key``."""
    unsigned = {name: value for name, value in record.items() if name != "signature"}
    return is_signed_by(record.get("public_key", ""), record.get("signature", ""), _make_bytes(unsigned))


def _make_bytes(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
