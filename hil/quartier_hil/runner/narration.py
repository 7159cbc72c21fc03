"""Narrate a story: each line comes when its condition is measured (pure)."""

import re
from collections.abc import Iterable, Iterator, Mapping

from quartier_hil.scenario.events import StoryLine

_PLACE = re.compile(r"\{([a-z0-9_.]+)\}")
_UNITS = {
    "w": (1e-3, ".1f", " kW"),
    "pct": (1.0, ".0f", " %"),
    "c": (1.0, ".0f", " °C"),
    "a": (1.0, ".0f", " A"),
}


class Narration:
    """Lines of the narration of a run that are still due."""

    def __init__(self, lines: Iterable[StoryLine]) -> None:
        self._waiting = sorted(lines, key=lambda one: one.at_s)

    def step(self, now_s: float, values: Mapping[str, float]) -> Iterator[str]:
        """Yield the lines that are due at ``now_s``, with the measured values in their places."""
        due = [
            (one, text) for one in self._waiting if (text := _format_due_line(one, now_s, values)) is not None
        ]
        self._waiting = [one for one in self._waiting if all(one is not line for line, _ in due)]
        yield from (fill_values(text, values) for _, text in due if text)


def _format_due_line(one: StoryLine, now_s: float, values: Mapping[str, float]) -> str | None:
    """Return the text of a line now; None if it waits."""
    if now_s < one.at_s:
        return None
    if not one.point or (one.point in values and one.low <= values[one.point] <= one.high):
        return one.text
    return one.otherwise if now_s >= one.until_s else None


def fill_values(text: str, values: Mapping[str, float]) -> str:
    """The text with each ``{point}`` replaced by its value: ``{grid.power_w}`` becomes ``3.9 kW``."""
    return _PLACE.sub(lambda found: _format_value(found[1], values), text)


def _format_value(point: str, values: Mapping[str, float]) -> str:
    if point not in values:
        return "an unknown value"
    factor, form, unit = _UNITS.get(point.rsplit("_", 1)[-1], (1.0, "g", ""))
    text = f"{values[point] * factor:{form}}"
    return (text.removeprefix("-") if float(text) == 0.0 else text) + unit
