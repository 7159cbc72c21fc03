"""Check that lowered outputs are raised when they should be: one by one, or not at all (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict, counted


@dataclass
class Spaced:
    """Check of the moments at which any of several orders was raised."""

    asked: asked.Spaced
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

    def verdict(self, _: Ending) -> Verdict:
        """Return the verdict with the time of the first raise and the shortest pause between two."""
        wanted = self.asked
        promised = (
            f"{', '.join(wanted.points)}: raised {counted(wanted.count_min, 'time')} or more "
            f"from {wanted.from_s:g} s to {wanted.until_s:g} s, "
            f"first after {wanted.first_min_s:g} to {wanted.first_max_s:g} s, "
            f"each {wanted.pause_min_s:g} s after the one before"
        )
        if not self.moments_s:
            return Verdict("spaced", promised, "none was raised", holds=False)
        first_s = self.moments_s[0] - wanted.from_s
        pause_s = min((right - left for left, right in pairwise(self.moments_s)), default=float("inf"))
        measured = f"{counted(len(self.moments_s), 'time')}, first after {first_s:g} s"
        measured += f", at least {pause_s:g} s apart" if len(self.moments_s) > 1 else ""
        if self.twice_s is not None:
            return Verdict("spaced", promised, f"{measured}; two at once at {self.twice_s:g} s", holds=False)
        holds = wanted.first_min_s <= first_s <= wanted.first_max_s and pause_s >= wanted.pause_min_s
        return Verdict("spaced", promised, measured, holds and len(self.moments_s) >= wanted.count_min)


@dataclass
class Unraised:
    """Check of the most by which an order rose above its value at the start of a span."""

    asked: asked.Unraised
    stood: float | None = None
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
        if self.stood is None:
            self.stood = value
        self.most = max(self.most, value)

    def verdict(self, _: Ending) -> Verdict:
        """From where to where it went."""
        wanted = self.asked
        promised = f"{wanted.point} is not raised from {wanted.from_s:g} s to {wanted.until_s:g} s"
        if self.stood is None:
            return Verdict("unraised", promised, "", holds=False, unshown="never seen")
        measured = f"{self.stood:g} at first, {self.most:g} at most"
        holds = self.most <= self.stood + wanted.tolerance
        is_shown = not holds or wanted.guard or self.most_elsewhere > self.stood + wanted.tolerance
        unshown = "" if is_shown else "it was never higher at another time"
        return Verdict("unraised", promised, measured, holds, unshown)
