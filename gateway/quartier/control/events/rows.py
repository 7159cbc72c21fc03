"""The table of grid events: spec/failsafe.md#section-4 as data.

Control evaluates this table, the operators' page prints it, the tests run through it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FAR_MARGIN_HZ = 49.0
"""One reading this low, in Hz, with normal voltage, counts as a row's time."""
TOLERANCE = 1.01
"""A period may be longer than declared by this factor."""
FAST_PERIOD_S = 0.2
"""Frequency read this often, in s, serves all rows."""
SLOW_PERIOD_S = 1.0
"""Read this often, in s, it serves the rows with enough time; if slower, only one far reading sheds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One row: it acts when past ``limit`` for ``hold_s``.

    ``of`` is the measured quantity: Hz, or the voltage of any phase in % of the nominal one. ``side`` -1 acts
    at and below the limit, +1 at and above. ``far``: one reading there, with normal voltage, counts as the
    time. ``period_max_s``: with less frequent readings the row's time cannot be seen to pass; then it acts on
    one far reading if ``acts_slow``, else not at all. ``tiers`` go off.
    """

    name: str
    of: Literal["hz", "pct"]
    side: Literal[-1, 1]
    limit: float
    hold_s: float
    slack: float
    action: str
    tiers: str = ""
    far: float | None = None
    period_max_s: float = float("inf")
    acts_slow: bool = False

    def is_held_long_enough(self, period_s: float) -> bool:
        """Return whether readings every ``period_s`` are enough to see its time pass."""
        return period_s <= self.period_max_s * TOLERANCE

    def is_past(self, value: float, *, was: bool = False) -> bool:
        """Return whether ``value`` is past the limit; once past, it stays so until it is ``slack`` back."""
        return (value - self.limit) * self.side >= (-self.slack if was else 0.0)

    def is_far(self, value: float) -> bool:
        """Return whether one reading is enough."""
        return self.far is not None and (value - self.far) * self.side >= 0.0


LOW_D = EventRow(
    name="low frequency",
    of="hz",
    side=-1,
    limit=49.8,
    hold_s=2.0,
    slack=0.01,
    tiers="D",
    far=FAR_MARGIN_HZ,
    period_max_s=SLOW_PERIOD_S,
    acts_slow=True,
    action="no battery charges from the grid, tier D off, nothing is raised",
)
LOW_C = EventRow(
    name="lower frequency",
    of="hz",
    side=-1,
    limit=49.5,
    hold_s=1.0,
    slack=0.01,
    tiers="C",
    far=FAR_MARGIN_HZ,
    period_max_s=SLOW_PERIOD_S,
    acts_slow=True,
    action="tier C off, batteries discharge up to the export cap",
)
LOW_B = EventRow(
    name="lowest frequency",
    of="hz",
    side=-1,
    limit=49.2,
    hold_s=0.5,
    slack=0.01,
    tiers="B",
    far=FAR_MARGIN_HZ,
    period_max_s=FAST_PERIOD_S,
    action="tier B off",
)
HIGH = EventRow(
    name="high frequency",
    of="hz",
    side=1,
    limit=50.2,
    hold_s=0.0,
    slack=0.0,
    action="the frequency sheds no load, batteries may charge, PV is not raised",
)
LOW_U = EventRow(
    name="low voltage",
    of="pct",
    side=-1,
    limit=90.0,
    hold_s=60.0,
    slack=1.0,
    tiers="D",
    action="tier D off, nothing is raised; alarm",
)
HIGH_U = EventRow(
    name="high voltage",
    of="pct",
    side=1,
    limit=110.0,
    hold_s=60.0,
    slack=1.0,
    action="no battery feeds in; the inverters reduce power by their own P(U) curve; alarm",
)
GONE = EventRow(
    name="voltage gone",
    of="pct",
    side=-1,
    limit=50.0,
    hold_s=0.0,
    slack=0.0,
    action="link state INIT; no contactor is opened; the frequency counts as not measured",
)
LOW = (LOW_D, LOW_C, LOW_B)
EVENT_ROWS = (*LOW, HIGH, LOW_U, HIGH_U, GONE)

WELL_HZ, WELL_S = 49.9, 60.0
"""A low frequency ends after this time at or above this value."""
RELEASE_SPREAD_S = 300.0
"""Then each building waits a random part of this, in s, so that they do not return together."""
CALM_HZ, CALM_S = 50.1, 600.0
"""After a high frequency PV is raised again after this time at or below this value."""
CALM_PCT, CALM_U_S = (91.0, 109.0), 60.0
"""A voltage row ends after this time inside this range."""
FREQUENCY_LOST_S = 900.0
"""An event whose measurement is lost ends after this time, staged."""
OUTAGE_HZ, OUTAGE_PCT, OUTAGE_S = (49.9, 50.1), (90.0, 110.0), 60.0
"""After an outage the grid must be inside both ranges for this time."""
OUTAGE_RAMP_PER_MIN = 0.1
"""Then the building rises by this share of its contract each minute."""


def find_unserved_rows(period_s: float | None) -> str:
    """Return which low-frequency rows a grid meter read every ``period_s`` cannot serve; empty up to 1 s.

    None: it does not measure the frequency.
    """
    if period_s is None:
        return "the grid meter does not measure the frequency: only its voltage acts for the public grid"
    if LOW_D.is_held_long_enough(period_s):
        return ""
    slow = [row for row in LOW if row.acts_slow]
    tiers = " and ".join(row.tiers for row in slow)
    return (
        f"the frequency is read every {period_s:g} s: only one reading at or below {FAR_MARGIN_HZ:g} Hz acts,"
        f" on tiers {tiers}; read every {SLOW_PERIOD_S:g} s it serves these rows fully,"
        f" every {FAST_PERIOD_S:g} s all rows"
    )


def render_event_table() -> Iterator[tuple[str, str]]:
    """Yield the rows for people: the condition with its time, and the action."""
    for row in EVENT_ROWS:
        yield _describe_measurement(row), row.action
    delay = f"after a random delay of 0..{RELEASE_SPREAD_S:g} s"
    yield f"f ≥ {WELL_HZ:g} Hz for {WELL_S:g} s", f"loads come back in stages, {delay}"
    yield f"f ≤ {CALM_HZ:g} Hz for {CALM_S:g} s after an over-frequency", "PV may be raised again"
    yield (
        f"U within {CALM_PCT[0]:g}..{CALM_PCT[1]:g} % for {CALM_U_S:g} s",
        f"the voltage rows end in stages, {delay}",
    )
    lost = f"f or U not measured for {FREQUENCY_LOST_S / 60:g} min while a row acts"
    yield lost, "the row ends in stages"
    (low_hz, high_hz), (low_pct, high_pct) = OUTAGE_HZ, OUTAGE_PCT
    well = f"{low_hz:g}..{high_hz:g} Hz and {low_pct:g}..{high_pct:g} % U for {OUTAGE_S:g} s"
    rise = f"increases are limited to {100 * OUTAGE_RAMP_PER_MIN:g} % of the contract per minute"
    yield f"after an outage: {well}", f"{delay}, {rise}"


def _describe_measurement(row: EventRow) -> str:
    sign = "≤" if row.side < 0 else "≥"
    what = "f" if row.of == "hz" else "U"
    unit = "Hz" if row.of == "hz" else "%"
    held = f" for {row.hold_s:g} s" if row.hold_s else ""
    phases = " on every phase" if row is GONE else " of a phase" if row.of == "pct" else ""
    far = f", or {row.far:g} {unit} once" if row.far is not None else ""
    return f"{what}{phases} {sign} {row.limit:g} {unit}{held}{far}"
