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
    """What became of a document."""

    id: Annotated[str, Field(max_length=64)]
    """The document's id; empty where none could be read."""
    seq: Uint64
    """The document's seq; 0 where none could be read."""
    type: str
    """The kind of document: envelope, job …"""
    reception: Literal[tuple(word.value for word in ReceptionStatus)]  # type: ignore[valid-type] # made from the words themselves
    """S2's reception status."""
    status: Literal[tuple(word.value for word in InstructionStatus)]  # type: ignore[valid-type] # as above
    """S2's status of what was ordered."""
    reason: Literal[(*(word.value for word in AckReason), "")]  # type: ignore[valid-type] # as above
    """Why it was refused or ended."""
    ts: UnixTimeMs
    """When it is said, Unix milliseconds."""


class EventForm(GatewayForm):
    """An alarm or event; boot and seq number it without gaps."""

    boot: Uint64
    """The number of the gateway's start."""
    seq: Uint64
    """Rises by one with each event of a boot."""
    ts: UnixTimeMs
    """When it happened, Unix milliseconds."""
    code: str
    """A stable word, as in the page of alarms."""
    text: str
    """For people."""
    data: dict[str, Any]
    """What belongs to the code."""


class MarkForm(GatewayForm):
    """How far a stream is stored."""

    boot: Uint64
    """The start of the gateway that the last stored sample belongs to."""
    seq: Uint64
    """Its sequence number in that boot."""


class WatermarkForm(GatewayForm):
    """What the district has stored of a gateway."""

    bdseq: Annotated[int, Field(ge=0, le=255)] | None
    """The bdSeq of the last NBIRTH that it saw."""
    streams: dict[str, MarkForm]
    """Per stream (an asset, node or event) the last sample below which none is missing."""
    late_s: Annotated[float, Field(ge=0)] | None = None
    """How long live data waits at the district before it is stored; history gives way above 1 s."""


class TimerForm(GatewayForm):
    """A minimum time that runs: S2's timer that blocks a transition."""

    id: Literal["min_on", "min_off"]
    duration_s: float
    left_s: float


class DeviceForm(BaseModel):
    """What one asset could do now; more fields belong to its class."""

    model_config = ConfigDict(defer_build=True, extra="allow", strict=True, use_attribute_docstrings=True)

    device: str
    """The asset."""
    role: str
    """What it is: battery, ev, pv, load …"""
    tier: str
    """Its turn when a cap takes power: D first, A never."""
    control_type: str
    """S2's control type."""
    available: bool
    """Whether it could follow an order now."""
    why: str
    """Why not; empty where it could."""
    power_w: float | None
    """What it takes now, plus; null where nobody knows."""
    power_ranges_w: list[Annotated[list[float], Field(min_length=2, max_length=2)]]
    """Powers it can be asked for now, each from and to."""
    energy_up_wh: float | None
    """What it could still take."""
    energy_down_wh: float | None
    """What it could still give."""
    timers: list[TimerForm]
    """What blocks a transition now."""
    forecast_w: list[float | None] | None
    """96 quarter hours from the forecast's start on; null where they are not known."""


class SeriesForm(GatewayForm):
    """96 quarter hours from the forecast's start on, in W; none is missing."""

    mean_w: list[float]
    low_w: list[float]
    """The quantile 10 %: one time in ten it is less."""
    middle_w: list[float]
    """The quantile 50 %."""
    high_w: list[float]
    """The quantile 90 %."""
    model: str
    """Which model was chosen, by its own back-test."""
    error_w: float | None
    """Root of its mean squared error in the back-test; null before anything was tried."""
    miss_w: float | None
    """Its mean absolute error there."""
    inside_pct: float | None
    """How often what happened lay between low and high there."""


class ForecastForm(GatewayForm):
    """How the forecasts were made, that of the connection, and what the building will need by itself."""

    method: str
    """In words."""
    start: UnixTimeMs
    """The first quarter hour, Unix milliseconds."""
    step_s: int
    """Length of a step."""
    grid_w: list[float | None] | None
    """The connection, import plus; null where it is not known or stays in the building."""
    load: SeriesForm | None
    """What the building will take without its battery and cars; null as ``sun`` and ``net`` where it does not
    plan, or where that stays in the building."""
    sun: SeriesForm | None
    """What its sun will give, plus."""
    net: SeriesForm | None
    """Load less sun: what the connection would take before anything is steered."""


class FlexibilityForm(GatewayForm):
    """What the building could do now; assets whose data stays in the building are not among the devices."""

    ts: UnixTimeMs
    """When it was made."""
    valid_s: float
    """How long it is of use."""
    import_max_w: float | None
    """The import cap in force."""
    export_max_w: float | None
    """The export cap in force."""
    forecast: ForecastForm
    devices: list[DeviceForm]
