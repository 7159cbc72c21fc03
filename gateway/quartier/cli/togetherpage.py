"""A plan of several things as people read it, and as scripts do."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from quartier.cli import output
from quartier.cli.aheadpage import curve
from quartier.cli.outcome import Outcome

_KILO = 1000.0


def document(outcome: Outcome) -> dict[str, Any]:
    """The plan for scripts: W, Wh, EUR."""
    plan, steps = outcome.plan, outcome.steps
    outlook, more = steps.outlook, outcome.more_eur_per_wh
    return {
        "site": outcome.name,
        "engine": outcome.engine,
        "step_s": plan.step_s,
        "cost_eur": plan.cost_eur,
        "objective_eur": plan.objective_eur,
        "gap_eur": plan.gap_eur,
        "peak_w": plan.peak_w,
        "left_eur": outcome.left_eur,
        "unplanned": asdict(outcome.base),
        "took_s": round(outcome.took_s, 4),
        "work_count": plan.work_count,
        "given_up": [
            {**asdict(one), "told": told} for one, told in zip(outcome.forgone, outcome.given_up, strict=True)
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
                    for one in outcome.spells[name]
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
                "held_by": outcome.held(number),
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


def show(outcome: Outcome) -> None:
    """Print curves, what was given up, and what each thing does when and why."""
    console, plan = output.console(), outcome.plan
    console.print(Text.assemble((outcome.name, "bold"), f"  {summary(outcome)}"))
    wide = max(8, *(len(name) for name in plan.parts))
    for word, values, told in _curves(outcome):
        console.print(Text(f"{word:>{wide}}  {curve(values)}  {told}"))
    held = _held(outcome)
    if held:
        console.print(Text(f"held: {held}"))
    for line in outcome.given_up:
        console.print(Text(f"given up: {line}"))
    for line in outcome.left_out:
        console.print(Text(f"not planned: {line}"))
    console.print(output.table("", ("asset", "from", "to", ">W", ">then", "why"), _rows(outcome)))


def summary(outcome: Outcome) -> str:
    """Return what it costs, how near to the best, and how long it took, in a line."""
    plan, beyond_wh = outcome.plan, outcome.base.beyond_wh
    beyond = f" ({beyond_wh / _KILO:.1f} kWh of it beyond the caps)" if beyond_wh > 0.0 else ""
    return (
        f"{plan.cost_eur:z.3f} EUR, {outcome.bound}; "
        f"{outcome.base.cost_eur:z.3f} EUR where nobody plans{beyond}; "
        f"largest import {plan.peak_w:.0f} W; left in stores {outcome.left_eur:z.3f} EUR; "
        f"planned in {outcome.took_s:.2f} s of one core"
    )


def _curves(outcome: Outcome) -> Iterator[tuple[str, list[float], str]]:
    plan, outlook = outcome.plan, outcome.steps.outlook
    net = [load - sun for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)]
    for word, prices in (("price", outlook.import_eur_per_wh), ("one more", outcome.more_eur_per_wh)):
        values = [price * _KILO for price in prices]
        yield word, values, f"{min(values):z.3f}..{max(values):z.3f} EUR/kWh"
    powers = {"net load": net, **{name: list(part.power_w) for name, part in plan.parts.items()}}
    for word, values in {**powers, "grid": list(plan.grid_w)}.items():
        yield word, values, f"{min(values):z.0f}..{max(values):z.0f} W"


def _held(outcome: Outcome) -> str:
    """Return where the connection stands at a cap, one stretch after the other."""
    steps, made = outcome.steps, []
    count = steps.outlook.count
    begin = 0
    for number in range(1, count + 1):
        cap = outcome.held(begin)
        if number < count and outcome.held(number) == cap:
            continue
        if cap:
            made.append(f"{cap} {steps.day(begin)} to {steps.day(number)}")
        begin = number
    return ", ".join(made)


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    for name, spells in outcome.spells.items():
        for number, one in enumerate(spells):
            energies = outcome.plan.parts[name].energy_wh
            level = outcome.level(name, energies[one.until_step - 1]) if energies else None
            yield (
                "" if number else name,
                outcome.steps.day(one.from_step),
                outcome.steps.when(one.until_step),
                f"{one.mean_w:z.0f}",
                "" if level is None else f"{level[0]:z.1f} {level[1]}",
                one.why,
            )
