"""Charts (SVG) over the steps of a plan, and the frame of both pages of plans (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import pairwise
from math import inf, isfinite

from quartier.cli.plan.step_series import StepSeries
from quartier.cli.rendering import output
from quartier.commissioning.svg_chart import find_ticks

CHART_HEIGHT = 1000
"""Of the drawing, whose width is the count of steps; the page stretches both."""


_MARGIN_SHARE = 0.06
_FLAT_RANGE = 1e-9
STEP_FORM, BARS_FORM, JOINED_FORM = "step", "bars", "joined"


@dataclass(frozen=True, slots=True)
class PlanCurve:
    """One curve: ``values`` has a number a step, of a ``JOINED_FORM`` one also that before the first.

    ``form``: it holds each value (``STEP_FORM``), stands on zero (``BARS_FORM``), or joins what is
    reached between steps.  ``style`` is its class on the page.  What is not finite is not drawn.
    """

    label: str
    style: str
    values: Sequence[float]
    form: str = STEP_FORM


@dataclass(frozen=True, slots=True)
class AxisMark:
    """A word below the steps."""

    step: int
    text: str


def render_plan_chart(
    title: str,
    unit: str,
    curves: Sequence[PlanCurve],
    marks: Sequence[AxisMark],
    count: int,
    *,
    tall: bool = True,
    base: float = 0.0,
) -> str:
    """Render a chart with title and legend; curves with nothing to draw are left out, ``base`` is shown."""
    shown = [curve for curve in curves if any(isfinite(value) for value in curve.values)]
    low, high = _find_bounds(shown, base)

    def y(value: float) -> float:
        return CHART_HEIGHT * (high - value) / (high - low)

    heights = [(tick, y(tick)) for tick in find_ticks(low, high, 4)]
    lines = "".join(
        f'<path class="{"zero" if tick == 0.0 else "tick"}" d="M0 {at:.0f}H{count}"/>' for tick, at in heights
    )
    columns = "".join(f'<path class="tick" d="M{mark.step} 0V{CHART_HEIGHT}"/>' for mark in marks)
    paths = "".join(
        f'<path class="{curve.style} {curve.form}" d="{_render_path(curve, low, high)}"/>' for curve in shown
    )
    sides = "".join(
        f'<span class="y" style="top:{100 * at / CHART_HEIGHT:.2f}%">{tick:.6g}</span>'
        for tick, at in heights
    )
    feet = "".join(
        f'<span class="x{" also" * (number % 2)}" style="left:{100 * mark.step / count:.3f}%">'
        f"{escape(mark.text)}</span>"
        for number, mark in enumerate(marks)
    )
    legend = "".join(
        f'<li><i class="{curve.style} {curve.form}"></i>{escape(curve.label)}</li>' for curve in shown
    )
    label = escape(f"{title}, {unit}: " + "; ".join(_describe_curve(curve) for curve in shown))
    return (
        f"<figure><figcaption><h3>{escape(title)} <small>{escape(unit)}</small></h3>"
        f'<ul class="legend">{legend}</ul></figcaption><div class="plot{"" if tall else " short"}">'
        f'<svg viewBox="0 0 {count} {CHART_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{lines}{columns}{paths}</svg>{sides}{feet}</div></figure>\n'
    )


def _find_bounds(curves: Sequence[PlanCurve], base: float) -> tuple[float, float]:
    """Return bounds that include the base: half a bar, or a price beside none, would look like all of it."""
    values = [value for curve in curves for value in curve.values if isfinite(value)]
    low, high = min([base, *values]), max([base, *values])
    spread = high - low if high - low > _FLAT_RANGE else 1.0
    return (low - _MARGIN_SHARE * spread if low < base else low), high + _MARGIN_SHARE * spread


def _render_path(curve: PlanCurve, low: float, high: float) -> str:
    def y(value: float) -> str:
        return f"{CHART_HEIGHT * (high - value) / (high - low):.0f}"

    if curve.form == JOINED_FORM:
        return "M" + "L".join(f"{step} {y(value)}" for step, value in enumerate(curve.values))
    if curve.form == BARS_FORM:
        return "".join(
            f"M{step + 0.08:g} {y(0.0)}V{y(value)}H{step + 0.92:g}V{y(0.0)}z"
            for step, value in enumerate(curve.values)
            if abs(value) > _FLAT_RANGE
        )
    return _render_steps(curve.values, y)


def _render_steps(values: Sequence[float], y: Callable[[float], str]) -> str:
    """Each value until the next; a gap where one is not finite."""
    parts: list[str] = []
    before = inf
    for step, value in enumerate(values):
        if isfinite(value):
            parts.append(f"V{y(value)}H{step + 1}" if isfinite(before) else f"M{step} {y(value)}H{step + 1}")
        before = value
    return "".join(parts)


def _describe_curve(curve: PlanCurve) -> str:
    there = [value for value in curve.values if isfinite(value)]
    return f"{curve.label} from {min(there):.4g} to {max(there):.4g}"


_MARKS_MAX = 9
_MARK_DISTANCES_H = (1, 2, 3, 4, 6, 12, 24)


def render_frame(title: str, site: str, meta: str, main: str, foot: str) -> str:
    """Return the whole file; ``main`` and ``foot`` are HTML, the others text."""
    style = (files("quartier.cli.plan") / "page.css").read_text(encoding="utf-8")
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


def describe_series(site: str, steps: StepSeries) -> str:
    """Return which site and which hours, in a line."""
    times, step_s = steps.times, steps.outlook.step_s
    end = steps.time(len(times))
    return (
        f"{site} · {times[0]:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} {end:%Z}".rstrip()
        + f" · {output.format_count(len(times), 'step', 'steps')} of {step_s // 60} min"
    )


def render_verdict(text: str, given_up: Sequence[str]) -> str:
    """Return how good it is, and what could not be kept."""
    if not given_up:
        return f'<section class="verdict"><p>{escape(text)} Every limit is kept.</p></section>'
    lines = "".join(f"<li>{escape(line)}</li>" for line in given_up)
    return (
        '<section class="verdict bad"><p><b>Not everything can be kept.</b> '
        f"{escape(text)}</p><ul>{lines}</ul></section>"
    )


def render_tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Large numbers, each with its word."""
    return "".join(
        f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>" for value, label in figures
    )


def hide_zeros(values: Sequence[float]) -> list[float]:
    """Nothing where nothing happens: a line on zero would be read as one."""
    return [value if value > 5e-4 else float("inf") for value in values]


def make_marks(steps: StepSeries) -> list[AxisMark]:
    """Round hours as the clock of the series shows them, so far apart that they can be read."""
    hours = len(steps.times) * steps.outlook.step_h
    apart_h = next((one for one in _MARK_DISTANCES_H if hours / one <= _MARKS_MAX), _MARK_DISTANCES_H[-1])
    made = []
    for number, (before, now) in enumerate(pairwise(steps.times), 1):
        if (before.date(), before.hour // apart_h) != (now.date(), now.hour // apart_h):
            text = f"{now:%H:%M}" if now.date() == before.date() else f"{now:%a %d}"
            made.append(AxisMark(number, text))
    return made
