"""A chart over the steps of a plan: an SVG that stretches, with its words beside it so that they do not
(pure).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import inf, isfinite

from quartier.commissioning.svg_chart import find_ticks

HEIGHT = 1000
"""Of the drawing, whose width is the count of steps; the page stretches both."""
_ROOM = 0.06
_FLAT = 1e-9
STEP, BARS, JOINED = "step", "bars", "joined"


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: ``values`` has a number a step, of a ``JOINED`` one also that before the first.

    ``form`` says how it is drawn: it holds each value (``STEP``), stands on zero (``BARS``), or joins what is
    reached between steps.  ``style`` is its class on the page.  What is not finite is not drawn.
    """

    label: str
    style: str
    values: Sequence[float]
    form: str = STEP


@dataclass(frozen=True, slots=True)
class Mark:
    """A word below the steps."""

    step: int
    text: str


def drawn(
    title: str,
    unit: str,
    curves: Sequence[Curve],
    marks: Sequence[Mark],
    count: int,
    *,
    tall: bool = True,
    base: float = 0.0,
) -> str:
    """One chart with its title and its legend; curves with nothing to draw are left out, ``base`` is seen."""
    shown = [curve for curve in curves if any(isfinite(value) for value in curve.values)]
    low, high = _bounds(shown, base)

    def y(value: float) -> float:
        return HEIGHT * (high - value) / (high - low)

    heights = [(tick, y(tick)) for tick in find_ticks(low, high, 4)]
    lines = "".join(
        f'<path class="{"zero" if tick == 0.0 else "tick"}" d="M0 {at:.0f}H{count}"/>' for tick, at in heights
    )
    columns = "".join(f'<path class="tick" d="M{mark.step} 0V{HEIGHT}"/>' for mark in marks)
    paths = "".join(
        f'<path class="{curve.style} {curve.form}" d="{_path(curve, low, high)}"/>' for curve in shown
    )
    sides = "".join(
        f'<span class="y" style="top:{100 * at / HEIGHT:.2f}%">{tick:.6g}</span>' for tick, at in heights
    )
    feet = "".join(
        f'<span class="x{" also" * (number % 2)}" style="left:{100 * mark.step / count:.3f}%">'
        f"{escape(mark.text)}</span>"
        for number, mark in enumerate(marks)
    )
    legend = "".join(
        f'<li><i class="{curve.style} {curve.form}"></i>{escape(curve.label)}</li>' for curve in shown
    )
    label = escape(f"{title}, {unit}: " + "; ".join(_words(curve) for curve in shown))
    return (
        f"<figure><figcaption><h3>{escape(title)} <small>{escape(unit)}</small></h3>"
        f'<ul class="legend">{legend}</ul></figcaption><div class="plot{"" if tall else " short"}">'
        f'<svg viewBox="0 0 {count} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{lines}{columns}{paths}</svg>{sides}{feet}</div></figure>\n'
    )


def _bounds(curves: Sequence[Curve], base: float) -> tuple[float, float]:
    """The base is always seen: half a bar, or a price beside none, would look like all of it."""
    values = [value for curve in curves for value in curve.values if isfinite(value)]
    low, high = min([base, *values]), max([base, *values])
    spread = high - low if high - low > _FLAT else 1.0
    return (low - _ROOM * spread if low < base else low), high + _ROOM * spread


def _path(curve: Curve, low: float, high: float) -> str:
    def y(value: float) -> str:
        return f"{HEIGHT * (high - value) / (high - low):.0f}"

    if curve.form == JOINED:
        return "M" + "L".join(f"{step} {y(value)}" for step, value in enumerate(curve.values))
    if curve.form == BARS:
        return "".join(
            f"M{step + 0.08:g} {y(0.0)}V{y(value)}H{step + 0.92:g}V{y(0.0)}z"
            for step, value in enumerate(curve.values)
            if abs(value) > _FLAT
        )
    return _held(curve.values, y)


def _held(values: Sequence[float], y: Callable[[float], str]) -> str:
    """Each value until the next; a gap where one is not finite."""
    parts: list[str] = []
    before = inf
    for step, value in enumerate(values):
        if isfinite(value):
            parts.append(f"V{y(value)}H{step + 1}" if isfinite(before) else f"M{step} {y(value)}H{step + 1}")
        before = value
    return "".join(parts)


def _words(curve: Curve) -> str:
    there = [value for value in curve.values if isfinite(value)]
    return f"{curve.label} from {min(there):.4g} to {max(there):.4g}"
