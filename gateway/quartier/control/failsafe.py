"""What a lost input does: a table of rules, the worst wins, and letting go takes its dwell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil

from quartier.control.plausibility.judge import Verdict
from quartier.house.assets import Grid


class Stage(IntEnum):
    """How careful control is: FREEZE raises nothing, SAFE sheds to the fail-safe caps."""

    WELL = 0
    FREEZE = 1
    SAFE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the rules look at.  ``grid_age_s`` counts from the start where nothing was ever read.

    ``meter`` is how far the grid meter is believed.
    """

    grid_age_s: float
    grid_period_s: float = 1.0
    grid_ever: bool = True
    late_count: int = 0
    meter: Verdict = Verdict.GOOD


@dataclass(frozen=True, slots=True)
class Rule:
    """While ``holds``, and ``dwell_s`` longer, at least ``stage``."""

    name: str
    words: str
    holds: Callable[[Health], bool]
    stage: Stage
    dwell_s: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The stage in force, the rules that are, and until when each dwells (monotonic)."""

    stage: Stage = Stage.WELL
    rules: tuple[str, ...] = ()
    until_ns: Mapping[str, int] = field(default_factory=dict)


def stale_after_s(period_s: float) -> float:
    """When a grid meter read every ``period_s`` counts as stale (spec/failsafe.md#meter-stale)."""
    return max(3.0, 2.5 * period_s)


def lost_after_s(period_s: float) -> float:
    """When it counts as lost."""
    return max(10.0, 4.0 * period_s)


def slow(grid: Grid) -> bool:
    """A grid meter slower than 2 s costs a margin of 10 % on every cap."""
    return grid.period_s > 2.0


LATE_CYCLES = 3
"""So many cycles in a row that were missed are one loss."""
LATE_AFTER = 1.5
"""A cycle that begins more than so many periods after the one before was late: one is missed."""
RULES = (
    Rule("starting", "no reading of the grid meter yet", lambda h: not h.grid_ever, Stage.FREEZE, 0),
    Rule(
        "grid-meter-stale",
        "the grid meter's reading is stale",
        lambda h: h.grid_age_s > stale_after_s(h.grid_period_s),
        Stage.FREEZE,
        5,
    ),
    Rule(
        "grid-meter-lost",
        "the grid meter is lost",
        lambda h: h.grid_age_s > lost_after_s(h.grid_period_s),
        Stage.SAFE,
        30,
    ),
    Rule(
        "grid-meter-suspect",
        "the grid meter contradicts the meters below it",
        lambda h: h.meter is Verdict.SUSPECT,
        Stage.FREEZE,
        0,
    ),
    Rule(
        "grid-meter-implausible",
        "the grid meter is implausible",
        lambda h: h.meter is Verdict.IMPLAUSIBLE,
        Stage.SAFE,
        30,
    ),
    Rule("cycle-late", "the control cycle is late", lambda h: h.late_count >= LATE_CYCLES, Stage.FREEZE, 60),
)
WORDS = {rule.name: rule.words for rule in RULES}


def missed(dt_s: float, cycle_s: float) -> int:
    """How many cycles were missed in the ``dt_s`` since the last one: one more with each further period."""
    return max(0, ceil(dt_s / cycle_s - LATE_AFTER))


def late_s(count: int, cycle_s: float) -> float:
    """The longest in which ``count`` cycles are missed and not one more, in s, from the last one in time."""
    return count * (LATE_AFTER + 1.0) * cycle_s


def judge(before: Judgement, health: Health, now_ns: int) -> Judgement:
    """The worst of all rules that hold or still dwell; all of that stage are named."""
    until_ns = dict(before.until_ns)
    for rule in RULES:
        if rule.holds(health):
            until_ns[rule.name] = now_ns + round(rule.dwell_s * 1e9)
        elif until_ns.get(rule.name, now_ns) <= now_ns:
            until_ns.pop(rule.name, None)
    alive = [rule for rule in RULES if rule.name in until_ns]
    stage = max((rule.stage for rule in alive), default=Stage.WELL)
    return Judgement(stage, tuple(rule.name for rule in alive if rule.stage is stage), until_ns)
