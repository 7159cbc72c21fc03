"""The door for a whole site: from batteries, cars, tanks and batches to who does what when, what was given
up for it, and how much cheaper a better plan could be at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier.planning.horizon import RefusedError
from quartier.planning.joint import Joint
from quartier.planning.ladder import PLAIN, Ladder, strict
from quartier.planning.meter import Meter
from quartier.planning.parts import Levels, Part, Run, batch_part, battery_part, car_part, tank_part
from quartier.planning.search import WORK_MAX, Search
from quartier.planning.site import Site, check_site

if TYPE_CHECKING:
    from array import array

OWN, HIGHS = "own", "highs"
"""The engines of a whole site."""
_TOLD_WH = 0.5


@dataclass(frozen=True, slots=True)
class PartPlan:
    """What one part does, a number a step."""

    kind: str
    """``battery``, ``car``, ``tank`` or ``batch``."""
    power_w: Sequence[float]
    """At the bus, plus takes from it."""
    energy_wh: Sequence[float]
    """In it at the end of each step; of a car, what it got; nothing of a batch."""
    local_eur: float
    """Wear, less the worth of what is left, and what is missing at its price."""


@dataclass(frozen=True, slots=True)
class Forgone:
    """What could not be kept, in the order in which it is given up: ``target``, ``comfort``, ``car``,
    ``caps``; ``reserve`` is told where a battery begins below it.
    """

    what: str
    part: str
    """Whose; empty for the connection's caps."""
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
    """What a Wh on the bus is worth in each step: by it all parts were brought together."""
    cost_eur: float
    """Energy, CO2, wear and peak, without what is left."""
    objective_eur: float
    """What was made least: the cost less what is left, with what is given up at its price."""
    bound_eur: float
    """No plan's objective is lower."""
    peak_w: float
    given_up: Sequence[Forgone]
    given_up_eur_per_wh: Mapping[str, float]
    """What a Wh of each counts in the objective: so much that no lower one makes up for a higher one."""
    work_count: int
    """What it took, in columns by rounds of a linear program."""

    @property
    def gap_eur(self) -> float:
        """By how much a better plan could be cheaper at most."""
        return max(0.0, self.objective_eur - self.bound_eur)


def site_planned(site: Site, work_max: int = WORK_MAX, engine: str = OWN) -> SitePlan:
    """A plan of a site, near the best.

    ``engine`` is OWN, or HIGHS where the extra ``highs`` is installed: its deadline is a number of nodes.

    ``work_max`` bounds what it may take: the deadline, as a count.  Raises RefusedError, which says what is
    wrong with the numbers, or that the site is too large for it: nothing is planned then.
    """
    try:
        return _planned(site, work_max, engine)
    except RefusedError:
        raise
    except ValueError as error:  # of a kernel: numbers that each are in their range and make one that is not
        raise RefusedError(f"the site's numbers together: {error}") from None


def _planned(site: Site, work_max: int, engine: str) -> SitePlan:
    if engine not in {OWN, HIGHS}:
        raise RefusedError(f"engine {engine}: expected {OWN} or {HIGHS}")
    joint = joined(site)
    found = _solved(joint, work_max, engine)
    if joint.gives_up:
        taken, joint = joint.work, joined(site, strict(site, joint.meter.price))
        joint.work = taken
        found = _solved(joint, work_max, engine)
    return told(site, joint, *found)


def _solved(joint: Joint, work_max: int, engine: str) -> "tuple[float, array[float]]":
    """Put all parts on their ways; a bound below which no plan is, and what a Wh on the bus is worth."""
    if engine == HIGHS:
        return _by_highs(joint)
    search = Search(joint, work_max)
    search.run()
    return search.bound, search.prices


def joined(site: Site, ladder: Ladder = PLAIN) -> Joint:
    """All parts of a site as they stand still.  Raises RefusedError."""
    meter, parts = opened(site, ladder)
    return Joint(meter, list(parts.values()))


def _by_highs(joint: Joint) -> "tuple[float, array[float]]":
    try:
        from quartier.planning import highs  # noqa: PLC0415 - an extra, for sites that want it
    except ImportError as error:
        raise RefusedError("the engine highs is not installed: pip install 'quartier[highs]'") from error
    return highs.solve(joint)


def opened(site: Site, ladder: Ladder = PLAIN) -> tuple[Meter, dict[str, Part]]:
    """The meter and the parts of a site.  Raises RefusedError."""
    check_site(site)
    meter = Meter(site, ladder)
    parts: dict[str, Part] = {}
    for name, battery in site.batteries.items():
        parts[name] = battery_part(meter, battery)
    for name, tank in site.tanks.items():
        parts[name] = tank_part(meter, name, tank)
    for name, car in site.cars.items():
        if car.from_step < min(car.until_step, meter.count):
            parts[name] = car_part(meter, name, car)
    for name, batch in site.batches.items():
        parts[name] = batch_part(meter, batch)
    kinds = (site.batteries, site.cars, site.tanks, site.batches)
    if sum(map(len, kinds)) != len(set().union(*kinds)):
        raise RefusedError("two parts have the same name")
    return meter, parts


def told(site: Site, joint: Joint, bound_eur: float, prices: "array[float]") -> SitePlan:
    """What a joint plan says."""
    hours = joint.meter.step_h
    names = list(opened(site)[1])
    metered = joint.told()
    paid = joint.paid_eur()
    objective = joint.cost() + paid
    plans = {
        name: _part(site, name, part, way, hours)
        for name, part, way in zip(names, joint.parts, joint.ways, strict=True)
    }
    wear = sum(_wear(part, way) for part, way in zip(joint.parts, joint.ways, strict=True))
    return SitePlan(
        step_s=site.outlook.step_s,
        parts=plans,
        grid_w=[wh / hours for wh in metered.column("grid_wh")],
        curtailed_w=[wh / hours for wh in metered.column("curtailed_wh")],
        bus_eur_per_wh=list(prices),
        cost_eur=metered.cost_eur + paid + wear,
        objective_eur=objective,
        bound_eur=min(bound_eur + joint.paid_most_eur(), objective),
        peak_w=metered.peak_wh / hours,
        given_up=_given_up(site, joint, names),
        given_up_eur_per_wh={name: times * joint.meter.price for name, times in joint.meter.ladder.rungs},
        work_count=joint.work,
    )


def _part(site: Site, name: str, part: Part, way: "array[float]", hours: float) -> PartPlan:
    power_w = [wh / hours for wh in way]
    if isinstance(part, Run):
        return PartPlan("batch", power_w, [], 0.0)
    chain = part.chain
    inside = part.chain.energies(way[chain.first : chain.first + chain.count])
    after = [inside[-1]] * (len(way) - chain.first - chain.count)
    kind = "car" if isinstance(part, Levels) else "battery" if name in site.batteries else "tank"
    return PartPlan(kind, power_w, [chain.energy_wh] * chain.first + inside + after, part.cost(way))


def _wear(part: Part, way: "array[float]") -> float:
    if isinstance(part, Run):
        return 0.0
    return sum(wh * part.chain.charge_price if wh > 0.0 else -wh * part.chain.discharge_price for wh in way)


def _given_up(site: Site, joint: Joint, names: Sequence[str]) -> list[Forgone]:
    made: dict[str, list[Forgone]] = {"target": [], "comfort": [], "car": []}
    for name, part, way in zip(names, joint.parts, joint.ways, strict=True):
        if isinstance(part, Run):
            continue
        chain = part.chain
        missing = chain.missing(way[chain.first : chain.first + chain.count])
        steps = tuple(chain.first + at for at, wh in enumerate(missing) if wh > _TOLD_WH)
        if steps:
            what = "car" if isinstance(part, Levels) else "target" if name in site.batteries else "comfort"
            made[what].append(Forgone(what, name, max(missing), steps))
    made["car"] += [
        Forgone("car", name, car.need_wh, ())
        for name, car in site.cars.items()
        if name not in names and car.need_wh > 0.0
    ]
    beyond = joint.told().column("excess_wh")
    over = tuple(step for step, wh in enumerate(beyond) if wh > _TOLD_WH)
    caps = [Forgone("caps", "", sum(beyond), over)] if over else []
    below = []
    for name, way in zip(names, joint.ways, strict=True):
        if name in site.batteries:
            low_wh, chain = site.batteries[name].reserve_wh, joint.chains[names.index(name)]
            under = [low_wh - wh for wh in chain.energies(way)]
            steps = tuple(step for step, wh in enumerate(under) if wh > _TOLD_WH)
            below += [Forgone("reserve", name, max(under), steps)] if steps else []
    return [*made["target"], *made["comfort"], *made["car"], *caps, *below]
