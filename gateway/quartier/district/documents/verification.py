"""Verify signed documents: signature, audience, sequence and time (pure).

The signature is a detached JWS in the form of RFC 7797 beside the JSON, EdDSA with Ed25519 (RFC 8037), with
the topic in the protected header. Source: spec/sync.md#signature. Without a valid signature a document has no
effect. Nothing here acts: accepted documents go to control, which evaluates them again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from quartier.control.requests import Ack, AckReason, Heartbeat, InstructionStatus, ReceptionStatus
from quartier.district.documents.document_types import (
    DISTRICT_DOCUMENT_TYPES,
    DOCUMENT_TYPES,
    AcceptedDocument,
    DocumentType,
    HeartbeatForm,
    RefusedDocument,
    find_document_type,
    iterate_topic_filters,
)
from quartier.district.documents.form_model import PROGRAM_PATTERN, TIME_MAX_MS, DocumentForm, Form
from quartier.district.documents.key_list import Issuer, may_sign
from quartier.district.documents.keyring import Keyring
from quartier.district.records import Identity
from quartier.district.wire_formats import parse_json, parse_whole_number
from quartier.site.records import CLOCK_AHEAD_MAX_MS, Now

CLOCK_SKEW_MAX_MS = 60_000
# A seq or n far ahead would block all later documents. An untrusted clock may have stopped while the gateway
# was in storage: ten years.
UNSURE_AHEAD_MAX_MS = 3_660 * 86_400_000
_SIGNATURE_MAX_CHARS = 2_048
_HEARTBEAT_MAX_BYTES = 1_024
LIMIT_TYPES = ("envelope", "failsafe")
"""Documents that only tighten while the clock is in doubt, so that none may be missed for that."""


WATERMARK_TYPE = "watermark"
"""Document type of keys that may sign watermarks."""


# Each program and each asset has a topic of its own.
_TOPICS_MAX = 512
_KEYS_PER_TOPIC_MAX = 8
_FormT = TypeVar("_FormT", bound=Form)


@dataclass(frozen=True, slots=True)
class _LastDocument:
    """The newest document of a key on a topic: its number and digest, and the latest expiry of all."""

    seq: int
    digest: str
    exp: int = TIME_MAX_MS


class _Rejection(Exception):  # noqa: N818 - a step's answer, never leaves this file
    def __init__(
        self, reception: ReceptionStatus, reason: AckReason, why: str, *, alarm: bool = False
    ) -> None:
        super().__init__(why)
        self.reception = reception
        self.reason = reason
        self.alarm = alarm
        self.heartbeat: Heartbeat | None = None


class DocumentVerifier:
    """Verifies all signed messages.

    ``issuers`` may be replaced at any time. ``kept`` is what ``ledger`` returned in an earlier run: per topic
    the keys in order of use, and per key the last number and the digest of its bytes. ``times`` returns
    further times, UTC ms, one of which may be right after the clock was set. A limit that is valid at any of
    them is accepted, because it loosens nothing while the clock is in doubt.
    """

    def __init__(
        self,
        identity: Identity,
        issuers: Mapping[str, Issuer],
        kept: Mapping[str, Any] | None = None,
        times: Callable[[Now], Iterable[int]] = lambda _now: (),
    ) -> None:
        self.identity = identity
        self.issuers = issuers
        self._times = times
        self._root = f"quartier/v1/{identity.group}"
        self._heartbeat_topic = f"{self._root}/heartbeat"
        self._last: dict[str, dict[str, _LastDocument]] = _load_last(kept or {})
        self._beats: dict[str, int] = {}
        self._newest_beat = self._newest_mark = ""
        self.used: dict[str, int] = {}
        """When each key was last used, Unix milliseconds of the own clock."""

    def trust(self, keyring: Keyring) -> None:
        """Trust the keys of this list from now on, and no others."""
        self.issuers = keyring.issuers

    def subscriptions(self) -> tuple[tuple[str, int], ...]:
        """Return topic filters and QoS of all documents for this gateway."""
        places = (
            *iterate_topic_filters(self.identity.companion, DOCUMENT_TYPES),
            *iterate_topic_filters(self._root, DISTRICT_DOCUMENT_TYPES),
        )
        return ((self._heartbeat_topic, 0), *((place, 1) for place in places))

    def ledger(self) -> dict[str, Any]:
        """Return what must be on disk before an accepted document acts; JSON-ready, oldest key first."""
        return {
            topic: [[kid, last.seq, last.digest, last.exp] for kid, last in keys.items()]
            for topic, keys in self._last.items()
        }

    def check(
        self, topic: str, payload: bytes, signature: str | None, now: Now
    ) -> AcceptedDocument | RefusedDocument | None:
        """Verify one message of the companion namespace; return None if the topic holds no document.

        An accepted new document is in ``ledger()`` already: save that before acting.
        """
        if topic == self._heartbeat_topic:
            try:
                return self._check_heartbeat(topic, payload, signature, now)
            except _Rejection as no:
                return RefusedDocument(topic, no.reason, str(no), alarm=no.alarm, heartbeat=no.heartbeat)
        found = find_document_type(topic, self.identity.companion, DOCUMENT_TYPES) or find_document_type(
            topic, self._root, DISTRICT_DOCUMENT_TYPES
        )
        if found is None:
            return None
        kind, place = found
        try:
            return self._check_document(kind, place, topic, payload, signature, now)
        except _Rejection as no:
            ident, seq = _parse_claimed(payload, kind)
            ack = Ack(
                ident, seq, kind.name, no.reception.value, InstructionStatus.REJECTED.value, no.reason.value
            )
            return RefusedDocument(topic, no.reason, str(no), ack if kind.is_acked else None, alarm=no.alarm)

    def find_watermark_refusal(
        self, topic: str, payload: bytes, signature: str | None, now: Now
    ) -> RefusedDocument | None:
        """Verify the signature of a watermark; return None if the key may sign it.

        A watermark has no number: an old one that is repeated covers no more than it did.
        """
        try:
            issuer = self._find_signer(
                topic, payload, signature, (WATERMARK_TYPE, ""), now, self._newest_mark
            )
        except _Rejection as no:
            return RefusedDocument(topic, no.reason, str(no), alarm=no.alarm)
        self._newest_mark = issuer.kid
        self.used[issuer.kid] = now.utc_ms
        return None

    def _check_heartbeat(
        self, topic: str, payload: bytes, signature: str | None, now: Now
    ) -> AcceptedDocument:
        if len(payload) > _HEARTBEAT_MAX_BYTES:
            raise _Rejection(ReceptionStatus.INVALID_DATA, AckReason.BOUNDS, f"{len(payload)} bytes")
        issuer = self._find_signer(topic, payload, signature, ("heartbeat", ""), now, self._newest_beat)
        form = _parse_form(HeartbeatForm, payload, _HEARTBEAT_MAX_BYTES)
        last_n = self._beats.get(issuer.kid, -1)
        latest = self._latest(now)
        if form.n <= last_n and not latest.rejects_future(last_n):
            raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.REPLAY, f"n {form.n} does not rise")
        _check_not_ahead(form.n, latest)
        if now.synced:
            try:
                _check_time([now.utc_ms], form.ts - CLOCK_SKEW_MAX_MS, form.ts + CLOCK_SKEW_MAX_MS + 1)
            except _Rejection as no:
                no.heartbeat = form.convert()
                raise
        self._beats = {kid: n for kid, n in self._beats.items() if kid in self.issuers} | {issuer.kid: form.n}
        self._newest_beat = issuer.kid
        self.used[issuer.kid] = now.utc_ms
        return AcceptedDocument("heartbeat", topic, form.convert())

    def _check_document(
        self, kind: DocumentType, place: str, topic: str, payload: bytes, signature: str | None, now: Now
    ) -> AcceptedDocument:
        if len(payload) > kind.size_max_bytes:
            raise _Rejection(ReceptionStatus.INVALID_DATA, AckReason.BOUNDS, f"{len(payload)} bytes")
        used = self._last.get(topic, {})
        newest = next(reversed(used), "")
        issuer = self._find_signer(topic, payload, signature, (kind.name, place), now, newest)
        form = _parse_form(kind.form, payload, kind.size_max_bytes)
        self._check_audience(form, kind, place)
        last, latest = used.get(issuer.kid), self._latest(now)
        digest = hashlib.sha256(payload).hexdigest()
        repeated = last is not None and (last.seq, last.digest) == (form.seq, digest)
        if last is not None and not repeated and not latest.rejects_future(last.seq):
            _check_rising(form.seq, last.seq)
        if form.exp <= form.nbf:
            raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.BOUNDS, "exp is not after nbf")
        if now.synced and not (repeated and kind.life_s):
            moments = self._list_moments(now) if kind.name in LIMIT_TYPES else [now.utc_ms]
            _check_time(moments, 0 if kind.waits else form.nbf - CLOCK_SKEW_MAX_MS, _find_end_ms(form, kind))
        elif kind.waits:
            raise _Rejection(ReceptionStatus.TEMPORARY_ERROR, AckReason.CLOCK, "the clock is not trusted")
        if not repeated:
            _check_not_ahead(form.seq, latest)
        self.used[issuer.kid] = now.utc_ms
        if not repeated:
            exp = form.exp if last is None else max(form.exp, last.exp)
            self._keep(topic, issuer.kid, _LastDocument(form.seq, digest, exp), now)
        return AcceptedDocument(kind.name, topic, form.convert(), repeated=repeated)

    def _find_signer(
        self,
        topic: str,
        payload: bytes,
        signature: str | None,
        signed: tuple[str, str],
        now: Now,
        newest: str,
    ) -> Issuer:
        """Return the key that signed; ``signed`` is the type of document and, for an envelope, its program.

        The topic in the header binds the signature to the topic of the message.
        """
        issuer = self._verify_signature(topic, payload, signature)
        if not may_sign(issuer, *signed, self.issuers):
            raise _make_signature_rejection(
                f"key {issuer.kid!r} may not sign {' of '.join(filter(None, signed))}"
            )
        moments = self._list_moments(now) if signed[0] in (*LIMIT_TYPES, "heartbeat") else [now.utc_ms]
        if now.synced and not any(issuer.is_valid(utc_ms) for utc_ms in moments):
            raise _make_signature_rejection(f"key {issuer.kid!r} is outside its validity")
        known = self.issuers.get(newest)
        if known is not None and issuer.age < known.age:
            raise _make_signature_rejection(f"a newer key than {issuer.kid!r} was used here", alarm=True)
        return issuer

    def _list_moments(self, now: Now) -> list[int]:
        """Return the times that may be right, that of the own clock first."""
        return [now.utc_ms, *self._times(now)]

    def _latest(self, now: Now) -> Now:
        """Return ``now`` at the latest of these times: a clock that was set back admits no old number."""
        return now._replace(utc_ms=max(self._list_moments(now)))

    def _verify_signature(self, topic: str, payload: bytes, signature: str | None) -> Issuer:
        if not signature or len(signature) > _SIGNATURE_MAX_CHARS:
            raise _make_signature_rejection("no signature")
        if not self.issuers:
            raise _make_signature_rejection("signed by an unknown key")
        from quartier.district.documents import (  # noqa: PLC0415 - 8 MiB that nobody needs before the first key
            signatures,
        )

        try:
            header = signatures.read_header(signature)
            issuer = self.issuers.get(str(header.get("kid")))
            if issuer is None:
                raise _make_signature_rejection("signed by an unknown key")
            if header.get("b64") is not False or header.get("crit") != ["b64"]:
                raise _make_signature_rejection("no detached signature in the form of RFC 7797")
            signatures.check_signature(signature, issuer.key, payload)
        except signatures.BrokenSignature as error:
            raise _make_signature_rejection(f"the signature does not hold: {error}") from error
        if header.get("topic") != topic:
            raise _make_signature_rejection("signed for another topic", alarm=True)
        return issuer

    def _check_audience(self, form: DocumentForm, kind: DocumentType, place: str) -> None:
        """Check that the document is for this site and topic, or for all sites if its type allows that."""
        all_of_them = () if kind.is_acked else (self.identity.group,)
        if not form.is_for(self.identity.client_id, *all_of_them):
            raise _Rejection(
                ReceptionStatus.INVALID_CONTENT, AckReason.UNKNOWN_DEVICE, "aud does not name this gateway"
            )
        if kind.is_single:
            return
        if form.place != place or not PROGRAM_PATTERN.fullmatch(place):
            raise _Rejection(
                ReceptionStatus.INVALID_CONTENT, AckReason.BOUNDS, "it is not of the last level of its topic"
            )

    def _keep(self, topic: str, kid: str, last: "_LastDocument", now: Now) -> None:
        if topic not in self._last and len(self._last) >= _TOPICS_MAX:
            self._make_room(now)
        keys = self._last.setdefault(topic, {})
        keys.pop(kid, None)
        keys[kid] = last
        while len(keys) > _KEYS_PER_TOPIC_MAX:
            del keys[next(iter(keys))]

    def _make_room(self, now: Now) -> None:
        """Forget a program or asset whose documents have all expired: they are refused anyway."""
        ends_ms = {
            topic: max(last.exp for last in keys.values())
            for topic, keys in self._last.items()
            if (found := find_document_type(topic, self.identity.companion, DOCUMENT_TYPES)) and found[1]
        }
        first = min(ends_ms, key=ends_ms.__getitem__, default="")
        if not now.synced or now.utc_ms < ends_ms.get(first, TIME_MAX_MS):
            raise _Rejection(
                ReceptionStatus.TEMPORARY_ERROR, AckReason.BOUNDS, f"more than {_TOPICS_MAX} topics"
            )
        del self._last[first]


def _make_signature_rejection(why: str, *, alarm: bool = False) -> _Rejection:
    return _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.BAD_SIG, why, alarm=alarm)


def _parse_form(form: type[_FormT], payload: bytes, size_max_bytes: int) -> _FormT:
    found = parse_json(payload, size_max_bytes)
    if found is None:
        raise _Rejection(ReceptionStatus.INVALID_DATA, AckReason.BOUNDS, "no JSON object")
    try:
        return form.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _Rejection(
            ReceptionStatus.INVALID_MESSAGE, AckReason.BOUNDS, f"{place}: {first['msg']}"
        ) from None


def _check_rising(seq: int, last: int) -> None:
    if seq < last:
        raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.REPLAY, f"seq {seq} is older than {last}")
    if seq == last:
        raise _Rejection(
            ReceptionStatus.INVALID_CONTENT, AckReason.REPLAY, f"seq {seq} came with other bytes", alarm=True
        )


def _check_time(moments: Sequence[int], from_ms: int, until_ms: int) -> None:
    """Refuse a document that is valid at none of the moments, with the reason at the first one."""
    if any(from_ms <= utc_ms < until_ms for utc_ms in moments):
        return
    if moments[0] < from_ms:
        raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.NOT_YET, "its time has not come")
    raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.EXPIRED, "its time is over")


def _find_end_ms(form: DocumentForm, kind: DocumentType) -> int:
    """Return when it is too late for a document; a one-shot document is never done late, whatever its exp."""
    return (
        form.exp if kind.life_s is None else min(form.exp, form.iat + kind.life_s * 1000 + CLOCK_SKEW_MAX_MS)
    )


def _check_not_ahead(number: int, now: Now) -> None:
    far_ms = CLOCK_AHEAD_MAX_MS if now.synced else UNSURE_AHEAD_MAX_MS
    if number > now.utc_ms + far_ms:
        why = f"its number is more than {far_ms // 86_400_000} d ahead of the clock"
        raise _Rejection(ReceptionStatus.INVALID_CONTENT, AckReason.BOUNDS, why)


def _parse_claimed(payload: bytes, kind: DocumentType) -> tuple[str, int]:
    """Return id and number that an unverified document claims, so that its sender knows what was refused."""
    found = parse_json(payload, kind.size_max_bytes) or {}
    ident = found.get("id")
    return (ident[:64] if isinstance(ident, str) else ""), parse_whole_number(found.get("seq")) or 0


def _load_last(kept: Mapping[str, Any]) -> dict[str, dict[str, _LastDocument]]:
    """Load the ledger of an earlier run; ignore invalid rows."""
    last: dict[str, dict[str, _LastDocument]] = {}
    for topic, rows in kept.items():
        for row in rows if isinstance(rows, list) else []:
            match row:
                case [str(kid), int(seq), str(digest), *rest]:
                    exp = rest[0] if rest and isinstance(rest[0], int) else TIME_MAX_MS
                    last.setdefault(topic, {})[kid] = _LastDocument(seq, digest, exp)
                case _:
                    continue
    return last
