"""Place the name of a curve: at its line, where nothing else is (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from quartier_hil.report.traces import Trace

CHARACTER, HEIGHT = 7.2, 13.0
"""Of a letter of 12 px; a wide one, so that no font makes a label longer than it is reckoned."""
_GAP, _AWAY, _STEP = 3.0, 5.0, 6
Span = tuple[float, float]
Extent = Mapping[int, Span]


@dataclass(frozen=True, slots=True)
class Frame:
    """The panel that labels stay in, in pixels."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Label:
    """``text`` with its middle at ``x`` and its upper edge at ``top``."""

    text: str
    x: float
    top: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return len(self.text) * CHARACTER / 2


def placed(named: Sequence[tuple[str, Trace]], frame: Frame) -> list[Label]:
    """A label for each curve, the flattest place that is free; where none is, the one least in the way."""
    extents = [_extent(trace) for _, trace in named]
    found: list[Label] = []
    for place, (text, _) in enumerate(named):
        others = extents[:place] + extents[place + 1 :]
        candidates = list(_candidates(text, extents[place], frame))
        if not candidates:
            candidates = [(0.0, Label(text, (frame.left + frame.right) / 2, frame.top + _GAP))]
        found.append(min(candidates, key=lambda one: one[0] + _trouble(one[1], others, found))[1])
    return found


def _extent(trace: Trace) -> dict[int, Span]:
    """By column of a pixel, the uppermost and lowest pixel of the line."""
    found: dict[int, Span] = {}
    for stroke in trace.strokes:
        for (x, y), (to_x, to_y) in pairwise(stroke):
            slope = (to_y - y) / (to_x - x) if to_x > x else 0.0
            for column in range(floor(x), max(ceil(to_x), floor(x) + 1)):
                sides = [y + slope * (at - x) for at in (max(x, column), min(to_x, column + 1))]
                sides = sides if to_x > x else [y, to_y]
                low, high = found.get(column, (sides[0], sides[0]))
                found[column] = (min(low, *sides), max(high, *sides))
    return found


def _candidates(text: str, own: Extent, frame: Frame) -> Iterator[tuple[float, Label]]:
    """Each place at the line, with how uneven the line is there."""
    half = Label(text, 0.0, 0.0).half
    for x in range(ceil(frame.left + half + 4), floor(frame.right - half - 4), _STEP):
        span = [own[column] for column in range(floor(x - half), ceil(x + half)) if column in own]
        if len(span) < 2 * half - 2:
            continue
        top, bottom = min(one[0] for one in span), max(one[1] for one in span)
        for edge in (top - _GAP - HEIGHT, bottom + _GAP):
            if frame.top + 1 <= edge and edge + HEIGHT <= frame.bottom - 1:
                yield bottom - top, Label(text, x, edge)


def _trouble(label: Label, others: Sequence[Extent], labels: Sequence[Label]) -> float:
    """Return a penalty for everything in its way, or so near that it could belong to another curve."""
    trouble = sum(10_000.0 for one in labels if _touch(label, one))
    columns = range(floor(label.x - label.half), ceil(label.x + label.half))
    for other in others:
        spans = [other[column] for column in columns if column in other]
        hit = sum(_meets(label, span, 1.0) for span in spans)
        near = sum(_meets(label, span, _AWAY) for span in spans)
        trouble += 100.0 * hit + near
    return trouble


def _touch(label: Label, other: Label) -> bool:
    aside = abs(label.x - other.x) < label.half + other.half + 8
    return aside and abs(label.top - other.top) < HEIGHT + 2


def _meets(label: Label, span: Span, away: float) -> bool:
    return span[0] < label.top + HEIGHT + away and span[1] > label.top - away
