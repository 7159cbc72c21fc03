"""The report page: one HTML file with the curves, the verdicts and the figures (pure but for its parts)."""

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from quartier_hil.verdict.checks import Verdict
from quartier_hil.verdict.course import Course

# Two points a bin and curve: 900 bins keep 20 curves of a day well under the 2 MB promised.
BINS_COUNT = 900
Curve = tuple[str, str, str, str]
# Chart title, unit, factor from house units, curves: (point, label, colour, style).
CHARTS: tuple[tuple[str, str, float, tuple[Curve, ...]], ...] = (
    (
        "Power",
        "kW",
        1e-3,
        (
            ("cap.import_w", "import cap", "#d62839", "step"),
            ("cap.export_w", "export cap", "#d62839", "step-negative"),
            ("grid.power_w", "grid", "#1d3557", "bold"),
            ("bat1.power_w", "battery", "#2a9d8f", "line"),
            ("pv1.power_w", "PV", "#e9a800", "line"),
            ("ev1.power_w", "car", "#7b2cbf", "line"),
            ("hp1.power_w", "heat pump", "#f3722c", "line"),
            ("base.power_w", "household", "#8d99ae", "line"),
        ),
    ),
    (
        "Stored",
        "% and °C",
        1.0,
        (
            ("bat1.soc_pct", "battery, % charged", "#2a9d8f", "bold"),
            ("hp1.tank_c", "hot water, °C", "#f3722c", "line"),
        ),
    ),
    (
        "What the devices were told",
        "kW · A/10 · on",
        1.0,
        (
            ("order.battery_w", "battery setpoint, kW", "#2a9d8f", "step-kilo"),
            ("order.current_max_a", "car limit, A / 10", "#7b2cbf", "step-tenth"),
            ("order.relay_on", "heat pump may run", "#f3722c", "step"),
        ),
    ),
    ("Voltage of L1", "V", 1.0, (("grid.voltage_l1_v", "voltage", "#1d3557", "line"),)),
    ("Frequency", "Hz", 1.0, (("grid.frequency_hz", "frequency", "#8d99ae", "line"),)),
)
_FACTORS = {"step-negative": -1.0, "step-kilo": 1e-3, "step-tenth": 0.1}


def _bins(count: int) -> list[tuple[int, int]]:
    stride = max(-(-count // BINS_COUNT), 1)
    return [(start, min(start + stride, count)) for start in range(0, count, stride)]


def _curve(values: Sequence[float], bins: Sequence[tuple[int, int]], factor: float, style: str) -> list[Any]:
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


def data(course: Course, start_unix_s: float) -> dict[str, Any]:
    """What the page's script draws: common times and the curves of each chart."""
    bins = _bins(len(course.times_s))
    times: list[float] = []
    for start, end in bins:
        first = course.times_s[start]
        middle = course.times_s[(start + end) // 2] if end - start > 1 else first
        times += [round(start_unix_s + first, 2), round(start_unix_s + max(middle, first + 0.01), 2)]
    charts = [
        {
            "title": title,
            "unit": unit,
            "curves": [
                {
                    "label": label,
                    "colour": colour,
                    "style": style,
                    "values": _curve(course.columns[point], bins, factor, style),
                }
                for point, label, colour, style in curves
            ],
        }
        for title, unit, factor, curves in CHARTS
    ]
    marks = [
        {"at": round(start_unix_s + mark.at_s, 2), "text": mark.text, "kind": mark.kind}
        for mark in course.marks
    ]
    return {"times": times, "charts": charts, "marks": marks}


def _part(name: str) -> str:
    return (files("quartier_hil.report") / name).read_text(encoding="utf-8")


def _verdict_rows(verdicts: Sequence[Verdict]) -> str:
    return "".join(
        ('<tr class="well"><td>kept</td>' if verdict.holds else '<tr class="broken"><td>broken</td>')
        + f"<td>{html.escape(verdict.check)}</td><td>{html.escape(verdict.promised)}</td>"
        f"<td>{html.escape(verdict.measured)}</td></tr>"
        for verdict in verdicts
    )


def _tiles(figures: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<div><b>{html.escape(value)}</b><span>{html.escape(label)}</span></div>" for label, value in figures
    )


def _mark_rows(course: Course) -> str:
    return "".join(
        f'<tr><td class="n">{number}</td><td>{_clock(mark.at_s)}</td><td>{html.escape(mark.text)}</td></tr>'
        for number, mark in enumerate(course.marks, 1)
    )


def _clock(at_s: float) -> str:
    return f"+{int(at_s) // 3600}:{int(at_s) // 60 % 60:02d}:{int(at_s) % 60:02d}"


def page(
    *,
    title: str,
    story: str,
    verdicts: Sequence[Verdict],
    figures: Sequence[tuple[str, str]],
    facts: Mapping[str, str],
    course: Course,
    start_unix_s: float,
    time_zone: str,
) -> str:
    """The whole page as text; everything it needs is inside."""
    kept = sum(verdict.holds for verdict in verdicts)
    drawn = json.dumps({**data(course, start_unix_s), "zone": time_zone}, separators=(",", ":"))
    filled = {
        "TITLE": html.escape(title),
        "STORY": html.escape(" ".join(story.split())),
        "BADGE": "well" if kept == len(verdicts) else "broken",
        "KEPT": f"{kept} of {len(verdicts)} promises kept",
        "VERDICTS": _verdict_rows(verdicts),
        "TILES": _tiles(figures),
        "MARKS": _mark_rows(course),
        "FACTS": "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in facts.items()
        ),
        "UPLOT_CSS": _part("uplot/uPlot.min.css"),
        "UPLOT_JS": _part("uplot/uPlot.iife.min.js"),
        "CURVES_JS": _part("curves.js"),
        "CSS": _part("page.css"),
        # A "</script>" inside a text would end the block early.
        "DATA": drawn.replace("</", "<\\/"),
    }
    text = _part("page.html")
    for key, value in filled.items():
        text = text.replace(f"%%{key}%%", value)
    return text
