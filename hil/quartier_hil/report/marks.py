"""Select the marks of a picture: events, and orders with a changed reason (pure)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quartier_hil.shown import Picture
from quartier_hil.verdict.course import Mark
from quartier_hil.verdict.ordered import Ordered

FREE = "free"
_FIGURES = re.compile(r"[-+]?\d[\d.,:]*")
_UNITS = {"w": "W", "a": "A", "pct": "%", "k": "K"}
_FOLLOWING = ("_w", "_a")
_STATES = ("off", "on")


@dataclass(frozen=True, slots=True)
class Told:
    """One line below the picture, with its number in it; ``is_order``: the gateway's doing."""

    at_s: float
    text: str
    is_order: bool = False


def told(picture: Picture, marks: Iterable[Mark], rows: Sequence[Ordered]) -> list[Told]:
    """Events and orders inside the picture's time, in their order."""
    found = [Told(mark.at_s, mark.text) for mark in marks]
    found += [line for point in picture.orders for line in _changes(point, rows)]
    inside = [one for one in found if picture.from_s <= one.at_s <= picture.until_s]
    return sorted(inside, key=lambda one: (one.at_s, one.is_order))


def _changes(point: str, rows: Sequence[Ordered]) -> Iterator[Told]:
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
                yield Told(row.at_s, f"{_order(row)}: {row.reason}", is_order=True)
            before, value = kind, row.value


def _order(row: Ordered) -> str:
    """Return an order, as text."""
    name, _, quantity = row.point.partition(".")
    if quantity.endswith("_on"):
        return f"{name} {_STATES[row.value > 0]}"
    words, _, unit = quantity.rpartition("_")
    if unit in _UNITS:
        return f"{name} {row.value:.0f} {_UNITS[unit]}"
    return f"{name} {words.replace('_', ' ')} {unit} {row.value:g}"
