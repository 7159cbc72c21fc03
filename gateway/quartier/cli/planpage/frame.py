"""What the pages of plans have in common: the head, the style, the times below the charts (pure)."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise

from quartier.cli import output
from quartier.cli.planpage.chart import Mark
from quartier.cli.steps import Steps

_MARKS_MAX = 9
_APART_H = (1, 2, 3, 4, 6, 12, 24)


def framed(title: str, site: str, meta: str, main: str, foot: str) -> str:
    """The whole file; ``main`` and ``foot`` are HTML, the others text."""
    style = (files("quartier.cli.planpage") / "page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} at {escape(site)}</title>
<style>{style}</style></head><body>
<header><h1>{escape(title)}</h1><p class="meta">{escape(meta)}</p></header>
<main>{main}</main>
<footer>{foot}</footer>
</body></html>
"""


def meta(site: str, steps: Steps) -> str:
    """Return which site and which hours, in a line."""
    times, step_s = steps.times, steps.outlook.step_s
    end = steps.time(len(times))
    return (
        f"{site} · {times[0]:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} {end:%Z}".rstrip()
        + f" · {output.counted(len(times), 'step', 'steps')} of {step_s // 60} min"
    )


def verdict(text: str, given_up: Sequence[str]) -> str:
    """Return how good it is, and what could not be kept."""
    if not given_up:
        return f'<section class="verdict"><p>{escape(text)} Every limit is kept.</p></section>'
    lines = "".join(f"<li>{escape(line)}</li>" for line in given_up)
    return (
        '<section class="verdict bad"><p><b>Not everything can be kept.</b> '
        f"{escape(text)}</p><ul>{lines}</ul></section>"
    )


def tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Large numbers, each with its word."""
    return "".join(
        f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>" for value, label in figures
    )


def some(values: Sequence[float]) -> list[float]:
    """Nothing where nothing happens: a line on zero would be read as one."""
    return [value if value > 5e-4 else float("inf") for value in values]


def marks(steps: Steps) -> list[Mark]:
    """Round hours as the clock of the series shows them, so far apart that they can be read."""
    hours = len(steps.times) * steps.outlook.step_h
    apart_h = next((one for one in _APART_H if hours / one <= _MARKS_MAX), _APART_H[-1])
    made = []
    for number, (before, now) in enumerate(pairwise(steps.times), 1):
        if (before.date(), before.hour // apart_h) != (now.date(), now.hour // apart_h):
            text = f"{now:%H:%M}" if now.date() == before.date() else f"{now:%a %d}"
            made.append(Mark(number, text))
    return made
