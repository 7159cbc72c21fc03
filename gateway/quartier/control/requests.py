"""Requests of the district, of people and of the plan, and the answers to them (spec/sync.md#ack).

``ReceptionStatus`` and ``InstructionStatus`` are S2's (EN 50491-12-2: ReceptionStatusValues and
InstructionStatus).

The shapes are those of spec/sync.md#section-5; ``district/documents/`` makes them, control judges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from quartier.control.reason import NO_REASON, Reason
from quartier.control.records import LinkLimits, Overrides


class ReceptionStatus(StrEnum):
    """S2's reception status: not readable, not of the form, not acceptable in content …"""

    OK = "OK"
    INVALID_DATA = "INVALID_DATA"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    INVALID_CONTENT = "INVALID_CONTENT"
    TEMPORARY_ERROR = "TEMPORARY_ERROR"
    PERMANENT_ERROR = "PERMANENT_ERROR"


class InstructionStatus(StrEnum):
    """S2's instruction status.

    SUCCEEDED: the *measured* value came inside its band.  What ends before its own time says so after that
    too: REVOKED where a newer document took its place, else ABORTED.
    """

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    ABORTED = "ABORTED"


class AckReason(StrEnum):
    """Why a document has no effect, or not the whole of it; the gate says the first seven, control the rest.

    LOCAL_OVERRIDE: a person ordered otherwise.  SELF_PROTECTION: a device protects itself, or does not obey.
    SAFETY: the district does not lead now, or what must be known is not.  REGULATORY: the grid operator's
    word, or the grid's own state, stands against it.  UNCONTROLLED_LOADS: all that may be moved was moved.
    """

    BAD_SIG = "BAD_SIG"
    REPLAY = "REPLAY"
    EXPIRED = "EXPIRED"
    NOT_YET = "NOT_YET"
    CLOCK = "CLOCK"
    BOUNDS = "BOUNDS"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    LOCAL_OVERRIDE = "LOCAL_OVERRIDE"
    SELF_PROTECTION = "SELF_PROTECTION"
    SAFETY = "SAFETY"
    REGULATORY = "REGULATORY"
    UNCONTROLLED_LOADS = "UNCONTROLLED_LOADS"


OnLoss = Literal["hold", "failsafe"]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A district heartbeat whose signature held; ``n`` rises, ``ts_utc_ms`` is the issuer's clock."""

    n: int
    ts_utc_ms: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Caps for a while, in W, never negative; None where the document says nothing."""

    duration_s: float
    import_max_w: float | None = None
    export_max_w: float | None = None
    generation_max_w: float | None = None
    consumption_max_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Limits over time of one program; lower ``priority`` wins, caps combine by minimum."""

    id: str
    seq: int
    program: str
    priority: int
    nbf_utc_ms: int
    exp_utc_ms: int
    start_utc_ms: int
    intervals: tuple[Interval, ...]
    default_import_max_w: float
    default_export_max_w: float
    on_loss: OnLoss = "failsafe"
    randomize_start_s: float = 0.0
    ramp_w_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """An answer to one document (spec/sync.md#ack: both enums are S2's)."""

    id: str
    seq: int
    type: str
    reception: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailsafeValues:
    """What holds in the fail-safe state and for how long at least; 2..24 h, powers in W."""

    import_max_w: float
    export_max_w: float
    duration_min_s: float = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailsafeDocument:
    """New fail-safe parameters from the district (spec/sync.md#topic-failsafe)."""

    id: str
    seq: int
    values: FailsafeValues


@dataclass(frozen=True, slots=True)
class ScheduleInterval:
    """What an asset shall do for a while: a power in W (plus takes), or a state of charge at its end.

    Neither: its own control has it for so long.
    """

    duration_s: float
    power_w: float | None = None
    soc_pct: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSchedule:
    """Setpoints or state-of-charge targets of one asset over time (spec/sync.md#topic-schedule)."""

    id: str
    seq: int
    asset: str
    nbf_utc_ms: int
    exp_utc_ms: int
    start_utc_ms: int
    stretches: tuple[ScheduleInterval, ...]


SignalKind = Literal["price", "co2", "level", "alert"]


@dataclass(frozen=True, slots=True)
class SignalInterval:
    """What a signal says for a while: quantities by the house's words, or text."""

    duration_s: float
    values: Mapping[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What the district says to all buildings, over time (spec/sync.md#topic-signal).

    ``price``: ``import_eur_per_wh``, ``export_eur_per_wh``; ``co2``: ``import_g_per_wh``; ``level``:
    ``level`` 0..3; ``alert``: ``code``, ``text``.
    """

    kind: SignalKind
    id: str
    seq: int
    nbf_utc_ms: int
    exp_utc_ms: int
    start_utc_ms: int
    spans: tuple[SignalInterval, ...]


@dataclass(frozen=True, slots=True)
class PlanAim:
    """What the local plan has a battery do for a while, by what the grid meter shows meanwhile.

    It moves by ``power_w``, and by as much more or less as keeps the grid inside ``grid_min_w`` ..
    ``grid_max_w`` (infinite: however it comes).  0 W and 0 .. 0 is the rule of self-consumption;
    ``why`` is the reason.
    """

    duration_s: float
    power_w: float
    grid_min_w: float
    grid_max_w: float
    why: Reason = NO_REASON

    def asked_w(self, net_w: float) -> float:
        """Return what it asks, in W, where the grid would show ``net_w`` without the battery."""
        return max(self.grid_min_w - net_w, min(self.power_w, self.grid_max_w - net_w))


@dataclass(frozen=True, slots=True)
class RunningAim:
    """The aim that runs, and until when (UTC)."""

    aim: PlanAim
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class PlanLeg:
    """What the local plan has another asset do for a while, as ``override`` takes it: A of a charging point
    (0 pauses), the number of a mode; ``why`` is the reason.
    """

    duration_s: float
    value: float
    why: Reason = NO_REASON


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlan:
    """What each asset shall do from ``start_ns`` on, worthless from ``expires_ns`` on (both monotonic):
    batteries by ``aims``, others by ``legs``.

    ``offset_ms`` is what the wall clock was ahead of the monotonic one where the plan was made.
    """

    start_ns: int
    expires_ns: int
    offset_ms: int
    aims: Mapping[str, tuple[PlanAim, ...]] = field(default_factory=dict)
    legs: Mapping[str, tuple[PlanLeg, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All that is wanted of one cycle: the caps of the link, and the grid power aimed at.

    ``grid_target_w`` None means the house's own; ``overrides`` are what is ordered of single assets now: by
    people, else by the district's commands, else by its schedules, else by the local plan; ``shed`` are the
    tiers that a command has off, with the reasons.  ``aims`` are what the local plan wants of batteries now,
    below all of these.
    """

    caps: LinkLimits
    grid_target_w: float | None = None
    overrides: Overrides = field(default_factory=dict)
    shed: Mapping[str, Reason] = field(default_factory=dict)
    aims: Mapping[str, RunningAim] = field(default_factory=dict)
