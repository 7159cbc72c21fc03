"""Interface of every further asset of the plant: power by phase, a step in time, measurements (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

Shares = tuple[float, float, float]
EVENLY: Shares = (1 / 3, 1 / 3, 1 / 3)


def shares(phase: int | None) -> Shares:
    """The part of a power on each phase: all on ``phase`` (1 to 3), or a third on each."""
    if phase is None:
        return EVENLY
    return (float(phase == 1), float(phase == 2), float(phase == 3))


@dataclass(frozen=True, slots=True)
class Around:
    """Surroundings of the building: seconds of the scenario and of the local day, weather, sun in degrees.

    ``solar_w_per_kw`` is the power by sun per kW of modules, ``draw_w`` the heat of the hot water that people
    draw.
    """

    now_s: float
    day_s: float
    outdoor_c: float = 15.0
    sun_deg: float = 30.0
    powered: bool = True
    solar_w_per_kw: float = 0.0
    draw_w: float = 0.0


class Piece(Protocol):
    """An asset with its state; ``step`` gives the next one, nothing is changed."""

    @property
    def name(self) -> str:
        """Its name, as the owner of its points."""
        ...

    @property
    def shares(self) -> Shares:
        """The part of its power on each phase."""
        ...

    @property
    def power_w(self) -> float:
        """Power from the building, W; minus: generation."""
        ...

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> Self:
        """Go on by ``dt_s`` under ``orders`` by quantity; one that is missing stands for its own control."""
        ...

    def values(self) -> Mapping[str, float]:
        """Return its measurements apart from the power, by quantity, in gateway units."""
        ...
