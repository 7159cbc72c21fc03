"""PV as a further asset of the plant: the physics of the usual one, any number of them (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from quartier_hil.plant import solar
from quartier_hil.plant.piece import EVENLY, Around, Shares
from quartier_hil.plant.solar import SolarSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """Follows the sun, and ``generation_max_w``; a relay that is off (``relay_on`` 0) cuts it off."""

    name: str
    spec: SolarSpec
    generated_w: float = 0.0
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Never plus."""
        return self.generated_w

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Panels":
        """Give what the sun allows, or less where that is ordered."""
        limit_w = orders.get("generation_max_w", inf)
        if not around.powered or orders.get("relay_on", 1.0) <= 0:
            limit_w = 0.0
        available_w = around.solar_w_per_kw * self.spec.rated_w / 1_000.0
        return replace(self, generated_w=solar.step(self.spec, self.generated_w, available_w, limit_w, dt_s))

    def values(self) -> Mapping[str, float]:
        """Nothing more."""
        return {}
