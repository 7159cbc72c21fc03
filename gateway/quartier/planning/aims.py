"""From a plan to what the cycle can follow each second: a power, and between which grid powers (pure).

The plan's power was right for the load that was expected; what a stored Wh is worth says what is right for
the one that comes.  Sun goes into the battery where that is worth more than an export brings; the battery
serves the house where an import costs more than what it gives is worth.
"""

from collections.abc import Sequence
from math import inf

from quartier.control.wishes import Aim
from quartier.planning.horizon import Battery, Contract, Outlook
from quartier.planning.plan import Plan

_STILL_W = 0.5
_NEAR = 1e-9
"""EUR per Wh: within it two ways are worth the same, and the rule's is taken."""


def aims(
    plan: Plan,
    battery: Battery,
    outlook: Outlook,
    contract: Contract,
    words: Sequence[str],
    target_w: float = 0.0,
) -> tuple[Aim, ...]:
    """One aim a step; ``target_w`` is the grid power that the site's rule brings the grid to."""
    return tuple(
        _aim(plan, battery, outlook, contract, number, words[number], target_w)
        for number in range(len(plan.steps))
    )


def _aim(
    plan: Plan,
    battery: Battery,
    outlook: Outlook,
    contract: Contract,
    number: int,
    words: str,
    target_w: float,
) -> Aim:
    step = plan.steps[number]
    co2_eur = contract.co2_eur_per_g * outlook.import_g_per_wh[number] if outlook.import_g_per_wh else 0.0
    bought = outlook.import_eur_per_wh[number] + co2_eur
    wear, worth = battery.wear_eur_per_wh, step.value_eur_per_wh
    saved = bought * battery.discharge_efficiency - wear
    stored = outlook.export_eur_per_wh[number] / battery.charge_efficiency + wear
    serves = saved >= worth - _NEAR
    takes_sun = stored <= worth + _NEAR
    power_w = 0.0
    is_bought = step.battery_w > _STILL_W and step.grid_w > _STILL_W
    brings = outlook.export_eur_per_wh[number] * battery.discharge_efficiency - wear
    is_sold = step.battery_w < -_STILL_W and step.grid_w < -_STILL_W and brings > _NEAR
    if is_bought or is_sold:
        power_w = step.battery_w
    low_w = target_w if takes_sun else -inf
    high_w = target_w if serves and not is_bought else inf
    if step.cap_eur_per_wh > _NEAR:  # it is the import that is held, at the height that was planned
        high_w = max(step.grid_w, 0.0, target_w)
    elif contract.peak_eur_per_w > 0.0:
        high_w = min(high_w, max(plan.peak_w, contract.peak_free_w, target_w))
    if is_sold:  # what is sold is no surplus to be taken in
        low_w = -inf
    return Aim(outlook.step_s, power_w, min(low_w, high_w), high_w, words)
