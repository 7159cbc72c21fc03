"""Security suite 0 of DLMS/COSEM as a meter applies it: AES-128-GCM with a tag of 12 bytes.

Source: IEC 62056-5-3 (Green Book 8) section 9.2.7: the nonce is system title and invocation counter,
the additional data are the security control and the authentication key; with encryption alone there
is no tag, with authentication alone the text is additional data too and stays readable.
"""

import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AUTHENTICATED, ENCRYPTED = 0x10, 0x20
TAG_BYTES, TITLE_BYTES = 12, 8


@dataclass(frozen=True, slots=True, repr=False)
class CipherKeys:
    """The keys that the network operator gives: 16 bytes each."""

    encryption: bytes
    authentication: bytes


def protect(keys: CipherKeys, title: bytes, counter: int, plain: bytes, control: int) -> bytes:
    """Return the bytes after the invocation counter: the text, encrypted or not, and the tag if any."""
    nonce = title + struct.pack(">I", counter)
    added = bytes([control]) + keys.authentication
    engine = AESGCM(keys.encryption)
    if control & AUTHENTICATED and control & ENCRYPTED:
        # NIST SP 800-38D lets a tag be cut; suite 0 keeps 12 of its 16 bytes.
        return engine.encrypt(nonce, plain, added)[: len(plain) + TAG_BYTES]
    if control & AUTHENTICATED:
        return plain + engine.encrypt(nonce, b"", added + plain)[:TAG_BYTES]
    if control & ENCRYPTED:
        return engine.encrypt(nonce, plain, None)[: len(plain)]
    return plain


def build_ciphered_content(keys: CipherKeys, title: bytes, counter: int, plain: bytes, control: int) -> bytes:
    """Security control, invocation counter and what they protect: the ciphered content of an APDU."""
    return bytes([control]) + struct.pack(">I", counter) + protect(keys, title, counter, plain, control)


def decrypt_content(keys: CipherKeys, title: bytes, content_: bytes) -> bytes:
    """Return the plain text of content with control 30; raises ValueError if its tag is wrong."""
    control, counter, text, tag = content_[0], content_[1:5], content_[5:-TAG_BYTES], content_[-TAG_BYTES:]
    if control != AUTHENTICATED | ENCRYPTED:
        raise ValueError(f"security control {control:#04x}")
    # GCM is a stream: sealing zeros shows it, and sealing what it uncovers must give the same tag.
    number = int.from_bytes(counter, "big")
    stream = protect(keys, title, number, bytes(len(text)), ENCRYPTED)
    plain = bytes(one ^ other for one, other in zip(text, stream, strict=True))
    if protect(keys, title, number, plain, control)[-TAG_BYTES:] != tag:
        raise ValueError("the authentication tag does not hold")
    return plain


def compute_gmac(keys: CipherKeys, title: bytes, counter: int, challenge: bytes) -> bytes:
    """The proof of the four passes (mechanism 5): control, counter and the tag over the challenge."""
    tag = protect(keys, title, counter, challenge, AUTHENTICATED)[-TAG_BYTES:]
    return bytes([AUTHENTICATED]) + struct.pack(">I", counter) + tag
