"""Search a plan with whole amperes and start times from the linear program of a site (pure)."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from quartier.planning.horizon import RefusedError
from quartier.planning.site.car_branching import CarBranching
from quartier.planning.site.joint_plan import IMPROVEMENT_MIN, JointPlan, PlanRank

if TYPE_CHECKING:
    from array import array

WORK_MAX = 4_000_000
"""Largest work of a search of any site, in columns times rounds of the linear program, about 0.3 us each."""
_TURNS_MAX = 4
_FAR_SHARE = 0.002
"""Relative to the cost: a bound that is farther away is examined by branching."""
_LEVELS_COUNT = 6
_BRANCHING_SHARE = 0.4
"""Share of the remaining work that is spent on branching."""
_LEVEL_SPANS = ((-0.75, -0.5, -0.25, -0.1, 0.0, 0.15, 0.3), (-0.05, 0.0, 0.05))
"""Peak levels that are tried, relative to the distance between the best plan and the program."""
_LEVEL_SPAN_MIN = 0.02
"""Smallest distance that is used, relative to the peak."""
_SUBSETS_MAX = 120
_MOVES_MAX = 24


class PlanSearch:
    """The search for one site. ``bound`` is a lower bound of the cost of any plan."""

    def __init__(self, joint: JointPlan, work_max: int = WORK_MAX) -> None:
        self._joint = joint
        self._work_max = work_max
        self.bound = -math.inf
        self._rank = PlanRank((math.inf,), math.inf)
        self._near = self._peak_wh = 0.0
        self._meter = joint.meter
        self._best = joint.ways[:]
        self._level_wh = math.inf
        self._tree: CarBranching | None = None
        self.prices = joint.zero
        """Value of a Wh on the bus in each step, from the program of all parts."""

    def run(self) -> None:
        """Leave the best plan found in ``joint``. Raises RefusedError where the site is too large.

        The first plan must fit in the allowed work even if its programs take all their rounds. With plain
        prices the search ends as soon as something must be given up; the caller then plans again with strict
        prices.
        """
        joint = self._joint
        whole = [*joint.runs, *joint.cars]
        need = joint.find_first_work_max()
        if need > self._work_max:
            raise RefusedError(f"the site needs {need} of work, allowed are {self._work_max}: shorten it")
        self._solve_relaxed()
        if joint.runs:
            joint.take(joint.runs)
            self._solve_relaxed()
        lead, low_wh = joint.ways[:], joint.level_wh
        gives_up = joint.gives_up
        self._round_parts(whole)
        if not joint.meter.relaxation.is_strict and (gives_up or joint.gives_up):
            return
        top_wh = joint.find_meter_flows().peak_wh
        for number in range(1, _LEVELS_COUNT if joint.meter.peak_price > 0.0 and top_wh > low_wh else 0):
            if not self._is_open:
                break
            joint.ways = lead[:]
            joint.level_wh = low_wh + (top_wh - low_wh) * number / _LEVELS_COUNT
            self._round_parts(whole)
        if len(whole) > 1 and self._is_open:
            joint.ways, joint.level_wh = lead[:], low_wh
            self._round_parts(whole[::-1])
        for yields in (True, False):
            if joint.stores and whole and self._is_open:
                joint.ways, joint.level_wh = lead[:], low_wh
                self._dive(whole, self.prices, yields=yields)
        if joint.cars and self._is_far:
            self._divide(low_wh)
        self._rebuild_parts()
        self._spend_remaining_work()
        joint.ways, joint.level_wh = self._best[:], self._level_wh

    @property
    def cost(self) -> float:
        """Return the cost of the best plan, with what is given up at its price."""
        return self._rank.cost

    @property
    def _is_open(self) -> bool:
        near = IMPROVEMENT_MIN * self._joint.meter.price_max + 1e-7 * abs(self.cost)
        return self.cost - self.bound > near and self._joint.work < self._work_max

    @property
    def _is_far(self) -> bool:
        return self._is_open and self.cost - self.bound > self._near

    def _divide(self, low_wh: float) -> None:
        """Branch over the hours of cars where the bound is far away.

        With a peak price, try several levels. Below a level the import is free of the peak price; above it
        each step pays the price. Then the peak no longer couples the hours of a car, which the program would
        otherwise level out. Afterwards try levels closer to the best of them.
        """
        work = _BRANCHING_SHARE * (self._work_max - self._joint.work)
        if self._meter.peak_price == 0.0:
            self._tree = self._make_branching(self.bound)
            self._branch_further(self._tree, work)
            self.bound = max(self.bound, self._tree.bound)
            return
        span_wh = max(self._peak_wh - low_wh, _LEVEL_SPAN_MIN * self._peak_wh)
        for shares in _LEVEL_SPANS:
            middle_wh = self._peak_wh
            for share in shares:
                self._joint.meter = self._meter.apply_peak_level(max(0.0, middle_wh + share * span_wh))
                self._branch_further(self._make_branching(-math.inf), work / len(_LEVEL_SPANS) / len(shares))
                self._joint.meter = self._meter

    def _make_branching(self, bound: float) -> CarBranching:
        """Return a new tree with this bound; the batches stay as in the best plan."""
        self._joint.ways = self._best[:]
        return CarBranching(self._joint, bound)

    def _spend_remaining_work(self) -> None:
        """Branch further with the work that is left."""
        if self._tree is not None:
            self._branch_further(self._tree, self._work_max - self._joint.work)
            self.bound = max(self.bound, self._tree.bound)

    def _branch_further(self, tree: CarBranching, work: float) -> None:
        """Branch further with at most this much work."""
        joint = self._joint
        joint.ways, joint.level_wh = self._best[:], math.inf
        most = joint.work + work
        base_eur = self._meter.find_peak_eur(joint.meter)

        def worth(bound: float) -> bool:
            return self._is_far and joint.work < most and bound + base_eur < self.cost - self._near

        def put(prices: "array[float]") -> None:
            lead = joint.ways[:]
            self._round_parts(joint.cars)
            if joint.stores:
                joint.ways = lead
                joint.plan_elastic(joint.cars, prices)
                self._improve()

        tree.run(worth, put)

    def _solve_relaxed(self) -> None:
        """Solve the program of all parts with fixed batches; its prices give a bound."""
        free = [*self._joint.stores, *self._joint.cars]
        found = self._joint.solve_relaxed(free)
        self.prices = found.prices
        self.bound = max(self.bound, self._joint.find_lower_bound(free, found))

    def _round_parts(self, whole: Sequence[int]) -> bool:
        """Set these parts to whole levels and starts, replan the stores, then all parts in turn."""
        self._joint.take(whole)
        return self._improve()

    def _dive(self, whole: Sequence[int], prices: "array[float]", *, yields: bool) -> bool:
        """Fix these parts to whole levels and starts one by one.

        After each one, solve the program again for the others.
        """
        joint = self._joint
        for at, number in enumerate(whole):
            if yields:
                joint.plan_elastic([number], prices)
            else:
                joint.take([number])
            left = [other for other in whole[at + 1 :] if other in joint.chains]
            prices = joint.solve_relaxed([*joint.stores, *left]).prices
        return self._improve()

    def _improve(self) -> bool:
        joint = self._joint
        joint.plan_stores()
        standing = joint.find_rank()
        for _ in range(_TURNS_MAX):
            ways = joint.ways[:]
            joint.replan_parts()
            if len(joint.stores) > 1 and joint.ways != ways:
                kept = joint.ways[:]
                before = joint.find_rank()
                joint.plan_stores()
                if joint.find_rank() > before:
                    joint.ways = kept
            new = joint.find_rank()
            if not joint.is_better(new, standing):
                if new > standing:
                    joint.ways = ways
                break
            standing = new
        return self._keep()

    def _keep(self) -> bool:
        """Keep the plan if it is the best so far; return whether it is."""
        joint = self._joint
        level_wh = joint.level_wh if joint.meter is self._meter else joint.meter.level_wh
        within, joint.meter = joint.meter, self._meter
        standing = joint.find_rank()
        better = joint.is_better(standing, self._rank)
        if better:
            self._rank, self._best, self._level_wh = standing, joint.ways[:], level_wh
            self._peak_wh = joint.find_meter_flows().peak_wh
            self._near = _FAR_SHARE * abs(standing.cost - joint.find_given_up_eur())
        joint.meter = within
        return better

    def _rebuild_parts(self) -> None:
        """Remove one, two or three parts from the best plan and insert them again around a new program.

        Repeat until no such change is better.
        """
        again = True
        while again and self._is_open:
            again = False
            for number in [*self._joint.cars, *self._joint.runs] if self._joint.stores else ():
                again |= self._move_part(number)
            for subset in self._iterate_subsets():
                again |= self._is_open and self._rebuild(subset)
            for number in self._joint.runs:
                again |= self._restart_batch(number)

    def _iterate_subsets(self) -> Iterator[tuple[int, ...]]:
        whole = [*self._joint.runs, *self._joint.cars]
        for number in whole:
            yield (number,)
        for size in (2, 3):
            several = list(combinations(whole, size))
            count = min(len(several), _SUBSETS_MAX)
            for number in range(count):
                yield several[number * len(several) // count]

    def _rebuild(self, subset: tuple[int, ...]) -> bool:
        """Return whether the plan became better."""
        joint = self._joint
        joint.ways = self._best[:]
        peak_wh = joint.find_meter_flows().peak_wh
        for number in subset:
            joint.ways[number] = joint.zero
        free = [*joint.stores, *(number for number in subset if number in joint.chains)]
        found = joint.solve_relaxed(free)
        return self._try_orders(subset, found.prices, peak_wh)

    def _restart_batch(self, number: int) -> bool:
        """Try each start of a batch; return whether the plan became better."""
        joint, better = self._joint, False
        free, others = [*joint.stores, *joint.cars], [other for other in joint.runs if other != number]
        for way in joint.list_starts(number):
            if not self._is_open:
                break
            joint.ways = self._best[:]
            if joint.ways[number] == way:
                continue
            peak_wh = joint.find_meter_flows().peak_wh
            joint.ways[number] = way
            for other in others:
                joint.ways[other] = joint.zero
            found = joint.solve_relaxed(free)
            better |= self._try_orders((*others, *joint.cars), found.prices, peak_wh)
        return better

    def _move_part(self, number: int) -> bool:
        """Move current of a car to another step, or a batch to another start.

        Return whether it became better.

        The stores are replanned each time. The cost of everything else with the stores at their best is
        convex in the power of the part. So a move that does not save at its prices cannot pay, and the move
        that saves most is tried first.
        """
        joint, better = self._joint, False
        for _ in range(_MOVES_MAX):
            if not self._is_open:
                break
            joint.ways, joint.level_wh = self._best[:], self._level_wh
            found = joint.solve_relaxed(joint.stores)
            moves = joint.moves(number, found.prices, _MOVES_MAX)
            if not any(self._try_way(number, way) for _, way in moves if self._is_open):
                break
            better = True
        return better

    def _try_way(self, number: int, way: "array[float]") -> bool:
        joint = self._joint
        joint.ways, joint.level_wh = self._best[:], self._level_wh
        joint.ways[number] = way
        joint.plan_stores()
        return self._keep()

    def _try_orders(self, whole: Sequence[int], prices: "array[float]", peak_wh: float) -> bool:
        """Insert these parts again at whole levels and starts in several orders.

        Return whether one plan is the best so far.
        """
        joint, better = self._joint, False
        lead, low_wh = joint.ways[:], joint.level_wh
        levels = [low_wh]
        if joint.meter.peak_price > 0.0 and peak_wh > low_wh:
            levels += [low_wh + share * (peak_wh - low_wh) for share in (0.5, 0.9, 1.0)]
        orders = (whole, whole[::-1]) if len(whole) > 1 else (whole,)
        for level_wh in levels:
            for order in orders:
                if not self._is_open:
                    return better
                joint.ways, joint.level_wh = lead[:], level_wh
                better |= self._round_parts(order)
                if joint.stores:
                    joint.ways, joint.level_wh = lead[:], level_wh
                    joint.plan_elastic(order, prices)
                    better |= self._improve()
                    if len(order) > 1:
                        joint.ways, joint.level_wh = lead[:], level_wh
                        better |= self._dive(order, prices, yields=True)
        return better
