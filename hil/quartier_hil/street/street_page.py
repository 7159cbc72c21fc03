"""The page of a street: what went through its transformer, with its district and without (pure)."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quartier_hil.checks.verdicts import Verdict, summarize_verdicts
from quartier_hil.report import curves
from quartier_hil.report.html_page import choose_badge_class, format_verdict_rows, read_page_part
from quartier_hil.street import street_scenario
from quartier_hil.street.street_scenario import StreetSample, find_highest_mean_w

_COLOURS = ("#2a9d8f", "#e9a800", "#7b2cbf", "#f3722c")
_MINUTE_S = 60


@dataclass(frozen=True)
class StreetData:
    """Data of the evening of a street.

    ``titles`` of its buildings by name, ``alone_w``: their common power without a district by second,
    ``rate``: plant seconds per real second.
    """

    titles: dict[str, str]
    limit_w: float
    course: Sequence[StreetSample]
    alone_w: Sequence[float]
    verdicts: Sequence[Verdict]
    rate: float


def render_street_page(told: StreetData) -> str:
    """The whole page as text; everything it needs is inside."""
    return _fill_template(
        read_page_part("street.html"),
        {
            "TITLE": _format_title(told),
            "UPLOT_CSS": read_page_part("uplot/uPlot.min.css"),
            "UPLOT_JS": read_page_part("uplot/uPlot.iife.min.js"),
            "CURVES_JS": read_page_part("curves.js"),
            "CSS": read_page_part("page.css"),
            "SECTIONS": render_sections(told),
        },
    )


def render_sections(told: StreetData) -> str:
    """Return the sections of the page, for a page that has curves of its own."""
    return _fill_template(
        read_page_part("neighbours.html"),
        {
            "TITLE": _format_title(told),
            "STORY": html.escape(_format_narration(told)),
            "BADGE": choose_badge_class(told.verdicts),
            "KEPT": summarize_verdicts(told.verdicts),
            "TILES": _format_tiles(told),
            "VERDICTS": format_verdict_rows(told.verdicts),
            "MARKS": _format_mark_rows(told),
            # A "</script>" inside a text would end the block early.
            "DATA": json.dumps(build_chart_data(told), separators=(",", ":")).replace("</", "<\\/"),
        },
    )


def build_chart_data(told: StreetData) -> dict[str, Any]:
    """Return the data that the script of the page draws, in kW."""
    spans = curves.list_bins(len(told.course))
    start_s = street_scenario.compute_start_utc_s()
    times: list[float] = []
    for begin, end in spans:
        first = told.course[begin].at_s
        middle = told.course[(begin + end) // 2].at_s if end - begin > 1 else first + 0.01
        times += [round(start_s + first, 2), round(start_s + middle, 2)]

    def curve(label: str, colour: str, watts: Sequence[float], style: str = "line") -> dict[str, Any]:
        values = curves.reduce_curve(watts, spans, 1e-3, style)
        return {"label": label, "colour": colour, "style": style, "values": values}

    load_w = [moment.load_w for moment in told.course]
    transformer = [
        curve("without a district", "#98a2b3", _find_undirected_w(told)),
        curve("its limit", "#d62839", [told.limit_w] * len(load_w), "step-plan"),
        curve("transformer", "#1d3557", load_w, "bold"),
    ]
    homes = [
        curve(told.titles[name], _COLOURS[place % len(_COLOURS)], [one.powers_w[name] for one in told.course])
        for place, name in enumerate(told.titles)
    ]
    return {
        "times": times,
        "charts": [
            {"title": "All buildings together", "unit": "kW", "curves": transformer},
            {"title": "Each building", "unit": "kW", "curves": homes},
        ],
        "marks": [
            {"at": start_s + at_s, "text": text, "kind": "event"} for at_s, text in list_narration_lines(told)
        ],
        "zone": street_scenario.ZONE,
    }


def list_narration_lines(told: StreetData) -> list[tuple[float, str]]:
    """Return the lines of the narration, by the second of their measurements."""
    narration = street_scenario.build_narration(told.titles, told.limit_w)
    return [(one.at_s, text) for one in told.course for text in narration.step(one.at_s, one.values)]


def _find_undirected_w(told: StreetData) -> list[float]:
    """Return the power of the street without a district, in W, at the seconds of the course."""
    last = len(told.alone_w) - 1
    return [told.alone_w[min(int(moment.at_s), last)] for moment in told.course]


def _format_title(told: StreetData) -> str:
    return html.escape(
        f"A street: {street_scenario.spell_number(len(told.titles)).lower()} buildings behind one transformer"
    )


def _format_narration(told: StreetData) -> str:
    return (
        f"{', '.join(told.titles.values())}, each on real wires with a gateway of its own, behind a "
        f"transformer of {told.limit_w / 1e3:g} kW, on a January evening at {told.rate:g} times real time. "
        "Nobody leads them at first; then a district that plans; it is killed at the peak, and comes back."
    )


def _format_tiles(told: StreetData) -> str:
    shown = (
        ("transformer's limit", told.limit_w),
        ("highest mean of a minute: without a district", _find_highest_minute_w(_find_undirected_w(told))),
        ("nobody leads yet", find_highest_mean_w(told.course, street_scenario.UNLED_SPAN_S)),
        (street_scenario.LED_WORDS, find_highest_mean_w(told.course, street_scenario.LED_SPAN_S)),
        ("the district dead", find_highest_mean_w(told.course, street_scenario.LOST_SPAN_S)),
    )
    return "".join(f"<div><b>{watts / 1e3:.2f} kW</b><span>{words}</span></div>" for words, watts in shown)


def _find_highest_minute_w(watts: Sequence[float]) -> float:
    """The highest mean of a minute."""
    minutes = [watts[at : at + _MINUTE_S] for at in range(0, len(watts), _MINUTE_S)]
    return max((sum(one) / len(one) for one in minutes), default=float("nan"))


def _format_mark_rows(told: StreetData) -> str:
    return "".join(
        f'<tr><td class="n">{number}</td><td>+{street_scenario.format_minute(at_s)}</td>'
        f"<td>{html.escape(text)}</td></tr>"
        for number, (at_s, text) in enumerate(list_narration_lines(told), 1)
    )


def _fill_template(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"%%{key}%%", value)
    return text
