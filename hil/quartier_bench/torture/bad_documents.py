"""Documents that must not act, drawn by a seed, each with the answer that the gateway must give (pure)."""

import base64
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import EnvelopeRequest, SigningKey, make_envelope

PROGRAM = "torture"
OVERSIZED_BYTES = 100 * 1024
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class DrawnDocument:
    """One message to throw at a gateway, and what its ack must say; an ``id`` names it."""

    kind: str
    topic: str
    payload: bytes
    signature: str | None
    ident: str
    reception: str
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentSigners:
    """Signing keys: ``key`` is right, ``stranger`` in no list, ``heartbeat_key`` for heartbeats alone."""

    names: TopicNames
    key: SigningKey
    stranger: SigningKey
    heartbeat_key: SigningKey
    program: str = PROGRAM

    @property
    def topic(self) -> str:
        """Topic of its envelopes."""
        return f"{self.names.companion}/envelope/{self.program}"


def make_envelope_body(
    desk: DocumentSigners, seq: int, now_ms: int, import_max_w: float = 1000.0, for_ms: int = _HOUR_MS
) -> dict[str, Any]:
    """A good envelope, as fields."""
    request = EnvelopeRequest(
        intervals=[{"duration_s": 3600.0, "import_max_w": import_max_w}],
        default={"import_max_w": import_max_w, "export_max_w": 0.0},
        start_ms=now_ms,
        exp_ms=now_ms + for_ms,
        program=desk.program,
    )
    found: dict[str, Any] = json.loads(make_envelope(request, seq, now_ms, desk.names.gateway))
    return found


def make_good_document(desk: DocumentSigners, seq: int, now_ms: int, import_max_w: float) -> DrawnDocument:
    """One that must be accepted."""
    body = make_envelope_body(desk, seq, now_ms, import_max_w, for_ms=7 * _DAY_MS)
    payload = encode_body(body)
    return DrawnDocument(
        "good", desk.topic, payload, desk.key.sign(desk.topic, payload), body["id"], "OK", ""
    )


def draw_bad_document(
    desk: DocumentSigners, dice: random.Random, number: int, seq: int, now_ms: int, accepted_seq: int
) -> DrawnDocument:
    """The ``number``-th bad document; ``seq`` would be new, ``accepted_seq`` is the last good one."""
    kind = dice.choice(tuple(_DOCUMENT_KINDS))
    body = make_envelope_body(desk, seq, now_ms)
    body["id"] = f"{kind}-{number}"
    return _DOCUMENT_KINDS[kind](_Draft(desk, dice, body, now_ms, accepted_seq, kind))


@dataclass
class _Draft:
    """A good document on its way to becoming a bad one."""

    desk: DocumentSigners
    dice: random.Random
    body: dict[str, Any]
    now_ms: int
    accepted_seq: int
    kind: str

    def make_document(
        self,
        reason: str,
        reception: str = "INVALID_CONTENT",
        *,
        payload: bytes | None = None,
        signature: str | None = "",
        topic: str = "",
        ident: str | None = None,
    ) -> DrawnDocument:
        """Return the document to send; signed rightly unless a ``signature``, or none, is given."""
        topic = topic or self.desk.topic
        payload = encode_body(self.body) if payload is None else payload
        signed = self.desk.key.sign(topic, payload) if signature == "" else signature
        ident = str(self.body["id"]) if ident is None else ident
        return DrawnDocument(self.kind, topic, payload, signed, ident, reception, reason)

    def change(self, **fields: Any) -> "_Draft":
        """With other fields."""
        self.body |= fields
        return self


def encode_body(body: Mapping[str, Any]) -> bytes:
    """As it goes over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()


def _bend_signature(draft: _Draft) -> DrawnDocument:
    """A signature with one character of its last part changed."""
    payload = encode_body(draft.body)
    signed = draft.desk.key.sign(draft.desk.topic, payload)
    head, _, tail = signed.rpartition(".")
    place = draft.dice.randrange(len(tail) - 2)  # the last two characters hold bits that nobody reads
    other = draft.dice.choice([char for char in "ABCDEFGHabcdefgh01234567-_" if char != tail[place]])
    return draft.make_document(
        "BAD_SIG", payload=payload, signature=f"{head}.{tail[:place]}{other}{tail[place + 1 :]}"
    )


def _sign_for_other_site(draft: _Draft) -> DrawnDocument:
    """Signed for another building's topic."""
    payload = encode_body(draft.body)
    elsewhere = draft.desk.topic.replace(draft.desk.names.edge, "b999")
    return draft.make_document("BAD_SIG", payload=payload, signature=draft.desk.key.sign(elsewhere, payload))


def _sign_by(name: str) -> Callable[[_Draft], DrawnDocument]:
    def make(draft: _Draft) -> DrawnDocument:
        payload = encode_body(draft.body)
        key: SigningKey = getattr(draft.desk, name)
        return draft.make_document("BAD_SIG", payload=payload, signature=key.sign(draft.desk.topic, payload))

    return make


def _sign_by_stranger(draft: _Draft) -> DrawnDocument:
    """The right name over a stranger's signature."""
    payload = encode_body(draft.body)
    key = SigningKey(draft.desk.key.kid, draft.desk.stranger.private)
    return draft.make_document("BAD_SIG", payload=payload, signature=key.sign(draft.desk.topic, payload))


def _replace_header(draft: _Draft) -> DrawnDocument:
    """A header of noise before a sound signature."""
    payload = encode_body(draft.body)
    _, _, tail = draft.desk.key.sign(draft.desk.topic, payload).partition(".")
    noise = base64.urlsafe_b64encode(draft.dice.randbytes(draft.dice.randrange(1, 80))).rstrip(b"=").decode()
    return draft.make_document("BAD_SIG", payload=payload, signature=f"{noise}.{tail}")


def _alter_body(draft: _Draft) -> DrawnDocument:
    """Signed, then widened."""
    signed = draft.desk.key.sign(draft.desk.topic, encode_body(draft.body))
    draft.body["default"]["import_max_w"] = 1e6
    return draft.make_document("BAD_SIG", signature=signed)


def _truncate_document(draft: _Draft) -> DrawnDocument:
    """Its last part is lost, and it is signed so."""
    payload = encode_body(draft.body)
    return draft.make_document(
        "BOUNDS", "INVALID_DATA", payload=payload[: draft.dice.randrange(1, len(payload))], ident=""
    )


def _make_noise(draft: _Draft) -> DrawnDocument:
    return draft.make_document(
        "BOUNDS", "INVALID_DATA", payload=b"\xff" + draft.dice.randbytes(draft.dice.randrange(400)), ident=""
    )


def _insert_nan(draft: _Draft) -> DrawnDocument:
    draft.body["default"]["import_max_w"] = draft.dice.choice((float("nan"), float("inf"), float("-inf")))
    return draft.make_document("BOUNDS", "INVALID_DATA", ident="")


def _make_oversized(draft: _Draft) -> DrawnDocument:
    draft.body["id"] = "x" * OVERSIZED_BYTES
    return draft.make_document("BOUNDS", "INVALID_DATA", ident="")


def _make_malformed(draft: _Draft) -> DrawnDocument:
    """One field of another form: missing, of another type, out of its range, or unknown."""
    wrong: tuple[Callable[[dict[str, Any]], Any], ...] = (
        lambda body: body.pop(draft.dice.choice(("iss", "nbf", "exp", "program", "intervals", "default"))),
        lambda body: body.update(priority=draft.dice.choice((-1, 256, "2", 1.5, None))),
        lambda body: body.update(intervals=draft.dice.choice(([], {}, "all", [{"duration_s": 0}]))),
        lambda body: body["default"].update(import_max_w=draft.dice.choice((-1.0, 1e12, "1000", True))),
        lambda body: body.update(on_loss=draft.dice.choice(("hope", "", None, 7))),
        lambda body: body.update({f"x{draft.dice.randrange(1000)}": 1}),
        lambda body: body.update(intervals=[{"duration_s": 900.0}] * 289),
    )
    draft.dice.choice(wrong)(draft.body)
    return draft.make_document("BOUNDS", "INVALID_MESSAGE")


_DOCUMENT_KINDS: Mapping[str, Callable[[_Draft], DrawnDocument]] = {
    "unsigned": lambda draft: draft.make_document("BAD_SIG", signature=None),
    "bent": _bend_signature,
    "moved": _sign_for_other_site,
    "forged": _sign_by_stranger,
    "headless": _replace_header,
    "altered": _alter_body,
    "stranger": _sign_by("stranger"),
    "heartbeat-key": _sign_by("heartbeat_key"),
    "foreign": lambda draft: draft.change(aud="issy.b999").make_document("UNKNOWN_DEVICE"),
    "expired": lambda draft: draft.change(
        nbf=draft.now_ms - 2 * _DAY_MS, exp=draft.now_ms - _DAY_MS
    ).make_document("EXPIRED"),
    "early": lambda draft: draft.change(
        nbf=draft.now_ms + _DAY_MS, exp=draft.now_ms + 2 * _DAY_MS
    ).make_document("NOT_YET"),
    "backwards": lambda draft: draft.change(exp=draft.body["nbf"]).make_document("BOUNDS"),
    "replayed": lambda draft: draft.change(
        seq=draft.accepted_seq - draft.dice.randrange(1, 1000)
    ).make_document("REPLAY"),
    "twice": lambda draft: draft.change(seq=draft.accepted_seq).make_document("REPLAY"),
    "ahead": lambda draft: draft.change(seq=draft.now_ms + 30 * _DAY_MS).make_document("BOUNDS"),
    "misplaced": lambda draft: draft.change(program="other").make_document("BOUNDS"),
    "cut": _truncate_document,
    "noise": _make_noise,
    "nan": _insert_nan,
    "oversized": _make_oversized,
    "malformed": _make_malformed,
}
