"""Pneumatic waste collection: batches that wait, and fans that empty them (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import EVENLY, Around, Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Each of ``batches_s`` (seconds of the scenario) brings ``batch_s`` of work, done while ``run_on``.

    ``deadline_s`` is when all has to be done; ``late_s`` counts how long work stood after it.
    """

    name: str
    rated_w: float
    batches_s: tuple[float, ...] = ()
    batch_s: float = 1_800.0
    deadline_s: float = float("inf")
    left_s: float = 0.0
    running_on: bool = False
    late_s: float = 0.0
    starts_count: int = 0
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Power of the fans, W."""
        return self.rated_w if self.running_on else 0.0

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Collection":
        """Take what came, work where it may."""
        came = sum(around.now_s <= at_s < around.now_s + dt_s for at_s in self.batches_s)
        left_s = self.left_s + came * self.batch_s
        may = orders.get("run_on", orders.get("relay_on", 0.0)) > 0 and around.powered
        running = may and left_s > 0.0
        late = left_s > 0.0 and around.now_s >= self.deadline_s
        return replace(
            self,
            left_s=max(left_s - dt_s, 0.0) if running else left_s,
            running_on=running,
            late_s=self.late_s + (dt_s if late else 0.0),
            starts_count=self.starts_count + (running and not self.running_on),
        )

    def values(self) -> Mapping[str, float]:
        """Return whether a batch waits, its time left, and the time that it waited after its deadline."""
        return {
            "waiting_on": float(self.left_s > 0.0),
            "left_s": self.left_s,
            "late_s": self.late_s,
            "fans_on": float(self.running_on),
        }
