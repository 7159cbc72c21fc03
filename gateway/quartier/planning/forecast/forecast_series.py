"""Data of a forecast: means and quantiles by step, and resampling to other steps (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

QuantileBand = tuple[float, float, float, float]
"""Mean and the quantiles 10, 50 and 90 %, in W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSeries:
    """Means of steps of ``step_s`` from ``start_utc_s`` on, in W, each with its quantiles.

    ``model`` is the model that was chosen for most steps. ``error_w`` is the root mean squared error and
    ``miss_w`` the mean absolute error in the back-test over these distances. ``inside_pct`` is how often the
    actual value lay between the quantiles 10 and 90 %. All three are None before the first trial.
    """

    start_utc_s: float
    step_s: float
    mean_w: tuple[float, ...]
    low_w: tuple[float, ...]
    middle_w: tuple[float, ...]
    high_w: tuple[float, ...]
    model: str
    error_w: float | None
    miss_w: float | None
    inside_pct: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Load and generation, both positive, and their net: grid import, or grid export if below 0."""

    load: ForecastSeries
    generated: ForecastSeries
    net: ForecastSeries


def resample_bands(
    slots: Sequence[QuantileBand], slot_s: float, first_s: float, step_s: float, count: int
) -> list[QuantileBand]:
    """Resample bands of slots to steps of another length, the first ``first_s`` after the first slot's start.

    A slot that ends within a step counts by its share. The mean is constant within a slot, so that energy is
    preserved.
    """
    if first_s == 0.0 and step_s == slot_s:
        return list(slots[:count])
    found: list[QuantileBand] = []
    for at in range(count):
        begin = (first_s + at * step_s) / slot_s
        until = begin + step_s / slot_s
        total = [0.0] * 4
        for slot in range(int(begin), len(slots)):
            share = min(until, slot + 1.0) - max(begin, float(slot))
            if share <= 0.0:
                break
            total = [old + share * value for old, value in zip(total, slots[slot], strict=True)]
        mean, low, middle, high = (value / (until - begin) for value in total)
        found.append((mean, low, middle, high))
    return found
