"""The forms of signed documents: what may stand in each, and the house's word for it (pure).

Source: sync.md section 5.  Times are Unix milliseconds, powers W, never negative.  A further type
of document is one model with ``wish()`` and one row of ``KINDS``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quartier.control.wishes import Envelope, Heartbeat, Interval

PROGRAM = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DAY_S = 86_400
_UINT64_MAX = 2**64 - 1
_TIME_MAX_MS = 2**53

Number = Annotated[int, Field(ge=0, le=_UINT64_MAX)]
TimeMs = Annotated[int, Field(ge=0, le=_TIME_MAX_MS)]
Watts = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Form(BaseModel):
    """Unknown fields, text for numbers, NaN and infinity are faults."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class HeartbeatForm(Form):
    """One for all buildings of a district, every 30 s."""

    iss: Name
    n: Number
    ts: TimeMs

    def wish(self) -> Heartbeat:
        """As control takes it."""
        return Heartbeat(self.n, self.ts)


class IntervalForm(Form):
    """Caps for a while."""

    duration_s: Annotated[float, Field(gt=0, le=31 * _DAY_S)]
    import_max_w: Watts | None = None
    export_max_w: Watts | None = None
    generation_max_w: Watts | None = None
    consumption_max_w: Watts | None = None

    def wish(self) -> Interval:
        """As control takes it."""
        return Interval(
            self.duration_s,
            self.import_max_w,
            self.export_max_w,
            self.generation_max_w,
            self.consumption_max_w,
        )


class DefaultForm(Form):
    """What holds in gaps and after the last interval."""

    import_max_w: Watts
    export_max_w: Watts


class DocumentForm(Form):
    """What every acknowledged document carries."""

    id: Name
    seq: Number
    iss: Name
    aud: Annotated[str, Field(max_length=128)] | Annotated[list[str], Field(min_length=1, max_length=256)]
    iat: TimeMs
    nbf: TimeMs
    exp: TimeMs

    def is_for(self, gateway: str) -> bool:
        """Whether ``aud`` names ``gateway``."""
        return gateway == self.aud if isinstance(self.aud, str) else gateway in self.aud


class EnvelopeForm(DocumentForm):
    """Limits over time of one program."""

    priority: Annotated[int, Field(ge=0, le=255)]
    program: Annotated[str, Field(pattern=f"^{PROGRAM.pattern}$")]
    start: TimeMs
    randomize_start_s: Annotated[float, Field(ge=0, le=3_600)] = 0.0
    ramp_w_per_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    on_loss: Literal["hold", "failsafe"] = "failsafe"
    intervals: Annotated[list[IntervalForm], Field(min_length=1, max_length=288)]
    default: DefaultForm

    def wish(self) -> Envelope:
        """As control takes it."""
        return Envelope(
            id=self.id,
            seq=self.seq,
            program=self.program,
            priority=self.priority,
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
            start_utc_ms=self.start,
            intervals=tuple(interval.wish() for interval in self.intervals),
            default_import_max_w=self.default.import_max_w,
            default_export_max_w=self.default.export_max_w,
            on_loss=self.on_loss,
            randomize_start_s=self.randomize_start_s,
            ramp_w_per_s=self.ramp_w_per_s,
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of document: its name in key lists and acks, its form, the largest payload."""

    name: str
    form: type[EnvelopeForm]
    size_max_bytes: int


# The level of the companion topic below C -> the kind that comes there.
KINDS: Mapping[str, Kind] = {"envelope": Kind("envelope", EnvelopeForm, 96 * 1024)}
