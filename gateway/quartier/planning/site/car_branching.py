"""Branch over the hours in which a car would take less than its minimum current (pure)."""

import heapq
import math
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from quartier.planning.site.energy_chain import EnergyChain
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.part_models import CarPart
from quartier.site.records import replace

if TYPE_CHECKING:
    from array import array

_DECIDED_SHARE = 1e-6
"""Share of the minimum current: a value this close to zero or to the minimum is not branched."""

ChargeMarks = Mapping[tuple[int, int], bool]
"""Whether a car (its number) charges in a step."""


class CarBranching:
    """Branching tree of one site with fixed batches. ``bound`` is a lower bound of the cost of any plan."""

    def __init__(self, joint: JointPlan, bound: float) -> None:
        self._joint = joint
        self._leasts_wh = {
            number: part.amounts_wh[1] for number, part in enumerate(joint.parts) if isinstance(part, CarPart)
        }
        self._starts = {number: joint.ways[number] for number in joint.runs}
        self._waiting: list[tuple[float, int, float, ChargeMarks]] = [(-math.inf, 0, bound, {})]
        self._order = count(1)
        self._closed = math.inf

    @property
    def bound(self) -> float:
        """Return the lowest bound of all closed and all open branches."""
        return min([self._closed, *(bound for _, _, bound, _ in self._waiting)])

    def run(self, worth: Callable[[float], bool], put: Callable[["array[float]"], None]) -> None:
        """Branch as long as ``worth`` accepts the lowest bound.

        ``put`` makes a plan from the solution of a node's program, at its prices.
        """
        while self._waiting and worth(self._waiting[0][0]):
            _, _, bound, marks = heapq.heappop(self._waiting)
            self._visit(marks, bound, worth, put)

    def _visit(
        self,
        marks: ChargeMarks,
        bound: float,
        worth: Callable[[float], bool],
        put: Callable[["array[float]"], None],
    ) -> None:
        joint = self._joint
        chains = self._narrow_chains(marks)
        if chains is None:
            return
        for number, way in self._starts.items():
            joint.ways[number] = way
        free = [*joint.stores, *joint.cars]
        found = joint.solve_relaxed(free, chains)
        here = max(bound, joint.find_lower_bound(free, found, chains))
        bound_with_starts = here + joint.find_extra_start_cost(found.prices)
        at = self._find_undecided() if worth(bound_with_starts) else None
        if at is None:
            self._closed = min(self._closed, here)
        else:
            for on in (True, False):
                heapq.heappush(self._waiting, (bound_with_starts, next(self._order), here, {**marks, at: on}))
        if worth(bound_with_starts):
            put(found.prices)

    def _narrow_chains(self, marks: ChargeMarks) -> dict[int, EnergyChain] | None:
        """Return the chains of the cars; None if one has no room for what it must take."""
        made = {}
        for number, least_wh in self._leasts_wh.items():
            chain = self._joint.chains[number]
            ranges = [(0.0, chain.charge_max_wh)] * chain.count
            for (other, step), on in marks.items():
                if other == number:
                    ranges[step - chain.first] = (least_wh, chain.charge_max_wh) if on else (0.0, 0.0)
            if chain.count and chain.gain * sum(low for low, _ in ranges) > chain.highs_wh[-1] + 1e-6:
                return None
            made[number] = replace(chain, charges_wh=ranges)
        return made

    def _find_undecided(self) -> tuple[int, int] | None:
        """Return the car and step whose charge is nearest to half of the minimum."""
        best, best_far = None, 0.5 - _DECIDED_SHARE
        for number, least_wh in self._leasts_wh.items():
            for step, wh in enumerate(self._joint.ways[number]):
                far = abs(wh / least_wh - 0.5)
                if far < best_far:
                    best, best_far = (number, step), far
        return best
