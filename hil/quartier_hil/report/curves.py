"""Reduce curves to few points, and make their axes (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10, sqrt
from typing import Any

# Two points a bin and curve: 900 bins keep 20 curves of a day well under the 2 MB promised.
BINS_COUNT = 900
_FACTORS = {"step-negative": -1.0}


def list_bins(count: int) -> list[tuple[int, int]]:
    """From where to before where each bin goes, of a curve of ``count`` values."""
    stride = max(-(-count // BINS_COUNT), 1)
    return [(start, min(start + stride, count)) for start in range(0, count, stride)]


def reduce_curve(
    values: Sequence[float], bins: Sequence[tuple[int, int]], factor: float, style: str
) -> list[Any]:
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


_TIME_STEPS_S = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Axis:
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


def round_axis(low: float, high: float, ticks_count: int) -> tuple[float, float, tuple[float, ...]]:
    """``low`` and ``high`` moved out to a round step, and the ticks between: some ``ticks_count`` of them."""
    if high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    raw = (high - low) / max(ticks_count, 1)
    power = 10.0 ** floor(log10(raw))
    step = next(power * part for part in (1.0, 2.0, 2.5, 5.0, 10.0) if power * part >= raw * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(number * step, 9) for number in range(first, last + 1))
    return ticks[0], ticks[-1], ticks


def make_value_axis(
    found: Sequence[float], *, low: float | None, high: float | None, top: float, bottom: float
) -> Axis:
    """The axis of a panel whose curves hold ``found``; ``low`` and ``high`` are kept where they are said."""
    least = min(found, default=0.0) if low is None else low
    most = max(found, default=1.0) if high is None else high
    begins, ends, ticks = round_axis(least, max(most, least), max(2, round((bottom - top) / 32)))
    begins, ends = begins if low is None else low, ends if high is None else high
    return Axis(begins, ends, bottom, top, tuple(tick for tick in ticks if begins <= tick <= ends))


def make_time_axis(start_s: float, from_s: float, until_s: float, left: float, right: float) -> Axis:
    """The axis of time: ticks at round times of the clock; ``start_s`` is that of second 0, in its day."""
    length_s = until_s - from_s
    step_s = next((step for step in _TIME_STEPS_S if length_s / step <= 8), _DAY_S)
    first = ceil((start_s + from_s) / step_s - 1e-9)
    last = floor((start_s + until_s) / step_s + 1e-9)
    ticks = tuple(number * step_s - start_s for number in range(first, last + 1))
    return Axis(from_s, until_s, left, right, ticks)


def format_clock(day_s: float, *, seconds: bool = False) -> str:
    """``day_s`` seconds after a midnight, as a clock shows it."""
    whole = int(day_s) % _DAY_S
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if seconds else text


COLUMN_PIXELS = 2.0
"""Pixels within which only the first, the least, the largest and the last value of a curve count."""
TOLERANCE_PIXELS = 0.35
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trace:
    """A line in pixels: strokes without a gap, each from left to right."""

    strokes: tuple[tuple[Spot, ...], ...]

    @property
    def spots(self) -> Iterator[Spot]:
        """All its corners."""
        return (spot for stroke in self.strokes for spot in stroke)


def round_to_grid(pixels: float) -> float:
    """To a tenth of a pixel.

    Just off the half, so that a last bit of a sum that two processors do not share moves nothing.
    """
    return floor(pixels * 10.0 + 0.5 + 1e-6) / 10.0


def thin_curve(spots: Sequence[Spot | None], *, steps: bool) -> Trace:
    """``spots`` in the order of time, None where there is nothing; ``steps``: each stands until the next."""
    strokes = []
    for is_there, run in groupby(spots, key=lambda spot: spot is not None):
        if is_there:
            stroke = [spot for spot in run if spot is not None]
            strokes.append(tuple(_thin_straight(_thin_steps(stroke) if steps else _thin_columns(stroke))))
    return Trace(tuple(strokes))


def _thin_steps(spots: Sequence[Spot]) -> list[Spot]:
    """The corners of a line that changes by steps alone; one that never rests is a curve all the same."""
    corners = [spots[0]]
    for x, y in spots[1:]:
        if y != corners[-1][1]:
            corners += [(x, corners[-1][1]), (x, y)]
    corners.append((spots[-1][0], corners[-1][1]))
    return corners if len(corners) <= len(spots) / 4 + 8 else _thin_columns(spots)


def _thin_columns(spots: Sequence[Spot]) -> list[Spot]:
    kept: list[Spot] = []
    for _, column in groupby(spots, key=lambda spot: floor(spot[0] / COLUMN_PIXELS)):
        mine = list(column)
        marked = {0, len(mine) - 1}
        marked |= {min(range(len(mine)), key=lambda i: mine[i][1])}
        marked |= {max(range(len(mine)), key=lambda i: mine[i][1])}
        kept += [mine[place] for place in sorted(marked)]
    return kept


def _thin_straight(spots: Sequence[Spot]) -> list[Spot]:
    """Without what lies on the way between its neighbours (Ramer, Douglas and Peucker)."""
    keep = {0, len(spots) - 1}
    open_spans = [(0, len(spots) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        far, place = 0.0, first
        for middle in range(first + 1, last):
            off = _distance_to_segment(spots[first], spots[last], spots[middle])
            if off > far:
                far, place = off, middle
        if far > TOLERANCE_PIXELS:
            keep.add(place)
            open_spans += [(first, place), (place, last)]
    return [spots[place] for place in sorted(keep)]


def _distance_to_segment(first: Spot, last: Spot, middle: Spot) -> float:
    """Return the distance of ``middle`` from the segment between the others."""
    run, rise = last[0] - first[0], last[1] - first[1]
    x, y = middle[0] - first[0], middle[1] - first[1]
    length = run * run + rise * rise
    share = min(max((x * run + y * rise) / length, 0.0), 1.0) if length > 0.0 else 0.0
    return sqrt((x - share * run) ** 2 + (y - share * rise) ** 2)


def format_svg_path(trace: Trace) -> str:
    """Its path in SVG: an absolute start for each stroke, then the ways from corner to corner."""
    return "".join(_format_stroke(stroke) for stroke in trace.strokes if len(stroke) > 1)


def _format_stroke(stroke: Sequence[Spot]) -> str:
    x, y = round(stroke[0][0] * 10), round(stroke[0][1] * 10)
    text = f"M{_format_tenths(x)} {_format_tenths(y)}"
    for spot in stroke[1:]:
        to_x, to_y = round(spot[0] * 10), round(spot[1] * 10)
        text += _format_move(to_x - x, to_y - y)
        x, y = to_x, to_y
    return text


def _format_move(run: int, rise: int) -> str:
    if rise == 0:
        return f"h{_format_tenths(run)}" if run else ""
    if run == 0:
        return f"v{_format_tenths(rise)}"
    second = _format_tenths(rise)
    return f"l{_format_tenths(run)}{'' if second.startswith('-') else ' '}{second}"


def _format_tenths(tenths: int) -> str:
    sign, tenths = "-" if tenths < 0 else "", abs(tenths)
    whole, part = divmod(tenths, 10)
    return f"{sign}{whole or ('' if part else 0)}{f'.{part}' if part else ''}"
