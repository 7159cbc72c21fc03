"""Curves as few pixels as the eye can tell apart (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import floor, sqrt

COLUMN = 2.0
"""Pixels within which only the first, the least, the largest and the last value of a curve count."""
TOLERANCE = 0.35
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trace:
    """A line in pixels: strokes without a gap, each from left to right."""

    strokes: tuple[tuple[Spot, ...], ...]

    @property
    def spots(self) -> Iterator[Spot]:
        """All its corners."""
        return (spot for stroke in self.strokes for spot in stroke)


def grid(pixels: float) -> float:
    """To a tenth of a pixel.

    Just off the half, so that a last bit of a sum that two processors do not share moves nothing.
    """
    return floor(pixels * 10.0 + 0.5 + 1e-6) / 10.0


def thin(spots: Sequence[Spot | None], *, steps: bool) -> Trace:
    """``spots`` in the order of time, None where there is nothing; ``steps``: each stands until the next."""
    strokes = []
    for is_there, run in groupby(spots, key=lambda spot: spot is not None):
        if is_there:
            stroke = [spot for spot in run if spot is not None]
            strokes.append(tuple(_straight(_stairs(stroke) if steps else _columns(stroke))))
    return Trace(tuple(strokes))


def _stairs(spots: Sequence[Spot]) -> list[Spot]:
    """The corners of a line that changes by steps alone; one that never rests is a curve all the same."""
    corners = [spots[0]]
    for x, y in spots[1:]:
        if y != corners[-1][1]:
            corners += [(x, corners[-1][1]), (x, y)]
    corners.append((spots[-1][0], corners[-1][1]))
    return corners if len(corners) <= len(spots) / 4 + 8 else _columns(spots)


def _columns(spots: Sequence[Spot]) -> list[Spot]:
    kept: list[Spot] = []
    for _, column in groupby(spots, key=lambda spot: floor(spot[0] / COLUMN)):
        mine = list(column)
        marked = {0, len(mine) - 1}
        marked |= {min(range(len(mine)), key=lambda i: mine[i][1])}
        marked |= {max(range(len(mine)), key=lambda i: mine[i][1])}
        kept += [mine[place] for place in sorted(marked)]
    return kept


def _straight(spots: Sequence[Spot]) -> list[Spot]:
    """Without what lies on the way between its neighbours (Ramer, Douglas and Peucker)."""
    keep = {0, len(spots) - 1}
    open_spans = [(0, len(spots) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        far, place = 0.0, first
        for middle in range(first + 1, last):
            off = _off(spots[first], spots[last], spots[middle])
            if off > far:
                far, place = off, middle
        if far > TOLERANCE:
            keep.add(place)
            open_spans += [(first, place), (place, last)]
    return [spots[place] for place in sorted(keep)]


def _off(first: Spot, last: Spot, middle: Spot) -> float:
    """Return the distance of ``middle`` from the segment between the others."""
    run, rise = last[0] - first[0], last[1] - first[1]
    x, y = middle[0] - first[0], middle[1] - first[1]
    length = run * run + rise * rise
    share = min(max((x * run + y * rise) / length, 0.0), 1.0) if length > 0.0 else 0.0
    return sqrt((x - share * run) ** 2 + (y - share * rise) ** 2)


def path(trace: Trace) -> str:
    """Its path in SVG: an absolute start for each stroke, then the ways from corner to corner."""
    return "".join(_stroke(stroke) for stroke in trace.strokes if len(stroke) > 1)


def _stroke(stroke: Sequence[Spot]) -> str:
    x, y = round(stroke[0][0] * 10), round(stroke[0][1] * 10)
    text = f"M{_number(x)} {_number(y)}"
    for spot in stroke[1:]:
        to_x, to_y = round(spot[0] * 10), round(spot[1] * 10)
        text += _way(to_x - x, to_y - y)
        x, y = to_x, to_y
    return text


def _way(run: int, rise: int) -> str:
    if rise == 0:
        return f"h{_number(run)}" if run else ""
    if run == 0:
        return f"v{_number(rise)}"
    second = _number(rise)
    return f"l{_number(run)}{'' if second.startswith('-') else ' '}{second}"


def _number(tenths: int) -> str:
    sign, tenths = "-" if tenths < 0 else "", abs(tenths)
    whole, part = divmod(tenths, 10)
    return f"{sign}{whole or ('' if part else 0)}{f'.{part}' if part else ''}"
