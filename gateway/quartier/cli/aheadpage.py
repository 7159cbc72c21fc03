"""A plan as people read it, and as scripts do."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from quartier.cli import output
from quartier.cli.steps import Steps
from quartier.control.reason import Reason, render_data
from quartier.planning.storage.battery_plan import BatteryPlan, Shortfall

_BLOCKS = "▁▂▃▄▅▆▇█"
_WORDS = {
    "target": "the target at the end is missed by {wh:.0f} Wh",
    "caps": "the caps cannot be kept: {wh:.0f} Wh are beyond them, from {first} in {count}",
    "reserve": "the battery is below its reserve, by {wh:.0f} Wh at most, from {first} in {count}",
}
_WIDTH = 96


def document(name: str, plan: BatteryPlan, steps: Steps, why: Sequence[Reason]) -> dict[str, Any]:
    """The plan for scripts: W, Wh, EUR."""
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


def show(name: str, plan: BatteryPlan, steps: Steps, why: Sequence[str]) -> None:
    """Print curves, what was given up, and the reason of each step."""
    console = output.console()
    proven = "proven best" if not plan.gap_eur else f"at most {plan.gap_eur:.4f} EUR above the best"
    head = (
        f"  {plan.cost_eur:z.3f} EUR, {proven}; largest import {plan.peak_w:.0f} W; "
        f"left in it {plan.left_eur:z.3f} EUR"
    )
    console.print(Text.assemble((name, "bold"), head))
    outlook = steps.outlook
    for word, values, form in (
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
        console.print(f"{word:>8}  {curve(values)}  {form.format(min(values), max(values))}")
    for given in plan.given_up:
        console.print(f"given up: {told(given, steps)}")
    rows = [
        (
            steps.day(run[0]),
            _span([plan.steps[number].battery_w for number in run]),
            _span([plan.steps[number].grid_w for number in run]),
            f"{plan.steps[run[-1]].energy_wh:z.0f}",
            why[run[0]],
        )
        for run in runs(why)
    ]
    console.print(output.table("", ("from", ">battery W", ">grid W", ">then stored Wh", "why"), rows))


def runs(why: Sequence[str]) -> list[range]:
    """Steps one after the other that have the same reason: a person reads each once."""
    made: list[range] = []
    for number, line in enumerate(why):
        if made and line == why[made[-1][0]]:
            made[-1] = range(made[-1][0], number + 1)
        else:
            made.append(range(number, number + 1))
    return made


def _span(values: Sequence[float]) -> str:
    """The least and the most, or the one that all are, in whole numbers."""
    low, high = f"{min(values):z.0f}", f"{max(values):z.0f}"
    return low if low == high else f"{low}..{high}"


def curve(values: Sequence[float]) -> str:
    """A curve of blocks, at most 96 wide: neighbours share one, the furthest from zero is shown."""
    each = -(-len(values) // _WIDTH)
    shown = [max(values[at : at + each], key=abs) for at in range(0, len(values), each)]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[min(7, int((value - low) / span * 8))] for value in shown)


def told(given: Shortfall, steps: Steps) -> str:
    """Return what could not be kept, for a person."""
    count = output.counted(len(given.steps), "step", "steps")
    return _WORDS[given.what].format(wh=given.wh, first=steps.when(given.steps[0]), count=count)
