"""Place the names of curves, and select the events and orders that a picture marks (pure)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from quartier_hil.checks.run_record import Mark, OrderEntry
from quartier_hil.report.curves import Trace
from quartier_hil.scenario.pictures import Picture

CHARACTER_WIDTH, LABEL_HEIGHT = 7.2, 13.0
"""Of a letter of 12 px; a wide one, so that no font makes a label longer than it is reckoned."""
_LABEL_GAP, _LABEL_DISTANCE, _CANDIDATE_STEP = 3.0, 5.0, 6
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
        return len(self.text) * CHARACTER_WIDTH / 2


def place_labels(named: Sequence[tuple[str, Trace]], frame: Frame) -> list[Label]:
    """A label for each curve, the flattest place that is free; where none is, the one least in the way."""
    extents = [_find_extent(trace) for _, trace in named]
    found: list[Label] = []
    for place, (text, _) in enumerate(named):
        others = extents[:place] + extents[place + 1 :]
        candidates = list(_list_candidates(text, extents[place], frame))
        if not candidates:
            candidates = [(0.0, Label(text, (frame.left + frame.right) / 2, frame.top + _LABEL_GAP))]
        found.append(min(candidates, key=lambda one: one[0] + _compute_penalty(one[1], others, found))[1])
    return found


def _find_extent(trace: Trace) -> dict[int, Span]:
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


def _list_candidates(text: str, own: Extent, frame: Frame) -> Iterator[tuple[float, Label]]:
    """Each place at the line, with how uneven the line is there."""
    half = Label(text, 0.0, 0.0).half
    for x in range(ceil(frame.left + half + 4), floor(frame.right - half - 4), _CANDIDATE_STEP):
        span = [own[column] for column in range(floor(x - half), ceil(x + half)) if column in own]
        if len(span) < 2 * half - 2:
            continue
        top, bottom = min(one[0] for one in span), max(one[1] for one in span)
        for edge in (top - _LABEL_GAP - LABEL_HEIGHT, bottom + _LABEL_GAP):
            if frame.top + 1 <= edge and edge + LABEL_HEIGHT <= frame.bottom - 1:
                yield bottom - top, Label(text, x, edge)


def _compute_penalty(label: Label, others: Sequence[Extent], labels: Sequence[Label]) -> float:
    """Return a penalty for everything in its way, or so near that it could belong to another curve."""
    trouble = sum(10_000.0 for one in labels if _labels_touch(label, one))
    columns = range(floor(label.x - label.half), ceil(label.x + label.half))
    for other in others:
        spans = [other[column] for column in columns if column in other]
        hit = sum(_label_meets_span(label, span, 1.0) for span in spans)
        near = sum(_label_meets_span(label, span, _LABEL_DISTANCE) for span in spans)
        trouble += 100.0 * hit + near
    return trouble


def _labels_touch(label: Label, other: Label) -> bool:
    aside = abs(label.x - other.x) < label.half + other.half + 8
    return aside and abs(label.top - other.top) < LABEL_HEIGHT + 2


def _label_meets_span(label: Label, span: Span, away: float) -> bool:
    return span[0] < label.top + LABEL_HEIGHT + away and span[1] > label.top - away


FREE = "not limited"
_FIGURES = re.compile(r"[-+]?\d[\d.,:]*")
_UNITS = {"w": "W", "a": "A", "pct": "%", "k": "K"}
_FOLLOWING = ("_w", "_a")
_STATES = ("off", "on")


@dataclass(frozen=True, slots=True)
class MarkLine:
    """One line below the picture, with its number in it; ``is_order``: the gateway's doing."""

    at_s: float
    text: str
    is_order: bool = False


def select_marks(picture: Picture, marks: Iterable[Mark], rows: Sequence[OrderEntry]) -> list[MarkLine]:
    """Events and orders inside the picture's time, in their order."""
    found = [MarkLine(mark.at_s, mark.text) for mark in marks]
    found += [line for point in picture.orders for line in _list_reason_changes(point, rows)]
    inside = [one for one in found if picture.from_s <= one.at_s <= picture.until_s]
    return sorted(inside, key=lambda one: (one.at_s, one.is_order))


def _list_reason_changes(point: str, rows: Sequence[OrderEntry]) -> Iterator[MarkLine]:
    """The orders to ``point`` with another reason than the one before, figures in it aside.

    What follows a meter changes its value all the time; what goes by steps tells each.  That nothing holds
    any more what stands already is no news.
    """
    before, value = None, None
    for row in rows:
        if row.point == point:
            step = None if point.endswith(_FOLLOWING) else row.value
            kind = (step, _FIGURES.sub("", row.reason))
            if kind != before and not (row.reason == FREE and row.value == value):
                yield MarkLine(row.at_s, f"{_format_order(row)}: {row.reason}", is_order=True)
            before, value = kind, row.value


def _format_order(row: OrderEntry) -> str:
    """Return an order, as text."""
    name, _, quantity = row.point.partition(".")
    if quantity.endswith("_on"):
        return f"{name} {_STATES[row.value > 0]}"
    words, _, unit = quantity.rpartition("_")
    if unit in _UNITS:
        return f"{name} {row.value:.0f} {_UNITS[unit]}"
    return f"{name} {words.replace('_', ' ')} {unit} {row.value:g}"
