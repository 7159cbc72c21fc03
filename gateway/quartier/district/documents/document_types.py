"""All types of signed documents with form, topic and limits; accepted and refused documents (pure).

Source: spec/sync.md#section-5 and spec/sync.md#topic-job. A new type of document is one model with
``convert()`` and one row of ``DOCUMENT_TYPES``, or of ``DISTRICT_DOCUMENT_TYPES`` if it is sent to all sites.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from quartier.control.orders.commands import CommandDocument
from quartier.control.requests import (
    Ack,
    AckReason,
    DeviceSchedule,
    Envelope,
    FailsafeDocument,
    Heartbeat,
    InstructionStatus,
    Interval,
    ReceptionStatus,
    Signal,
)
from quartier.district.documents.command_form import CommandForm
from quartier.district.documents.form_model import (
    PROGRAM_PATTERN,
    DocumentForm,
    Duration,
    Form,
    Name,
    Number,
    TimeMs,
    Watts,
)
from quartier.district.documents.key_list import KEY_LIST_MAX_BYTES
from quartier.district.documents.plan_forms import (
    AlertSignalForm,
    Co2SignalForm,
    FailsafeForm,
    LevelSignalForm,
    PriceSignalForm,
    ScheduleForm,
)

SITE_MAX_CHARS = 120 * 1024
JobOp = Literal["config", "keys", "software"]
_FIELD_BY_OP = {"config": "site", "keys": "list", "software": "software"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job; ``text`` is a site file or a signed key list, depending on ``op``."""

    id: str
    seq: int
    op: JobOp
    text: str
    nbf_utc_ms: int
    exp_utc_ms: int


class JobForm(DocumentForm):
    """Work for the gateway itself, done once between ``nbf`` and ``exp``."""

    op: JobOp
    """What to do; software is refused until there is a way to update it."""
    site: Annotated[str, Field(min_length=1, max_length=SITE_MAX_CHARS)] | None = None
    """With config: the whole site file, TOML."""
    list: Annotated[str, Field(min_length=1, max_length=KEY_LIST_MAX_BYTES)] | None = None
    """With keys: the key list, a compact JWS of the district's root."""
    software: dict[str, Any] | None = None
    """With software: for a later version."""

    @model_validator(mode="after")
    def _check_fields(self) -> "JobForm":
        given = {part for part in _FIELD_BY_OP.values() if getattr(self, part) is not None}
        if given != {_FIELD_BY_OP[self.op]}:
            raise ValueError(f"{self.op} comes with {_FIELD_BY_OP[self.op]} and nothing else")
        return self

    def convert(self) -> Job:
        """Return the job as the daemon uses it."""
        return Job(
            id=self.id,
            seq=self.seq,
            op=self.op,
            text=self.site or self.list or "",
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
        )


__all__ = [
    "DISTRICT_DOCUMENT_TYPES",
    "DOCUMENT_TYPES",
    "PROGRAM_PATTERN",
    "DocumentForm",
    "DocumentType",
    "EnvelopeForm",
    "Form",
    "HeartbeatForm",
]


class HeartbeatForm(Form):
    """One for all buildings of a district, every 30 s."""

    iss: Name
    n: Number
    ts: TimeMs

    def convert(self) -> Heartbeat:
        """Return the heartbeat as control uses it."""
        return Heartbeat(self.n, self.ts)


class IntervalForm(Form):
    """Caps for a while."""

    duration_s: Duration
    import_max_w: Watts | None = None
    export_max_w: Watts | None = None
    generation_max_w: Watts | None = None
    consumption_max_w: Watts | None = None

    def convert(self) -> Interval:
        """Return the interval as control uses it."""
        return Interval(
            self.duration_s,
            self.import_max_w,
            self.export_max_w,
            self.generation_max_w,
            self.consumption_max_w,
        )


class DefaultForm(Form):
    """Limits in gaps and after the last interval."""

    import_max_w: Watts
    export_max_w: Watts


class EnvelopeForm(DocumentForm):
    """Limits over time of one program."""

    priority: Annotated[int, Field(ge=0, le=255)]
    program: Annotated[str, Field(pattern=f"^{PROGRAM_PATTERN.pattern}$")]
    start: TimeMs
    randomize_start_s: Annotated[float, Field(ge=0, le=3_600)] = 0.0
    ramp_w_per_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    on_loss: Literal["hold", "failsafe"] = "failsafe"
    intervals: Annotated[list[IntervalForm], Field(min_length=1, max_length=288)]
    default: DefaultForm

    @property
    def place(self) -> str:
        """Return the program."""
        return self.program

    def convert(self) -> Envelope:
        """Return the envelope as control uses it."""
        return Envelope(
            id=self.id,
            seq=self.seq,
            program=self.program,
            priority=self.priority,
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
            start_utc_ms=self.start,
            intervals=tuple(interval.convert() for interval in self.intervals),
            default_import_max_w=self.default.import_max_w,
            default_export_max_w=self.default.export_max_w,
            on_loss=self.on_loss,
            randomize_start_s=self.randomize_start_s,
            ramp_w_per_s=self.ramp_w_per_s,
        )


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A type of document: its name in key lists and acks, its form, the largest payload.

    ``is_single``: one topic, without a level below it. ``is_acked``: its sender gets acknowledgements.
    ``waits``: it may arrive before its time; it is then done later, and never with an untrusted clock.
    ``life_s``: it must arrive this soon after it was issued, because it is done once; a repetition is
    acknowledged after that, too.
    """

    name: str
    form: type[DocumentForm]
    size_max_bytes: int
    is_single: bool = False
    is_acked: bool = True
    waits: bool = False
    life_s: int | None = None


# Level of the companion topic below C -> type of document there.
DOCUMENT_TYPES: Mapping[str, DocumentType] = {
    "envelope": DocumentType("envelope", EnvelopeForm, 96 * 1024),
    "schedule": DocumentType("schedule", ScheduleForm, 48 * 1024),
    "failsafe": DocumentType("failsafe", FailsafeForm, 4 * 1024, is_single=True),
    "job": DocumentType("job", JobForm, 224 * 1024, is_single=True, waits=True),
    "command": DocumentType("command", CommandForm, 8 * 1024, is_single=True, life_s=60),
}
# The same below the root of the district: documents for all of its sites.
DISTRICT_DOCUMENT_TYPES: Mapping[str, DocumentType] = {
    "signal/price": DocumentType("signal", PriceSignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/co2": DocumentType("signal", Co2SignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/level": DocumentType("signal", LevelSignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/alert": DocumentType("signal", AlertSignalForm, 192 * 1024, is_single=True, is_acked=False),
}


@dataclass(frozen=True, slots=True)
class AcceptedDocument:
    """A document that may go to control. ``repeated``: the same bytes were accepted before.

    ``persisted`` is False if its number could not be saved: then it may tighten, but not loosen.
    """

    kind: str
    topic: str
    document: Heartbeat | Envelope | DeviceSchedule | FailsafeDocument | Signal | Job | CommandDocument
    repeated: bool = False
    persisted: bool = True


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A document without effect.

    ``ack`` is absent for heartbeats. ``alarm`` marks a possible attack. ``heartbeat`` is a heartbeat whose
    time contradicts the clock: it does not count, but shows that one of the two clocks is wrong.
    """

    topic: str
    reason: AckReason
    why: str
    ack: Ack | None = None
    alarm: bool = False
    heartbeat: Heartbeat | None = None


def encode_ack(ack: Ack, utc_ms: int) -> bytes:
    """Encode an acknowledgement for ``C/ack``."""
    fields = {
        "id": ack.id,
        "seq": ack.seq,
        "type": ack.type,
        "reception": ack.reception,
        "status": ack.status,
        "reason": ack.reason,
        "ts": utc_ms,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def make_reception_ack(accepted: AcceptedDocument) -> Ack | None:
    """Return the first answer to a document: it arrived complete. Control's decision follows.

    Return None for a heartbeat and for documents to all sites.
    """
    document = accepted.document
    if isinstance(document, Heartbeat | Signal):
        return None
    reception = ReceptionStatus.OK if accepted.persisted else ReceptionStatus.TEMPORARY_ERROR
    return Ack(document.id, document.seq, accepted.kind, reception.value, InstructionStatus.NEW.value)


def iterate_topic_filters(root: str, kinds: Mapping[str, DocumentType]) -> Iterator[str]:
    return (f"{root}/{level}" if kind.is_single else f"{root}/{level}/+" for level, kind in kinds.items())


def find_document_type(
    topic: str, root: str, kinds: Mapping[str, DocumentType]
) -> tuple[DocumentType, str] | None:
    """Return the type of document of a topic, and the topic's last level if there are several; else None."""
    if not topic.startswith(f"{root}/"):
        return None
    here = topic.removeprefix(f"{root}/")
    if (kind := kinds.get(here)) is not None:
        return (kind, "") if kind.is_single else None
    level, _, place = here.partition("/")
    kind = kinds.get(level)
    return None if kind is None or kind.is_single else (kind, place)
