"""The signature below a drill's record: Ed25519 with a key of this gateway, made on first use.

What is signed is the record without its ``signature``, as JSON with sorted keys and no spaces (UTF-8).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "drill.key"


def key(state_dir: Path) -> Ed25519PrivateKey:
    """The gateway's key; made, readable by its user alone, where there is none.

    Raises OSError, and ValueError where the file holds no such key.
    """
    path = state_dir / KEY
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        return _made(path)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")  # noqa: TRY004 - the file is wrong, not the call
    return loaded


def _made(path: Path) -> Ed25519PrivateKey:
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return made


def public(private: Ed25519PrivateKey) -> str:
    """Its public half, 32 bytes in hex."""
    return private.public_key().public_bytes_raw().hex()


def signed(record: Mapping[str, Any], private: Ed25519PrivateKey) -> dict[str, Any]:
    """The record with public key and signature."""
    whole = {**record, "public_key": public(private)}
    return {**whole, "signature": private.sign(_bytes(whole)).hex()}


def is_sound(record: Mapping[str, Any]) -> bool:
    """Whether nothing was altered since whoever holds ``public_key`` signed it."""
    try:
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(record["public_key"]))
        signer.verify(
            bytes.fromhex(record["signature"]),
            _bytes({name: value for name, value in record.items() if name != "signature"}),
        )
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def _bytes(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
