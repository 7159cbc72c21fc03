"""The page of the plan of a battery: one HTML file without scripts and without other files (pure).

What the curves show, a row for each step says too, with its reason; a step of the curves leads to its row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from quartier.cli.plan import chart
from quartier.cli.plan.chart import BARS_FORM, JOINED_FORM, PlanCurve, render_plan_chart
from quartier.cli.plan.step_series import StepSeries
from quartier.planning.horizon import BatteryModel
from quartier.planning.storage.battery_plan import BatteryPlan, PlannedStep

_KILO = 1000.0
_TABLE_COLUMNS = (("from", ""), ("battery", "kW"), ("grid", "kW"), ("stored", "%"))


@dataclass(frozen=True, slots=True)
class BatteryPage:
    """The content of the page of one battery.

    ``still`` is the plan of the same steps with an idle battery, ``given_up`` says in words which demands
    could not be kept, ``why`` is the reason of each step.
    """

    site: str
    name: str
    battery: BatteryModel
    rated_wh: float
    contract_w: float
    steps: StepSeries
    plan: BatteryPlan
    still: BatteryPlan
    given_up: Sequence[str]
    why: Sequence[str]


def render_battery_page(sheet: BatteryPage) -> str:
    """Return the whole file."""
    gap = sheet.plan.gap_eur
    best = "Proven best: no plan of these steps costs less." if not gap else ""
    text = best or f"At most {gap:.4f} EUR above the best plan of these steps."
    main = f"""{chart.render_verdict(text, sheet.given_up)}
<section class="tiles">{_render_tiles(sheet)}</section>
<section><h2>Curves</h2><p class="hint">Plus takes energy from the building, minus gives. Rest on a step to
read its reason; a click leads to its row below.</p>
<div class="stack">{"".join(_render_charts(sheet))}
<div class="steps" aria-hidden="true">{"".join(_render_bands(sheet))}</div></div></section>
<section class="all"><h2>Each step</h2>
<div class="rows" tabindex="0" role="region" aria-label="Each step">{_render_table(sheet)}</div></section>"""
    foot = """Prices are EUR/kWh at the meter; <i>worth</i> is what a kWh in the battery is worth then:
it charges for less, and discharges for more."""
    return chart.render_frame(
        f"Plan of {sheet.name}", sheet.site, chart.describe_series(sheet.site, sheet.steps), main, foot
    )


def _render_tiles(sheet: BatteryPage) -> str:
    plan, still = sheet.plan, sheet.still
    hours = plan.step_s / 3600.0
    saved = (still.cost_eur - still.left_eur) - (plan.cost_eur - plan.left_eur)

    def energy(powers_w: Iterator[float]) -> str:
        return f"{sum(max(0.0, power_w) for power_w in powers_w) * hours / _KILO:.2f} kWh"

    figures = [
        (f"{plan.cost_eur:z.2f} EUR", "cost"),
        (f"{still.cost_eur:z.2f} EUR", "cost without the battery"),
        (f"{saved:z.2f} EUR", "saved, with what is left in it"),
        (f"{plan.peak_w / _KILO:.2f} kW", "largest import"),
        (f"{still.peak_w / _KILO:.2f} kW", "largest import without it"),
        (energy(step.grid_w for step in plan.steps), "imported"),
        (energy(-step.grid_w for step in plan.steps), "exported"),
        (energy(step.battery_w for step in plan.steps), "charged"),
    ]
    if any(step.curtailed_w > 0.5 for step in plan.steps):
        figures.append((energy(step.curtailed_w for step in plan.steps), "of the sun curtailed"))
    return chart.render_tiles(figures)


def _render_charts(sheet: BatteryPage) -> Iterator[str]:
    steps, outlook, battery = sheet.plan.steps, sheet.steps.outlook, sheet.battery
    marks, count = chart.make_marks(sheet.steps), len(steps)

    def of(values: Sequence[float], factor: float) -> list[float]:
        return [value * factor for value in values]

    def level(value: float) -> list[float]:
        return [value] * count

    yield render_plan_chart(
        "Prices",
        "EUR/kWh",
        [
            PlanCurve("import", "buy", of(outlook.import_eur_per_wh, _KILO)),
            PlanCurve("export", "sell", of(outlook.export_eur_per_wh, _KILO)),
            PlanCurve("worth of a stored kWh", "worth", [step.value_eur_per_wh * _KILO for step in steps]),
        ],
        marks,
        count,
    )
    yield render_plan_chart(
        "House and sun",
        "kW",
        [
            PlanCurve("load", "load", of(outlook.load_w, 1 / _KILO)),
            PlanCurve("sun", "sun", of(outlook.pv_w, 1 / _KILO)),
            PlanCurve("curtailed", "limit", chart.hide_zeros([step.curtailed_w / _KILO for step in steps])),
        ],
        marks,
        count,
    )
    battery_kw = [step.battery_w / _KILO for step in steps]
    yield render_plan_chart(
        "Battery", "kW, plus charges", [PlanCurve("battery", "store", battery_kw, BARS_FORM)], marks, count
    )
    net = [load - sun for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)]
    yield render_plan_chart(
        "Grid",
        "kW, plus imports",
        [
            PlanCurve("contracted power", "base", level(sheet.contract_w / _KILO)),
            PlanCurve("net load without battery", "load", of(net, 1 / _KILO)),
            PlanCurve("grid", "buy", [step.grid_w / _KILO for step in steps]),
            PlanCurve("import cap", "limit", of(outlook.import_max_w, 1 / _KILO)),
            PlanCurve("export cap", "limit", of(outlook.export_max_w, -1 / _KILO)),
        ],
        marks,
        count,
    )
    stored = [battery.energy_wh, *(step.energy_wh for step in steps)]
    pct = 100.0 / sheet.rated_wh
    bounds = [PlanCurve("full", "base", level(battery.capacity_wh * pct))]
    if battery.reserve_wh > 0.0:
        bounds.append(PlanCurve("reserve", "limit", level(battery.reserve_wh * pct)))
    if battery.target_wh > 0.0:
        target = [*level(float("inf"))[1:], battery.target_wh * pct]
        bounds.append(PlanCurve("target", "worth", target))
    charge = PlanCurve("charged", "store", of(stored, pct), JOINED_FORM)
    yield render_plan_chart("State of charge", "%", [charge, *bounds], marks, count)


def _render_bands(sheet: BatteryPage) -> Iterator[str]:
    for number, (step, line) in enumerate(zip(sheet.plan.steps, sheet.why, strict=True)):
        text = f"{sheet.steps.format_time(number)} {line}\n{_describe_step(sheet, step)}"
        yield f'<a href="#s{number}" tabindex="-1" title="{escape(text)}"></a>'


def _describe_step(sheet: BatteryPage, step: PlannedStep) -> str:
    battery_kw, grid_kw, pct = _format_numbers(sheet, step)
    return f"battery {battery_kw} kW, grid {grid_kw} kW, {pct} % charged"


def _format_numbers(sheet: BatteryPage, step: PlannedStep) -> tuple[str, str, str]:
    pct = step.energy_wh * 100.0 / sheet.rated_wh
    return f"{step.battery_w / _KILO:z.2f}", f"{step.grid_w / _KILO:z.2f}", f"{pct:z.0f}"


def _render_table(sheet: BatteryPage) -> str:
    outlook = sheet.steps.outlook
    heads = "".join(
        f'<th scope="col"{" class=n" if unit else ""}>{name}{f" {unit}" if unit else ""}</th>'
        for name, unit in _TABLE_COLUMNS
    )
    heads += (
        '<th scope="col" class="n few">import EUR/kWh</th><th scope="col" class="n few">worth EUR/kWh</th>'
    )
    rows = []
    for number, (step, line) in enumerate(zip(sheet.plan.steps, sheet.why, strict=True)):
        cells = "".join(
            f'<td class="n" data-unit="{unit}">{text}</td>'
            for (_, unit), text in zip(_TABLE_COLUMNS[1:], _format_numbers(sheet, step), strict=True)
        )
        rows.append(
            f'<tr id="s{number}"><th scope="row">{sheet.steps.format_with_day(number)}</th>{cells}'
            f'<td class="n few">{outlook.import_eur_per_wh[number] * _KILO:.3f}</td>'
            f'<td class="n few">{step.value_eur_per_wh * _KILO:z.3f}</td>'
            f'<td class="why">{escape(line)}</td></tr>\n'
        )
    body = "".join(rows)
    return f'<table><thead><tr>{heads}<th scope="col">why</th></tr></thead><tbody>\n{body}</tbody></table>'
