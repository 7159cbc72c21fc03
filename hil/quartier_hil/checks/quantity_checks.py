"""Check quantities of the plant: limits, ranges, stability, and when lowered outputs are raised (pure).
A check also finds whether each limit was put to the test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isfinite

from quartier_hil.checks.limit_reaction import EARLY_S, keeps_limit
from quartier_hil.checks.promised_values import PromisedLimit, find_promised_limit
from quartier_hil.checks.verdicts import RunData, Verdict, format_count
from quartier_hil.scenario import expectations as asked

NEAR_SHARE = 0.6
"""Share of its limit from which a quantity counts as near it."""
NEAR_S = 10.0
"""Time for which a power must be near a limit, s: one step of a motor that starts is not enough."""
EDGE_SHARE = 0.2
"""In a range with two ends, this share of its width belongs to each end."""
_NO_REST = ("_c", "soc_pct", "_ppm", "_v", "_hz", "_index", "_state")
"""Quantities that are not 0 when nothing happens."""


@dataclass
class LimitPeriod:
    """Powers under one limit: the highest shares of it, and whether it was exceeded at first."""

    cap: PromisedLimit
    import_share: float = 0.0
    export_share: float = 0.0
    near_import_s: float = 0.0
    near_export_s: float = 0.0
    is_over_import: bool = False
    is_over_export: bool = False
    seen_s: float = 0.0

    def step(self, grid_w: float, dt_s: float, *, is_first: bool) -> None:
        """Take one step; ``is_first``: the limit has come into force with it."""
        import_share = grid_w / self.cap.import_w if self.cap.import_w else inf * (grid_w > 0)
        export_share = -grid_w / self.cap.export_w if self.cap.export_w else inf * (grid_w < 0)
        self.seen_s += dt_s
        self.near_import_s += dt_s if import_share >= NEAR_SHARE else 0.0
        self.near_export_s += dt_s if export_share >= NEAR_SHARE else 0.0
        self.import_share = max(self.import_share, import_share)
        self.export_share = max(self.export_share, export_share)
        self.is_over_import |= is_first and import_share > 1.0
        self.is_over_export |= is_first and export_share > 1.0

    def is_bound(self, *, imports: bool, exports: bool) -> bool:
        """Return whether import or export, as selected, came near the limit or was over it at its start."""
        by_import = self.near_import_s >= NEAR_S or self.is_over_import
        by_export = self.near_export_s >= NEAR_S or self.is_over_export
        return (imports and by_import) or (exports and by_export)

    def words(self, *, imports: bool, exports: bool) -> str:
        """Return the highest shares of the limit, as text."""
        parts = []
        if imports:
            parts.append(f"import at {self.import_share:.0%} of {self.cap.import_w / 1e3:g} kW")
        if exports:
            parts.append(f"export at {self.export_share:.0%} of {self.cap.export_w / 1e3:g} kW")
        return f"{' and '.join(parts)} at most ({self.cap.whose})"


@dataclass
class LimitCoverage:
    """Record of the limits of a run that had something to limit."""

    caps: Sequence[PromisedLimit]
    found: dict[tuple[str, float, float], LimitPeriod] = field(default_factory=dict)
    _from_s: float | None = None

    def step(self, cap: PromisedLimit, grid_w: float, dt_s: float) -> None:
        """Take one step under ``cap``."""
        key = cap.whose, cap.import_w, cap.export_w
        stretch = self.found.setdefault(key, LimitPeriod(cap))
        stretch.step(grid_w, dt_s, is_first=cap.from_s != self._from_s)
        self._from_s = cap.from_s

    @property
    def unshown(self) -> str:
        """Limits that limited nothing, as text; of limits of different size only the tighter ones count."""
        stretches = [one for one in self.found.values() if one.seen_s > NEAR_S]
        import_w = max((one.cap.import_w for one in stretches), default=0.0)
        export_w = max((one.cap.export_w for one in stretches), default=0.0)
        sides = [(one, one.cap.import_w < import_w, one.cap.export_w < export_w) for one in stretches]
        tight = [side for side in sides if side[1] or side[2]] or [(one, True, True) for one in stretches]
        idle = [
            one.words(imports=imports, exports=exports)
            for one, imports, exports in tight
            if not one.is_bound(imports=imports, exports=exports)
        ]
        return (
            f"no power came near its limit while it was promised: {'; '.join(idle)}"
            if idle or not stretches
            else ""
        )


@dataclass
class LimitCheck:
    """Check of the seconds over the promised cap, from ``deadline_s`` after each change of it."""

    asked: asked.LimitExpectation
    caps: Sequence[PromisedLimit]
    over_s: float = 0.0
    worst_w: float = 0.0
    row_s: float = 0.0
    longest_s: float = 0.0
    binding: LimitCoverage = field(init=False)

    def __post_init__(self) -> None:
        self.binding = LimitCoverage(self.caps)

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        cap = find_promised_limit(self.caps, now_s)
        grid_w = values["grid.power_w"]
        self.binding.step(self._find_early_limit(cap, now_s, values), grid_w, dt_s)
        if now_s - cap.from_s < self.asked.deadline_s:
            return
        slack = 1.0 + self.asked.slack_pct / 100.0
        over_w = max(grid_w - cap.import_w * slack, -grid_w - cap.export_w * slack)
        self.row_s = self.row_s + dt_s if over_w > 1.0 else 0.0
        self.longest_s = max(self.longest_s, self.row_s)
        if over_w > 1.0:
            self.over_s += dt_s
            self.worst_w = max(self.worst_w, over_w)

    def _find_early_limit(
        self, cap: PromisedLimit, now_s: float, values: Mapping[str, float]
    ) -> PromisedLimit:
        """Return the next tighter cap if the gateway keeps it before it is due, else ``cap``.

        The power that it takes back then was limited by that cap.
        """
        later = (
            one
            for one in self.caps
            if now_s < one.from_s <= now_s + EARLY_S
            and (one.import_w < cap.import_w or one.export_w < cap.export_w)
        )
        return next((one for one in later if keeps_limit(one, values)), cap)

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the seconds over."""
        tightest_w = min(cap.import_w for cap in self.caps)
        promised = (
            f"import <= cap + {self.asked.slack_pct:g} % (down to {tightest_w / 1e3:g} kW) from "
            f"{self.asked.deadline_s:g} s after each change, at most {self.asked.over_max_s:g} s over"
        )
        measured = f"{self.over_s:g} s over" + (f", by {self.worst_w:.0f} W at most" if self.worst_w else "")
        holds = self.over_s <= self.asked.over_max_s
        if self.asked.row_max_s is not None:
            promised += f", {self.asked.row_max_s:g} s in a row"
            measured += f", {self.longest_s:g} s in a row at most"
            holds = holds and self.longest_s <= self.asked.row_max_s
        unshown = self.binding.unshown if holds and not self.asked.guard else ""
        return Verdict("cap-kept", promised, measured, holds, unshown)


@dataclass
class RangeCheck:
    """Check of the range of a quantity."""

    asked: asked.RangeExpectation
    low: float = inf
    high: float = -inf
    outside_s: float = 0.0
    is_outside_elsewhere: bool = False

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        value = values.get(self.asked.point)
        if value is None:
            return
        is_outside = not self.asked.low <= value <= self.asked.high
        if not self.asked.from_s <= now_s <= self.asked.until_s:
            self.is_outside_elsewhere |= is_outside
            return
        self.low, self.high = min(self.low, value), max(self.high, value)
        if is_outside:
            self.outside_s += dt_s

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the range seen."""
        span = ""
        if self.asked.from_s or self.asked.until_s != inf:
            span = f" from {self.asked.from_s:g} s to {self.asked.until_s:g} s"
        promised = f"{self.asked.point} within {self.asked.low:g}..{self.asked.high:g}{span}"
        if self.low > self.high:
            return Verdict("within", promised, "", holds=False, unshown="never seen")
        measured = f"{self.low:.1f}..{self.high:.1f}, outside for {self.outside_s:g} s"
        holds = self.outside_s <= self.asked.outside_max_s
        is_shown = self.asked.guard or self.is_outside_elsewhere or self.outside_s or self._is_put_to_test
        unshown = "" if is_shown or not holds else "it came near no limit, and was inside all the time"
        return Verdict("within", promised, measured, holds, unshown)

    @property
    def _is_put_to_test(self) -> bool:
        """True if it came near an end of its range, or the range does not contain its value at rest."""
        low, high = self.asked.low, self.asked.high
        if not low <= 0.0 <= high and not self.asked.point.endswith(_NO_REST):
            return True
        if isfinite(low) and isfinite(high) and low < high:
            edge = EDGE_SHARE * (high - low)
            return self.low <= low + edge or self.high >= high - edge
        return _is_near(self.high, high) or _is_near(-self.low, -low)


def _is_near(most: float, limit: float) -> bool:
    """Return whether the largest value came near an upper limit."""
    if not isfinite(limit):
        return False
    return most >= limit * NEAR_SHARE if limit > 0.0 else limit < 0.0 and most >= limit / NEAR_SHARE


@dataclass
class ArrivalCheck:
    """Check that a quantity comes into its range."""

    asked: asked.ArrivalExpectation
    at_s: float | None = None
    last: float | None = None
    is_outside_before: bool = False

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        value = values.get(self.asked.point)
        if self.at_s is not None or value is None:
            return
        is_inside = self.asked.low <= value <= self.asked.high
        self.is_outside_before |= not is_inside
        if self.asked.from_s <= now_s <= self.asked.until_s:
            self.last = value
            self.at_s = now_s if is_inside else None

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the time at which it came into its range, or its last value."""
        promised = f"{self.asked.point} comes into {self.asked.low:g}..{self.asked.high:g}"
        if self.at_s is None:
            return Verdict("reached", promised, f"never, last {self.last}", holds=False)
        is_shown = self.is_outside_before or self.asked.guard
        unshown = "" if is_shown else "it was there from the beginning on"
        return Verdict("reached", promised, f"at {self.at_s:.0f} s", holds=True, unshown=unshown)


@dataclass
class StabilityCheck:
    """Counter of the reversals of a quantity: it comes back from its furthest value by more than ``by``."""

    asked: asked.StabilityExpectation
    turns_count: int = 0
    way: int = 0
    furthest: float | None = None
    has_moved: bool = False

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        value = values.get(self.asked.point)
        if value is None or not self.asked.from_s <= now_s <= self.asked.until_s:
            return
        self.has_moved |= self.furthest is not None and value != self.furthest
        if self.furthest is None or (value - self.furthest) * self.way > 0:
            self.furthest = value
        elif abs(value - self.furthest) > self.asked.by:
            self.turns_count += self.way != 0
            self.way = 1 if value > self.furthest else -1
            self.furthest = value

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the number of reversals."""
        wanted = self.asked
        span = f"from {wanted.from_s:g} s to {wanted.until_s:g} s"
        times = format_count(wanted.turns_max_count, "time")
        promised = f"{wanted.point} turns by {wanted.by:g} at most {times} {span}"
        if self.furthest is None:
            return Verdict("steady", promised, "", holds=False, unshown="never seen")
        measured = format_count(self.turns_count, "time")
        unshown = "" if self.has_moved or wanted.guard else "it never moved"
        return Verdict("steady", promised, measured, self.turns_count <= wanted.turns_max_count, unshown)


@dataclass
class SpacingCheck:
    """Check of the moments at which any of several orders was raised."""

    asked: asked.SpacingExpectation
    last: dict[str, float] = field(default_factory=dict)
    moments_s: list[float] = field(default_factory=list)
    twice_s: float | None = None

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step; an order that acts in a step was in force when the step began."""
        count = 0
        for point in self.asked.points:
            value = values.get(point)
            if value is None:
                continue
            count += value > self.last.get(point, value)
            self.last[point] = value
        at_s = now_s - dt_s
        if not count or not self.asked.from_s <= at_s <= self.asked.until_s:
            return
        self.moments_s.append(at_s)
        if count > 1 and self.asked.pause_min_s and self.twice_s is None:
            self.twice_s = at_s

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the time of the first raise and the shortest pause between two."""
        wanted = self.asked
        promised = (
            f"{', '.join(wanted.points)}: raised {format_count(wanted.count_min, 'time')} or more "
            f"from {wanted.from_s:g} s to {wanted.until_s:g} s, "
            f"first after {wanted.first_min_s:g} to {wanted.first_max_s:g} s, "
            f"each {wanted.pause_min_s:g} s after the one before"
        )
        if not self.moments_s:
            return Verdict("spaced", promised, "none was raised", holds=False)
        first_s = self.moments_s[0] - wanted.from_s
        pause_s = min((right - left for left, right in pairwise(self.moments_s)), default=float("inf"))
        measured = f"{format_count(len(self.moments_s), 'time')}, first after {first_s:g} s"
        measured += f", at least {pause_s:g} s apart" if len(self.moments_s) > 1 else ""
        if self.twice_s is not None:
            return Verdict("spaced", promised, f"{measured}; two at once at {self.twice_s:g} s", holds=False)
        holds = wanted.first_min_s <= first_s <= wanted.first_max_s and pause_s >= wanted.pause_min_s
        return Verdict("spaced", promised, measured, holds and len(self.moments_s) >= wanted.count_min)


@dataclass
class NoRaiseCheck:
    """Check of the most by which an order rose above its value at the start of a span."""

    asked: asked.NoRaiseExpectation
    start_value: float | None = None
    most: float = float("-inf")
    most_elsewhere: float = float("-inf")

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step; an order that acts in a step was in force when the step began."""
        at_s = now_s - dt_s
        value = values.get(self.asked.point)
        if value is None:
            return
        if not self.asked.from_s <= at_s <= self.asked.until_s:
            self.most_elsewhere = max(self.most_elsewhere, value)
            return
        if self.start_value is None:
            self.start_value = value
        self.most = max(self.most, value)

    def verdict(self, _: RunData) -> Verdict:
        """From where to where it went."""
        wanted = self.asked
        promised = f"{wanted.point} is not raised from {wanted.from_s:g} s to {wanted.until_s:g} s"
        if self.start_value is None:
            return Verdict("unraised", promised, "", holds=False, unshown="never seen")
        measured = f"{self.start_value:g} at first, {self.most:g} at most"
        holds = self.most <= self.start_value + wanted.tolerance
        is_shown = not holds or wanted.guard or self.most_elsewhere > self.start_value + wanted.tolerance
        unshown = "" if is_shown else "it was never higher at another time"
        return Verdict("unraised", promised, measured, holds, unshown)
