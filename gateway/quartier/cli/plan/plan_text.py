"""Plans of a battery or a site, as text for people and as JSON for scripts."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from quartier.cli.plan.site_plan import SitePlanResult
from quartier.cli.plan.step_series import StepSeries
from quartier.cli.rendering import output
from quartier.control.reason import Reason, render_data
from quartier.planning.storage.battery_plan import BatteryPlan, Shortfall

_BLOCKS = "▁▂▃▄▅▆▇█"
_GIVEN_UP_TEXTS = {
    "target": "the target at the end is missed by {wh:.0f} Wh",
    "caps": "the caps cannot be kept: {wh:.0f} Wh are beyond them, from {first} in {count}",
    "reserve": "the battery is below its reserve, by {wh:.0f} Wh at most, from {first} in {count}",
}
_CURVE_CHARS = 96


def render_battery_plan(
    name: str, plan: BatteryPlan, steps: StepSeries, why: Sequence[Reason]
) -> dict[str, Any]:
    """Return the plan for scripts: W, Wh, EUR."""
    return {
        "battery": name,
        "step_s": plan.step_s,
        "cost_eur": plan.cost_eur,
        "left_eur": plan.left_eur,
        "peak_w": plan.peak_w,
        "gap_eur": plan.gap_eur,
        "given_up": [asdict(one) for one in plan.given_up],
        "steps": [
            {"time": time.isoformat(), **asdict(step), "why": str(line), **render_data(line)}
            for time, step, line in zip(steps.times, plan.steps, why, strict=True)
        ],
    }


def print_battery_plan(name: str, plan: BatteryPlan, steps: StepSeries, why: Sequence[str]) -> None:
    """Print curves, what was given up, and the reason of each step."""
    console = output.make_console()
    proven = "proven best" if not plan.gap_eur else f"at most {plan.gap_eur:.4f} EUR above the best"
    head = (
        f"  {plan.cost_eur:z.3f} EUR, {proven}; largest import {plan.peak_w:.0f} W; "
        f"left in it {plan.left_eur:z.3f} EUR"
    )
    console.print(Text.assemble((name, "bold"), head))
    outlook = steps.outlook
    for label, values, form in (
        ("price", [value * 1000 for value in outlook.import_eur_per_wh], "{:z.3f}..{:z.3f} EUR/kWh"),
        (
            "net load",
            [load - sun for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)],
            "{:z.0f}..{:z.0f} W",
        ),
        ("battery", [step.battery_w for step in plan.steps], "{:z.0f}..{:z.0f} W"),
        ("energy", [step.energy_wh for step in plan.steps], "{:z.0f}..{:z.0f} Wh"),
        ("grid", [step.grid_w for step in plan.steps], "{:z.0f}..{:z.0f} W"),
    ):
        console.print(f"{label:>8}  {render_curve(values)}  {form.format(min(values), max(values))}")
    for given in plan.given_up:
        console.print(f"given up: {describe_given_up(given, steps)}")
    rows = [
        (
            steps.format_with_day(run[0]),
            _format_range([plan.steps[number].battery_w for number in run]),
            _format_range([plan.steps[number].grid_w for number in run]),
            f"{plan.steps[run[-1]].energy_wh:z.0f}",
            why[run[0]],
        )
        for run in group_steps(why)
    ]
    console.print(output.make_table("", ("from", ">battery W", ">grid W", ">then stored Wh", "why"), rows))


def group_steps(why: Sequence[str]) -> list[range]:
    """Steps one after the other that have the same reason: a person reads each once."""
    made: list[range] = []
    for number, line in enumerate(why):
        if made and line == why[made[-1][0]]:
            made[-1] = range(made[-1][0], number + 1)
        else:
            made.append(range(number, number + 1))
    return made


def _format_range(values: Sequence[float]) -> str:
    """Return the least and the most, or the one that all are, in whole numbers."""
    low, high = f"{min(values):z.0f}", f"{max(values):z.0f}"
    return low if low == high else f"{low}..{high}"


def render_curve(values: Sequence[float]) -> str:
    """Render a curve of blocks, at most 96 wide: neighbours share one, the furthest from zero is shown."""
    each = -(-len(values) // _CURVE_CHARS)
    shown = [max(values[at : at + each], key=abs) for at in range(0, len(values), each)]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[min(7, int((value - low) / span * 8))] for value in shown)


def describe_given_up(given: Shortfall, steps: StepSeries) -> str:
    """Return what could not be kept, for a person."""
    count = output.format_count(len(given.steps), "step", "steps")
    return _GIVEN_UP_TEXTS[given.what].format(
        wh=given.wh, first=steps.format_time(given.steps[0]), count=count
    )


_KILO = 1000.0


def render_site_plan(outcome: SitePlanResult) -> dict[str, Any]:
    """Return the plan for scripts: W, Wh, EUR."""
    plan, steps = outcome.plan, outcome.steps
    outlook, more = steps.outlook, outcome.more_eur_per_wh
    return {
        "site": outcome.name,
        "step_s": plan.step_s,
        "cost_eur": plan.cost_eur,
        "objective_eur": plan.objective_eur,
        "gap_eur": plan.gap_eur,
        "peak_w": plan.peak_w,
        "left_eur": outcome.stores_worth_eur,
        "unplanned": asdict(outcome.baseline),
        "took_s": round(outcome.took_s, 4),
        "work_count": plan.work_count,
        "given_up": [
            {**asdict(one), "told": text}
            for one, text in zip(outcome.shortfalls, outcome.shortfall_texts, strict=True)
        ],
        "left_out": list(outcome.left_out),
        "parts": {
            name: {
                "kind": part.kind,
                "spells": [
                    {
                        "from": steps.time(one.from_step).isoformat(),
                        "until": steps.time(one.until_step).isoformat(),
                        "mean_w": one.mean_w,
                        "why": one.why,
                    }
                    for one in outcome.segments[name]
                ],
            }
            for name, part in plan.parts.items()
        },
        "steps": [
            {
                "time": time.isoformat(),
                "load_w": outlook.load_w[number],
                "pv_w": outlook.pv_w[number],
                "grid_w": plan.grid_w[number],
                "curtailed_w": plan.curtailed_w[number],
                "import_eur_per_wh": outlook.import_eur_per_wh[number],
                "export_eur_per_wh": outlook.export_eur_per_wh[number],
                "more_eur_per_wh": more[number],
                "held_by": outcome.find_binding_limit(number),
                "parts": {
                    name: {
                        "power_w": part.power_w[number],
                        **({"energy_wh": part.energy_wh[number]} if part.energy_wh else {}),
                    }
                    for name, part in plan.parts.items()
                },
            }
            for number, time in enumerate(steps.times)
        ],
    }


def print_site_plan(outcome: SitePlanResult) -> None:
    """Print curves, what was given up, and what each thing does when and why."""
    console, plan = output.make_console(), outcome.plan
    console.print(Text.assemble((outcome.name, "bold"), f"  {describe_site_plan(outcome)}"))
    wide = max(8, *(len(name) for name in plan.parts))
    for label, values, text in _list_curves(outcome):
        console.print(Text(f"{label:>{wide}}  {render_curve(values)}  {text}"))
    held = _describe_binding_limits(outcome)
    if held:
        console.print(Text(f"held: {held}"))
    for line in outcome.shortfall_texts:
        console.print(Text(f"given up: {line}"))
    for line in outcome.left_out:
        console.print(Text(f"not planned: {line}"))
    console.print(output.make_table("", ("asset", "from", "to", ">W", ">then", "why"), _make_rows(outcome)))


def describe_site_plan(outcome: SitePlanResult) -> str:
    """Return what it costs, how near to the best, and how long it took, in a line."""
    plan, beyond_wh = outcome.plan, outcome.baseline.beyond_wh
    beyond = f" ({beyond_wh / _KILO:.1f} kWh of it beyond the caps)" if beyond_wh > 0.0 else ""
    return (
        f"{plan.cost_eur:z.3f} EUR, {outcome.optimality_text}; "
        f"{outcome.baseline.cost_eur:z.3f} EUR where nobody plans{beyond}; "
        f"largest import {plan.peak_w:.0f} W; left in stores {outcome.stores_worth_eur:z.3f} EUR; "
        f"planned in {outcome.took_s:.2f} s of one core"
    )


def _list_curves(outcome: SitePlanResult) -> Iterator[tuple[str, list[float], str]]:
    plan, outlook = outcome.plan, outcome.steps.outlook
    net = [load - sun for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)]
    for label, prices in (("price", outlook.import_eur_per_wh), ("one more", outcome.more_eur_per_wh)):
        values = [price * _KILO for price in prices]
        yield label, values, f"{min(values):z.3f}..{max(values):z.3f} EUR/kWh"
    powers = {"net load": net, **{name: list(part.power_w) for name, part in plan.parts.items()}}
    for label, values in {**powers, "grid": list(plan.grid_w)}.items():
        yield label, values, f"{min(values):z.0f}..{max(values):z.0f} W"


def _describe_binding_limits(outcome: SitePlanResult) -> str:
    """Return where the connection stands at a cap, one stretch after the other."""
    steps, made = outcome.steps, []
    count = steps.outlook.count
    begin = 0
    for number in range(1, count + 1):
        cap = outcome.find_binding_limit(begin)
        if number < count and outcome.find_binding_limit(number) == cap:
            continue
        if cap:
            made.append(f"{cap} {steps.format_with_day(begin)} to {steps.format_with_day(number)}")
        begin = number
    return ", ".join(made)


def _make_rows(outcome: SitePlanResult) -> Iterator[tuple[str, ...]]:
    for name, spells in outcome.segments.items():
        for number, one in enumerate(spells):
            energies = outcome.plan.parts[name].energy_wh
            level = outcome.level(name, energies[one.until_step - 1]) if energies else None
            yield (
                "" if number else name,
                outcome.steps.format_with_day(one.from_step),
                outcome.steps.format_time(one.until_step),
                f"{one.mean_w:z.0f}",
                "" if level is None else f"{level[0]:z.1f} {level[1]}",
                one.why,
            )
