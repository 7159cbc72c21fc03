"""A plain consumer: a fixed power in a span of the day, while its relay is on (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import Around, Shares, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Runs from ``from_h`` to ``until_h`` of the day, over midnight where that is less."""

    name: str
    rated_w: float
    phase: int | None = None
    from_h: float = 0.0
    until_h: float = 24.0
    running_on: bool = False

    @property
    def shares(self) -> Shares:
        """All on its phase, or a third on each."""
        return shares(self.phase)

    @property
    def power_w(self) -> float:
        """Its rating while it runs."""
        return self.rated_w if self.running_on else 0.0

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Consumer":  # noqa: ARG002 - as asked
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
