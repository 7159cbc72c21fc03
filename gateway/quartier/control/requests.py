"""Requests of the district, of people and of the plan, and the answers to them (spec/sync.md#ack).

``ReceptionStatus`` and ``InstructionStatus`` are those of S2 (EN 50491-12-2: ReceptionStatusValues and
InstructionStatus).

The shapes follow spec/sync.md#section-5. ``district/documents/`` creates them; control evaluates them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from quartier.control.reason import NO_REASON, Reason
from quartier.control.records import LinkLimits, Overrides


class ReceptionStatus(StrEnum):
    """The reception status of S2: not readable, wrong form, content not acceptable and so on."""

    OK = "OK"
    INVALID_DATA = "INVALID_DATA"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    INVALID_CONTENT = "INVALID_CONTENT"
    TEMPORARY_ERROR = "TEMPORARY_ERROR"
    PERMANENT_ERROR = "PERMANENT_ERROR"


class InstructionStatus(StrEnum):
    """The instruction status of S2.

    SUCCEEDED: the *measured* value reached its band. A document that ends before its time reports this even
    after SUCCEEDED: REVOKED if a newer document replaced it, else ABORTED.
    """

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    ABORTED = "ABORTED"


class AckReason(StrEnum):
    """The reason why a document has no effect, or only in part; the gate gives the first seven.

    Control gives the others. LOCAL_OVERRIDE: a person ordered otherwise. SELF_PROTECTION: a device protects
    itself, or does not obey. SAFETY: the district is not in control now, or a needed value is not known.
    REGULATORY: an order of the grid operator, or the state of the grid, forbids it. UNCONTROLLED_LOADS:
    everything that may be moved was moved.
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
    """A district heartbeat with a valid signature; ``n`` rises, ``ts_utc_ms`` is the issuer's clock."""

    n: int
    ts_utc_ms: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits for a period, in W, never negative; None if the document sets none."""

    duration_s: float
    import_max_w: float | None = None
    export_max_w: float | None = None
    generation_max_w: float | None = None
    consumption_max_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Limits over time of one program; a lower ``priority`` wins, limits combine by minimum."""

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
    """The limits of the fail-safe state, in W, and its minimum duration (2..24 h)."""

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
    """The order for an asset for a period: a power in W (plus takes), or a state of charge at the end.

    Neither: the asset's own control has it for this period.
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
    intervals: tuple[ScheduleInterval, ...]


SignalKind = Literal["price", "co2", "level", "alert"]


@dataclass(frozen=True, slots=True)
class SignalInterval:
    """The content of a signal for a period: quantities under the gateway's names, or text."""

    duration_s: float
    values: Mapping[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A message of the district to all buildings, over time (spec/sync.md#topic-signal).

    The values by kind are ``price``: ``import_eur_per_wh``, ``export_eur_per_wh``; ``co2``:
    ``import_g_per_wh``; ``level``: ``level`` 0..3; ``alert``: ``code``, ``text``.
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
    """The order of the local plan for a battery for a period, given what the grid meter shows meanwhile.

    The battery moves by ``power_w``, and by as much more or less as keeps the grid inside ``grid_min_w`` ..
    ``grid_max_w`` (infinite: any grid power). 0 W with 0 .. 0 is the rule of self-consumption. ``why`` is the
    reason.
    """

    duration_s: float
    power_w: float
    grid_min_w: float
    grid_max_w: float
    why: Reason = NO_REASON

    def find_power_w(self, net_w: float) -> float:
        """Return the battery power asked, in W, if the grid would show ``net_w`` without the battery."""
        return max(self.grid_min_w - net_w, min(self.power_w, self.grid_max_w - net_w))


@dataclass(frozen=True, slots=True)
class RunningAim:
    """The present aim, and until when it runs (UTC)."""

    aim: PlanAim
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class PlanLeg:
    """The order of the local plan for another asset for a period.

    ``value`` is as in ``Override``: A of a charge point (0 pauses), or the number of a mode. ``why`` is the
    reason.
    """

    duration_s: float
    value: float
    why: Reason = NO_REASON


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlan:
    """The orders for each asset from ``start_ns`` to ``expires_ns`` (both monotonic).

    Batteries have ``aims``, other assets ``legs``. ``offset_ms`` is how far the wall clock was ahead of the
    monotonic one when the plan was made.
    """

    start_ns: int
    expires_ns: int
    offset_ms: int
    aims: Mapping[str, tuple[PlanAim, ...]] = field(default_factory=dict)
    legs: Mapping[str, tuple[PlanLeg, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All requests of one cycle, with the limits of the link.

    ``grid_target_w`` is the grid power aimed at; None means the target of the site. ``overrides`` are the
    present orders for single assets: by people, else by district commands, else by district schedules, else
    by the local plan. ``shed`` holds the tiers that a command has switched off, with the reasons. ``aims``
    are the present requests of the local plan for batteries; they rank below all of these.
    """

    caps: LinkLimits
    grid_target_w: float | None = None
    overrides: Overrides = field(default_factory=dict)
    shed: Mapping[str, Reason] = field(default_factory=dict)
    aims: Mapping[str, RunningAim] = field(default_factory=dict)
