"""A group of street lights: lit by its own dusk switch, dimmed by order (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import EVENLY, Around, Shares

# Lamps are lit when the sun is so far below the horizon, and put out when it is less (EN 13201 practice).
DUSK_DEG = -1.0
# What drivers and controls take whatever the light: a share of the rating.
IDLE_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """LED lamps: their power goes with their light."""

    name: str
    rated_w: float
    lit_on: bool = False
    dim_pct: float = 100.0
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Nothing by day but what the drivers take."""
        share = self.dim_pct / 100.0 if self.lit_on else 0.0
        return self.rated_w * max(share, IDLE_SHARE)

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Lamps":  # noqa: ARG002 - as asked
        """Follow the sun, and the order ``dim_pct``."""
        lit = around.powered and around.sun_deg < DUSK_DEG
        return replace(self, lit_on=lit, dim_pct=min(max(orders.get("dim_pct", 100.0), 0.0), 100.0))

    def values(self) -> Mapping[str, float]:
        """Return whether they are lit."""
        return {"lit_on": float(self.lit_on)}
