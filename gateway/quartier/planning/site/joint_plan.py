"""The plan of all parts together, with the operations of the search on it (pure)."""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

from quartier.planning.site.energy_chain import EnergyChain
from quartier.planning.site.linear_program import LinearSolution, find_work_max, solve_linear_program
from quartier.planning.site.part_models import BatchPart, CarPart, Part, StoragePart
from quartier.planning.site.site_meter import MeterFlows, SiteMeter

_WORK_PER_STEP = 10
"""Work of planning one part around the others: adding up the others."""
_SHIFTS_PER_WORK = 4
_SAME_WH = 0.5
"""Differences up to this are treated as equal."""
IMPROVEMENT_MIN = 1e-9
"""A plan counts as better from this difference on, as a multiple of the highest price."""


class PlanRank(NamedTuple):
    """Quality of a plan. Of two plans the one with less in the first differing level is better."""

    given_up: tuple[float, ...]
    """What is given up, in units of ``_SAME_WH``, last given up first.

    Empty where all is weighed by price.
    """
    cost: float


class JointPlan:
    """The plan of all parts: ``ways`` holds the energy that each takes on the bus, in Wh per step."""

    def __init__(self, meter: SiteMeter, parts: Sequence[Part]) -> None:
        self.meter, self.parts = meter, parts
        self.stores, self.cars, self.runs = (
            self._list_parts(StoragePart),
            self._list_parts(CarPart),
            self._list_parts(BatchPart),
        )
        self.chains = {
            number: part.chain for number, part in enumerate(parts) if not isinstance(part, BatchPart)
        }
        self.zero = array("d", bytes(8 * meter.count))
        self.ways = [self.zero[:] for _ in parts]
        self.level_wh = math.inf
        """The peak price applies above this import where one part is planned around the others."""
        self.plans_count = 0
        """Number of single-part plans made."""
        self.programs_count = 0
        """Number of linear programs solved."""
        self.work = 0
        """Work done, in columns times rounds of the programs; other plans are converted to the same unit."""

    def _list_parts(self, kind: type) -> list[int]:
        return [number for number, part in enumerate(self.parts) if isinstance(part, kind)]

    def find_first_work_max(self) -> int:
        """Return the largest work of a first plan.

        It is two programs of all parts, two of the stores, and each part three times.
        """
        every, stores = list(self.chains.values()), [self.chains[number] for number in self.stores]
        programs = find_work_max(self.meter, every) + find_work_max(self.meter, stores)
        turns = sum(part.work + _WORK_PER_STEP * self.meter.count for part in self.parts)
        bounds = sum(part.work for part in self.parts if not isinstance(part, StoragePart))
        return 2 * (programs + bounds) + 3 * turns

    def total(self, without: Iterable[int] = ()) -> "array[float]":
        """Return the energy that all parts take on the bus, except some."""
        out = set(without)
        left = [way for number, way in enumerate(self.ways) if number not in out]
        return array("d", map(sum, zip(self.zero, *left, strict=True)))

    def find_meter_flows(self) -> MeterFlows:
        """Return the flows at the meter."""
        return self.meter.tell(self.total())

    def cost(self) -> float:
        """Return the total cost with what is given up, in EUR."""
        flows = self.find_meter_flows()
        local = sum(part.cost(way) for part, way in zip(self.parts, self.ways, strict=True))
        return flows.cost_eur + self.meter.excess_price * flows.excess_wh + local

    def find_rank(self) -> PlanRank:
        """Return the rank of the plan; lower is better."""
        return PlanRank(self._rank_given_up() if self.meter.relaxation.is_strict else (), self.cost())

    def _rank_given_up(self) -> tuple[float, ...]:
        return tuple(round(wh / _SAME_WH) for wh in self.find_given_up_wh().values())

    def find_given_up_wh(self) -> dict[str, float]:
        """Return what is given up of each level, last given up first.

        Values are in Wh: beyond the limits, of cars, below the bands of tanks over all steps, and of targets.
        """
        made = {"caps": self.find_meter_flows().excess_wh, "car": 0.0, "comfort": 0.0, "target": 0.0}
        for part, way in zip(self.parts, self.ways, strict=True):
            if not isinstance(part, BatchPart):
                chain = part.chain
                made[part.relaxation_name] += sum(chain.missing(way[chain.first : chain.first + chain.count]))
        return made

    @property
    def gives_up(self) -> bool:
        """Return whether anything is given up."""
        return max(self.find_given_up_wh().values()) > _SAME_WH

    def find_given_up_eur(self) -> float:
        """Return the cost in the objective of everything that is given up, in EUR."""
        given_up_wh = self.find_given_up_wh()
        return self.meter.price_max * sum(
            times * given_up_wh[name] for name, times in self.meter.relaxation.prices_by_rank
        )

    def is_better(self, new: PlanRank, old: PlanRank) -> bool:
        """Return whether the new plan is better by more than rounding."""
        if new.given_up != old.given_up:
            return new.given_up < old.given_up
        return new.cost < old.cost - IMPROVEMENT_MIN * self.meter.price_max

    def find_paid_eur(self) -> float:
        """Return the revenue of paid imports that count as free: 0 or less, in EUR."""
        grid_wh = self.find_meter_flows().column("grid_wh")
        return sum(price * max(0.0, grid_wh[step]) for step, price in self.meter.paid_imports.items())

    def find_paid_max_eur(self) -> float:
        """Return the largest possible revenue of paid imports: 0 or less, in EUR.

        Import beyond a limit costs more than it earns.
        """
        net_wh, sun_wh = self.meter.column("net_wh"), self.meter.column("curtailable_wh")
        caps_wh, ranges = self.meter.column("import_max_wh"), self._find_ranges_wh({})
        total = 0.0
        for step, price in self.meter.paid_imports.items():
            load_wh = max(0.0, net_wh[step] + sun_wh[step])
            total += price * min(load_wh + ranges[step][1], max(load_wh, caps_wh[step]))
        return total

    def list_starts(self, number: int) -> "list[array[float]]":
        """Return all courses of a batch."""
        part = self.parts[number]
        return part.list_ways(self.meter.count) if isinstance(part, BatchPart) else []

    def moves(self, number: int, prices: "array[float]", most: int) -> "list[tuple[float, array[float]]]":
        """Return changed courses of a batch or car that save at these prices, each with the change of cost.

        For a batch they are other starts. For a car, current moves from one step to another, or is added
        where energy is missing. Return at most ``most``, best first.
        """
        part = self.parts[number]
        if isinstance(part, CarPart):
            return self._find_shifts(part, self.ways[number], prices, most)
        now = _price_way(self.ways[number], prices)
        added = [(_price_way(way, prices) - now, way) for way in self.list_starts(number)]
        return sorted(pair for pair in added if pair[0] < 0.0)[:most]

    def _find_shifts(
        self, part: CarPart, way: "array[float]", prices: "array[float]", most: int
    ) -> "list[tuple[float, array[float]]]":
        allowed = dict(zip(part.units, part.amounts_wh, strict=True))
        unit_wh, least = part.amounts_wh[1] / part.units[1], part.units[1]
        window = range(part.chain.first, part.chain.first + part.chain.count)
        taken = {step: round(way[step] / unit_wh) for step in window}
        cheapest = sorted(window, key=prices.__getitem__)
        found: list[tuple[float, int, int, int]] = []
        for source in (step for step in window if taken[step]):
            for units in {1, taken[source] - least, taken[source]} - {0}:
                if taken[source] - units in allowed:
                    fitting = (to for to in cheapest if to != source and taken[to] + units in allowed)
                    saved = ((prices[to] - prices[source], to) for to in islice(fitting, most))
                    found += [(each * unit_wh * units, source, to, units) for each, to in saved]
        self.work += len(found) // _SHIFTS_PER_WORK
        made = []
        for added, source, to, units in nsmallest(most, (each for each in found if each[0] < 0.0)):
            moved = way[:]
            moved[source] = allowed[taken[source] - units]
            moved[to] = allowed[taken[to] + units]
            made.append((added, moved))
        now, held = part.cost(way), sum(taken.values())
        for step in window:
            for units in {1, least} if held < part.need[1] else ():
                if taken[step] + units in allowed and held + units <= part.need[1]:
                    moved = way[:]
                    moved[step] = allowed[taken[step] + units]
                    extra = part.cost(moved) - now + prices[step] * units * unit_wh
                    made += [(extra, moved)] if extra < 0.0 else []
        return sorted(made)[:most]

    def solve_relaxed(
        self, free: Sequence[int], instead: Mapping[int, EnergyChain] | None = None
    ) -> LinearSolution:
        """Set the free parts (no batches) to their courses in the linear program around all others.

        Parts in ``instead`` use another chain.
        """
        chains = {**self.chains, **(instead or {})}
        found = solve_linear_program(
            self.meter, [chains[number] for number in free], self.total(without=free)
        )
        self.programs_count += 1
        self.work += found.work
        for number, bus_wh in zip(free, found.bus_wh, strict=True):
            self.ways[number] = bus_wh
        self.level_wh = found.level_wh
        return found

    def take(self, numbers: Sequence[int]) -> None:
        """Plan these parts one after the other around all others, whatever the cost."""
        for number in numbers:
            around = self.meter.make_steps_around(self.total(without=(number,)), self.level_wh)
            self._plan_part(number, around)

    def plan_elastic(self, numbers: Sequence[int], prices: "array[float]") -> None:
        """Plan these parts one after the other as if the stores yielded at these prices."""
        spare = self.zero[:]
        for store in self.stores:
            chain = self.chains[store]
            for at, wh in enumerate(self.ways[store]):
                spare[at] += chain.discharge_max_wh + wh
        for number in numbers:
            others = self.total(without=(number,))
            self._plan_part(
                number, self.meter.make_elastic_steps(self.ways[number], others, prices, spare, self.level_wh)
            )

    def plan_stores(self) -> None:
        """Replan the stores: several first by their program, since planning one at a time gets stuck."""
        level_wh = self.level_wh
        if self.stores and (len(self.stores) > 1 or self.meter.peak_price > 0.0):
            self.solve_relaxed(self.stores)
        self.take(self.stores)
        self.level_wh = level_wh

    def replan_parts(self) -> None:
        """Replan each part around the others where that makes the plan better."""
        standing = self.find_rank()
        for number in (*self.cars, *self.runs, *self.stores):
            old = self.ways[number]
            self.take([number])
            if self.ways[number] == old:
                continue
            new = self.find_rank()
            if self.is_better(new, standing):
                standing = new
            else:
                self.ways[number] = old

    def find_lower_bound(
        self, free: Sequence[int], found: LinearSolution, instead: Mapping[int, EnergyChain] | None = None
    ) -> float:
        """Return the Lagrangian lower bound of the cost of any plan at these prices.

        It adds each part at its cheapest and the meter. For cars with another chain in ``instead``, only
        courses within that chain count.
        """
        within = instead or {}
        total = self.meter.lowest(found.prices, found.surcharges, self._find_ranges_wh(within))
        duals = dict(zip(free, found.duals, strict=True))
        for number, part in enumerate(self.parts):
            self.work += 0 if isinstance(part, StoragePart) else part.work
            if isinstance(part, StoragePart):
                chain = part.chain
                total += chain.lowest(duals[number], found.prices[chain.first : chain.first + chain.count])
            elif isinstance(part, CarPart):
                lowest = part.lowest(found.prices)
                if number in within:
                    chain = within[number]
                    prices = found.prices[chain.first : chain.first + chain.count]
                    lowest = max(lowest, chain.lowest(duals[number], prices) if chain.count else 0.0)
                total += lowest
            else:
                total += part.lowest(found.prices)
        return total

    def find_extra_start_cost(self, prices: "array[float]") -> float:
        """Return the extra cost of the starts of batches over their cheapest starts, at these prices."""
        return sum(
            _price_way(self.ways[number], prices) - part.lowest(prices)
            for number, part in enumerate(self.parts)
            if isinstance(part, BatchPart)
        )

    def _plan_part(self, number: int, around: "array[float]") -> None:
        self.plans_count += 1
        self.work += self.parts[number].work + _WORK_PER_STEP * self.meter.count
        made = self.parts[number].plan(around)
        if made is not None:
            self.ways[number] = made

    def _find_ranges_wh(self, within: Mapping[int, EnergyChain]) -> list[tuple[float, float]]:
        made = [[0.0, 0.0] for _ in range(self.meter.count)]
        for number in self.chains:
            chain = within.get(number, self.chains[number])
            for at, pair in enumerate(made[chain.first : chain.first + chain.count]):
                least_wh, most_wh = chain.find_charge_range_wh(at)
                pair[0] += least_wh - chain.discharge_max_wh
                pair[1] += most_wh
        for part in self.parts:
            if isinstance(part, BatchPart):
                for pair in made:
                    pair[1] += max(part.amounts_wh)
        return [(low, high) for low, high in made]


def _price_way(way: "array[float]", prices: "array[float]") -> float:
    return sum(a * b for a, b in zip(way, prices, strict=True))
