"""Forms of acks, events, flexibility reports and watermarks (pure).

They only describe the messages: ``document_types``, ``control_channel`` and ``service/schedules`` write them,
``wire_formats`` reads watermarks. Source: spec/sync.md#section-3 to spec/sync.md#section-5.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quartier.control.requests import AckReason, InstructionStatus, ReceptionStatus

Uint64 = Annotated[int, Field(ge=0, le=2**64 - 1)]
UnixTimeMs = Annotated[int, Field(ge=0, le=2**53)]


class GatewayForm(BaseModel):
    """Every field is there, no other is."""

    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class AckForm(GatewayForm):
    """Result of a document."""

    id: Annotated[str, Field(max_length=64)]
    """Id of the document; empty if it was not readable."""
    seq: Uint64
    """Seq of the document; 0 if it was not readable."""
    type: str
    """The kind of document: envelope, job …"""
    reception: Literal[tuple(word.value for word in ReceptionStatus)]  # type: ignore[valid-type] # made from the words themselves
    """Reception status of S2."""
    status: Literal[tuple(word.value for word in InstructionStatus)]  # type: ignore[valid-type] # as above
    """Instruction status of S2."""
    reason: Literal[(*(word.value for word in AckReason), "")]  # type: ignore[valid-type] # as above
    """Reason of a refusal or an end, for people."""
    ts: UnixTimeMs
    """Time of this answer, Unix milliseconds."""


class EventForm(GatewayForm):
    """An alarm or event; boot and seq number it without gaps."""

    boot: Uint64
    """Number of the gateway's start."""
    seq: Uint64
    """Rises by one with each event of a boot."""
    ts: UnixTimeMs
    """Time of the event, Unix milliseconds."""
    code: str
    """Code from the page of alarms; it does not change."""
    text: str
    """Text for people."""
    data: dict[str, Any]
    """Values that belong to the code."""


class MarkForm(GatewayForm):
    """Last stored sample of a stream."""

    boot: Uint64
    """Number of the start of the gateway in which the sample was taken."""
    seq: Uint64
    """Sequence number of the sample in that boot."""


class WatermarkForm(GatewayForm):
    """Watermark: the samples of a gateway that the district has stored."""

    bdseq: Annotated[int, Field(ge=0, le=255)] | None
    """bdSeq of the last NBIRTH that the district received."""
    streams: dict[str, MarkForm]
    """For each stream (an asset, node or event) the last sample before which none is missing."""
    late_s: Annotated[float, Field(ge=0)] | None = None
    """Time that live data waits in the district before storage; above 1 s the gateway slows its history."""


class TimerForm(GatewayForm):
    """A minimum time that runs: S2's timer that blocks a transition."""

    id: Literal["min_on", "min_off"]
    duration_s: float
    left_s: float


class DeviceForm(BaseModel):
    """Flexibility of one asset now; more fields belong to its class."""

    model_config = ConfigDict(defer_build=True, extra="allow", strict=True, use_attribute_docstrings=True)

    device: str
    """The asset."""
    role: str
    """Role of the asset: battery, ev, pv, load …"""
    tier: str
    """Order of reduction under a limit: D first, A never."""
    control_type: str
    """Control type of S2."""
    available: bool
    """True if it can follow an order now."""
    why: str
    """Reason if it cannot; else empty."""
    power_w: float | None
    """Power now in W, consumption positive; null if unknown."""
    power_ranges_w: list[Annotated[list[float], Field(min_length=2, max_length=2)]]
    """Ranges of power that can be ordered now, each from and to, in W."""
    energy_up_wh: float | None
    """Energy in Wh that it can still take."""
    energy_down_wh: float | None
    """Energy in Wh that it can still give."""
    timers: list[TimerForm]
    """Timers that block a transition now."""
    forecast_w: list[float | None] | None
    """96 quarter hours from the start of the forecast; null if unknown."""


class SeriesForm(GatewayForm):
    """96 quarter hours from the start of the forecast, in W; none is missing."""

    mean_w: list[float]
    low_w: list[float]
    """Quantile 10 %: one time in ten the value is lower."""
    middle_w: list[float]
    """Quantile 50 %."""
    high_w: list[float]
    """Quantile 90 %."""
    model: str
    """Model that its back-test chose."""
    error_w: float | None
    """Root mean square error of the back-test in W; null before the first one."""
    miss_w: float | None
    """Mean absolute error of the back-test in W."""
    inside_pct: float | None
    """Share of the back-test in which the value was between low and high."""


class ForecastForm(GatewayForm):
    """Method of the forecasts, forecast of the connection, and own need of the building."""

    method: str
    """Name of the method, for people."""
    start: UnixTimeMs
    """Start of the first quarter hour, Unix milliseconds."""
    step_s: int
    """Length of a step."""
    grid_w: list[float | None] | None
    """Power of the connection, import positive; null if unknown or private to the building."""
    load: SeriesForm | None
    """Load of the building without battery and cars; null, as ``sun`` and ``net``, where the gateway does not
    plan or the data is private to the building."""
    sun: SeriesForm | None
    """Generation of the sun, positive."""
    net: SeriesForm | None
    """Load minus sun: power of the connection before any control."""


class FlexibilityForm(GatewayForm):
    """Flexibility of the building now; assets whose data stays in the building are not among the devices."""

    ts: UnixTimeMs
    """Time of the report, Unix milliseconds."""
    valid_s: float
    """Time for which the report is valid."""
    import_max_w: float | None
    """The import cap in force."""
    export_max_w: float | None
    """The export cap in force."""
    forecast: ForecastForm
    devices: list[DeviceForm]
