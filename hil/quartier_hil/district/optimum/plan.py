"""Answer of the optimiser: a plan with the limits that gave way, or the reason why there is none (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """Soft limits in the order in which they are kept: the last gives way first, the cost before all of
    them.
    """

    TRANSFORMER = "transformer"
    CONTRACT = "contract"
    CARS = "cars"
    COMFORT = "comfort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Plan of one building by step: W, plus is consumption; ``stored_wh`` at the end of the step."""

    grid_w: tuple[float, ...]
    curtailed_w: tuple[float, ...]
    battery_w: tuple[float, ...] | None = None
    stored_wh: tuple[float, ...] | None = None
    cars_w: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    heat_w: tuple[float, ...] | None = None

    @property
    def import_w(self) -> tuple[float, ...]:
        """Import by step, W."""
        return tuple(max(watts, 0.0) for watts in self.grid_w)

    @property
    def export_w(self) -> tuple[float, ...]:
        """Export by step, W."""
        return tuple(max(-watts, 0.0) for watts in self.grid_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The best plan.  ``relaxed_wh``: by how much each soft limit gave way; of comfort Wh of heat times
    hours.
    """

    lots: Mapping[str, Lot]
    relaxed_wh: Mapping[Level, float]
    cost_eur: float
    solve_s: float
    solves_count: int

    @property
    def gave_way(self) -> tuple[Level, ...]:
        """The soft limits that could not be kept, the dearest first."""
        return tuple(level for level in Level if self.relaxed_wh.get(level, 0.0) > 1.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """There is no plan, and why: ``time`` or the solver's own word."""

    why: str
    solve_s: float
