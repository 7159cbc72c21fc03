"""Detect local grid events: the rows that act, since when, and when their effects end (pure).

This may be called as often as there are readings: a reading that was already evaluated changes nothing. An
event that ends leaves its sheds to the staged restore; nothing here raises a limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from quartier.control.events import outage, readings, rows
from quartier.control.events.outage import OutageRecovery
from quartier.control.events.readings import FilteredReading
from quartier.control.events.rows import GONE, HIGH, HIGH_U, LOW, LOW_U, EventRow
from quartier.control.observe import observations
from quartier.site.process_image import FrozenImage
from quartier.site.records import replace
from quartier.site.site_layout import Site

VOLTAGE_PHASES = ("l1", "l2", "l3")
RUNS_S, RUNS_W = 3.0, 200.0
"""An asset runs if it was read this recently, in s, with more than this power, in W."""


_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRow:
    """One row, or a family of rows. ``level`` rows act since ``since_ns``; ``value`` made the last one act.

    ``past_ns`` is the first reading past each row that counts. ``normal_ns`` is the first normal reading,
    ``lost_ns`` since when there is no reading, ``ends_ns`` when its effects end: drawn at random.
    """

    level: int = 0
    value: float = 0.0
    since_ns: int = 0
    past_ns: Mapping[str, int] = field(default_factory=dict)
    normal_ns: int | None = None
    lost_ns: int | None = None
    ends_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEvents:
    """The state of the public grid.

    ``volts`` are in % of the nominal voltage by phase; ``live`` are the phases that ever had voltage: no
    others are connected. ``hz``: the frequency that counts now; None if lost, frozen, void or not measured.
    ``evaluation_ns``: the time of the last evaluation.
    """

    frequency: FilteredReading | None = None
    volts: Mapping[str, FilteredReading] = field(default_factory=dict)
    live: frozenset[str] = frozenset()
    hz: float | None = None
    is_stuck: bool = False
    low: ActiveRow = field(default_factory=ActiveRow)
    high: ActiveRow = field(default_factory=ActiveRow)
    low_u: ActiveRow = field(default_factory=ActiveRow)
    high_u: ActiveRow = field(default_factory=ActiveRow)
    is_grid_lost: bool = False
    outage: OutageRecovery = field(default_factory=OutageRecovery)
    evaluation_ns: int | None = None

    @property
    def levels(self) -> tuple[int, int, int, int, bool]:
        """The levels of all rows that act."""
        return self.low.level, self.high.level, self.low_u.level, self.high_u.level, self.is_grid_lost

    def with_outage(self, outage: OutageRecovery) -> "GridEvents":
        """Return the same events with this outage."""
        return self if outage is self.outage else replace(self, outage=outage)

    def find_rise_start(self, before: "GridEvents") -> bool:
        """Return whether something acts that did not before: then the full cycle runs at once."""
        return any(now > was for now, was in zip(self.levels, before.levels, strict=True))


def update_events(before: GridEvents, frozen: FrozenImage, site: Site, now_ns: int) -> GridEvents:
    """Update the events with the image; at the same instant again nothing changes."""
    if before.evaluation_ns == now_ns:
        return before
    grid = site.grid
    volts, live = _volts(before, frozen, site)
    u_period_s = grid.voltage_period_s or 1.0
    fresh_u = {
        p: one
        for p in live
        if (one := readings.find_fresh_value(volts.get(p), u_period_s, now_ns)) is not None
    }
    is_gone = bool(fresh_u) and all(GONE.is_past(one.value) for one in fresh_u.values())
    frequency = before.frequency
    if grid.frequency_period_s is not None:
        read = observations.read_number(frozen, f"{grid.name}.frequency_hz")
        frequency = readings.filter_reading(frequency, read, readings.FREQUENCY_FILTER)
    f_period_s = grid.frequency_period_s or 1.0
    stuck = frequency is not None and _is_stuck(before, frequency)
    counted = None if is_gone or stuck else readings.find_fresh_value(frequency, f_period_s, now_ns)
    sound = bool(fresh_u) and all(90.0 <= one.value <= 110.0 for one in fresh_u.values())
    low = _low(before.low, counted, f_period_s, site.seed, now_ns, sound=sound)
    worst = min(fresh_u.values(), key=lambda one: one.value, default=None)
    best = max(fresh_u.values(), key=lambda one: one.value, default=None)
    sensed = replace(
        before,
        frequency=frequency,
        volts=volts,
        live=live,
        hz=None if counted is None else counted.value,
        is_stuck=stuck,
        low=low,
        high=_high(before.high, counted, now_ns),
        low_u=_voltage(before.low_u, None if is_gone else worst, LOW_U, site.seed, now_ns),
        high_u=_voltage(before.high_u, best, HIGH_U, site.seed, now_ns),
        is_grid_lost=is_gone,
        evaluation_ns=now_ns,
    )
    if is_gone:
        # All readings are void: their events end, and the outage decides what may rise again.
        sensed = replace(sensed, low=ActiveRow(), high=ActiveRow(), low_u=ActiveRow(), high_u=ActiveRow())
    well = _is_well(sensed, fresh_u, frozen, site, now_ns)
    return sensed.with_outage(
        outage.update_recovery(before.outage, site.seed, now_ns, gone=is_gone, well=well)
    )


def is_dark(events: GridEvents, site: Site, last_good: observations.LastGoodValues, now_ns: int) -> bool:
    """Return whether the voltage is gone and nothing below the meter is seen to run.

    Then everything stops and starts at once, which says nothing about the meter; else the meter is wrong.
    """
    seen = (last_good.get(f"{asset.name}.power_w") for asset in site.assets)
    runs = any(one and now_ns - one.taken_ns <= RUNS_S * _S and abs(one.value) > RUNS_W for one in seen)
    return events.is_grid_lost and not runs


def _volts(
    before: GridEvents, frozen: FrozenImage, site: Site
) -> tuple[dict[str, FilteredReading], frozenset[str]]:
    """Return the trusted voltages by phase, and the phases that ever had voltage.

    Other phases are not connected.
    """
    volts = dict(before.volts)
    for phase in VOLTAGE_PHASES:
        read = observations.read_number(frozen, f"{site.grid.name}.voltage_{phase}_v")
        if read is not None:
            share = observations.LastGood(read.value * 100.0 / site.grid.voltage_v, read.taken_ns)
            found = readings.filter_reading(volts.get(phase), share, readings.VOLTAGE_FILTER)
            if found is not None:
                volts[phase] = found
    live = {phase for phase, one in volts.items() if one.value > GONE.limit}
    # If no phase ever had voltage, the process started during the outage.
    return volts, (before.live | live) or frozenset(volts)


def _is_stuck(before: GridEvents, frequency: FilteredReading) -> bool:
    """Return whether the frequency is frozen; once it is, it stays so until it moves."""
    if before.is_stuck and before.frequency is not None and before.frequency.same_ns == frequency.same_ns:
        return True
    odd = not rows.WELL_HZ <= frequency.value <= rows.CALM_HZ
    return readings.is_frequency_frozen(frequency, odd=odd)


def _low(
    before: ActiveRow, hz: FilteredReading | None, period_s: float, seed: int, now_ns: int, *, sound: bool
) -> ActiveRow:
    """Evaluate the three rows of low frequency; they add up, and end together.

    If readings are too far apart to see a row's time pass, one far reading alone makes it act.
    """
    if hz is None:
        return _advance_without_reading(before, seed, now_ns)
    before = _note_reading(before)
    past_ns, level = dict(before.past_ns), before.level
    for place, row in enumerate(LOW):
        is_timed = row.is_held_long_enough(period_s)
        serves = is_timed or row.acts_slow
        if not serves or not row.is_past(hz.value, was=row.name in past_ns):
            past_ns.pop(row.name, None)
            continue
        since_ns = past_ns.setdefault(row.name, hz.taken_ns)
        far = sound and hz.firm and row.is_far(hz.value)
        if far or (is_timed and hz.taken_ns - since_ns >= row.hold_s * _S):
            level = max(level, place + 1)
    stays = past_ns == before.past_ns and level == before.level
    after = before if stays else replace(before, past_ns=past_ns, level=level)
    if level > before.level:
        since_ns = before.since_ns if before.level else now_ns
        return replace(after, value=hz.value, since_ns=since_ns, normal_ns=None, ends_ns=None)
    well = hz.value >= rows.WELL_HZ
    return _ending(after, hz.taken_ns, rows.WELL_S, seed, now_ns, well=well) if level else after


def _ending(
    before: ActiveRow, taken_ns: int, well_s: float, seed: int, now_ns: int, *, well: bool
) -> ActiveRow:
    """Advance an active row towards its end: normal for long enough, then a random wait.

    A relapse starts this again.
    """
    if not well:
        return replace(before, normal_ns=None, ends_ns=None)
    well_ns = taken_ns if before.normal_ns is None else before.normal_ns
    after = replace(before, normal_ns=well_ns)
    if after.ends_ns is None and taken_ns - well_ns >= well_s * _S:
        after = replace(after, ends_ns=now_ns + _wait_ns(seed, now_ns))
    return _end_row(after, now_ns)


def _end_row(before: ActiveRow, now_ns: int) -> ActiveRow:
    over = before.ends_ns is not None and now_ns >= before.ends_ns
    return ActiveRow(past_ns=before.past_ns) if over else before


def _note_reading(before: ActiveRow) -> ActiveRow:
    """Record that there is a reading."""
    return before if before.lost_ns is None else replace(before, lost_ns=None)


def _advance_without_reading(before: ActiveRow, seed: int, now_ns: int) -> ActiveRow:
    """Advance a row without a reading: none begins; an active one lasts for a while, then ends in stages."""
    if not before.level:
        return ActiveRow()
    lost_ns = now_ns if before.lost_ns is None else before.lost_ns
    after = replace(before, past_ns={}, lost_ns=lost_ns, normal_ns=None)
    if after.ends_ns is None and now_ns - lost_ns >= rows.FREQUENCY_LOST_S * _S:
        after = replace(after, ends_ns=now_ns + _wait_ns(seed, now_ns))
    return _end_row(after, now_ns)


def _high(before: ActiveRow, hz: FilteredReading | None, now_ns: int) -> ActiveRow:
    """Evaluate high frequency: it acts at once, and ends after long calm; nothing was shed or must return."""
    if hz is None:
        after = _advance_without_reading(before, 0, now_ns)
        return ActiveRow() if after.ends_ns is not None else after
    before = _note_reading(before)
    if HIGH.is_past(hz.value):
        since_ns = before.since_ns if before.level else now_ns
        value = before.value if before.level else hz.value
        return ActiveRow(level=1, value=value, since_ns=since_ns)
    if not before.level:
        return before
    if hz.value > rows.CALM_HZ:
        return replace(before, normal_ns=None)
    well_ns = hz.taken_ns if before.normal_ns is None else before.normal_ns
    calm = hz.taken_ns - well_ns >= rows.CALM_S * _S
    return ActiveRow() if calm else replace(before, normal_ns=well_ns)


def _voltage(
    before: ActiveRow, pct: FilteredReading | None, row: EventRow, seed: int, now_ns: int
) -> ActiveRow:
    if pct is None:
        return _advance_without_reading(before, seed, now_ns)
    before = _note_reading(before)
    past_ns = {}
    if row.is_past(pct.value, was=row.name in before.past_ns):
        past_ns = {row.name: before.past_ns.get(row.name, pct.taken_ns)}
    after = before if past_ns == before.past_ns else replace(before, past_ns=past_ns)
    if past_ns and pct.taken_ns - past_ns[row.name] >= row.hold_s * _S:
        if before.level:
            return replace(after, normal_ns=None, ends_ns=None)
        return replace(after, level=1, value=pct.value, since_ns=now_ns)
    if not after.level:
        return after
    low, high = rows.CALM_PCT
    well = low <= pct.value <= high
    return _ending(after, pct.taken_ns, rows.CALM_U_S, seed, now_ns, well=well)


def _wait_ns(seed: int, now_ns: int) -> int:
    # Spreading needs no secret; a seed makes it repeatable.
    return round(Random(f"{seed}:{now_ns}").random() * rows.RELEASE_SPREAD_S * _S)  # noqa: S311  see above


def _is_well(
    events: GridEvents, volts: Mapping[str, FilteredReading], frozen: FrozenImage, site: Site, now_ns: int
) -> bool:
    """Return whether the grid is normal after an outage; if it is not measured, a fresh reading counts."""
    low, high = rows.OUTAGE_PCT
    if volts and not all(low <= one.value <= high for one in volts.values()):
        return False
    if site.grid.frequency_period_s is not None and not events.is_stuck:
        return events.hz is not None and rows.OUTAGE_HZ[0] <= events.hz <= rows.OUTAGE_HZ[1]
    power = observations.read_number(frozen, f"{site.grid.name}.power_w")
    return power is not None and now_ns - power.taken_ns <= max(3.0, 2.5 * site.grid.period_s) * _S


SAVED_LEVELS = {"low": len(rows.LOW), "high": 1, "low_u": 1, "high_u": 1}
"""The rows that may act, and the highest level of each."""


SAVED_STAMP_MS = 300_000
"""An unchanged state gets a new stamp this often: a store that only keeps changes then knows its age."""


def dump_grid_events(events: GridEvents, now_ms: int) -> dict[str, Any]:
    """Return what acts, JSON-ready: level and reading of each, and a stamp; empty while nothing acts.

    ``now_ms`` is of the machine's own clock.
    """
    found: dict[str, Any] = {}
    for name in SAVED_LEVELS:
        one: ActiveRow = getattr(events, name)
        if one.level:
            found[name] = [one.level, one.value]
    if events.outage.is_open or events.is_grid_lost:
        found["outage"] = True
    return found | ({"stamp": now_ms // SAVED_STAMP_MS} if found else {})


def find_absence_s(facts: object, now_ms: int) -> float | None:
    """Return for how long at least nobody looked, in s, by the machine's boot clock; None without a stamp."""
    stamp = facts.get("stamp") if isinstance(facts, Mapping) else None
    return max(0.0, (now_ms - (stamp + 1) * SAVED_STAMP_MS) / 1000) if isinstance(stamp, int) else None


def load_grid_events(events: GridEvents, facts: object, away_s: float, now_ns: int) -> GridEvents:
    """Load the result of ``dump_grid_events`` into ``events``; old or invalid facts are left out.

    After an outage the wait for a normal grid begins anew, however long ago it was. Only a grid that is seen
    to be normal ends it, and with an untrusted clock every memory counts as old.
    """
    if not isinstance(facts, Mapping):
        return events
    if facts.get("outage") is True:
        events = replace(events, outage=outage.begin_recovery())
    if away_s > rows.FREQUENCY_LOST_S:
        return events
    acting = {
        name: one for name in SAVED_LEVELS if (one := _acting(facts.get(name), SAVED_LEVELS[name], now_ns))
    }
    return replace(events, **acting)  # type: ignore[arg-type]  # the names are those of its own fields


def _acting(fact: object, level_max: int, now_ns: int) -> ActiveRow | None:
    if not isinstance(fact, list | tuple) or len(fact) != 2:
        return None
    level, value = fact
    if not isinstance(level, int) or isinstance(level, bool) or not isinstance(value, int | float):
        return None
    return ActiveRow(level=level, value=float(value), since_ns=now_ns) if 0 < level <= level_max else None
