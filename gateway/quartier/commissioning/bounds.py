"""How far a step may go now: contract, fuses and state of charge, judged before each step (pure)."""

from dataclasses import dataclass
from math import inf

from quartier.commissioning.subject import Subject
from quartier.control.orders.setpoints import find_power_range
from quartier.house.assets import Battery, Pv

MARGIN = 0.95
"""No step is taken that would bring the grid's power nearer than 5 % to a limit."""
RUNAWAY_TIMES = 2.0
RUNAWAY_W = 150.0
RUNAWAY_SHARE = 0.02
STEP_TIMES = 1.2
"""A small first step that is answered tenfold is no more than the step that was agreed to."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The tightest caps at the grid in W, never negative, and what the fuses above the asset carry.

    ``generation_w`` caps what PV is let free to; without ``charges_from_grid`` a battery takes surplus only,
    without ``exports_stored`` it gives no more than the house takes.
    """

    import_w: float
    export_w: float
    fuse_w: float = inf
    generation_w: float = inf
    charges_from_grid: bool = True
    exports_stored: bool = True

    def interval(
        self, subject: Subject, *, asset_w: float, grid_w: float, soc_pct: float | None
    ) -> tuple[float, float]:
        """Lowest and highest power that may be asked for now, in W."""
        rest_w = grid_w - asset_w
        low_w = max(subject.low_w, -self.fuse_w, -MARGIN * self.export_w - rest_w)
        high_w = min(subject.high_w, self.fuse_w, MARGIN * self.import_w - rest_w)
        if isinstance(subject.asset, Pv):
            low_w = max(low_w, -self.generation_w)
        if isinstance(subject.asset, Battery):
            if soc_pct is not None:
                band = find_power_range(subject.asset, soc_pct)
                low_w, high_w = max(low_w, band.low_w), min(high_w, band.high_w)
            if not self.charges_from_grid:
                high_w = min(high_w, max(0.0, -rest_w))
            if not self.exports_stored:
                low_w = max(low_w, min(0.0, -rest_w))
        return low_w, high_w

    def broken(self, grid_w: float) -> str:
        """Which limit the grid's power is over; empty when none."""
        if grid_w > self.import_w:
            return f"the grid imports {grid_w:.0f} W, {self.import_w:.0f} W are allowed"
        if -grid_w > self.export_w + RUNAWAY_W and -grid_w > 1.05 * self.export_w:
            return f"the grid exports {-grid_w:.0f} W, {self.export_w:.0f} W are allowed"
        return ""


def runaway_w(subject: Subject, most_w: float, noise_w: float) -> float:
    """How far from its rest an asset may be seen when at most ``most_w`` were asked for, in W."""
    slack_w = max(RUNAWAY_W, RUNAWAY_SHARE * subject.asset.rated_w, 4 * noise_w)
    return max(RUNAWAY_TIMES * most_w + slack_w, STEP_TIMES * subject.step_w)
