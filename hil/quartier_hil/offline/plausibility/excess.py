"""Measure the plant's true excess over its limits while the meter is wrong (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier_hil.offline.plausibility.cases import BATTERY_BAND_PCT, Case

SLACK = 1.1
"""spec/failsafe.md#breach: what is over the limit by more than this part is a breach."""
EVIDENCE_S, FOUND_S, PERIODS, REACHED_S = 30.0, 30.0, 4.0, 30.0
"""Evidence is complete after so long, found so long after, and the limit reached so long after that."""
OVER_MAX_S = 5.0


@dataclass
class Excess:
    """Counts the true excess after a fault.

    The gateway has ``EVIDENCE_S`` of excess, however they are spread, then the time to find the fault and to
    reach the limit; the seconds of excess after that are ``late_s``.
    """

    case: Case
    period_s: float = 1.0
    over_s: float = 0.0
    late_s: float = 0.0
    worst_w: float = 0.0
    late_worst_w: float = 0.0
    longest_s: float = 0.0
    due_s: float = float("inf")
    soc_pct: list[float] = field(default_factory=lambda: [100.0, 0.0])
    beyond: set[str] = field(default_factory=set)
    _running_s: float = 0.0

    @property
    def patience_s(self) -> float:
        """Longest time from complete evidence to a kept limit, s."""
        return max(FOUND_S, PERIODS * self.period_s) + REACHED_S

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float], mode: str) -> None:
        """Judge one step of the plant by its true values."""
        soc_pct = values["bat1.soc_pct"]
        self.soc_pct = [min(self.soc_pct[0], soc_pct), max(self.soc_pct[1], soc_pct)]
        self._rate(values)
        if now_s < self.case.fault_s:
            return
        import_w, export_w = self.case.limits_w(mode)
        grid_w = values["grid.power_w"]
        over_w = max(grid_w - SLACK * import_w, -grid_w - SLACK * export_w)
        if over_w <= 1.0:
            self._running_s = 0.0
            return
        self._running_s += dt_s
        self.over_s += dt_s
        self.longest_s = max(self.longest_s, self._running_s)
        self.worst_w = max(self.worst_w, over_w)
        if self.over_s >= EVIDENCE_S:
            self.due_s = min(self.due_s, now_s + self.patience_s)
        if now_s > self.due_s:
            self.late_s += dt_s
            self.late_worst_w = max(self.late_worst_w, over_w)

    def _rate(self, values: Mapping[str, float]) -> None:
        rated_w = {"bat1": 5_000.0, "ev1": 11_040.0, "pv1": 8_000.0, "hp1": 2_500.0}
        self.beyond |= {
            name for name, most_w in rated_w.items() if abs(values[f"{name}.power_w"]) > 1.02 * most_w
        }

    @property
    def faults(self) -> list[str]:
        """Broken promises, as text; empty if all hold."""
        found = []
        if self.late_s > OVER_MAX_S:
            found.append(
                f"limit exceeded for {self.late_s:g} s after it was due, by {self.late_worst_w:.0f} W"
            )
        if self.soc_pct[0] < BATTERY_BAND_PCT[0] or self.soc_pct[1] > BATTERY_BAND_PCT[1]:
            found.append(f"battery at {self.soc_pct[0]:.1f} to {self.soc_pct[1]:.1f} %")
        if self.beyond:
            found.append(f"beyond its rating: {', '.join(sorted(self.beyond))}")
        return found
