"""Make the plan of a whole site, with its bound and what cannot be kept (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier.planning.horizon import RefusedError
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.part_models import (
    BatchPart,
    CarPart,
    Part,
    make_batch_part,
    make_battery_part,
    make_car_part,
    make_tank_part,
)
from quartier.planning.site.plan_search import WORK_MAX, PlanSearch
from quartier.planning.site.site_meter import PLAIN_PRICES, RelaxationPrices, SiteMeter, make_strict_prices
from quartier.planning.site.site_model import SiteModel, check_site

if TYPE_CHECKING:
    from array import array

_SHORTFALL_MIN_WH = 0.5


@dataclass(frozen=True, slots=True)
class PartPlan:
    """The plan of one part, one number per step."""

    kind: str
    """``battery``, ``car``, ``tank`` or ``batch``."""
    power_w: Sequence[float]
    """Power on the bus; positive takes from it."""
    energy_wh: Sequence[float]
    """Energy at the end of each step; for a car the energy received; empty for a batch."""
    local_eur: float
    """Wear, less the value of the energy left, plus shortfalls at their price."""


@dataclass(frozen=True, slots=True)
class SiteShortfall:
    """A requirement that could not be kept.

    In the order in which they are given up: ``target``, ``comfort``, ``car``, ``caps``. ``reserve`` is
    reported where a battery starts below it.
    """

    what: str
    part: str
    """Name of the part; empty for the limits of the connection."""
    wh: float
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A plan of a whole site."""

    step_s: int
    parts: Mapping[str, PartPlan]
    grid_w: Sequence[float]
    curtailed_w: Sequence[float]
    bus_eur_per_wh: Sequence[float]
    """Value of a Wh on the bus in each step; this price brought all parts together."""
    cost_eur: float
    """Cost of energy, CO2, wear and peak, without the value of the energy left."""
    objective_eur: float
    """Minimised value: the cost less the value of the energy left, with what is given up at its price."""
    bound_eur: float
    """Lower bound of the objective of any plan."""
    peak_w: float
    given_up: Sequence[SiteShortfall]
    given_up_eur_per_wh: Mapping[str, float]
    """Price of a Wh of each level in the objective; no lower level outweighs a higher one."""
    work_count: int
    """Work done, in columns times rounds of a linear program."""

    @property
    def gap_eur(self) -> float:
        """Return by how much a better plan could be cheaper at most, in EUR."""
        return max(0.0, self.objective_eur - self.bound_eur)


def plan_site(site: SiteModel, work_max: int = WORK_MAX) -> SitePlan:
    """Return a plan of a site, near the optimum.

    ``work_max`` is the deadline as a count of work. Raises RefusedError, which says what is wrong with the
    numbers, or that the site is too large; then nothing is planned.
    """
    try:
        return _plan_site(site, work_max)
    except RefusedError:
        raise
    except ValueError as error:  # of a kernel: each number is in range, but their combination is not
        raise RefusedError(f"the site's numbers together: {error}") from None


def _plan_site(site: SiteModel, work_max: int) -> SitePlan:
    joint = make_joint_plan(site)
    found = _solve(joint, work_max)
    if joint.gives_up:
        taken, joint = joint.work, make_joint_plan(site, make_strict_prices(site, joint.meter.price_max))
        joint.work = taken
        found = _solve(joint, work_max)
    return make_site_plan(site, joint, *found)


def _solve(joint: JointPlan, work_max: int) -> "tuple[float, array[float]]":
    """Plan all parts; return a lower bound of the cost and the value of a Wh on the bus in each step."""
    search = PlanSearch(joint, work_max)
    search.run()
    return search.bound, search.prices


def make_joint_plan(site: SiteModel, relaxation: RelaxationPrices = PLAIN_PRICES) -> JointPlan:
    """Return all parts of a site in their idle state. Raises RefusedError."""
    meter, parts = make_parts(site, relaxation)
    return JointPlan(meter, list(parts.values()))


def make_parts(
    site: SiteModel, relaxation: RelaxationPrices = PLAIN_PRICES
) -> tuple[SiteMeter, dict[str, Part]]:
    """Return the meter and the parts of a site. Raises RefusedError."""
    check_site(site)
    meter = SiteMeter(site, relaxation)
    parts: dict[str, Part] = {}
    for name, battery in site.batteries.items():
        parts[name] = make_battery_part(meter, battery)
    for name, tank in site.tanks.items():
        parts[name] = make_tank_part(meter, name, tank)
    for name, car in site.cars.items():
        if car.from_step < min(car.until_step, meter.count):
            parts[name] = make_car_part(meter, name, car)
    for name, batch in site.batches.items():
        parts[name] = make_batch_part(meter, batch)
    kinds = (site.batteries, site.cars, site.tanks, site.batches)
    if sum(map(len, kinds)) != len(set().union(*kinds)):
        raise RefusedError("two parts have the same name")
    return meter, parts


def make_site_plan(site: SiteModel, joint: JointPlan, bound_eur: float, prices: "array[float]") -> SitePlan:
    """Return the plan of the site from a joint plan."""
    hours = joint.meter.step_h
    names = list(make_parts(site)[1])
    metered = joint.find_meter_flows()
    paid = joint.find_paid_eur()
    objective = joint.cost() + paid
    plans = {
        name: _make_part_plan(site, name, part, way, hours)
        for name, part, way in zip(names, joint.parts, joint.ways, strict=True)
    }
    wear = sum(_find_wear_eur(part, way) for part, way in zip(joint.parts, joint.ways, strict=True))
    return SitePlan(
        step_s=site.outlook.step_s,
        parts=plans,
        grid_w=[wh / hours for wh in metered.column("grid_wh")],
        curtailed_w=[wh / hours for wh in metered.column("curtailed_wh")],
        bus_eur_per_wh=list(prices),
        cost_eur=metered.cost_eur + paid + wear,
        objective_eur=objective,
        bound_eur=min(bound_eur + joint.find_paid_max_eur(), objective),
        peak_w=metered.peak_wh / hours,
        given_up=_find_shortfalls(site, joint, names),
        given_up_eur_per_wh={
            name: times * joint.meter.price_max for name, times in joint.meter.relaxation.prices_by_rank
        },
        work_count=joint.work,
    )


def _make_part_plan(site: SiteModel, name: str, part: Part, way: "array[float]", hours: float) -> PartPlan:
    power_w = [wh / hours for wh in way]
    if isinstance(part, BatchPart):
        return PartPlan("batch", power_w, [], 0.0)
    chain = part.chain
    inside = part.chain.find_energies_wh(way[chain.first : chain.first + chain.count])
    after = [inside[-1]] * (len(way) - chain.first - chain.count)
    kind = "car" if isinstance(part, CarPart) else "battery" if name in site.batteries else "tank"
    return PartPlan(kind, power_w, [chain.energy_wh] * chain.first + inside + after, part.cost(way))


def _find_wear_eur(part: Part, way: "array[float]") -> float:
    if isinstance(part, BatchPart):
        return 0.0
    return sum(wh * part.chain.charge_price if wh > 0.0 else -wh * part.chain.discharge_price for wh in way)


def _find_shortfalls(site: SiteModel, joint: JointPlan, names: Sequence[str]) -> list[SiteShortfall]:
    made: dict[str, list[SiteShortfall]] = {"target": [], "comfort": [], "car": []}
    for name, part, way in zip(names, joint.parts, joint.ways, strict=True):
        if isinstance(part, BatchPart):
            continue
        chain = part.chain
        missing = chain.missing(way[chain.first : chain.first + chain.count])
        steps = tuple(chain.first + at for at, wh in enumerate(missing) if wh > _SHORTFALL_MIN_WH)
        if steps:
            what = "car" if isinstance(part, CarPart) else "target" if name in site.batteries else "comfort"
            made[what].append(SiteShortfall(what, name, max(missing), steps))
    made["car"] += [
        SiteShortfall("car", name, car.need_wh, ())
        for name, car in site.cars.items()
        if name not in names and car.need_wh > 0.0
    ]
    beyond = joint.find_meter_flows().column("excess_wh")
    over = tuple(step for step, wh in enumerate(beyond) if wh > _SHORTFALL_MIN_WH)
    caps = [SiteShortfall("caps", "", sum(beyond), over)] if over else []
    below = []
    for name, way in zip(names, joint.ways, strict=True):
        if name in site.batteries:
            low_wh, chain = site.batteries[name].reserve_wh, joint.chains[names.index(name)]
            under = [low_wh - wh for wh in chain.find_energies_wh(way)]
            steps = tuple(step for step, wh in enumerate(under) if wh > _SHORTFALL_MIN_WH)
            below += [SiteShortfall("reserve", name, max(under), steps)] if steps else []
    return [*made["target"], *made["comfort"], *made["car"], *caps, *below]
