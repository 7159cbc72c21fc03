"""The form of a forecast: means and quantiles by step, and resampling to other steps (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

QuantileBand = tuple[float, float, float, float]
"""Mean, and the quantiles 10, 50 and 90 %, in W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSeries:
    """Means of steps of ``step_s`` from ``start_utc_s`` on, in W, each with its quantiles.

    ``model`` is the one that was chosen for most steps.  ``error_w`` is the root of its mean squared error
    and ``miss_w`` its mean absolute error in the back-test over these distances, ``inside_pct`` how often
    what happened lay between the quantiles 10 and 90 %; all three None before anything was tried.
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
    """Load and generation, both plus, and their net: what the connection would take, or give below 0."""

    load: ForecastSeries
    generated: ForecastSeries
    net: ForecastSeries


def resample_bands(
    slots: Sequence[QuantileBand], slot_s: float, first_s: float, step_s: float, count: int
) -> list[QuantileBand]:
    """Bands of slots as bands of steps of another length, the first ``first_s`` after the first slot's begin.

    A slot that ends within a step counts by its share; in a slot the mean is held, so that energy stays.
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
