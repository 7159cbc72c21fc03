"""Turn a plan into an aim for each step that the control cycle can follow (pure).

The planned power was right for the expected load. The value of a stored Wh says what is right for the actual
load. PV charges the battery where that is worth more than an export. The battery serves the site where an
import costs more than the discharged energy is worth. A plan over scenarios has one power for all of them. It
buys or sells at this power only where that pays in some scenario.
"""

from collections.abc import Sequence
from math import inf, isfinite

from quartier.control.reason import Reason, make_reason
from quartier.control.requests import PlanAim
from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.storage.battery_plan import BatteryPlan, PlannedStep
from quartier.site.records import replace

_SAME_EUR_PER_WH = 1e-9


def find_worthwhile_import_w(
    step: PlannedStep, battery: BatteryModel, outlook: Outlook, contract: Contract, number: int
) -> float:
    """Return the smallest import whose surcharges make a discharge worthwhile, in W.

    It is infinite if there is none.
    """
    price = _find_import_price(outlook, contract, number)
    for above_w, more in sorted((one.above_w[number], one.eur_per_wh) for one in contract.surcharges):
        price += more
        if _is_worth(price, step, battery):
            return above_w
    return inf


def _find_import_price(outlook: Outlook, contract: Contract, number: int) -> float:
    """Return the import price without surcharges."""
    grams = outlook.import_g_per_wh[number] if outlook.import_g_per_wh else 0.0
    return outlook.import_eur_per_wh[number] + contract.co2_eur_per_g * grams


def _is_worth(price: float, step: PlannedStep, battery: BatteryModel) -> bool:
    spares = price * battery.discharge_efficiency - battery.wear_eur_per_wh
    return spares >= step.value_eur_per_wh - _SAME_EUR_PER_WH


def replace_surcharges_by_peak(contract: Contract) -> Contract:
    """Return a contract with a price for the horizon's largest import in place of its surcharges.

    It is for planners without surcharges. Free is the smallest level that the middle surcharge has in any
    step; above it, this surcharge and the lower ones are paid. An existing, higher peak price stays: a month
    peak counts before a day peak.
    """
    tiers = sorted((min(one.above_w), one.eur_per_wh) for one in contract.surcharges)
    if not tiers:
        return contract
    middle = len(tiers) // 2
    price = sum(more for _, more in tiers[: middle + 1])  # of a W for an hour = of a peak W
    if contract.peak_eur_per_w >= price:
        return replace(contract, surcharges=())
    return replace(contract, surcharges=(), peak_eur_per_w=price, peak_free_w=tiers[middle][0])


def _make_peak_reason(above_w: float) -> Reason:
    return make_reason("plan.spares_peak", limit_kw=round(above_w / 1000, 1))


def add_peak_reasons(
    plan: BatteryPlan, battery: BatteryModel, outlook: Outlook, contract: Contract, why: Sequence[Reason]
) -> list[Reason]:
    """Return the reasons of the steps, extended by the import above which the day peak is avoided."""
    found = []
    for number, (step, line) in enumerate(zip(plan.steps, why, strict=True)):
        above_w = find_worthwhile_import_w(step, battery, outlook, contract, number)
        is_reason = isfinite(above_w) and not _is_worth(
            _find_import_price(outlook, contract, number), step, battery
        )
        found.append(line.then(_make_peak_reason(above_w)) if is_reason else line)
    return found


_IDLE_W = 0.5
_NEAR_EUR_PER_WH = 1e-9
"""Two options within this difference, in EUR per Wh, are equal; then the rule's option is taken."""


def make_aims(
    plan: BatteryPlan,
    battery: BatteryModel,
    outlook: Outlook,
    contract: Contract,
    why: Sequence[Reason],
    target_w: float = 0.0,
) -> tuple[PlanAim, ...]:
    """Return one aim per step; ``target_w`` is the grid power that the rule of the site aims for."""
    return tuple(
        _make_aim(plan, battery, outlook, contract, number, why[number], target_w)
        for number in range(len(plan.steps))
    )


def _make_aim(
    plan: BatteryPlan,
    battery: BatteryModel,
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
    serves = saved >= worth - _NEAR_EUR_PER_WH
    takes_sun = stored <= worth + _NEAR_EUR_PER_WH
    power_w = 0.0
    least_w, most_w = step.grid_range_w or (step.grid_w, step.grid_w)
    is_bought = step.battery_w > _IDLE_W and most_w > _IDLE_W
    brings = outlook.export_eur_per_wh[number] * battery.discharge_efficiency - wear
    is_sold = step.battery_w < -_IDLE_W and least_w < -_IDLE_W and brings > _NEAR_EUR_PER_WH
    if step.grid_range_w is not None:  # not in every scenario, nor at full power: only where it pays
        is_bought &= (
            least_w > _IDLE_W
            or step.battery_w > battery.charge_max_w - _IDLE_W
            or bought / battery.charge_efficiency + wear <= worth + _NEAR_EUR_PER_WH
        )
        is_sold &= (
            most_w < -_IDLE_W
            or step.battery_w < _IDLE_W - battery.discharge_max_w
            or brings >= worth - _NEAR_EUR_PER_WH
        )
    if is_bought or is_sold:
        power_w = step.battery_w
    low_w = target_w if takes_sun else -inf
    high_w = target_w
    if not serves or is_bought:  # the part of a high import above this may be worth avoiding
        high_w = max(find_worthwhile_import_w(step, battery, outlook, contract, number), target_w)
    elif (
        contract.surcharges and saved <= worth + _NEAR_EUR_PER_WH
    ):  # equally useful later: do not spend it before a peak
        high_w = max(step.grid_w, target_w)
    if step.cap_eur_per_wh > _NEAR_EUR_PER_WH:  # the import is held at the planned level
        high_w = max(_find_held_import_w(plan, step), 0.0, target_w)
    elif contract.peak_eur_per_w > 0.0:
        top_w = plan.peak_w if plan.level_w is None else plan.level_w
        high_w = min(high_w, max(top_w, contract.peak_free_w, target_w))
    if is_sold:  # sold energy is no surplus that charges the battery
        low_w = -inf
    return PlanAim(outlook.step_s, power_w, min(low_w, high_w), high_w, why)


def _find_held_import_w(plan: BatteryPlan, step: PlannedStep) -> float:
    """Return the import that is held: the largest over the scenarios, but at most the peak level."""
    if step.grid_range_w is None:
        return step.grid_w
    largest_w = step.grid_range_w[1]
    return largest_w if plan.level_w is None else min(largest_w, plan.level_w)
