"""Local grid events: which rows of the table act, since when, and when their effects end (pure).

This may be asked as often as there are readings: what was judged already changes nothing.  An event that ends
leaves what it shed to the staged return; nothing here raises a cap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from quartier.control import gridrows, gridsense, outage, sight
from quartier.control.gridrows import GONE, HIGH, HIGH_U, LOW, LOW_U, Row
from quartier.control.gridsense import Sensed
from quartier.control.outage import Outage
from quartier.house.assets import House
from quartier.house.image import Frozen
from quartier.house.records import replace

PHASES = ("l1", "l2", "l3")
RUNS_S, RUNS_W = 3.0, 200.0
"""What was read so lately above so much, runs."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """One row, or a family of them.  ``level`` rows act since ``since_ns``; ``value`` made the last one act.

    ``past_ns`` is the first reading past each row that counts; ``well_ns`` the first one that is well,
    ``lost_ns`` since when nothing is read, ``ends_ns`` when its effects end: drawn at random.
    """

    level: int = 0
    value: float = 0.0
    since_ns: int = 0
    past_ns: Mapping[str, int] = field(default_factory=dict)
    well_ns: int | None = None
    lost_ns: int | None = None
    ends_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What is known of the public grid.

    ``volts`` are in % of the nominal voltage by phase; ``live`` those that ever had voltage: no others are
    connected.  ``hz``: the frequency that counts now; None: lost, stuck, void or not measured.
    ``judged_ns``: the instant of the last look.
    """

    frequency: Sensed | None = None
    volts: Mapping[str, Sensed] = field(default_factory=dict)
    live: frozenset[str] = frozenset()
    hz: float | None = None
    is_stuck: bool = False
    low: Acting = field(default_factory=Acting)
    high: Acting = field(default_factory=Acting)
    low_u: Acting = field(default_factory=Acting)
    high_u: Acting = field(default_factory=Acting)
    is_gone: bool = False
    outage: Outage = field(default_factory=Outage)
    judged_ns: int | None = None

    @property
    def levels(self) -> tuple[int, int, int, int, bool]:
        """What acts."""
        return self.low.level, self.high.level, self.low_u.level, self.high_u.level, self.is_gone

    def with_outage(self, outage: Outage) -> "Events":
        """The same with this outage."""
        return self if outage is self.outage else replace(self, outage=outage)

    def rises_from(self, before: "Events") -> bool:
        """Whether something acts that did not: then the full cycle runs at once."""
        return any(now > was for now, was in zip(self.levels, before.levels, strict=True))


def judged(before: Events, frozen: Frozen, house: House, now_ns: int) -> Events:
    """The events after one more look at the image; at the same instant again nothing changes."""
    if before.judged_ns == now_ns:
        return before
    grid = house.grid
    volts, live = _volts(before, frozen, house)
    u_period_s = grid.voltage_period_s or 1.0
    fresh_u = {p: one for p in live if (one := gridsense.fresh(volts.get(p), u_period_s, now_ns)) is not None}
    is_gone = bool(fresh_u) and all(GONE.is_past(one.value) for one in fresh_u.values())
    frequency = before.frequency
    if grid.frequency_period_s is not None:
        read = sight.number(frozen, f"{grid.name}.frequency_hz")
        frequency = gridsense.sensed(frequency, read, gridsense.HZ)
    f_period_s = grid.frequency_period_s or 1.0
    stuck = frequency is not None and _is_stuck(before, frequency)
    counted = None if is_gone or stuck else gridsense.fresh(frequency, f_period_s, now_ns)
    sound = bool(fresh_u) and all(90.0 <= one.value <= 110.0 for one in fresh_u.values())
    low = _low(before.low, counted, f_period_s, house.seed, now_ns, sound=sound)
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
        low_u=_voltage(before.low_u, None if is_gone else worst, LOW_U, house.seed, now_ns),
        high_u=_voltage(before.high_u, best, HIGH_U, house.seed, now_ns),
        is_gone=is_gone,
        judged_ns=now_ns,
    )
    if is_gone:
        # All readings are void: what they began ends, and the outage decides what may rise again.
        sensed = replace(sensed, low=Acting(), high=Acting(), low_u=Acting(), high_u=Acting())
    well = _is_well(sensed, fresh_u, frozen, house, now_ns)
    return sensed.with_outage(outage.judged(before.outage, house.seed, now_ns, gone=is_gone, well=well))


def is_dark(events: Events, house: House, memories: sight.Memories, now_ns: int) -> bool:
    """Whether the voltage is gone and nothing below the meter is seen to run.

    Then all stops and starts at once, which tells nothing of the meter; else it is the meter that is wrong.
    """
    seen = (memories.get(f"{asset.name}.power_w") for asset in house.assets)
    runs = any(one and now_ns - one.taken_ns <= RUNS_S * _S and abs(one.value) > RUNS_W for one in seen)
    return events.is_gone and not runs


def _volts(before: Events, frozen: Frozen, house: House) -> tuple[dict[str, Sensed], frozenset[str]]:
    """The phases as they are believed, and which of them ever had voltage: the others are not connected."""
    volts = dict(before.volts)
    for phase in PHASES:
        read = sight.number(frozen, f"{house.grid.name}.voltage_{phase}_v")
        if read is not None:
            share = sight.Memory(read.value * 100.0 / house.grid.voltage_v, read.taken_ns)
            found = gridsense.sensed(volts.get(phase), share, gridsense.PCT)
            if found is not None:
                volts[phase] = found
    live = {phase for phase, one in volts.items() if one.value > GONE.limit}
    # Where no phase ever had voltage, the process began in the outage.
    return volts, (before.live | live) or frozenset(volts)


def _is_stuck(before: Events, frequency: Sensed) -> bool:
    """Whether it stands still; what was found so stays so until it moves."""
    if before.is_stuck and before.frequency is not None and before.frequency.same_ns == frequency.same_ns:
        return True
    odd = not gridrows.WELL_HZ <= frequency.value <= gridrows.CALM_HZ
    return gridsense.is_stuck(frequency, odd=odd)


def _low(
    before: Acting, hz: Sensed | None, period_s: float, seed: int, now_ns: int, *, sound: bool
) -> Acting:
    """The three rows of low frequency; they add up, and end together.

    With readings too far apart to see a row's time pass, one far reading alone makes it act.
    """
    if hz is None:
        return _lost(before, seed, now_ns)
    before = _heard(before)
    past_ns, level = dict(before.past_ns), before.level
    for place, row in enumerate(LOW):
        is_timed = row.is_timed(period_s)
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
        return replace(after, value=hz.value, since_ns=since_ns, well_ns=None, ends_ns=None)
    well = hz.value >= gridrows.WELL_HZ
    return _ending(after, hz.taken_ns, gridrows.WELL_S, seed, now_ns, well=well) if level else after


def _ending(before: Acting, taken_ns: int, well_s: float, seed: int, now_ns: int, *, well: bool) -> Acting:
    """Towards its end: well for long enough, then a random wait; what falls back begins again."""
    if not well:
        return replace(before, well_ns=None, ends_ns=None)
    well_ns = taken_ns if before.well_ns is None else before.well_ns
    after = replace(before, well_ns=well_ns)
    if after.ends_ns is None and taken_ns - well_ns >= well_s * _S:
        after = replace(after, ends_ns=now_ns + _wait_ns(seed, now_ns))
    return _ended(after, now_ns)


def _ended(before: Acting, now_ns: int) -> Acting:
    over = before.ends_ns is not None and now_ns >= before.ends_ns
    return Acting(past_ns=before.past_ns) if over else before


def _heard(before: Acting) -> Acting:
    """There is a reading."""
    return before if before.lost_ns is None else replace(before, lost_ns=None)


def _lost(before: Acting, seed: int, now_ns: int) -> Acting:
    """Without a reading nothing begins; what acts goes on for a while, then ends staged."""
    if not before.level:
        return Acting()
    lost_ns = now_ns if before.lost_ns is None else before.lost_ns
    after = replace(before, past_ns={}, lost_ns=lost_ns, well_ns=None)
    if after.ends_ns is None and now_ns - lost_ns >= gridrows.LOST_S * _S:
        after = replace(after, ends_ns=now_ns + _wait_ns(seed, now_ns))
    return _ended(after, now_ns)


def _high(before: Acting, hz: Sensed | None, now_ns: int) -> Acting:
    """High frequency: acts at once, ends when it was calm for long; nothing was shed, so nothing returns."""
    if hz is None:
        after = _lost(before, 0, now_ns)
        return Acting() if after.ends_ns is not None else after
    before = _heard(before)
    if HIGH.is_past(hz.value):
        since_ns = before.since_ns if before.level else now_ns
        value = before.value if before.level else hz.value
        return Acting(level=1, value=value, since_ns=since_ns)
    if not before.level:
        return before
    if hz.value > gridrows.CALM_HZ:
        return replace(before, well_ns=None)
    well_ns = hz.taken_ns if before.well_ns is None else before.well_ns
    calm = hz.taken_ns - well_ns >= gridrows.CALM_S * _S
    return Acting() if calm else replace(before, well_ns=well_ns)


def _voltage(before: Acting, pct: Sensed | None, row: Row, seed: int, now_ns: int) -> Acting:
    if pct is None:
        return _lost(before, seed, now_ns)
    before = _heard(before)
    past_ns = {}
    if row.is_past(pct.value, was=row.name in before.past_ns):
        past_ns = {row.name: before.past_ns.get(row.name, pct.taken_ns)}
    after = before if past_ns == before.past_ns else replace(before, past_ns=past_ns)
    if past_ns and pct.taken_ns - past_ns[row.name] >= row.hold_s * _S:
        if before.level:
            return replace(after, well_ns=None, ends_ns=None)
        return replace(after, level=1, value=pct.value, since_ns=now_ns)
    if not after.level:
        return after
    low, high = gridrows.CALM_PCT
    well = low <= pct.value <= high
    return _ending(after, pct.taken_ns, gridrows.CALM_U_S, seed, now_ns, well=well)


def _wait_ns(seed: int, now_ns: int) -> int:
    # Spreading needs no secret; a seed makes it repeatable.
    return round(Random(f"{seed}:{now_ns}").random() * gridrows.SPREAD_S * _S)  # noqa: S311  see above


def _is_well(events: Events, volts: Mapping[str, Sensed], frozen: Frozen, house: House, now_ns: int) -> bool:
    """Whether the grid is well after an outage; where nothing of it is measured, a fresh reading says so."""
    low, high = gridrows.OUTAGE_PCT
    if volts and not all(low <= one.value <= high for one in volts.values()):
        return False
    if house.grid.frequency_period_s is not None and not events.is_stuck:
        return events.hz is not None and gridrows.OUTAGE_HZ[0] <= events.hz <= gridrows.OUTAGE_HZ[1]
    power = sight.number(frozen, f"{house.grid.name}.power_w")
    return power is not None and now_ns - power.taken_ns <= max(3.0, 2.5 * house.grid.period_s) * _S
