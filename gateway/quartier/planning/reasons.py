"""Why each step of a plan is as it is, in one line for a person."""

from collections.abc import Callable

from quartier.planning.horizon import Outlook
from quartier.planning.plan import Plan

_STILL_W = 0.5
_PER_KWH = 1000.0


def reasons(plan: Plan, outlook: Outlook, when: Callable[[int], str] = str) -> list[str]:
    """One line a step; ``when`` says when a step is.  Prices are EUR/kWh at the meter, what a kWh is worth
    is told as it lies in the store.
    """
    return [_reason(plan, outlook, number, when) for number in range(len(plan.steps))]


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
