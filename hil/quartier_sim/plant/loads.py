"""Loads: switched loads, batch machines, waste collection, street lights (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_sim.plant.asset_interface import EVEN_SHARES, PhaseShares, Surroundings, get_phase_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedLoad:
    """Runs from ``from_h`` to ``until_h`` of the day, over midnight where that is less."""

    name: str
    rated_w: float
    phase: int | None = None
    from_h: float = 0.0
    until_h: float = 24.0
    running_on: bool = False

    @property
    def shares(self) -> PhaseShares:
        """All on its phase, or a third on each."""
        return get_phase_shares(self.phase)

    @property
    def power_w(self) -> float:
        """Its rating while it runs."""
        return self.rated_w if self.running_on else 0.0

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "SwitchedLoad":  # noqa: ARG002 - as asked
        """Follow the hour, and ``relay_on``."""
        hour = around.day_s % 86_400.0 / 3600.0
        if self.from_h <= self.until_h:
            inside = self.from_h <= hour < self.until_h
        else:
            inside = hour >= self.from_h or hour < self.until_h
        return replace(self, running_on=inside and orders.get("relay_on", 1.0) > 0 and around.powered)

    def values(self) -> Mapping[str, float]:
        """Nothing more."""
        return {}


_QUARTER_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMachine:
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
    def shares(self) -> PhaseShares:
        """All on its phase, or a third on each."""
        return get_phase_shares(self.phase)

    @property
    def power_w(self) -> float:
        """Power of the present quarter hour of its run, W; 0 at rest."""
        if not self.running_on:
            return 0.0
        return self.run_w[min(int((self.duration_s - self.left_s) / _QUARTER_S), len(self.run_w) - 1)]

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "BatchMachine":
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteCollection:
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
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Power of the fans, W."""
        return self.rated_w if self.running_on else 0.0

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "WasteCollection":
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


# Lamps are lit when the sun is so far below the horizon, and put out when it is less (EN 13201 practice).
DUSK_ELEVATION_DEG = -1.0
# What drivers and controls take whatever the light: a share of the rating.
DRIVER_POWER_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetLights:
    """LED lamps: their power goes with their light."""

    name: str
    rated_w: float
    lit_on: bool = False
    dim_pct: float = 100.0
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Nothing by day but what the drivers take."""
        share = self.dim_pct / 100.0 if self.lit_on else 0.0
        return self.rated_w * max(share, DRIVER_POWER_SHARE)

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "StreetLights":  # noqa: ARG002 - as asked
        """Follow the sun, and the order ``dim_pct``."""
        lit = around.powered and around.sun_deg < DUSK_ELEVATION_DEG
        return replace(self, lit_on=lit, dim_pct=min(max(orders.get("dim_pct", 100.0), 0.0), 100.0))

    def values(self) -> Mapping[str, float]:
        """Return whether they are lit."""
        return {"lit_on": float(self.lit_on)}
