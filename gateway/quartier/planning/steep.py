"""From which import on a stored Wh is worth spending, where high imports cost more (pure)."""

from collections.abc import Sequence
from math import inf, isfinite

from quartier.control.reason import Reason, make_reason
from quartier.house.records import replace
from quartier.planning.horizon import Battery, Contract, Outlook
from quartier.planning.plan import Plan, PlannedStep

_NEAR = 1e-9


def from_w(step: PlannedStep, battery: Battery, outlook: Outlook, contract: Contract, number: int) -> float:
    """The least import whose surcharges make that worth it, in W; infinite where none does."""
    price = _plain(outlook, contract, number)
    for above_w, more in sorted((one.above_w[number], one.eur_per_wh) for one in contract.surcharges):
        price += more
        if _is_worth(price, step, battery):
            return above_w
    return inf


def _plain(outlook: Outlook, contract: Contract, number: int) -> float:
    """What an import costs that is not high."""
    grams = outlook.import_g_per_wh[number] if outlook.import_g_per_wh else 0.0
    return outlook.import_eur_per_wh[number] + contract.co2_eur_per_g * grams


def _is_worth(price: float, step: PlannedStep, battery: Battery) -> bool:
    spares = price * battery.discharge_efficiency - battery.wear_eur_per_wh
    return spares >= step.value_eur_per_wh - _NEAR


def levelled(contract: Contract) -> Contract:
    """The same for who plans without surcharges: a price for the horizon's largest import in their place.

    Free is the least that the middle one has in any step; above it this one and those below are paid.  A
    largest import that is priced already, and dearer, stays: a month's counts before a day's.
    """
    tiers = sorted((min(one.above_w), one.eur_per_wh) for one in contract.surcharges)
    if not tiers:
        return contract
    middle = len(tiers) // 2
    price = sum(more for _, more in tiers[: middle + 1])  # of a W for an hour: as a W of the largest import
    if contract.peak_eur_per_w >= price:
        return replace(contract, surcharges=())
    return replace(contract, surcharges=(), peak_eur_per_w=price, peak_free_w=tiers[middle][0])


def _spares(above_w: float) -> Reason:
    return make_reason("plan.spares_peak", limit_kw=round(above_w / 1000, 1))


def spared(
    plan: Plan, battery: Battery, outlook: Outlook, contract: Contract, why: Sequence[Reason]
) -> list[Reason]:
    """The reasons of the steps, and from where on an import is spared for what the day's largest costs."""
    found = []
    for number, (step, line) in enumerate(zip(plan.steps, why, strict=True)):
        above_w = from_w(step, battery, outlook, contract, number)
        is_reason = isfinite(above_w) and not _is_worth(_plain(outlook, contract, number), step, battery)
        found.append(line.then(_spares(above_w)) if is_reason else line)
    return found
