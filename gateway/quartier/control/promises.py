"""Envelopes that were accepted, and how far each has come: begun, measured to be kept, or over (pure)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quartier.control.acks import Reason, Reception, Status
from quartier.control.wishes import Ack, Envelope
from quartier.house.records import replace

KIND = "envelope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An envelope that was accepted, by its program; ``reason``: what of it waits."""

    id: str
    seq: int
    start_utc_ms: int
    exp_utc_ms: int
    status: Status = Status.ACCEPTED
    reason: str = ""

    def ack(self) -> Ack:
        """The last word on it."""
        reception = Reception.OK
        return Ack(self.id, self.seq, KIND, reception.value, self.status.value, self.reason)


Promises = Mapping[str, Promise]
"""By program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is measured at the connection: None where that is not known; ``by_hand``: people order now."""

    inside: bool | None
    by_hand: bool = False


def made(before: Promises, envelope: Envelope, ack: Ack) -> tuple[Promises, list[Ack]]:
    """An envelope was accepted with ``ack``: what it takes the place of is revoked.

    The same one again is answered by where it stands.
    """
    old = before.get(envelope.program)
    if old is not None and (old.id, old.seq) == (envelope.id, envelope.seq):
        if old.status is Status.ACCEPTED:
            old = replace(old, reason=ack.reason)
        return {**before, envelope.program: old}, [old.ack()]
    new = Promise(
        id=envelope.id,
        seq=envelope.seq,
        start_utc_ms=envelope.start_utc_ms,
        exp_utc_ms=envelope.exp_utc_ms,
        reason=ack.reason,
    )
    gone = [] if old is None or old.status is Status.ABORTED else [_at(old, Status.REVOKED).ack()]
    return {**before, envelope.program: new}, [*gone, ack]


def judged(before: Promises, kept: Kept, utc_ms: int) -> tuple[Promises, list[Ack]]:
    """Look at each after a cycle.

    SUCCEEDED is said when the *measured* power is inside the caps, not when they were accepted; one that was
    not kept until it expired is ABORTED.
    """
    after: dict[str, Promise] = {}
    acks: list[Ack] = []
    for program, promise in before.items():
        seen = promise
        if seen.status is Status.ACCEPTED and utc_ms >= seen.start_utc_ms:
            seen = _said(acks, _at(seen, Status.STARTED))
        if seen.status is Status.STARTED and kept.inside and utc_ms <= seen.exp_utc_ms:
            seen = _said(acks, _at(seen, Status.SUCCEEDED))
        if utc_ms > seen.exp_utc_ms:
            if seen.status is not Status.SUCCEEDED:
                _said(acks, _at(seen, Status.ABORTED, _why_not(promise, kept)))
            continue
        after[program] = seen
    return after, acks


def _why_not(promise: Promise, kept: Kept) -> Reason:
    if promise.status is Status.ACCEPTED:
        return Reason.EXPIRED
    if kept.inside is None:
        return Reason.SAFETY
    return Reason.LOCAL_OVERRIDE if kept.by_hand else Reason.UNCONTROLLED_LOADS


def _at(promise: Promise, status: Status, reason: str = "") -> Promise:
    return replace(promise, status=status, reason=str(reason))


def _said(acks: list[Ack], promise: Promise) -> Promise:
    acks.append(promise.ack())
    return promise


def dump(promises: Promises) -> dict[str, Any]:
    """What must be known after a restart, JSON-ready."""
    return {program: {**asdict(one), "status": one.status.value} for program, one in promises.items()}


def restored(facts: Mapping[str, Any]) -> Promises:
    """What ``dump`` gave.  Raises ValueError where it is broken."""
    try:
        return {
            str(program): Promise(**{**row, "status": Status(row["status"])})
            for program, row in facts.items()
        }
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"the promises are broken: {broken!r}") from broken
