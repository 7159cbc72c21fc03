"""The page of the plan of a site: one HTML file without scripts and without other files (pure).

What the curves show, rows say too: for each thing what it does when and why, and for each step its numbers.
"""

from collections.abc import Iterator, Sequence
from html import escape

from quartier.cli.plan import chart
from quartier.cli.plan.chart import BARS_FORM, JOINED_FORM, PlanCurve, render_plan_chart
from quartier.cli.plan.site_plan import SitePlanResult
from quartier.planning.site.plan_segments import PlanSegment

_KILO = 1000.0
_PART_STYLES = {"battery": "store", "car": "buy", "tank": "heat", "batch": "worth"}
_AXIS_TEXTS = {"battery": "kW, plus charges", "car": "kW", "tank": "kW of electricity", "batch": "kW"}
_PART_NAMES = {"battery": "battery", "car": "car", "tank": "tank", "batch": "run"}


def render_site_page(outcome: SitePlanResult) -> str:
    """Return the whole file."""
    table = _render_table(outcome)
    bound = outcome.optimality_text
    text = f"{bound[0].upper()}{bound[1:]}, of all plans of these steps."
    main = f"""{chart.render_verdict(text, outcome.shortfall_texts)}{_render_left_out(outcome)}
<section class="tiles">{chart.render_tiles(_list_figures(outcome))}</section>
<section><h2>Curves</h2><p class="hint">Plus takes energy from the building, minus gives. Rest on a step to
read what each does and why; a click leads to its row below.</p>
<div class="stack">{"".join(_render_charts(outcome))}
<div class="steps" aria-hidden="true">{"".join(_render_bands(outcome))}</div></div></section>
<section class="all"><h2>What each does, and why</h2>{_render_segments(outcome)}</section>
<section class="all"><h2>Each step</h2>
<div class="rows" tabindex="0" role="region" aria-label="Each step">{table}</div></section>"""
    foot = f"""Prices are EUR/kWh; <i>one kWh more</i> is what that would cost the building then, beside
what is planned: an import, an export that is lost, or what is between the two. <i>Where nobody plans</i>
batteries stand still, cars charge and runs begin at once, a thermostat holds tanks. Planned in
{outcome.took_s:.2f} s of one core."""
    return chart.render_frame(
        "Plan of the site", outcome.name, chart.describe_series(outcome.name, outcome.steps), main, foot
    )


def _render_left_out(outcome: SitePlanResult) -> str:
    if not outcome.left_out:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in outcome.left_out)
    return f'<section class="note"><p><b>Not planned</b></p><ul>{lines}</ul></section>'


def _list_figures(outcome: SitePlanResult) -> list[tuple[str, str]]:
    plan, base = outcome.plan, outcome.baseline
    hours = plan.step_s / 3600.0
    saved = (base.cost_eur - base.left_eur) - (plan.cost_eur - outcome.stores_worth_eur)

    def energy(powers_w: Sequence[float]) -> str:
        return f"{sum(max(0.0, power_w) for power_w in powers_w) * hours / _KILO:.2f} kWh"

    figures = [
        (f"{plan.cost_eur:z.2f} EUR", "cost"),
        (f"{base.cost_eur:z.2f} EUR", "cost where nobody plans"),
        (f"{saved:z.2f} EUR", "saved, with the worth of what is left"),
        (f"{plan.gap_eur:.4f} EUR", "above the best at most"),
        (f"{plan.peak_w / _KILO:.2f} kW", "largest import"),
        (f"{base.peak_w / _KILO:.2f} kW", "largest import where nobody plans"),
        (energy(plan.grid_w), "imported"),
        (energy([-power_w for power_w in plan.grid_w]), "exported"),
    ]
    if base.beyond_wh > 0.0:
        figures.append((f"{base.beyond_wh / _KILO:.2f} kWh", "beyond the caps where nobody plans"))
    if any(power_w > 0.5 for power_w in plan.curtailed_w):
        figures.append((energy(plan.curtailed_w), "of the sun curtailed"))
    return figures


def _render_charts(outcome: SitePlanResult) -> Iterator[str]:
    plan, outlook = outcome.plan, outcome.steps.outlook
    marks, count = chart.make_marks(outcome.steps), outlook.count

    def of(values: Sequence[float], factor: float) -> list[float]:
        return [value * factor for value in values]

    yield render_plan_chart(
        "Prices",
        "EUR/kWh",
        [
            PlanCurve("import", "buy", of(outlook.import_eur_per_wh, _KILO)),
            PlanCurve("export", "sell", of(outlook.export_eur_per_wh, _KILO)),
            PlanCurve("one kWh more", "worth", of(outcome.more_eur_per_wh, _KILO)),
        ],
        marks,
        count,
    )
    yield render_plan_chart(
        "Rest of the house and sun",
        "kW",
        [
            PlanCurve("load", "load", of(outlook.load_w, 1 / _KILO)),
            PlanCurve("sun", "sun", of(outlook.pv_w, 1 / _KILO)),
            PlanCurve("curtailed", "limit", chart.hide_zeros(of(plan.curtailed_w, 1 / _KILO))),
        ],
        marks,
        count,
    )
    yield render_plan_chart(
        "Grid",
        "kW, plus imports",
        [
            PlanCurve("contracted power", "base", [outcome.contract_w / _KILO] * count),
            PlanCurve("grid", "buy", of(plan.grid_w, 1 / _KILO)),
            PlanCurve("import cap", "limit", of(outlook.import_max_w, 1 / _KILO)),
            PlanCurve("export cap", "limit", of(outlook.export_max_w, -1 / _KILO)),
        ],
        marks,
        count,
    )
    for name, part in plan.parts.items():
        power = PlanCurve("power", _PART_STYLES[part.kind], of(part.power_w, 1 / _KILO), BARS_FORM)
        yield render_plan_chart(
            name, f"{_PART_NAMES[part.kind]}, {_AXIS_TEXTS[part.kind]}", [power], marks, count, tall=False
        )
        if part.kind in {"battery", "tank"}:
            unit, curves, base = _find_levels(outcome, name)
            yield render_plan_chart(f"{name}: stored", unit, curves, marks, count, tall=False, base=base)


def _find_levels(outcome: SitePlanResult, name: str) -> tuple[str, list[PlanCurve], float]:
    """Return what stands in a battery or tank, between its bounds; its unit, and what is always seen."""
    plan, count, site = outcome.plan.parts[name], outcome.steps.outlook.count, outcome.site
    battery = site.batteries.get(name)
    if battery is not None:
        now_wh, label = battery.energy_wh, "charge"
        edges = (("reserve", "limit", battery.reserve_wh), ("full", "base", battery.capacity_wh))
    else:
        tank = site.tanks[name]
        now_wh, label = tank.energy_wh, "water"
        edges = (("comfort_min_c", "limit", tank.low_wh), ("comfort_max_c", "base", tank.high_wh))
    values = [outcome.level(name, wh) for wh in (now_wh, *plan.energy_wh)]
    bounds = [PlanCurve(text, style, [outcome.level(name, wh)[0]] * count) for text, style, wh in edges]
    stored = PlanCurve(label, _PART_STYLES[plan.kind], [one for one, _ in values], JOINED_FORM)
    base = 0.0 if battery is not None else bounds[0].values[0] - 5.0
    return values[0][1], [stored, *bounds], base


def _render_bands(outcome: SitePlanResult) -> Iterator[str]:
    for number in range(outcome.steps.outlook.count):
        lines = [
            f"{outcome.steps.format_with_day(number)} grid {outcome.plan.grid_w[number] / _KILO:z.2f} kW"
        ]
        for name, spells in outcome.segments.items():
            here = next(one for one in spells if one.from_step <= number < one.until_step)
            power_kw = outcome.plan.parts[name].power_w[number] / _KILO
            lines.append(f"{name} {power_kw:z.2f} kW: {here.why}")
        text = "\n".join(lines)
        yield f'<a href="#s{number}" tabindex="-1" title="{escape(text)}"></a>'


def _render_segments(outcome: SitePlanResult) -> str:
    made = []
    for name, spells in outcome.segments.items():
        part = outcome.plan.parts[name]
        rows = "".join(_render_row(outcome, name, one) for one in spells)
        made.append(
            f'<h3 class="part"><i class="{_PART_STYLES[part.kind]}"></i>{escape(name)} '
            f"<small>{_PART_NAMES[part.kind]}</small></h3>"
            f'<table class="spells{" offset" if outcome.steps.changes else ""}">'
            '<thead><tr><th scope="col">from</th><th scope="col">to</th>'
            '<th scope="col" class="n">kW</th><th scope="col" class="n">then</th>'
            f'<th scope="col">why</th></tr></thead><tbody>{rows}</tbody></table>'
        )
    return "".join(made)


def _render_row(outcome: SitePlanResult, name: str, one: PlanSegment) -> str:
    energies = outcome.plan.parts[name].energy_wh
    level = ""
    if energies:
        value, unit = outcome.level(name, energies[one.until_step - 1])
        level = f"{value:z.1f} {unit}"
    still = " class=still" if abs(one.mean_w) < 0.5 else ""
    return (
        f'<tr{still}><th scope="row">{outcome.steps.format_with_day(one.from_step)}</th>'
        f"<td>{outcome.steps.format_time(one.until_step)}</td>"
        f'<td class="n" data-unit="kW">{one.mean_w / _KILO:z.2f}</td><td class="n">{level}</td>'
        f'<td class="why">{escape(one.why)}</td></tr>\n'
    )


def _render_table(outcome: SitePlanResult) -> str:
    plan, outlook = outcome.plan, outcome.steps.outlook
    names, more = list(plan.parts), outcome.more_eur_per_wh
    heads = "".join(f'<th scope="col" class="n">{escape(name)} kW</th>' for name in ("grid", *names))
    rows = []
    for number in range(outlook.count):
        powers = [plan.grid_w[number], *(plan.parts[name].power_w[number] for name in names)]
        cells = "".join(f'<td class="n">{power_w / _KILO:z.2f}</td>' for power_w in powers)
        rows.append(
            f'<tr id="s{number}"><th scope="row">{outcome.steps.format_with_day(number)}</th>{cells}'
            f'<td class="n">{outlook.import_eur_per_wh[number] * _KILO:.3f}</td>'
            f'<td class="n">{more[number] * _KILO:z.3f}</td>'
            f"<td>{outcome.find_binding_limit(number)}</td></tr>\n"
        )
    tail = (
        '<th scope="col" class="n">import EUR/kWh</th><th scope="col" class="n">one more</th>'
        '<th scope="col">held by</th>'
    )
    return (
        f'<table class="wide"><thead><tr><th scope="col">from</th>{heads}{tail}</tr></thead>'
        f"<tbody>\n{''.join(rows)}</tbody></table>"
    )
