"""The forms of signed documents: what may stand in each, and the house's word for it (pure).

Source: spec/sync.md#section-5.  A further type of document is one model with ``wish()`` and one row of
``KINDS``, or of ``SHARED`` where it is said to all buildings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from quartier.control.requests import Envelope, Heartbeat, Interval
from quartier.district.commandform import CommandForm
from quartier.district.grammar import PROGRAM, DocumentForm, Duration, Form, Name, Number, TimeMs, Watts
from quartier.district.jobforms import JobForm
from quartier.district.planforms import (
    AlertSignalForm,
    Co2SignalForm,
    FailsafeForm,
    LevelSignalForm,
    PriceSignalForm,
    ScheduleForm,
)

__all__ = ["KINDS", "PROGRAM", "SHARED", "DocumentForm", "EnvelopeForm", "Form", "HeartbeatForm", "Kind"]


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

    duration_s: Duration
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

    @property
    def place(self) -> str:
        """The program."""
        return self.program

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
    """A type of document: its name in key lists and acks, its form, the largest payload.

    ``is_single``: one topic, without a level below it.  ``is_acked``: its sender hears what became of it.
    ``waits``: it may come before its time; it is done then, and never by a clock that is not trusted.
    ``life_s``: it must come so soon after it was issued, for it is done once; the same again is answered also
    after that.
    """

    name: str
    form: type[DocumentForm]
    size_max_bytes: int
    is_single: bool = False
    is_acked: bool = True
    waits: bool = False
    life_s: int | None = None


# The level of the companion topic below C -> the kind that comes there.
KINDS: Mapping[str, Kind] = {
    "envelope": Kind("envelope", EnvelopeForm, 96 * 1024),
    "schedule": Kind("schedule", ScheduleForm, 48 * 1024),
    "failsafe": Kind("failsafe", FailsafeForm, 4 * 1024, is_single=True),
    "job": Kind("job", JobForm, 224 * 1024, is_single=True, waits=True),
    "command": Kind("command", CommandForm, 8 * 1024, is_single=True, life_s=60),
}
# The same below the district's own root: what is said to all of its buildings.
SHARED: Mapping[str, Kind] = {
    "signal/price": Kind("signal", PriceSignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/co2": Kind("signal", Co2SignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/level": Kind("signal", LevelSignalForm, 48 * 1024, is_single=True, is_acked=False),
    "signal/alert": Kind("signal", AlertSignalForm, 192 * 1024, is_single=True, is_acked=False),
}
