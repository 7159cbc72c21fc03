"""The table of rules for lost inputs: the strictest stage wins, and leaving it takes its dwell time.

Stages (``ControlStage``), from the rules of ``STAGE_RULES`` that hold or still dwell:

- NORMAL: no rule.
- FREEZE: nothing is raised. No reading of the grid meter yet, a stale or suspect one
  (spec/failsafe.md#meter-stale), or late cycles.
- SAFE: loads are shed to the fail-safe limits. The grid meter is lost (spec/failsafe.md#meter-lost) or
  implausible (spec/failsafe.md#meter-implausible).

Invariants:

- The stage is the worst of all rules in force, so the order of the rules changes nothing.
- A rule is in force from the first cycle in which it holds until its dwell time after the last such cycle.
- A worse stage begins at once; only a better one waits.
- A grid meter that was never read counts its age from the start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil

from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.site.asset_types import GridMeter


class ControlStage(IntEnum):
    """The control stage: FREEZE raises nothing, SAFE sheds to the fail-safe limits."""

    NORMAL = 0
    FREEZE = 1
    SAFE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InputHealth:
    """The inputs of the rules. ``grid_age_s`` counts from the start if nothing was ever read.

    ``meter`` is the verdict on the grid meter.
    """

    grid_age_s: float
    grid_period_s: float = 1.0
    grid_ever: bool = True
    late_count: int = 0
    meter: MeterVerdict = MeterVerdict.GOOD


@dataclass(frozen=True, slots=True)
class StageRule:
    """While ``holds``, and for ``dwell_s`` after it, the stage is at least ``stage``."""

    name: str
    words: str
    holds: Callable[[InputHealth], bool]
    stage: ControlStage
    dwell_s: float


@dataclass(frozen=True, slots=True)
class StageDecision:
    """The stage in force, its rules, and until when each dwells (monotonic)."""

    stage: ControlStage = ControlStage.NORMAL
    rules: tuple[str, ...] = ()
    until_ns: Mapping[str, int] = field(default_factory=dict)


def find_stale_after_s(period_s: float) -> float:
    """Return the age in s at which a meter read each ``period_s`` is stale (spec/failsafe.md#meter-stale)."""
    return max(3.0, 2.5 * period_s)


def find_lost_after_s(period_s: float) -> float:
    """Return the age in s at which a grid meter counts as lost."""
    return max(10.0, 4.0 * period_s)


def is_slow_meter(grid: GridMeter) -> bool:
    """Return whether the grid meter is slower than 2 s, which costs a margin of 10 % on every limit."""
    return grid.period_s > 2.0


CYCLES_LATE_MAX = 3
"""This many cycles missed in a row are a loss."""
LATE_AFTER_PERIODS = 1.5
"""A cycle that begins more than this many periods after the one before was late: one is missed."""
STAGE_RULES = (
    StageRule(
        "starting", "no reading of the grid meter yet", lambda h: not h.grid_ever, ControlStage.FREEZE, 0
    ),
    StageRule(
        "grid-meter-stale",
        "the grid meter's reading is stale",
        lambda h: h.grid_age_s > find_stale_after_s(h.grid_period_s),
        ControlStage.FREEZE,
        5,
    ),
    StageRule(
        "grid-meter-lost",
        "the grid meter is lost",
        lambda h: h.grid_age_s > find_lost_after_s(h.grid_period_s),
        ControlStage.SAFE,
        30,
    ),
    StageRule(
        "grid-meter-suspect",
        "the grid meter contradicts the meters below it",
        lambda h: h.meter is MeterVerdict.SUSPECT,
        ControlStage.FREEZE,
        0,
    ),
    StageRule(
        "grid-meter-implausible",
        "the grid meter is implausible",
        lambda h: h.meter is MeterVerdict.IMPLAUSIBLE,
        ControlStage.SAFE,
        30,
    ),
    StageRule(
        "cycle-late",
        "the control cycle is late",
        lambda h: h.late_count >= CYCLES_LATE_MAX,
        ControlStage.FREEZE,
        60,
    ),
)
STAGE_TEXTS = {rule.name: rule.words for rule in STAGE_RULES}
_DWELLS_S = {rule.name: rule.dwell_s for rule in STAGE_RULES}


def count_missed_cycles(dt_s: float, cycle_s: float) -> int:
    """Return the cycles missed in the ``dt_s`` since the last one: one more with each further period."""
    return max(0, ceil(dt_s / cycle_s - LATE_AFTER_PERIODS))


def find_lateness_s(count: int, cycle_s: float) -> float:
    """Return the longest time in s from the last timely cycle in which ``count`` are missed, and not more."""
    return count * (LATE_AFTER_PERIODS + 1.0) * cycle_s


def find_dwell_left_s(decision: StageDecision, rule: str, now_ns: int) -> float | None:
    """Return how long a rule whose cause is over stays in force, in s; None while its cause lasts."""
    left_s = (decision.until_ns[rule] - now_ns) / 1e9
    return None if left_s >= _DWELLS_S[rule] else round(left_s, 1)


def decide_stage(before: StageDecision, health: InputHealth, now_ns: int) -> StageDecision:
    """Return the worst stage of all rules that hold or still dwell, with all rules of that stage."""
    until_ns = dict(before.until_ns)
    for rule in STAGE_RULES:
        if rule.holds(health):
            until_ns[rule.name] = now_ns + round(rule.dwell_s * 1e9)
        elif until_ns.get(rule.name, now_ns) <= now_ns:
            until_ns.pop(rule.name, None)
    alive = [rule for rule in STAGE_RULES if rule.name in until_ns]
    stage = max((rule.stage for rule in alive), default=ControlStage.NORMAL)
    return StageDecision(stage, tuple(rule.name for rule in alive if rule.stage is stage), until_ns)
