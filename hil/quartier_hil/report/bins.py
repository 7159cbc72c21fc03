"""Long curves in few points: the least and the largest value of each bin (pure)."""

from collections.abc import Sequence
from typing import Any

# Two points a bin and curve: 900 bins keep 20 curves of a day well under the 2 MB promised.
BINS_COUNT = 900
_FACTORS = {"step-negative": -1.0}


def spans(count: int) -> list[tuple[int, int]]:
    """From where to before where each bin goes, of a curve of ``count`` values."""
    stride = max(-(-count // BINS_COUNT), 1)
    return [(start, min(start + stride, count)) for start in range(0, count, stride)]


def curve(values: Sequence[float], bins: Sequence[tuple[int, int]], factor: float, style: str) -> list[Any]:
    """Least and largest value of each bin in the order in which they occurred; None for what is no number."""
    found: list[Any] = []
    for start, end in bins:
        span = [index for index in range(start, end) if abs(values[index]) < 1e9]
        if not span:
            found += [None, None]
            continue
        low, high = min(span, key=values.__getitem__), max(span, key=values.__getitem__)
        for index in sorted((low, high)):
            found.append(round(values[index] * factor * _FACTORS.get(style, 1.0), 3))
    return found
