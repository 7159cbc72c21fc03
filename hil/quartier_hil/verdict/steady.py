"""Check that a quantity does not swing: count its reversals by more than a given amount (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict, counted


@dataclass
class Steady:
    """Counter of the reversals of a quantity: it comes back from its furthest value by more than ``by``."""

    asked: asked.Steady
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

    def verdict(self, _: Ending) -> Verdict:
        """Return the verdict with the number of reversals."""
        wanted = self.asked
        span = f"from {wanted.from_s:g} s to {wanted.until_s:g} s"
        promised = (
            f"{wanted.point} turns by {wanted.by:g} at most {counted(wanted.turns_max_count, 'time')} {span}"
        )
        if self.furthest is None:
            return Verdict("steady", promised, "", holds=False, unshown="never seen")
        measured = counted(self.turns_count, "time")
        unshown = "" if self.has_moved or wanted.guard else "it never moved"
        return Verdict("steady", promised, measured, self.turns_count <= wanted.turns_max_count, unshown)
