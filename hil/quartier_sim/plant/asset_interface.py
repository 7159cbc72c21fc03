"""Interface of the plant's assets, and their surroundings: sun and outdoor temperature (pure).

Sun: declination and equation of time by the short Fourier series of Spencer (1971), good to about half a
degree, which is two minutes of dusk.  Temperature: a daily wave, coldest at five in the morning.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

PhaseShares = tuple[float, float, float]
EVEN_SHARES: PhaseShares = (1 / 3, 1 / 3, 1 / 3)


def get_phase_shares(phase: int | None) -> PhaseShares:
    """The part of a power on each phase: all on ``phase`` (1 to 3), or a third on each."""
    if phase is None:
        return EVEN_SHARES
    return (float(phase == 1), float(phase == 2), float(phase == 3))


@dataclass(frozen=True, slots=True)
class Surroundings:
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


class PlantAsset(Protocol):
    """An asset with its state; ``step`` gives the next one, nothing is changed."""

    @property
    def name(self) -> str:
        """Its name, as the owner of its points."""
        ...

    @property
    def shares(self) -> PhaseShares:
        """The part of its power on each phase."""
        ...

    @property
    def power_w(self) -> float:
        """Power from the building, W; minus: generation."""
        ...

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> Self:
        """Go on by ``dt_s`` under ``orders`` by quantity; one that is missing stands for its own control."""
        ...

    def values(self) -> Mapping[str, float]:
        """Return its measurements apart from the power, by quantity, in gateway units."""
        ...


LATITUDE, LONGITUDE = 48.82, 2.27
_DAY_S = 86_400.0
_COLDEST_H = 5.0


def compute_sun_elevation_deg(
    utc_s: float, latitude: float = LATITUDE, longitude: float = LONGITUDE
) -> float:
    """Elevation of the sun's middle over the horizon at Unix time ``utc_s``, degrees, refraction left out."""
    day = utc_s / _DAY_S + 719_528 - 0.5  # days since the year 0; only the place in the year counts
    angle = 2.0 * math.pi * ((day - 0.5) % 365.2425) / 365.2425
    declination = (
        0.006918
        - 0.399912 * math.cos(angle)
        + 0.070257 * math.sin(angle)
        - 0.006758 * math.cos(2 * angle)
        + 0.000907 * math.sin(2 * angle)
    )
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(angle)
        - 0.032077 * math.sin(angle)
        - 0.014615 * math.cos(2 * angle)
        - 0.040849 * math.sin(2 * angle)
    )
    minutes = utc_s % _DAY_S / 60.0 + equation_min + 4.0 * longitude
    hour = math.radians(minutes / 4.0 - 180.0)
    high = math.radians(latitude)
    sine = math.sin(high) * math.sin(declination) + math.cos(high) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(sine))


def compute_outdoor_c(day_s: float, mean_c: float, swing_k: float = 5.0) -> float:
    """The air outside at a second of the local day."""
    hour = day_s % _DAY_S / 3600.0
    return mean_c - swing_k * math.cos(2.0 * math.pi * (hour - _COLDEST_H) / 24.0)
