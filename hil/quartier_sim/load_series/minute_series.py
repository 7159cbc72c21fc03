"""Plant inputs per minute, and energy-preserving interpolation of hourly means (pure)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from quartier_sim.plant.building_model import PlantInputs

MINUTE_S = 60.0
MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeries:
    """Values of each minute from the start of the day on; the last day's end is held.

    ``origin`` says in words where they come from; ``pv_rated_w``, ``battery_wh`` and ``battery_w`` are
    those of the recorded building where its records state them.
    """

    base_w: tuple[float, ...]
    solar_w_per_kw: tuple[float, ...]
    origin: str
    draw_w: tuple[float, ...] = ()
    price_eur_per_wh: tuple[float, ...] = ()
    pv_rated_w: float | None = None
    battery_wh: float | None = None
    battery_w: float | None = None

    def at(self, day_s: float) -> PlantInputs:
        """The drive ``day_s`` seconds after the start of the first day; constant within a minute."""
        minute = max(int(day_s // MINUTE_S), 0)
        return PlantInputs(
            base_w=_get_value(self.base_w, minute),
            solar_w_per_kw=_get_value(self.solar_w_per_kw, minute),
            draw_w=_get_value(self.draw_w, minute),
        )

    def price(self, day_s: float) -> float:
        """EUR per Wh of import at that second."""
        return _get_value(self.price_eur_per_wh, int(day_s // MINUTE_S))


def _get_value(values: Sequence[float], index: int) -> float:
    if not values:
        return 0.0
    return values[min(index, len(values) - 1)]


def interpolate_minutes(
    hour_means: Sequence[float], rng: random.Random, roughness: float
) -> tuple[float, ...]:
    """Sixty values an hour whose mean is exactly that hour's.

    The course follows straight lines between the middles of the hours, each minute is then made up to
    ``roughness`` (0..1) larger or smaller by a random walk, and the hour is scaled back to its mean.
    """
    course: list[float] = []
    swing = 0.0
    for hour, mean in enumerate(hour_means):
        before = hour_means[max(hour - 1, 0)]
        after = hour_means[min(hour + 1, len(hour_means) - 1)]
        raw: list[float] = []
        for minute in range(MINUTES_PER_HOUR):
            place = (minute + 0.5) / MINUTES_PER_HOUR - 0.5
            line = mean + (after - mean) * place if place >= 0 else mean + (before - mean) * -place
            swing = 0.8 * swing + 0.2 * rng.uniform(-1.0, 1.0)
            raw.append(max(line, 0.0) * max(1.0 + roughness * 3.0 * swing, 0.05))
        total = sum(raw)
        course.extend(value * mean * MINUTES_PER_HOUR / total if total > 0 else mean for value in raw)
    return tuple(course)
