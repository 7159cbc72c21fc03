"""Plan many sites with one battery each in one kernel call (pure)."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel, Contract, Outlook, RefusedError, check_horizon
from quartier.planning.storage.battery_plan import BatteryPlan, complete_plan, plan_battery
from quartier.planning.storage.kernel_columns import KernelColumns, KernelPlan
from quartier.planning.storage.scenario_columns import needs_scenario_kernel
from quartier_native.storages import PLAN_COLUMNS, REFUSALS, SITES_MAX, TOLD_COLUMNS, Planned, plan_many

_NO_CONTRACT = Contract()


@dataclass(frozen=True, slots=True)
class BatterySite:
    """Arguments of ``plan_battery`` for one site."""

    battery: BatteryModel
    outlook: Outlook
    contract: Contract = _NO_CONTRACT


def plan_many_batteries(sites: Sequence[BatterySite]) -> list[BatteryPlan | RefusedError]:
    """Return for each site its plan as ``plan_battery`` makes it, or the error in its numbers.

    The first plan of all sites comes from one call. A peak price, prices that are not convex, scenarios and
    surcharges need calls of their own. Raises RefusedError for more than SITES_MAX sites.
    """
    if len(sites) > SITES_MAX:
        raise RefusedError(f"{len(sites)} sites: expected at most {SITES_MAX}")
    made: list[BatteryPlan | RefusedError | None] = [_find_refusal(site) for site in sites]
    sound = []
    for number, site in enumerate(sites):
        if made[number] is None and needs_scenario_kernel(site.outlook, site.contract):
            made[number] = _plan_alone(site)
        elif made[number] is None:
            sound.append(number)
    columns = [
        KernelColumns(one.battery, one.outlook, one.contract) for one in (sites[number] for number in sound)
    ]
    for number, one, first in zip(sound, columns, _run_kernel(columns), strict=True):
        site = sites[number]
        made[number] = (
            first
            if isinstance(first, RefusedError)
            else complete_plan(site.battery, site.outlook, site.contract, one, first)
        )
    return [one for one in made if one is not None]


def _find_refusal(site: BatterySite) -> RefusedError | None:
    try:
        check_horizon(site.battery, site.outlook, site.contract)
    except RefusedError as error:
        return error
    return None


def _plan_alone(site: BatterySite) -> BatteryPlan | RefusedError:
    try:
        return plan_battery(site.battery, site.outlook, site.contract)
    except RefusedError as error:
        return error


def _run_kernel(columns: Sequence[KernelColumns]) -> list[KernelPlan | RefusedError | None]:
    """Return the result of the kernel for each site."""
    counts = array("q", [one.count for one in columns])
    steps, stores = array("d"), array("d")
    for one in columns:
        steps += one.steps
        stores += one.fields
    plans = array("d", bytes(8 * sum(counts) * len(PLAN_COLUMNS)))
    told = array("d", bytes(8 * len(counts) * len(TOLD_COLUMNS)))
    plan_many(counts, steps, stores, plans, told)
    made: list[KernelPlan | RefusedError | None] = []
    at = 0
    for site, one in enumerate(columns):
        refusal, cost, excess_wh, short_wh, gap = told[site :: len(counts)]
        end = at + one.count * len(PLAN_COLUMNS)
        made.append(
            RefusedError(REFUSALS[int(refusal)])
            if refusal
            else one.found(Planned(True, cost, excess_wh, short_wh, gap), plans[at:end])
        )
        at = end
    return made
