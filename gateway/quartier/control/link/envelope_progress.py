"""Accepted envelopes and their progress: started, measured as kept, or over (pure)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quartier.control.requests import Ack, AckReason, Envelope, InstructionStatus, ReceptionStatus
from quartier.site.records import replace

ENVELOPE_TYPE = "envelope"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeProgress:
    """An accepted envelope of one program, and its status; ``reason``: why part of it waits."""

    id: str
    seq: int
    start_utc_ms: int
    exp_utc_ms: int
    status: InstructionStatus = InstructionStatus.ACCEPTED
    reason: str = ""

    def ack(self) -> Ack:
        """Return the ack of its present status."""
        reception = ReceptionStatus.OK
        return Ack(self.id, self.seq, ENVELOPE_TYPE, reception.value, self.status.value, self.reason)


EnvelopeProgresses = Mapping[str, EnvelopeProgress]
"""Envelope progress by program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionMeasurement:
    """The state at the connection: inside the limits (None: unknown); ``by_hand``: people order now."""

    inside: bool | None
    by_hand: bool = False


def add_envelope(
    before: EnvelopeProgresses, envelope: Envelope, ack: Ack
) -> tuple[EnvelopeProgresses, list[Ack]]:
    """Add an envelope that was accepted with ``ack``; the one it replaces is revoked.

    The same envelope again is answered with its present status.
    """
    old = before.get(envelope.program)
    if old is not None and (old.id, old.seq) == (envelope.id, envelope.seq):
        if old.status is InstructionStatus.ACCEPTED:
            old = replace(old, reason=ack.reason)
        return {**before, envelope.program: old}, [old.ack()]
    new = EnvelopeProgress(
        id=envelope.id,
        seq=envelope.seq,
        start_utc_ms=envelope.start_utc_ms,
        exp_utc_ms=envelope.exp_utc_ms,
        reason=ack.reason,
    )
    gone = (
        []
        if old is None or old.status is InstructionStatus.ABORTED
        else [_at(old, InstructionStatus.REVOKED).ack()]
    )
    return {**before, envelope.program: new}, [*gone, ack]


def advance_envelopes(
    before: EnvelopeProgresses, measurement: ConnectionMeasurement, utc_ms: int
) -> tuple[EnvelopeProgresses, list[Ack]]:
    """Advance each envelope after a cycle; return the new state and the acks to send.

    SUCCEEDED means that the *measured* power is inside the limits, not that they were accepted. An envelope
    that was not kept until it expired is ABORTED.
    """
    after: dict[str, EnvelopeProgress] = {}
    acks: list[Ack] = []
    for program, promise in before.items():
        progress = promise
        if progress.status is InstructionStatus.ACCEPTED and utc_ms >= progress.start_utc_ms:
            progress = _add_ack(acks, _at(progress, InstructionStatus.STARTED))
        if (
            progress.status is InstructionStatus.STARTED
            and measurement.inside
            and utc_ms <= progress.exp_utc_ms
        ):
            progress = _add_ack(acks, _at(progress, InstructionStatus.SUCCEEDED))
        if utc_ms > progress.exp_utc_ms:
            if progress.status is not InstructionStatus.SUCCEEDED:
                _add_ack(acks, _at(progress, InstructionStatus.ABORTED, _why_not(promise, measurement)))
            continue
        after[program] = progress
    return after, acks


def _why_not(promise: EnvelopeProgress, measurement: ConnectionMeasurement) -> AckReason:
    if promise.status is InstructionStatus.ACCEPTED:
        return AckReason.EXPIRED
    if measurement.inside is None:
        return AckReason.SAFETY
    return AckReason.LOCAL_OVERRIDE if measurement.by_hand else AckReason.UNCONTROLLED_LOADS


def _at(promise: EnvelopeProgress, status: InstructionStatus, reason: str = "") -> EnvelopeProgress:
    return replace(promise, status=status, reason=str(reason))


def _add_ack(acks: list[Ack], promise: EnvelopeProgress) -> EnvelopeProgress:
    acks.append(promise.ack())
    return promise


def dump_envelopes(promises: EnvelopeProgresses) -> dict[str, Any]:
    """Return the facts that must be known after a restart, JSON-ready."""
    return {program: {**asdict(one), "status": one.status.value} for program, one in promises.items()}


def load_envelopes(facts: Mapping[str, Any]) -> EnvelopeProgresses:
    """Load the result of ``dump_envelopes``. Raises ValueError if it is broken."""
    try:
        return {
            str(program): EnvelopeProgress(**{**row, "status": InstructionStatus(row["status"])})
            for program, row in facts.items()
        }
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"the promises are broken: {broken!r}") from broken
