"""A machine that does a run once it is loaded and has power: a dishwasher, a process (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import Around, Shares, shares

_QUARTER_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Each of ``loaded_s`` (seconds of the scenario) brings one run of ``run_w``, a power each quarter of an
    hour, which goes on while ``relay_on`` gives it power and stands where it was without.

    ``deadline_s`` is when it has to be done; ``late_s`` counts how long it was not, ``breaks_count`` how
    often a run was interrupted.
    """

    name: str
    run_w: tuple[float, ...]
    loaded_s: tuple[float, ...] = ()
    deadline_s: float = float("inf")
    phase: int | None = None
    left_s: float = 0.0
    running_on: bool = False
    late_s: float = 0.0
    done_count: int = 0
    breaks_count: int = 0

    @property
    def duration_s(self) -> float:
        """Duration of a run, s."""
        return _QUARTER_S * len(self.run_w)

    @property
    def shares(self) -> Shares:
        """All on its phase, or a third on each."""
        return shares(self.phase)

    @property
    def power_w(self) -> float:
        """Power of the present quarter hour of its run, W; 0 at rest."""
        if not self.running_on:
            return 0.0
        return self.run_w[min(int((self.duration_s - self.left_s) / _QUARTER_S), len(self.run_w) - 1)]

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Machine":
        """Take what it is loaded with, run where it has power."""
        is_loaded = any(around.now_s <= at_s < around.now_s + dt_s for at_s in self.loaded_s)
        left_s = self.duration_s if is_loaded and self.left_s <= 0.0 else self.left_s
        runs = left_s > 0.0 and orders.get("relay_on", 1.0) > 0 and around.powered
        after_s = max(left_s - dt_s, 0.0) if runs else left_s
        is_late = left_s > 0.0 and around.now_s >= self.deadline_s
        return replace(
            self,
            left_s=after_s,
            running_on=runs,
            late_s=self.late_s + (dt_s if is_late else 0.0),
            done_count=self.done_count + (runs and after_s <= 0.0),
            breaks_count=self.breaks_count + (self.running_on and not runs and left_s > 0.0),
        )

    def values(self) -> Mapping[str, float]:
        """Return the progress of its run and the counts of its runs."""
        return {
            "left_s": self.left_s,
            "late_s": self.late_s,
            "done_count": float(self.done_count),
            "breaks_count": float(self.breaks_count),
        }
