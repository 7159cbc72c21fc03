"""Sign the district's documents: Ed25519 keys, detached signatures, heartbeats, envelopes (pure except
files).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS

DISTRICT_ISSUER = "district"
# All types of documents that this district signs, and its watermarks.
DOCUMENT_TYPES = ("heartbeat", "envelope", "schedule", "failsafe", "signal", "command", "job", "watermark")


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class SigningKey:
    """A signing key of one issuer."""

    kid: str
    private: Ed25519PrivateKey

    @classmethod
    def fresh(cls, kid: str) -> "SigningKey":
        """A new key."""
        return cls(kid, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a PEM file that ``save`` wrote; its stem is the key's name."""
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError(f"{path} holds no Ed25519 key")
        return cls(path.stem, private)

    def save(self, folder: Path) -> Path:
        """Write ``<kid>.pem``, readable by its owner alone."""
        path = folder / f"{self.kid}.pem"
        path.touch(mode=0o600)
        path.write_bytes(
            self.private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def listing(self, types: Sequence[str]) -> dict[str, Any]:
        """This key's entry of the list that gateways hold (``issuers_file``)."""
        public = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return {"kid": self.kid, "public_key": encode_base64url(public), "types": list(types)}

    def sign(self, topic: str, payload: bytes) -> str:
        """Detached JWS in the form of RFC 7797 over ``payload``, bound to ``topic``."""
        return PyJWS().encode(
            payload,
            self.private,
            algorithm="EdDSA",
            headers={"kid": self.kid, "topic": topic, "b64": False, "crit": ["b64"], "typ": None},
            is_payload_detached=True,
        )


def make_heartbeat(now_ms: int, issuer: str = DISTRICT_ISSUER) -> bytes:
    """One heartbeat for all buildings; ``n`` is taken from the clock, so that it rises for ever."""
    return json.dumps({"iss": issuer, "n": now_ms, "ts": now_ms}, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeRequest:
    """Envelope that a scenario asks the district to send: caps for some time, and defaults around them."""

    intervals: Sequence[Mapping[str, float]]
    default: Mapping[str, float]
    start_ms: int
    exp_ms: int
    program: str = DISTRICT_ISSUER
    priority: int = 2
    on_loss: str = "failsafe"
    ramp_w_per_s: float | None = None


def make_envelope(
    request: EnvelopeRequest, seq: int, now_ms: int, gateway: str, issuer: str = DISTRICT_ISSUER
) -> bytes:
    """An envelope (spec/sync.md#envelope) as JSON bytes; times are Unix milliseconds."""
    document: dict[str, Any] = {
        "id": f"{request.program}-{seq}",
        "seq": seq,
        "iss": issuer,
        "aud": gateway,
        "iat": now_ms,
        "nbf": now_ms - 60_000,
        "exp": request.exp_ms,
        "priority": request.priority,
        "program": request.program,
        "start": request.start_ms,
        "randomize_start_s": 0,
        "on_loss": request.on_loss,
        "intervals": [dict(interval) for interval in request.intervals],
        "default": dict(request.default),
    }
    if request.ramp_w_per_s is not None:
        document["ramp_w_per_s"] = request.ramp_w_per_s
    return _encode_json(document)


def _encode_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def make_document(
    body: Mapping[str, Any], seq: int, now_ms: int, audience: str, exp_ms: int, issuer: str = DISTRICT_ISSUER
) -> bytes:
    """A document of any other kind as JSON bytes: ``body`` inside what every document carries.

    It may be taken at once, and until ``exp_ms``.
    """
    frame = {
        "id": f"{body.get('asset', issuer)}-{seq}",
        "seq": seq,
        "iss": issuer,
        "aud": audience,
        "iat": now_ms,
        "nbf": now_ms - 60_000,
        "exp": exp_ms,
    }
    return _encode_json({**frame, **body})


def make_job(
    work: Mapping[str, Any], seq: int, now_ms: int, gateway: str, window_ms: tuple[int, int]
) -> bytes:
    """A job (spec/sync.md#topic-job) as JSON: ``work`` is ``{op: config, site}`` or ``{op: keys, list}``."""
    document = {
        "id": f"job-{seq}",
        "seq": seq,
        "iss": "jobs",
        "aud": gateway,
        "iat": now_ms,
        "nbf": window_ms[0],
        "exp": window_ms[1],
        **work,
    }
    return json.dumps(document, separators=(",", ":")).encode()


INVALID_PROGRAM = "insane"
