"""Expectations of a scenario (`[[checks]]`), each with its keys."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quartier_hil.scenario.specification_rows import RowName

Seconds = Annotated[float, Field(ge=0)]
Pct = Annotated[float, Field(ge=0, le=100)]


InvariantName = Literal[
    "node-kept", "band-kept", "minimum-times", "tier-a", "floors", "switchings", "declared", "reasons"
]


class FileTable(BaseModel):
    """A table of a scenario file: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Expectation(FileTable):
    """Keys that all checks have."""

    proves: tuple[RowName, ...] = ()
    """The rows of spec/failsafe.md (`rows.py`) without which it would break."""
    guard: Annotated[str, Field(max_length=200)] = ""
    """Why this promise stands as a guard: it counts as kept also where nothing came near its limit."""


class LimitExpectation(Expectation):
    """Import and export stay under what was promised."""

    check: Literal["cap-kept"]
    """Import stays under the cap promised at that moment."""
    deadline_s: Seconds = 30.0
    """How long after a change of the cap nothing is judged."""
    slack_pct: Pct = 10.0
    """How far above the cap counts as over."""
    over_max_s: Seconds = 5.0
    """How many seconds over it are allowed altogether."""
    row_max_s: Annotated[float, Field(gt=0)] | None = None
    """How many seconds over it are allowed in a row."""


class RangeExpectation(Expectation):
    """A quantity of the plant stays in a range."""

    check: Literal["within"]
    """A quantity of the plant stays in a range."""
    point: str
    """Which, as asset.quantity."""
    low: float = float("-inf")
    """Least value."""
    high: float = float("inf")
    """Largest value."""
    from_s: Seconds = 0.0
    """Since when."""
    until_s: Seconds = float("inf")
    """Until when."""
    outside_max_s: Seconds = 0.0
    """How many seconds outside are allowed."""


class ArrivalExpectation(Expectation):
    """A quantity of the plant is in a range at least once."""

    check: Literal["reached"]
    """A quantity of the plant comes into a range."""
    point: str
    """Which, as asset.quantity."""
    low: float = float("-inf")
    """Least value."""
    high: float = float("inf")
    """Largest value."""
    from_s: Seconds = 0.0
    """Since when it counts."""
    until_s: Seconds = float("inf")
    """By when."""


class LinkStateExpectation(Expectation):
    """Check of the daemon's own status at one moment."""

    check: Literal["mode"]
    """The daemon's link state at a moment."""
    at_s: Seconds
    """When."""
    expected: Literal["INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS"]
    """Which."""


class DeliveryExpectation(Expectation):
    """Every sample reached the district, counted once by key."""

    check: Literal["delivered"]
    """Sequences without holes, nothing waiting at the end."""
    settle_s: Seconds = 300.0
    """How long after the end the rig waits for the last ones (house seconds)."""


class ContinuityExpectation(Expectation):
    """The district's record has no hole while the daemon was alive."""

    check: Literal["nothing-lost"]
    """The series that the district holds has no hole while the daemon lived."""
    point: str = "rs485.requests_count"
    """Which series; the default is a counter that changes at each poll and is a sample every 60 s."""
    gap_max_s: Seconds = 90.0
    """Longest pause between two samples outside restarts."""


class ReportExpectation(Expectation):
    """Check that the district received a point within a span, with a given quality."""

    check: Literal["told"]
    """A sample of a point with a quality reached the district, stamped within a span."""
    point: str
    """Which, by its full name."""
    from_s: Seconds
    """Since when it is stamped."""
    until_s: Seconds
    """Until when."""
    quality: Literal["good", "bad"] = "good"
    """How good the daemon called it."""


class ReleaseExpectation(Expectation):
    """After each stop the outputs are at their release values."""

    check: Literal["released"]
    """Outputs at on_release after `quartier release`."""


class CyclePeriodExpectation(Expectation):
    """The control cycle keeps its period."""

    check: Literal["on-time"]
    """No cycle is skipped."""
    skipped_max_count: Annotated[int, Field(ge=0)] = 0
    """How many skipped cycles are allowed."""


class MeterCountExpectation(Expectation):
    """Check that the daemon counts every group good that passed a smart meter's line whole."""

    check: Literal["accounted"]
    """Sound groups that the smart meters said, and those that the daemon counted, from a moment on."""
    from_s: Seconds = 60.0
    """Since when: ports are open, speeds are found.  The meters fall silent for a moment then."""


class MemoryExpectation(Expectation):
    """The daemon does not grow."""

    check: Literal["memory"]
    """The daemon's memory stays where it was."""
    from_s: Seconds = 600.0
    """Since when; until then it fills what it keeps."""
    growth_max_mb: Annotated[float, Field(gt=0)] = 2.0
    """How much more the last fifth of the time may have than the first, by their medians."""


class RejectionExpectation(Expectation):
    """Check that documents of the district without sense have no effect and are rejected."""

    check: Literal["refused"]
    """Each envelope without sense is rejected with a reason, or caps nothing more than before."""


class AlarmExpectation(Expectation):
    """The daemon raises an alarm."""

    check: Literal["alarmed"]
    """An alarm comes within a span, and none like it before."""
    words: str
    """A part of its words."""
    never: bool = False
    """It must not come within the span."""
    from_s: Seconds = 0.0
    """Not before."""
    until_s: Seconds
    """By when."""


class FaultExpectation(Expectation):
    """Check that each fault is reported as the loss that it is; each is one line of the verdict.

    Where a device gives no sound answer, its loss is reported by name within ``report_max_s``, and no longer
    than ``back_s`` after it has recovered.  A device that answers is no loss, whatever its values.  No other
    device is reported as lost, and from 30 s after each start and end the cap holds.
    """

    check: Literal["faults"]
    """Each fault is told as the loss that it is, or as none, and the cap holds in each."""
    report_max_s: Seconds = 18.0
    """By when a loss is reported: 15 s, a cycle, and what looking costs."""
    back_s: Seconds | None = None
    """By when it is no longer reported once the device is well; absent: 15 s, and over wires 60 s more, for
    the gateway asks who was gone for long so seldom."""


class StabilityExpectation(Expectation):
    """A quantity of the plant does not swing."""

    check: Literal["steady"]
    """A quantity of the plant turns round seldom."""
    point: str
    """Which, as asset.quantity."""
    by: Annotated[float, Field(gt=0)]
    """How far it must come back from its furthest value to count as a turn."""
    turns_max_count: Annotated[int, Field(ge=0)]
    """How many turns are allowed."""
    from_s: Seconds = 0.0
    """Since when."""
    until_s: Seconds
    """Until when."""


class FallbackExpectation(Expectation):
    """A device gives up an order by itself."""

    check: Literal["falls-back"]
    """An order stands at a moment, and is at its fallback value some time after it, until another moment."""
    point: str
    """Which, as ``order.battery_w``."""
    at_s: Seconds
    """From when on nobody stands behind it."""
    value: float = 0.0
    """The value that it falls back to."""
    tolerance: Annotated[float, Field(gt=0)] = 5.0
    """How near counts as there, and further away counts as an order that stood."""
    within_s: Seconds = 60.0
    """How long it may take."""
    not_before_s: Seconds = 0.0
    """How long it must stand: a timer that was refreshed shortly before is not used up."""
    until_s: Seconds
    """Until when it stays there."""


class SpacingExpectation(Expectation):
    """Check that shed loads come back one by one."""

    check: Literal["spaced"]
    """Outputs are raised one at a time, from a moment on."""
    points: tuple[str, ...]
    """Which orders, as ``order.relay_on``."""
    from_s: Seconds
    """Since when: the moment from which the first is waited for."""
    until_s: Seconds
    """Until when."""
    first_min_s: Seconds = 0.0
    """So long after ``from_s`` none is raised."""
    first_max_s: Seconds = float("inf")
    """So long after ``from_s`` one is."""
    pause_min_s: Seconds = 30.0
    """How long after one the next is raised at the earliest."""
    count_min: Annotated[int, Field(ge=1)] = 1
    """How many times something is raised at least, or the check has seen nothing."""


class NoRaiseExpectation(Expectation):
    """An order that is not raised, though it is before and would be."""

    check: Literal["unraised"]
    """An order stays at or below what it was at a moment."""
    point: str
    """Which, as ``order.current_max_a``."""
    from_s: Seconds
    """Since when."""
    until_s: Seconds
    """Until when."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How much counts as nothing."""


class TariffExpectation(Expectation):
    """The gateway reads its supply contract as it is; each part of it is a line of its own in the verdict."""

    check: Literal["tariff"]
    """Period, colours and energy of each period as the gateway has them from the Linky are the contract's."""
    within_s: Seconds = 10.0
    """How long after a change what was may be shown."""
    tolerance_wh: Annotated[float, Field(gt=0)] = 10.0
    """How far an index may be off: what is drawn while a telegram is on its way."""


class QuarterHourExpectation(Expectation):
    """Check of the gateway's stored values by quarter hour, read as a person reads them.

    The verdict has a line each for the list, the counters and the powers.

    The list has each quarter of the span once, in order and under its local time, also where an hour is
    skipped or comes twice.  A counter's value is what the plant's own had counted within the last ``late_s``
    of the quarter, and none of its samples is less than the one before.  The mean power of each quarter is
    the plant's.
    """

    check: Literal["quarters"]
    """The stored values of 15 min: each once, in order, and what the plant's own counters and powers say."""
    counters: tuple[str, ...] = ("grid.energy_import_wh", "grid.energy_export_wh")
    """Which counters."""
    powers: tuple[str, ...] = ("grid.power_w",)
    """Which powers."""
    late_s: Seconds = 70.0
    """How long before a quarter's end a counter may have been sampled: 60 s, and its reading period."""
    step_wh: Annotated[float, Field(ge=0)] = 0.0
    """The resolution of the meter's counters."""
    power_w: Annotated[float, Field(ge=0)] = 60.0
    """How far a mean may be off beside 1.5 %: the store's deadband is 50 W or 1 %."""


class SavingExpectation(Expectation):
    """The plan was worth it."""

    check: Literal["saved"]
    """The day costs less than the same day without the plan; what is stored at the end counts."""
    low_eur: float = 0.0
    """How much less at least; below 0: how much more it may cost."""


class PeakExpectation(Expectation):
    """The plan knows what the largest import costs."""

    check: Literal["peak-lowered"]
    """The largest mean import of an hour is lower than on the same day without the plan."""
    by_w: Annotated[float, Field(gt=0)]
    """How much lower at least."""


class ReactionExpectation(Expectation):
    """Check of the reaction to limits, as in every run; requested, at least one must require curtailment."""

    check: Literal["tightening"]
    """After each cap that tightens the command is on the wire in 2 s and the meter inside in 30 s."""
    command_max_s: Annotated[float, Field(gt=0)] | None = None
    """Another time for the command, where a minimum on-time stands in the way."""
    inside_max_s: Seconds = 30.0
    """Another time for the meter, likewise."""


class InvariantExpectation(Expectation):
    """Invariants of every cycle of every site; each is a line of its own in the verdict.

    Fuses per node and phase, the battery's band, minimum times, tier A, lights at half at least, switchings,
    declared values after each loss, a reason for each order.
    """

    check: Literal["invariants"]
    """What must hold in every cycle, whatever happens."""
    without: tuple[InvariantName, ...] = ()
    """Those that this scenario breaks on purpose; its story says why."""


AnyExpectation = Annotated[
    LimitExpectation
    | RangeExpectation
    | LinkStateExpectation
    | DeliveryExpectation
    | ContinuityExpectation
    | ReportExpectation
    | ReleaseExpectation
    | CyclePeriodExpectation
    | MeterCountExpectation
    | MemoryExpectation
    | FallbackExpectation
    | AlarmExpectation
    | StabilityExpectation
    | FaultExpectation
    | RejectionExpectation
    | ArrivalExpectation
    | SpacingExpectation
    | NoRaiseExpectation
    | TariffExpectation
    | QuarterHourExpectation
    | SavingExpectation
    | PeakExpectation
    | ReactionExpectation
    | InvariantExpectation,
    Field(discriminator="check"),
]
