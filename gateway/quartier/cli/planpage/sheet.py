"""The page of a plan: one HTML file that needs nothing beside itself, no script either (pure).

What the curves show, a row for each step says too, with its reason; a step of the curves leads to its row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from quartier.cli.planpage import frame
from quartier.cli.planpage.chart import BARS, JOINED, Curve, drawn
from quartier.cli.steps import Steps
from quartier.planning.horizon import BatteryModel
from quartier.planning.storage.battery_plan import BatteryPlan, PlannedStep

_KILO = 1000.0
_ROWS = (("from", ""), ("battery", "kW"), ("grid", "kW"), ("stored", "%"))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page tells.  ``still`` is the plan of the same steps in which the battery stands still,
    ``given_up`` what could not be kept, in words, ``why`` the reason of each step.
    """

    site: str
    name: str
    battery: BatteryModel
    rated_wh: float
    contract_w: float
    steps: Steps
    plan: BatteryPlan
    still: BatteryPlan
    given_up: Sequence[str]
    why: Sequence[str]


def page(sheet: Sheet) -> str:
    """The whole file."""
    gap = sheet.plan.gap_eur
    best = "Proven best: no plan of these steps costs less." if not gap else ""
    text = best or f"At most {gap:.4f} EUR above the best plan of these steps."
    main = f"""{frame.verdict(text, sheet.given_up)}
<section class="tiles">{_tiles(sheet)}</section>
<section><h2>Curves</h2><p class="hint">Plus takes energy from the building, minus gives. Rest on a step to
read its reason; a click leads to its row below.</p>
<div class="stack">{"".join(_charts(sheet))}
<div class="steps" aria-hidden="true">{"".join(_bands(sheet))}</div></div></section>
<section class="all"><h2>Each step</h2>
<div class="rows" tabindex="0" role="region" aria-label="Each step">{_table(sheet)}</div></section>"""
    foot = """Prices are EUR/kWh at the meter; <i>worth</i> is what a kWh in the battery is worth then:
it charges for less, and discharges for more."""
    return frame.framed(f"Plan of {sheet.name}", sheet.site, frame.meta(sheet.site, sheet.steps), main, foot)


def _tiles(sheet: Sheet) -> str:
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
    return frame.tiles(figures)


def _charts(sheet: Sheet) -> Iterator[str]:
    steps, outlook, battery = sheet.plan.steps, sheet.steps.outlook, sheet.battery
    marks, count = frame.marks(sheet.steps), len(steps)

    def of(values: Sequence[float], factor: float) -> list[float]:
        return [value * factor for value in values]

    def level(value: float) -> list[float]:
        return [value] * count

    yield drawn(
        "Prices",
        "EUR/kWh",
        [
            Curve("import", "buy", of(outlook.import_eur_per_wh, _KILO)),
            Curve("export", "sell", of(outlook.export_eur_per_wh, _KILO)),
            Curve("worth of a stored kWh", "worth", [step.value_eur_per_wh * _KILO for step in steps]),
        ],
        marks,
        count,
    )
    yield drawn(
        "House and sun",
        "kW",
        [
            Curve("load", "load", of(outlook.load_w, 1 / _KILO)),
            Curve("sun", "sun", of(outlook.pv_w, 1 / _KILO)),
            Curve("curtailed", "limit", frame.some([step.curtailed_w / _KILO for step in steps])),
        ],
        marks,
        count,
    )
    battery_kw = [step.battery_w / _KILO for step in steps]
    yield drawn("Battery", "kW, plus charges", [Curve("battery", "store", battery_kw, BARS)], marks, count)
    net = [load - sun for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)]
    yield drawn(
        "Grid",
        "kW, plus imports",
        [
            Curve("contracted power", "base", level(sheet.contract_w / _KILO)),
            Curve("net load without battery", "load", of(net, 1 / _KILO)),
            Curve("grid", "buy", [step.grid_w / _KILO for step in steps]),
            Curve("import cap", "limit", of(outlook.import_max_w, 1 / _KILO)),
            Curve("export cap", "limit", of(outlook.export_max_w, -1 / _KILO)),
        ],
        marks,
        count,
    )
    stored = [battery.energy_wh, *(step.energy_wh for step in steps)]
    pct = 100.0 / sheet.rated_wh
    bounds = [Curve("full", "base", level(battery.capacity_wh * pct))]
    if battery.reserve_wh > 0.0:
        bounds.append(Curve("reserve", "limit", level(battery.reserve_wh * pct)))
    if battery.target_wh > 0.0:
        target = [*level(float("inf"))[1:], battery.target_wh * pct]
        bounds.append(Curve("target", "worth", target))
    charge = Curve("charged", "store", of(stored, pct), JOINED)
    yield drawn("State of charge", "%", [charge, *bounds], marks, count)


def _bands(sheet: Sheet) -> Iterator[str]:
    for number, (step, line) in enumerate(zip(sheet.plan.steps, sheet.why, strict=True)):
        told = f"{sheet.steps.when(number)} {line}\n{_told(sheet, step)}"
        yield f'<a href="#s{number}" tabindex="-1" title="{escape(told)}"></a>'


def _told(sheet: Sheet, step: PlannedStep) -> str:
    battery_kw, grid_kw, pct = _numbers(sheet, step)
    return f"battery {battery_kw} kW, grid {grid_kw} kW, {pct} % charged"


def _numbers(sheet: Sheet, step: PlannedStep) -> tuple[str, str, str]:
    pct = step.energy_wh * 100.0 / sheet.rated_wh
    return f"{step.battery_w / _KILO:z.2f}", f"{step.grid_w / _KILO:z.2f}", f"{pct:z.0f}"


def _table(sheet: Sheet) -> str:
    outlook = sheet.steps.outlook
    heads = "".join(
        f'<th scope="col"{" class=n" if unit else ""}>{name}{f" {unit}" if unit else ""}</th>'
        for name, unit in _ROWS
    )
    heads += (
        '<th scope="col" class="n few">import EUR/kWh</th><th scope="col" class="n few">worth EUR/kWh</th>'
    )
    rows = []
    for number, (step, line) in enumerate(zip(sheet.plan.steps, sheet.why, strict=True)):
        cells = "".join(
            f'<td class="n" data-unit="{unit}">{text}</td>'
            for (_, unit), text in zip(_ROWS[1:], _numbers(sheet, step), strict=True)
        )
        rows.append(
            f'<tr id="s{number}"><th scope="row">{sheet.steps.day(number)}</th>{cells}'
            f'<td class="n few">{outlook.import_eur_per_wh[number] * _KILO:.3f}</td>'
            f'<td class="n few">{step.value_eur_per_wh * _KILO:z.3f}</td>'
            f'<td class="why">{escape(line)}</td></tr>\n'
        )
    body = "".join(rows)
    return f'<table><thead><tr>{heads}<th scope="col">why</th></tr></thead><tbody>\n{body}</tbody></table>'
