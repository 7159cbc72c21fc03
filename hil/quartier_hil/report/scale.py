"""Axes: round steps for values, clock times for the time of a run (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

_TIME_STEPS_S = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight way from ``low``..``high`` onto pixels ``at_low``..``at_high``, with its ticks."""

    low: float
    high: float
    at_low: float
    at_high: float
    ticks: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """The pixel of ``value``, at most one range outside."""
        share = (value - self.low) / (self.high - self.low)
        return self.at_low + min(max(share, -1.0), 2.0) * (self.at_high - self.at_low)


def rounded(low: float, high: float, ticks_count: int) -> tuple[float, float, tuple[float, ...]]:
    """``low`` and ``high`` moved out to a round step, and the ticks between: some ``ticks_count`` of them."""
    if high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    raw = (high - low) / max(ticks_count, 1)
    power = 10.0 ** floor(log10(raw))
    step = next(power * part for part in (1.0, 2.0, 2.5, 5.0, 10.0) if power * part >= raw * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(number * step, 9) for number in range(first, last + 1))
    return ticks[0], ticks[-1], ticks


def values(
    found: Sequence[float], *, low: float | None, high: float | None, top: float, bottom: float
) -> Scale:
    """The axis of a panel whose curves hold ``found``; ``low`` and ``high`` are kept where they are said."""
    least = min(found, default=0.0) if low is None else low
    most = max(found, default=1.0) if high is None else high
    begins, ends, ticks = rounded(least, max(most, least), max(2, round((bottom - top) / 32)))
    begins, ends = begins if low is None else low, ends if high is None else high
    return Scale(begins, ends, bottom, top, tuple(tick for tick in ticks if begins <= tick <= ends))


def times(start_s: float, from_s: float, until_s: float, left: float, right: float) -> Scale:
    """The axis of time: ticks at round times of the clock; ``start_s`` is that of second 0, in its day."""
    length_s = until_s - from_s
    step_s = next((step for step in _TIME_STEPS_S if length_s / step <= 8), _DAY_S)
    first = ceil((start_s + from_s) / step_s - 1e-9)
    last = floor((start_s + until_s) / step_s + 1e-9)
    ticks = tuple(number * step_s - start_s for number in range(first, last + 1))
    return Scale(from_s, until_s, left, right, ticks)


def clock(day_s: float, *, seconds: bool = False) -> str:
    """``day_s`` seconds after a midnight, as a clock shows it."""
    whole = int(day_s) % _DAY_S
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if seconds else text
