"""Plans of many sites at once, each with a battery of its own: one call of the kernel, and a site that
cannot be planned stops no other.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.columns import Columns, Found
from quartier.planning.horizon import Battery, Contract, Outlook, RefusedError, check
from quartier.planning.plan import Plan, completed, planned
from quartier.planning.sampled import is_sampled
from quartier_native.storages import PLAN_COLUMNS, REFUSALS, SITES_MAX, TOLD_COLUMNS, Planned, plan_many

_NO_TERMS = Contract()


@dataclass(frozen=True, slots=True)
class Site:
    """What ``planned`` takes, of one site."""

    battery: Battery
    outlook: Outlook
    contract: Contract = _NO_TERMS


def planned_many(sites: Sequence[Site]) -> list[Plan | RefusedError]:
    """Of each site the plan that ``planned`` makes of it, or what is wrong with its numbers.

    The first plan of all comes from one call; a price for the peak, prices that are not convex, samples and
    surcharges take ones of their own.  Raises RefusedError for more than SITES_MAX sites.
    """
    if len(sites) > SITES_MAX:
        raise RefusedError(f"{len(sites)} sites: expected at most {SITES_MAX}")
    made: list[Plan | RefusedError | None] = [_refusal(site) for site in sites]
    sound = []
    for number, site in enumerate(sites):
        if made[number] is None and is_sampled(site.outlook, site.contract):
            made[number] = _own(site)
        elif made[number] is None:
            sound.append(number)
    columns = [Columns(one.battery, one.outlook, one.contract) for one in (sites[number] for number in sound)]
    for number, one, first in zip(sound, columns, _first(columns), strict=True):
        site = sites[number]
        made[number] = (
            first
            if isinstance(first, RefusedError)
            else completed(site.battery, site.outlook, site.contract, one, first)
        )
    return [one for one in made if one is not None]


def _refusal(site: Site) -> RefusedError | None:
    try:
        check(site.battery, site.outlook, site.contract)
    except RefusedError as error:
        return error
    return None


def _own(site: Site) -> Plan | RefusedError:
    try:
        return planned(site.battery, site.outlook, site.contract)
    except RefusedError as error:
        return error


def _first(columns: Sequence[Columns]) -> list[Found | RefusedError | None]:
    """What the kernel makes of each."""
    counts = array("q", [one.count for one in columns])
    steps, stores = array("d"), array("d")
    for one in columns:
        steps += one.steps
        stores += one.fields
    plans = array("d", bytes(8 * sum(counts) * len(PLAN_COLUMNS)))
    told = array("d", bytes(8 * len(counts) * len(TOLD_COLUMNS)))
    plan_many(counts, steps, stores, plans, told)
    made: list[Found | RefusedError | None] = []
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
