"""The page of a street: what went through its transformer, with its district and without (pure)."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quartier_hil.neighbours import story
from quartier_hil.neighbours.story import Moment
from quartier_hil.report import bins
from quartier_hil.report.page import badge, part, verdict_rows
from quartier_hil.verdict.checks import Verdict, count_words

_COLOURS = ("#2a9d8f", "#e9a800", "#7b2cbf", "#f3722c")
_MINUTE = 60


@dataclass(frozen=True)
class Told:
    """Data of the evening of a street.

    ``titles`` of its buildings by name, ``alone_w``: their common power without a district by second,
    ``rate``: plant seconds per real second.
    """

    titles: dict[str, str]
    limit_w: float
    course: Sequence[Moment]
    alone_w: Sequence[float]
    verdicts: Sequence[Verdict]
    rate: float


def page(told: Told) -> str:
    """The whole page as text; everything it needs is inside."""
    return _filled(
        part("street.html"),
        {
            "TITLE": _title(told),
            "UPLOT_CSS": part("uplot/uPlot.min.css"),
            "UPLOT_JS": part("uplot/uPlot.iife.min.js"),
            "CURVES_JS": part("curves.js"),
            "CSS": part("page.css"),
            "SECTIONS": sections(told),
        },
    )


def sections(told: Told) -> str:
    """Return the sections of the page, for a page that has curves of its own."""
    return _filled(
        part("neighbours.html"),
        {
            "TITLE": _title(told),
            "STORY": html.escape(_story(told)),
            "BADGE": badge(told.verdicts),
            "KEPT": count_words(told.verdicts),
            "TILES": _tiles(told),
            "VERDICTS": verdict_rows(told.verdicts),
            "MARKS": _mark_rows(told),
            # A "</script>" inside a text would end the block early.
            "DATA": json.dumps(data(told), separators=(",", ":")).replace("</", "<\\/"),
        },
    )


def data(told: Told) -> dict[str, Any]:
    """Return the data that the script of the page draws, in kW."""
    spans = bins.spans(len(told.course))
    start_s = story.start_utc_s()
    times: list[float] = []
    for begin, end in spans:
        first = told.course[begin].at_s
        middle = told.course[(begin + end) // 2].at_s if end - begin > 1 else first + 0.01
        times += [round(start_s + first, 2), round(start_s + middle, 2)]

    def curve(label: str, colour: str, watts: Sequence[float], style: str = "line") -> dict[str, Any]:
        values = bins.curve(watts, spans, 1e-3, style)
        return {"label": label, "colour": colour, "style": style, "values": values}

    load_w = [moment.load_w for moment in told.course]
    transformer = [
        curve("without a district", "#98a2b3", _beside(told)),
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
        "marks": [{"at": start_s + at_s, "text": text, "kind": "event"} for at_s, text in said(told)],
        "zone": story.ZONE,
    }


def said(told: Told) -> list[tuple[float, str]]:
    """Return the lines of the narration, by the second of their measurements."""
    narration = story.narration(told.titles, told.limit_w)
    return [(one.at_s, text) for one in told.course for text in narration.step(one.at_s, one.values)]


def _beside(told: Told) -> list[float]:
    """Return the power of the street without a district, in W, at the seconds of the course."""
    last = len(told.alone_w) - 1
    return [told.alone_w[min(int(moment.at_s), last)] for moment in told.course]


def _title(told: Told) -> str:
    return html.escape(f"A street: {story.number(len(told.titles)).lower()} buildings behind one transformer")


def _story(told: Told) -> str:
    return (
        f"{', '.join(told.titles.values())}, each on real wires with a gateway of its own, behind a "
        f"transformer of {told.limit_w / 1e3:g} kW, on a January evening at {told.rate:g} times real time. "
        "Nobody leads them at first; then a district that plans; it is killed at the peak, and comes back."
    )


def _tiles(told: Told) -> str:
    shown = (
        ("transformer's limit", told.limit_w),
        ("highest mean of a minute: without a district", _most_w(_beside(told))),
        ("nobody leads yet", _most_w(_watts(told, story.PLUGGED_AT_S, story.DISTRICT_AT_S))),
        ("led by the district", _most_w(_watts(told, story.LED_FROM_S, story.DIES_AT_S))),
        ("the district dead", _most_w(_watts(told, story.LOST_FROM_S, story.BACK_AT_S))),
    )
    return "".join(f"<div><b>{watts / 1e3:.1f} kW</b><span>{words}</span></div>" for words, watts in shown)


def _watts(told: Told, from_s: float, until_s: float) -> list[float]:
    return [moment.load_w for moment in told.course if from_s <= moment.at_s < until_s]


def _most_w(watts: Sequence[float]) -> float:
    """The highest mean of a minute."""
    minutes = [watts[at : at + _MINUTE] for at in range(0, len(watts), _MINUTE)]
    return max((sum(one) / len(one) for one in minutes), default=float("nan"))


def _mark_rows(told: Told) -> str:
    return "".join(
        f'<tr><td class="n">{number}</td><td>+{int(at_s) // 60} min</td><td>{html.escape(text)}</td></tr>'
        for number, (at_s, text) in enumerate(said(told), 1)
    )


def _filled(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"%%{key}%%", value)
    return text
