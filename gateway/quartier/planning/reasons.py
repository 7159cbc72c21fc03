"""Why each step of a plan is as it is, in one line for a person."""

from collections.abc import Callable

from quartier.planning.horizon import Outlook
from quartier.planning.plan import Plan

_STILL_W = 0.5
_PER_KWH = 1000.0
_TOLD_WH = 50.0


def reasons(plan: Plan, outlook: Outlook, when: Callable[[int], str] = str) -> list[str]:
    """One line a step; ``when`` says when a step is.  Prices are EUR/kWh at the meter, what a kWh is worth
    is told as it lies in the store.
    """
    kept = _kept(plan, outlook, when)
    return [_reason(plan, outlook, number, when) + kept[number] for number in range(len(plan.steps))]


def _kept(plan: Plan, outlook: Outlook, when: Callable[[int], str]) -> list[str]:
    """What of the charge at each step's end is kept for an import cap, or for the peak, of a later step.

    Backward: a discharge without which an import would be beyond it adds what it takes from the store, a
    charge before takes away.
    """
    kept_wh, words = 0.0, ""
    lines: list[str] = []
    for number in reversed(range(len(plan.steps))):
        share, what = _held(plan, outlook, number)
        told = kept_wh >= _TOLD_WH and not share
        lines.append(f"; kept {kept_wh / _PER_KWH:.1f} kWh for {words}" if told else "")
        moved_wh = plan.steps[number].energy_wh - plan.steps[number - 1].energy_wh if number else 0.0
        if share:
            kept_wh, words = kept_wh - share * moved_wh, f"{what} at {when(number)}"
        else:
            kept_wh = max(0.0, kept_wh - max(moved_wh, 0.0))
    return lines[::-1]


def _held(plan: Plan, outlook: Outlook, number: int) -> tuple[float, str]:
    """The share of a step's discharge that holds its import, and what holds it; 0 where nothing does."""
    step = plan.steps[number]
    most_w = step.grid_w if step.grid_range_w is None else step.grid_range_w[1]
    cap_w, spared_w = outlook.import_max_w[number], -step.battery_w
    if spared_w <= _STILL_W:
        return 0.0, ""
    beyond_w = most_w + spared_w - cap_w
    if beyond_w > _STILL_W:
        return min(1.0, beyond_w / spared_w), f"the import cap of {cap_w / _PER_KWH:.1f} kW"
    if step.cap_eur_per_wh > 0.0 and most_w > _STILL_W:
        return 1.0, f"the peak of {most_w / _PER_KWH:.1f} kW"
    return 0.0, ""


def _reason(plan: Plan, outlook: Outlook, number: int, when: Callable[[int], str]) -> str:
    step = plan.steps[number]
    if step.battery_w > _STILL_W:
        line = f"charges {_source(plan, outlook, number)}, {_use(plan, outlook, number, when)}"
    elif step.battery_w < -_STILL_W:
        line = f"discharges: {_gain(plan, outlook, number)}"
    else:
        line = f"waits: {_price(plan, outlook, number)}"
    line += f"; a stored kWh is worth {step.value_eur_per_wh * _PER_KWH:.3f}"
    if step.cap_eur_per_wh > 0.0:
        line += f"; held by a cap or the peak, a kWh more would be worth {step.cap_eur_per_wh * _PER_KWH:.3f}"
    if step.curtailed_w > _STILL_W:
        line += f"; {step.curtailed_w:.0f} W of the sun are curtailed"
    return line


def _source(plan: Plan, outlook: Outlook, number: int) -> str:
    """Where a charge comes from, and what that costs."""
    if plan.steps[number].grid_w > _STILL_W:
        return f"at {_import(outlook, number)}"
    return f"with sun that an export would sell at {_export(outlook, number)}"


def _use(plan: Plan, outlook: Outlook, number: int, when: Callable[[int], str]) -> str:
    """The first step in which what is charged here is used."""
    for later in range(number + 1, len(plan.steps)):
        if plan.steps[later].battery_w < -_STILL_W:
            return f"used from {when(later)} ({_gain(plan, outlook, later)})"
    return "kept beyond the last step"


def _gain(plan: Plan, outlook: Outlook, number: int) -> str:
    """What a discharge is good for."""
    if plan.steps[number].grid_w < -_STILL_W:
        return f"an export brings {_export(outlook, number)}"
    return f"spares an import at {_import(outlook, number)}"


def _price(plan: Plan, outlook: Outlook, number: int) -> str:
    if plan.steps[number].grid_w < -_STILL_W:
        return f"an export brings {_export(outlook, number)}"
    return f"an import costs {_import(outlook, number)}"


def _import(outlook: Outlook, number: int) -> str:
    return f"{outlook.import_eur_per_wh[number] * _PER_KWH:.3f}"


def _export(outlook: Outlook, number: int) -> str:
    return f"{outlook.export_eur_per_wh[number] * _PER_KWH:.3f}"
