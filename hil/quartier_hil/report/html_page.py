"""The report page: one HTML file with the curves, the verdicts and the figures (pure but for its parts)."""

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from quartier_hil.checks.run_record import OrderEntry, OrderLedger, RunRecord
from quartier_hil.checks.verdicts import Result, Verdict, summarize_verdicts
from quartier_hil.report import curves as reduced
from quartier_hil.report import plan_comparison as plans
from quartier_hil.runner.daemon_history import WriteLedgerRow

# What a person can look through; all of them are in orders.csv.
_CLASSES: Mapping[Result, str] = {"kept": "well", "not shown": "unshown", "broken": "broken"}
"""Style of a row and of the badge, by result; the worst comes last."""
ORDERS_MAX_COUNT = 400
_LEDGER = """<section><h2>The gateway's own ledger</h2>
<p class="hint">What <code>quartier why</code> tells of each asset afterwards: who wanted it, what the point
showed before, what was asked, what was read back, and what became of it. A value that follows for one reason
is one row; the last column counts the orders that it got. A device can take more writes than
that: timers and enabling registers are written beside the value.</p>
<div class="wide orders ledger"><table><thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody></table></div></section>
"""
_BELOW = ' <a href="#street">Street: below</a>'
Curve = tuple[str, str, str, str]
# Chart title, unit, factor from gateway units, curves: (point, label, colour, style).
CHARTS: tuple[tuple[str, str, float, tuple[Curve, ...]], ...] = (
    (
        "Power",
        "kW",
        1e-3,
        (
            ("limit.import_w", "import cap", "#d62839", "step"),
            ("limit.export_w", "export cap", "#d62839", "step-negative"),
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
    ("Voltage of L1", "V", 1.0, (("grid.voltage_l1_v", "voltage", "#1d3557", "line"),)),
    ("Frequency", "Hz", 1.0, (("grid.frequency_hz", "frequency", "#8d99ae", "line"),)),
)
# Below the first two charts each asset that was steered has its own: ordered, and measured.
_PLANS_AT = 2
_REAL = " (real)"
"""After the name of a curve that was read from a real device."""
_SIDES = {0: "± {:g} W", 1: "{:g} W above", -1: "{:g} W below"}
_PLAN_COLOUR = "#d62839"
_MEASURED_COLOURS = {curve[0]: curve[2] for curve in CHARTS[0][3]}


def build_chart_data(
    record: RunRecord, start_unix_s: float, first: plans.FirstOrders | None = None
) -> dict[str, Any]:
    """Return the data that the script of the page draws: common times and the curves of each chart."""
    bins = reduced.list_bins(len(record.times_s))
    times: list[float] = []
    for start, end in bins:
        begin_s = record.times_s[start]
        middle_s = record.times_s[(start + end) // 2] if end - start > 1 else begin_s
        times += [round(start_unix_s + begin_s, 2), round(start_unix_s + max(middle_s, begin_s + 0.01), 2)]
    charts = [
        {
            "title": title,
            "unit": unit,
            "curves": [
                {
                    "label": label + _REAL * (point in record.real),
                    "colour": colour,
                    "style": style,
                    "values": reduced.reduce_curve(record.columns[point], bins, factor, style),
                }
                for point, label, colour, style in curves
            ],
        }
        for title, unit, factor, curves in CHARTS
    ]
    charts[_PLANS_AT:_PLANS_AT] = _build_plan_charts(record, bins, first)
    charts += _build_asset_charts(record, bins)
    marks = [
        {"at": round(start_unix_s + mark.at_s, 2), "text": mark.text, "kind": mark.kind}
        for mark in record.marks
    ]
    return {"times": times, "charts": charts, "marks": marks}


def _build_plan_charts(
    record: RunRecord, bins: Sequence[tuple[int, int]], first: plans.FirstOrders | None
) -> list[dict[str, Any]]:
    """One chart per asset: what was measured, and every plan that stood for it."""
    charts: dict[str, dict[str, Any]] = {}
    for plan in plans.list_active_plans(record, first):
        if plan.asset not in charts:
            colour = _MEASURED_COLOURS[plan.measured]
            values = reduced.reduce_curve(record.columns[plan.measured], bins, 1e-3, "line")
            label = "measured" + _REAL * (plan.measured in record.real)
            measured = {"label": label, "colour": colour, "style": "line", "values": values}
            title = f"Ordered and measured: {plan.asset}"
            charts[plan.asset] = {"title": title, "unit": "kW", "curves": [measured]}
        values = reduced.reduce_curve(plans.compute_ordered_w(plan, record, first), bins, 1e-3, "step")
        charts[plan.asset]["curves"].append(
            {"label": plan.words, "colour": _PLAN_COLOUR, "style": "step-plan", "values": values}
        )
    return list(charts.values())


# How a further point is drawn, by the last word of its name: chart, unit, factor.
_FURTHER = {
    "w": ("Further assets", "kW", 1e-3),
    "c": ("Temperatures", "°C", 1.0),
    "a": ("Phases of the boards", "A", 1.0),
    "kwh": ("Price of the supply contract", "EUR/kWh", 1.0),
    "on": ("Whether a plan leads the battery", "", 1.0),
}
_COLOURS = ("#1d3557", "#2a9d8f", "#e9a800", "#7b2cbf", "#f3722c", "#8d99ae", "#577590", "#43aa8b")


def _build_asset_charts(record: RunRecord, bins: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return the charts of this site alone: powers, temperatures, currents, prices, plans."""
    charts: dict[str, dict[str, Any]] = {}
    for point in record.further:
        title, unit, factor = _FURTHER[point.rsplit("_", 1)[-1]]
        curves = charts.setdefault(title, {"title": title, "unit": unit, "curves": []})["curves"]
        owner, _, quantity = point.partition(".")
        label = owner if quantity == "power_w" else f"{owner} {quantity.rsplit('_', 1)[0].replace('_', ' ')}"
        label += _REAL * (point in record.real)
        values = reduced.reduce_curve(record.columns[point], bins, factor, "line")
        colour = _COLOURS[len(curves) % len(_COLOURS)]
        curves.append({"label": label, "colour": colour, "style": "line", "values": values})
    return list(charts.values())


def _format_plan_rows(record: RunRecord, first: plans.FirstOrders) -> str:
    active = plans.list_active_plans(record, first)
    return "".join(_format_plan_row(plans.measure_deviation(plan, record, first)) for plan in active)


def _format_plan_row(row: plans.PlanDeviation) -> str:
    plan = row.plan
    tolerance = _SIDES[plan.side].format(plan.tolerance_w)
    cells = (
        plan.asset,
        plan.words,
        _format_duration(row.active_s),
        f"{row.deviation_w:,.0f} W",
        f"{row.within_pct:.1f} %",
        tolerance,
        f"{row.planned_wh / 1e3:,.2f} kWh",
        f"{row.measured_wh / 1e3:,.2f} kWh",
    )
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


# uPlot formats numbers for the browser's language. A browser that runs with LANG=POSIX states an invalid one.
_VALID_LANGUAGE_JS = """\
try { new Intl.NumberFormat(navigator.language); }
catch { Object.defineProperty(navigator, "language", { value: "en-GB" }); }
"""


def _format_duration(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def read_page_part(name: str) -> str:
    """Return the text of a file of this folder, or of the chart library beside the district's page."""
    folder = files("quartier_district.page" if name.startswith("uplot/") else "quartier_hil.report")
    text = (folder / name).read_text(encoding="utf-8")
    return f"{_VALID_LANGUAGE_JS}{text}" if name == "uplot/uPlot.iife.min.js" else text


def format_verdict_rows(verdicts: Sequence[Verdict]) -> str:
    """Return a row with promise and measurement for each verdict."""
    return "".join(
        f'<tr class="{_CLASSES[verdict.result]}"><td>{verdict.result}</td>'
        f"<td>{html.escape(verdict.check)}</td><td>{html.escape(verdict.promised)}</td>"
        f"<td>{html.escape(verdict.words)}</td></tr>"
        for verdict in verdicts
    )


def choose_badge_class(verdicts: Sequence[Verdict]) -> str:
    """The class of a page's badge."""
    return _CLASSES[max((one.result for one in verdicts), key=list(_CLASSES).index, default="kept")]


def _format_tiles(figures: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<div><b>{html.escape(value)}</b><span>{html.escape(label)}</span></div>" for label, value in figures
    )


def _format_mark_rows(record: RunRecord) -> str:
    return "".join(
        f'<tr><td class="n">{number}</td><td>{_format_clock(mark.at_s)}</td>'
        f"<td>{html.escape(mark.text)}</td></tr>"
        for number, mark in enumerate(record.marks, 1)
    )


def _format_order_rows(ledger: OrderLedger) -> str:
    rows = ledger.rows[:ORDERS_MAX_COUNT]
    text = "".join(map(_format_order_row, rows))
    more = len(ledger.rows) - len(rows)
    return text + (f'<tr><td colspan="5">and {more} more in orders.csv</td></tr>' if more else "")


def _format_order_row(row: OrderEntry) -> str:
    cells = (_format_clock(row.at_s), row.point, f"{row.value:,.6g}", row.reason, f"{row.count}")
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _format_write_ledger(rows: Sequence[WriteLedgerRow]) -> str:
    """The section of the gateway's own ledger; nothing where none was asked."""
    if not rows:
        return ""
    shown = "".join(map(_format_ledger_row, rows[:ORDERS_MAX_COUNT]))
    more = len(rows) - ORDERS_MAX_COUNT
    if more > 0:
        shown += f'<tr><td colspan="8">and {more} more in ledger.csv</td></tr>'
    heads = ("at", "point", "value", "read back", "who", "why", "outcome", "times")
    head = "".join(f"<th>{one}</th>" for one in heads)
    return _LEDGER.format(head=head, rows=shown)


def _format_ledger_row(row: WriteLedgerRow) -> str:
    asked = (
        f"{_format_number(row.before)} to {_format_number(row.value)}"
        if row.value is not None
        else "given back"
    )
    ended = ", ".join(dict.fromkeys(text for text in (row.outcome, row.end) if text))
    cells = (
        _format_clock(row.at_s),
        row.point,
        asked,
        _format_number(row.shown),
        row.who,
        row.why,
        ended,
        f"{row.count}",
    )
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _format_number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.6g}"


def _format_clock(at_s: float) -> str:
    return f"{'-' if at_s < 0 else '+'}{_format_duration(abs(at_s))}"


def render_page(
    *,
    title: str,
    story: str,
    verdicts: Sequence[Verdict],
    figures: Sequence[tuple[str, str]],
    facts: Mapping[str, str],
    record: RunRecord,
    ledger: OrderLedger,
    orders_note: str = "",
    written: Sequence[WriteLedgerRow] = (),
    start_unix_s: float,
    time_zone: str,
    more: str = "",
) -> str:
    """The whole page as text; everything it needs is inside.  ``more``: further sections, as HTML."""
    first = plans.find_first_orders(ledger, written)
    charts = build_chart_data(record, start_unix_s, first)
    drawn = json.dumps({**charts, "zone": time_zone}, separators=(",", ":"))
    filled = {
        "TITLE": html.escape(title),
        "STORY": html.escape(" ".join(story.split())),
        "BADGE": choose_badge_class(verdicts),
        "KEPT": summarize_verdicts(verdicts),
        "VERDICTS": format_verdict_rows(verdicts),
        "TILES": _format_tiles(figures),
        "PLANS": _format_plan_rows(record, first),
        "MARKS": _format_mark_rows(record),
        "ORDERS_NOTE": html.escape(orders_note),
        "ORDERS": _format_order_rows(ledger),
        "LEDGER": _format_write_ledger(written),
        "MORE": more,
        "BELOW": _BELOW if more else "",
        "FACTS": "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in facts.items()
        ),
        "UPLOT_CSS": read_page_part("uplot/uPlot.min.css"),
        "UPLOT_JS": read_page_part("uplot/uPlot.iife.min.js"),
        "CURVES_JS": read_page_part("curves.js"),
        "CSS": read_page_part("page.css"),
        # A "</script>" inside a text would end the block early.
        "DATA": drawn.replace("</", "<\\/"),
    }
    text = read_page_part("page.html")
    for key, value in filled.items():
        text = text.replace(f"%%{key}%%", value)
    return text
