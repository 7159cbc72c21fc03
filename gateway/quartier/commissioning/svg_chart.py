"""Draw curves as SVG (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1040, 64, 12, 26, 24


@dataclass(frozen=True, slots=True)
class ChartCurve:
    """One line: with ``steps`` each value holds until the next (a command), else points are joined."""

    label: str
    colour: str
    times_s: Sequence[float]
    values: Sequence[float]
    steps: bool = False
    dashes: str = ""


def render_chart(
    title: str, curves: Sequence[ChartCurve], end_s: float, height: int = 200, begin_s: float = 0.0
) -> str:
    """Return one chart in W over s."""
    values = [value for curve in curves for value in curve.values] or [0.0]
    low, high = _pad_range(min(values), max(values))
    across = (WIDTH - LEFT - RIGHT) / max(end_s - begin_s, 1.0)
    up = (height - TOP - BOTTOM) / (high - low)

    def x(at_s: float) -> float:
        return LEFT + (min(max(at_s, begin_s), end_s) - begin_s) * across

    def y(value: float) -> float:
        return height - BOTTOM - (value - low) * up

    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for tick in find_ticks(low, high, 5):
        line = "zero" if tick == 0 else "grid"
        parts.append(
            f'<line class="{line}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        )
        parts.append(
            f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">'
            f"{_format_number(tick)}</text>"
        )
    for tick in find_ticks(begin_s, end_s, 12):
        parts.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>'
        )
        parts.append(
            f'<text class="tick" x="{x(tick):.1f}" y="{height - 8}" text-anchor="middle">{tick:g} s</text>'
        )
    parts.append(f'<text class="title" x="{LEFT}" y="16">{escape(title)}</text>')
    across_px = WIDTH - RIGHT
    for curve in reversed(curves):
        across_px -= 22 + round(7.8 * len(curve.label)) + 14
        parts.append(
            f'<line x1="{across_px}" x2="{across_px + 18}" y1="12" y2="12" stroke="{curve.colour}" '
            f'stroke-width="2.5" stroke-dasharray="{curve.dashes}"/>'
            f'<text class="label" x="{across_px + 22}" y="16">{escape(curve.label)}</text>'
        )
    for curve in curves:
        points = list(
            _make_steps(curve, end_s) if curve.steps else zip(curve.times_s, curve.values, strict=True)
        )
        path = " ".join(f"{x(at_s):.1f},{y(value):.1f}" for at_s, value in points if at_s >= begin_s)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{curve.colour}" stroke-width="1.8" '
            f'stroke-linejoin="round" stroke-dasharray="{curve.dashes}"/>'
        )
    return "\n".join([*parts, "</svg>"])


def _make_steps(curve: ChartCurve, end_s: float) -> Iterable[tuple[float, float]]:
    ends = [*curve.times_s[1:], end_s]
    for at_s, until_s, value in zip(curve.times_s, ends, curve.values, strict=False):
        yield at_s, value
        yield until_s, value


def _pad_range(low: float, high: float) -> tuple[float, float]:
    spread = max(high - low, 50.0)
    return low - 0.08 * spread, high + 0.08 * spread


def find_ticks(low: float, high: float, count: int) -> list[float]:
    """Return about ``count`` round numbers between the two."""
    rough = max(high - low, 1e-9) / count
    size = 10.0 ** floor(log10(rough))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough)
    first = ceil(low / step)
    return [number * step for number in range(first, floor(high / step) + 1)]


def _format_number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f")
