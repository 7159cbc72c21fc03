"""From a plan to what the cycle can follow each second: a power, and between which grid powers (pure).

The plan's power was right for the load that was expected; what a stored Wh is worth says what is right for
the one that comes.  Sun goes into the battery where that is worth more than an export brings; the battery
serves the house where an import costs more than what it gives is worth.  A plan over samples has its power
for all of them at once; what some of them would buy or sell for it is done where it is worth that.
"""

from collections.abc import Sequence
from math import inf

from quartier.control.reason import Reason
from quartier.control.requests import PlanAim
from quartier.planning.horizon import Battery, Contract, Outlook
from quartier.planning.plan import Plan, PlannedStep
from quartier.planning.steep import from_w

_STILL_W = 0.5
_NEAR = 1e-9
"""EUR per Wh: within it two ways are worth the same, and the rule's is taken."""


def aims(
    plan: Plan,
    battery: Battery,
    outlook: Outlook,
    contract: Contract,
    why: Sequence[Reason],
    target_w: float = 0.0,
) -> tuple[PlanAim, ...]:
    """One aim a step; ``target_w`` is the grid power that the site's rule brings the grid to."""
    return tuple(
        _aim(plan, battery, outlook, contract, number, why[number], target_w)
        for number in range(len(plan.steps))
    )


def _aim(
    plan: Plan,
    battery: Battery,
    outlook: Outlook,
    contract: Contract,
    number: int,
    why: Reason,
    target_w: float,
) -> PlanAim:
    step = plan.steps[number]
    co2_eur = contract.co2_eur_per_g * outlook.import_g_per_wh[number] if outlook.import_g_per_wh else 0.0
    bought = outlook.import_eur_per_wh[number] + co2_eur
    wear, worth = battery.wear_eur_per_wh, step.value_eur_per_wh
    saved = bought * battery.discharge_efficiency - wear
    stored = outlook.export_eur_per_wh[number] / battery.charge_efficiency + wear
    serves = saved >= worth - _NEAR
    takes_sun = stored <= worth + _NEAR
    power_w = 0.0
    least_w, most_w = step.grid_range_w or (step.grid_w, step.grid_w)
    is_bought = step.battery_w > _STILL_W and most_w > _STILL_W
    brings = outlook.export_eur_per_wh[number] * battery.discharge_efficiency - wear
    is_sold = step.battery_w < -_STILL_W and least_w < -_STILL_W and brings > _NEAR
    if step.grid_range_w is not None:  # not so in each sample, nor at full power: only where it is worth that
        is_bought &= (
            least_w > _STILL_W
            or step.battery_w > battery.charge_max_w - _STILL_W
            or bought / battery.charge_efficiency + wear <= worth + _NEAR
        )
        is_sold &= (
            most_w < -_STILL_W
            or step.battery_w < _STILL_W - battery.discharge_max_w
            or brings >= worth - _NEAR
        )
    if is_bought or is_sold:
        power_w = step.battery_w
    low_w = target_w if takes_sun else -inf
    high_w = target_w
    if not serves or is_bought:  # of a high import what is above may be worth sparing
        high_w = max(from_w(step, battery, outlook, contract, number), target_w)
    elif contract.surcharges and saved <= worth + _NEAR:  # as well used later: it is not spent before a peak
        high_w = max(step.grid_w, target_w)
    if step.cap_eur_per_wh > _NEAR:  # it is the import that is held, at the height that was planned
        high_w = max(_height_w(plan, step), 0.0, target_w)
    elif contract.peak_eur_per_w > 0.0:
        top_w = plan.peak_w if plan.level_w is None else plan.level_w
        high_w = min(high_w, max(top_w, contract.peak_free_w, target_w))
    if is_sold:  # what is sold is no surplus to be taken in
        low_w = -inf
    return PlanAim(outlook.step_s, power_w, min(low_w, high_w), high_w, why)


def _height_w(plan: Plan, step: PlannedStep) -> float:
    """The import that is held: over samples their largest, but for what lies above the peak's level."""
    if step.grid_range_w is None:
        return step.grid_w
    largest_w = step.grid_range_w[1]
    return largest_w if plan.level_w is None else min(largest_w, plan.level_w)
