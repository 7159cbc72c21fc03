"""The page of a fleet's day: the district's curves, events, and the rebound after each release (pure)."""

import html
import json
from importlib.resources import files
from typing import Any

import numpy as np

from quartier_bench.fleet.building_stock import FloatArray, count_assets
from quartier_bench.fleet.results import DayResult, find_peak, format_clock
from quartier_bench.fleet.simulation import LOAD_KINDS, DayRecord
from quartier_hil.report import curves
from quartier_hil.report.html_page import read_page_part

TIME_ZONE = "Europe/Paris"
_COLOURS = ("#8d99ae", "#7b2cbf", "#577590", "#f3722c", "#e9a800", "#2a9d8f")


def render_page(done: DayResult, without_events: DayRecord | None, title: str) -> str:
    """The whole page as text; everything it needs is inside."""
    parts = ("uplot/uPlot.min.css", "uplot/uPlot.iife.min.js", "curves.js", "page.css")
    names = ("UPLOT_CSS", "UPLOT_JS", "CURVES_JS", "CSS")
    kept = sum(one.holds for one in done.rebounds)
    drawn = json.dumps(make_chart_data(done, without_events), separators=(",", ":"))
    filled = {
        "TITLE": html.escape(title),
        "STORY": html.escape(done.settings.drive.origin),
        "BADGE": "well" if done.holds else "broken",
        "KEPT": f"{kept} of {len(done.rebounds)} rebounds under their level",
        "TILES": _format_tiles(done, without_events),
        "REBOUNDS": "".join(_format_rebound(done, n) for n in range(len(done.rebounds))),
        "MARKS": _format_marks(done),
        "FACTS": "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in _list_facts(done)
        ),
        **{name: read_page_part(part) for name, part in zip(names, parts, strict=True)},
        "DATA": drawn.replace("</", "<\\/"),
    }
    text = (files("quartier_bench.fleet") / "fleet.html").read_text(encoding="utf-8")
    for key, value in filled.items():
        text = text.replace(f"%%{key}%%", value)
    return text


def make_chart_data(done: DayResult, without_events: DayRecord | None) -> dict[str, Any]:
    """Return the data that the script of the page draws, in MW and in buildings."""
    record, settings = done.record, done.settings
    spans = curves.list_bins(settings.seconds)
    start_s = settings.start_utc_ms / 1e3 + settings.from_second
    times: list[float] = []
    for begin, end in spans:
        times += [start_s + begin, start_s + max((begin + end) // 2, begin + 0.5)]

    def curve(
        label: str, colour: str, values: FloatArray, style: str = "line", factor: float = 1e-6
    ) -> dict[str, Any]:
        drawn = curves.reduce_curve(values.tolist(), spans, factor, style)
        return {"label": label, "colour": colour, "style": style, "values": drawn}

    district = [curve("district", "#1d3557", record.total_w, "bold")]
    if without_events is not None:
        district.append(curve("had nothing happened", "#98a2b3", without_events.total_w))
    sorts = [
        curve(sort, _COLOURS[n], np.ascontiguousarray(record.load_kinds_w[:, n]))
        for n, sort in enumerate(LOAD_KINDS)
    ]
    counts = [
        curve("something is held", "#f3722c", record.held, factor=1.0),
        curve("above their cap", "#d62839", record.over, factor=1.0),
    ]
    allowed = curve("allowed", "#1d3557", record.allowed, factor=100.0)
    charts = [
        {"title": "The district", "unit": "MW", "curves": district},
        {"title": "Of which", "unit": "MW", "curves": sorts},
        {"title": "Of each contract the district allows", "unit": "%", "curves": [allowed]},
        {"title": "Buildings", "unit": "count", "curves": counts},
    ]
    marks = [
        {"at": settings.start_utc_ms / 1e3 + second, "text": text, "kind": "event"}
        for second, text in _list_marks(done)
    ]
    return {"times": times, "charts": charts, "marks": marks, "zone": TIME_ZONE}


def _list_marks(done: DayResult) -> list[tuple[int, str]]:
    found = [(one.at_s, f"{one.words} begins") for one in done.settings.events]
    found += [(one.until_s, f"{one.words} ends") for one in done.settings.events]
    found += [(mark.second, f"{mark.mode}, {mark.share:g} of each contract") for mark in done.record.marks]
    first, last = done.settings.from_second, done.settings.from_second + done.settings.seconds
    texts: dict[int, list[str]] = {}  # what comes of an event in its own second stands behind it
    for second, text in found:
        if first <= second < last:
            texts.setdefault(second, []).append(text)
    return [(second, "; ".join(texts[second])) for second in sorted(texts)]


def _format_tiles(done: DayResult, without_events: DayRecord | None) -> str:
    watts, at = find_peak(done.record)
    second = done.settings.from_second + at
    figures = [
        (f"{len(done.settings.stock.drawn):,}", "buildings"),
        (f"{watts / 1e6:.3f} MW", f"peak at {format_clock(second, done.noon_s)[:5]}"),
    ]
    if without_events is not None:
        figures.append((f"{find_peak(without_events)[0] / 1e6:.3f} MW", "had nothing happened"))
    figures += [
        (f"{done.pace / 1e6:.2f} million", "building-seconds a second of CPU"),
        (f"{done.record.cpu_s:.0f} s", "CPU, one core"),
        (f"{done.record.cars_lack_wh / 1e6:.2f} MWh", "cars still lack"),
        (f"{done.record.coldest_c:.1f} °C", "coldest room at the end"),
    ]
    return "".join(f"<div><b>{html.escape(v)}</b><span>{html.escape(k)}</span></div>" for v, k in figures)


def _format_rebound(done: DayResult, number: int) -> str:
    one = done.rebounds[number]
    head = '<tr class="well"><td>kept</td>' if one.holds else '<tr class="broken"><td>broken</td>'
    cells = (
        one.why,
        f"{one.before_w / 1e6:.3f} MW until {format_clock(one.held_at, done.noon_s)}",
        f"{one.during_w / 1e6:.3f} MW",
        f"{one.after_w / 1e6:.3f} MW at {format_clock(one.after_at, done.noon_s)}",
        f"{one.level_w / 1e6:.3f} MW",
        f"{one.plain_w / 1e6:.3f} MW",
    )
    return head + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _format_marks(done: DayResult) -> str:
    rows = enumerate(_list_marks(done), 1)
    return "".join(
        f'<tr><td class="n">{number}</td><td>{format_clock(second, done.noon_s)}</td>'
        f"<td>{html.escape(text)}</td></tr>"
        for number, (second, text) in rows
    )


def _list_facts(done: DayResult) -> list[tuple[str, str]]:
    return [
        ("engine", done.engine),
        ("core", f"{done.core}, load {done.load:.1f}"),
        ("seed", str(done.settings.stock.seed)),
        *((name, f"{number:,}") for name, number in count_assets(done.settings.stock).items()),
        ("the district lets go", "in steps, by its load" if done.settings.plain_w is not None else "at once"),
        ("spread of what the district loosens", f"{done.settings.spread_s:g} s"),
        ("without a district a building takes", f"{done.settings.autonomous:g} of its contract"),
        ("digest", done.record.digest[:16]),
    ]
