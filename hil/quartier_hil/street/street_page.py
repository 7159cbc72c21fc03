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
    moments: Sequence[StreetSample]
    alone_w: Sequence[float]
    verdicts: Sequence[Verdict]
    rate: float


def render_street_page(street: StreetData) -> str:
    """The whole page as text; everything it needs is inside."""
    return _fill_template(
        read_page_part("street.html"),
        {
            "TITLE": _format_title(street),
            "UPLOT_CSS": read_page_part("uplot/uPlot.min.css"),
            "UPLOT_JS": read_page_part("uplot/uPlot.iife.min.js"),
            "CURVES_JS": read_page_part("curves.js"),
            "CSS": read_page_part("page.css"),
            "SECTIONS": render_sections(street),
        },
    )


def render_sections(street: StreetData) -> str:
    """Return the sections of the page, for a page that has curves of its own."""
    return _fill_template(
        read_page_part("neighbours.html"),
        {
            "TITLE": _format_title(street),
            "STORY": html.escape(_format_narration(street)),
            "BADGE": choose_badge_class(street.verdicts),
            "KEPT": summarize_verdicts(street.verdicts),
            "TILES": _format_tiles(street),
            "VERDICTS": format_verdict_rows(street.verdicts),
            "MARKS": _format_mark_rows(street),
            # A "</script>" inside a text would end the block early.
            "DATA": json.dumps(build_chart_data(street), separators=(",", ":")).replace("</", "<\\/"),
        },
    )


def build_chart_data(street: StreetData) -> dict[str, Any]:
    """Return the data that the script of the page draws, in kW."""
    spans = curves.list_bins(len(street.moments))
    start_s = street_scenario.compute_start_utc_s()
    times: list[float] = []
    for begin, end in spans:
        first = street.moments[begin].at_s
        middle = street.moments[(begin + end) // 2].at_s if end - begin > 1 else first + 0.01
        times += [round(start_s + first, 2), round(start_s + middle, 2)]

    def curve(label: str, colour: str, watts: Sequence[float], style: str = "line") -> dict[str, Any]:
        values = curves.reduce_curve(watts, spans, 1e-3, style)
        return {"label": label, "colour": colour, "style": style, "values": values}

    load_w = [moment.load_w for moment in street.moments]
    transformer = [
        curve("without a district", "#98a2b3", _find_undirected_w(street)),
        curve("its limit", "#d62839", [street.limit_w] * len(load_w), "step-plan"),
        curve("transformer", "#1d3557", load_w, "bold"),
    ]
    homes = [
        curve(
            street.titles[name],
            _COLOURS[place % len(_COLOURS)],
            [one.powers_w[name] for one in street.moments],
        )
        for place, name in enumerate(street.titles)
    ]
    return {
        "times": times,
        "charts": [
            {"title": "All buildings together", "unit": "kW", "curves": transformer},
            {"title": "Each building", "unit": "kW", "curves": homes},
        ],
        "marks": [
            {"at": start_s + at_s, "text": text, "kind": "event"}
            for at_s, text in list_narration_lines(street)
        ],
        "zone": street_scenario.ZONE,
    }


def list_narration_lines(street: StreetData) -> list[tuple[float, str]]:
    """Return the lines of the narration, by the second of their measurements."""
    narration = street_scenario.build_narration(street.titles, street.limit_w)
    return [(one.at_s, text) for one in street.moments for text in narration.step(one.at_s, one.values)]


def _find_undirected_w(street: StreetData) -> list[float]:
    """Return the power of the street without a district, in W, at the seconds of the course."""
    last = len(street.alone_w) - 1
    return [street.alone_w[min(int(moment.at_s), last)] for moment in street.moments]


def _format_title(street: StreetData) -> str:
    count = street_scenario.spell_number(len(street.titles)).lower()
    return html.escape(f"A street: {count} buildings behind one transformer")


def _format_narration(street: StreetData) -> str:
    return (
        f"{', '.join(street.titles.values())}, each on real wires with a gateway of its own, behind a "
        f"transformer of {street.limit_w / 1e3:g} kW, on a January evening at {street.rate:g} times "
        "real time. No district controls them at first; then a district plans; it is killed at the peak, and "
        "comes back."
    )


def _format_tiles(street: StreetData) -> str:
    shown = (
        ("transformer's limit", street.limit_w),
        ("highest mean of a minute: without a district", _find_highest_minute_w(_find_undirected_w(street))),
        ("nobody leads yet", find_highest_mean_w(street.moments, street_scenario.UNLED_SPAN_S)),
        (street_scenario.LED_WORDS, find_highest_mean_w(street.moments, street_scenario.LED_SPAN_S)),
        ("the district dead", find_highest_mean_w(street.moments, street_scenario.LOST_SPAN_S)),
    )
    return "".join(f"<div><b>{watts / 1e3:.2f} kW</b><span>{words}</span></div>" for words, watts in shown)


def _find_highest_minute_w(watts: Sequence[float]) -> float:
    """The highest mean of a minute."""
    minutes = [watts[at : at + _MINUTE_S] for at in range(0, len(watts), _MINUTE_S)]
    return max((sum(one) / len(one) for one in minutes), default=float("nan"))


def _format_mark_rows(street: StreetData) -> str:
    return "".join(
        f'<tr><td class="n">{number}</td><td>+{street_scenario.format_minute(at_s)}</td>'
        f"<td>{html.escape(text)}</td></tr>"
        for number, (at_s, text) in enumerate(list_narration_lines(street), 1)
    )


def _fill_template(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"%%{key}%%", value)
    return text
