"""Find the best level of the largest import, with and without scenarios (pure)."""

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from quartier.planning.storage.kernel_columns import NEAR_WH, KernelColumns, KernelPlan
from quartier.planning.storage.scenario_columns import ScenarioColumns
from quartier_native.storages import TARGET_BREACH


class Tangent(Protocol):
    """The cost of a level, and a tangent that lies below the cost everywhere."""

    @property
    def level_wh(self) -> float:
        """Return the level at which the tangent touches."""

    @property
    def bound(self) -> float:
        """Return a lower bound of the cost of any plan of the level."""

    @property
    def cost(self) -> float:
        """Return the cost of its plan; it equals the bound where costs are convex."""

    @property
    def slope(self) -> float:
        """Return the slope of the bound over the level."""


TangentT = TypeVar("TangentT", bound=Tangent)


def find_lowest(
    at: Callable[[float], TangentT], low: TangentT, high: TangentT, rounding: float, rounds_max: int
) -> tuple[TangentT, float]:
    """Return the cheapest level between two levels, the lower of equals, and a lower bound of the cost.

    ``at`` plans a level. After ``rounds_max`` levels the search ends with the best so far; then the bound is
    where the last two tangents meet.
    """
    best = low
    for _ in range(rounds_max):
        if not low.slope < 0.0 < high.slope:
            break
        level_wh, below = _find_meeting(low, high)
        if not low.level_wh < level_wh < high.level_wh:
            break
        middle = at(level_wh)
        best = min(best, middle, key=_get_tangent_cost)
        if middle.cost <= below + rounding:
            break
        if middle.slope < 0.0:
            low = middle
        else:
            high = middle
    else:
        best = min(best, high, key=_get_tangent_cost)
        is_open = low.slope < 0.0 < high.slope
        return best, min(best.cost, _find_meeting(low, high)[1]) if is_open else best.cost
    best = min(best, high, key=_get_tangent_cost)
    return best, best.cost


def _find_meeting(low: Tangent, high: Tangent) -> tuple[float, float]:
    """Return the level at which two tangents meet, and their value there."""
    level_wh = (high.bound - low.bound + low.slope * low.level_wh - high.slope * high.level_wh) / (
        low.slope - high.slope
    )
    return level_wh, low.bound + low.slope * (level_wh - low.level_wh)


def _get_tangent_cost(one: Tangent) -> float:
    return one.cost


LEVEL_ROUNDS_MAX = 80
_LEVEL_ROUNDING = 1e-13
_LEVELS_COUNT = 32


@dataclass(frozen=True, slots=True)
class _LevelPlan:
    """The plan of a level, its cost with the peak, and the slope of the cost over the level."""

    level_wh: float
    found: KernelPlan
    bound: float
    cost: float
    slope: float


class PeakLevelSearch:
    """The search over one horizon, with ``price`` for each Wh of the largest import above ``free_wh``.

    The correlation between the scenarios of different steps is not known. So the search uses the largest
    possible mean of the peak: the minimum over all levels L of L + the sum of the means of the import above L
    (Lai and Robbins, Maximally dependent random variables, PNAS 73, 1976). With one scenario per step that is
    the largest import itself. It is convex in L and the plan together, and piecewise linear in L alone: a
    surcharge above L in each step, and one number to find.
    """

    def __init__(self, columns: ScenarioColumns, price: float, free_wh: float) -> None:
        self._columns = columns
        self._price = price
        self._free_wh = free_wh
        self.level_wh = free_wh
        """Level of the plan."""
        self.rounds_count = 0
        """Number of plans made so far."""
        self.bound = -math.inf
        """Lower bound of the cost of any plan within the columns, with the peak price."""

    @property
    def base_eur(self) -> float:
        """Return the cost of the level itself; import above it costs in each step."""
        return self._price * (self.level_wh - self._free_wh)

    def best(self, without: KernelPlan) -> KernelPlan:
        """Return the cheapest plan with the peak price; its level is left in the columns.

        ``without`` is the plan without a peak price. After LEVEL_ROUNDS_MAX plans the search ends with the
        best so far.
        """
        top_wh = max(without.column("grid_high_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        low, high = self._plan_at(self._free_wh), self._plan_at(top_wh)
        rounding, rounds = _LEVEL_ROUNDING * self._columns.scale, LEVEL_ROUNDS_MAX - self.rounds_count
        best, self.bound = find_lowest(self._plan_at, low, high, rounding, rounds)
        return self._take(best)

    def find_near(self, without: KernelPlan) -> KernelPlan:
        """Return a good plan where costs are not convex; then they are not convex over the level either.

        It is the cheapest of several levels. Between two of them no plan is cheaper than the hull under the
        upper one with the level of the lower one: that is the bound.
        """
        top_wh = max(without.column("grid_high_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        width_wh = (top_wh - self._free_wh) / _LEVELS_COUNT
        tried = [self._plan_at(self._free_wh + width_wh * number) for number in range(_LEVELS_COUNT)]
        tried.append(self._plan_at(top_wh))
        self.bound = min(
            tried[0].bound,
            *(one.bound - self._price * width_wh for one in tried[1:]),
        )
        return self._take(min(tried, key=_get_level_cost))

    def _take(self, one: _LevelPlan) -> KernelPlan:
        self.level_wh = one.level_wh
        self._columns.level(one.level_wh)
        return one.found

    def _plan_at(self, level_wh: float) -> _LevelPlan:
        self.rounds_count += 1
        self._columns.level(level_wh)
        found = self._columns.solve()
        if found is None:
            raise RuntimeError("a price made a plan impossible")
        base = self._price * (level_wh - self._free_wh)
        slope = self._price - sum(found.column("tier_value"))
        return _LevelPlan(level_wh, found, found.bound + base, found.objective + base, slope)


def _get_level_cost(one: _LevelPlan) -> float:
    return one.cost


CAP_ROUNDS_MAX = 80
_SLOPE_STEP_WH = 1e-3
"""How far right of the lowest feasible level the slope is measured, in Wh."""


_CAP_ROUNDING = 1e-13
_CAP_BREACH_MIN = 1e-3
"""A breach above it belongs to the limits, one below to the target."""


_CAPS_COUNT = 32


@dataclass(frozen=True, slots=True)
class _CapPlan:
    """A limit for all steps: the plan under it, its cost with the peak, and the slope over the level."""

    level_wh: float
    found: KernelPlan
    cost: float
    slope: float
    excess_slope: float
    """Wh beyond the limits that one more Wh of the level saves."""
    short_slope: float
    """Missing Wh of the target that one more Wh of the level saves."""

    @property
    def bound(self) -> float:
        """Return a lower bound of the cost of any plan under it."""
        return self.cost


class PeakCapSearch:
    """The search over one horizon, with ``price`` for each Wh of the largest import above ``free_wh``."""

    def __init__(self, columns: KernelColumns, price: float, free_wh: float) -> None:
        self._columns = columns
        self._price = price
        self._free_wh = free_wh
        self._caps_wh = columns.column("import_max_wh")
        self.rounds_count = 0
        """Number of plans made so far."""
        self.bound = -math.inf
        """Lower bound of the cost of any plan within the columns, with the peak price."""

    def cost(self, found: KernelPlan) -> float:
        """Return the objective of a plan plus the cost of its largest import."""
        return found.objective + self._price * max(0.0, max(found.column("grid_wh")) - self._free_wh)

    def best(self, without: KernelPlan) -> KernelPlan:
        """Return the cheapest plan with the peak price; its limits are left in the columns.

        ``without`` is the plan without a peak price. Over the level of a limit for all steps, the cost is
        convex and piecewise linear. No more is given up than without the price. After CAP_ROUNDS_MAX plans
        the search ends with the best level so far.
        """
        top_wh = max(without.column("grid_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        price = self._price
        high = _CapPlan(top_wh, without, without.bound + price * (top_wh - self._free_wh), price, 0.0, 0.0)
        best = self._find_lowest_cap(self._plan_at(self._free_wh), high, without)
        low = best
        if low.excess_slope + low.short_slope > 0.0 and low.level_wh + _SLOPE_STEP_WH < top_wh:
            low = self._plan_at(
                low.level_wh + _SLOPE_STEP_WH
            )  # left of it nothing is feasible: there is no slope
        rounding, rounds = _CAP_ROUNDING * self._columns.scale, CAP_ROUNDS_MAX - self.rounds_count
        found, self.bound = find_lowest(self._plan_at, low, high, rounding, rounds)
        best = min(best, found, key=_get_cap_cost)
        self.bound = min(self.bound, best.cost)
        self._set_caps(best.level_wh)
        return best.found

    def find_near(self, without: KernelPlan) -> KernelPlan:
        """Return a good plan where costs are not convex; then they are not convex over the level either.

        It is the cheapest of several levels. Between two of them no plan is cheaper than the hull under the
        upper one with the peak of the lower one: that is the bound.
        """
        price, top_wh = self._price, max(without.column("grid_wh"))
        high = _CapPlan(top_wh, without, without.bound + price * (top_wh - self._free_wh), price, 0.0, 0.0)
        if top_wh <= self._free_wh or price == 0.0:
            self.bound = without.bound
            return without
        low = self._find_lowest_cap(self._plan_at(self._free_wh), high, without)
        bottom_wh = min(low.level_wh, top_wh)
        best, best_wh, below_wh, self.bound = without, top_wh, bottom_wh, math.inf
        for number in range(_CAPS_COUNT + 1):
            level = self._plan_at(bottom_wh + (top_wh - bottom_wh) * number / _CAPS_COUNT)
            self.bound = min(self.bound, level.cost - price * (level.level_wh - below_wh))
            below_wh = level.level_wh
            if not level.found.gives_up_more(without) and self.cost(level.found) < self.cost(best):
                best, best_wh = level.found, level.level_wh
        self._set_caps(best_wh)
        return best

    def release(self) -> None:
        """Restore the original limits of the columns."""
        self._set_caps(math.inf)

    def _find_lowest_cap(self, low: _CapPlan, high: _CapPlan, without: KernelPlan) -> _CapPlan:
        """Return the lowest level from ``low`` on at which no more is given up than without it.

        The amount given up is convex, piecewise linear and decreasing over the level: Newton steps from below
        end on the corner itself.
        """
        if not low.found.gives_up_more(without):
            return low
        while (
            self.rounds_count < CAP_ROUNDS_MAX
            and high.level_wh - low.level_wh > _CAP_ROUNDING * high.level_wh
        ):
            more_wh, slope = low.found.result.excess_wh - without.result.excess_wh, low.excess_slope
            if more_wh <= NEAR_WH:
                more_wh, slope = low.found.result.short_wh - without.result.short_wh, low.short_slope
            level_wh = low.level_wh + more_wh / slope if slope > 0.0 else math.inf
            if slope > 0.0 and level_wh >= high.level_wh * (1.0 - _CAP_ROUNDING):
                return high  # the corner is not left of the step, and not right of the feasible level
            straight = low.level_wh < level_wh < high.level_wh
            middle = self._plan_at(level_wh if straight else 0.5 * (low.level_wh + high.level_wh))
            if middle.found.gives_up_more(without):
                low = middle
            elif straight:
                return middle
            else:
                high = middle
        return high

    def _set_caps(self, level_wh: float) -> None:
        self._columns.put("import_max_wh", array("d", [min(cap_wh, level_wh) for cap_wh in self._caps_wh]))

    def _plan_at(self, level_wh: float) -> _CapPlan:
        self.rounds_count += 1
        self._set_caps(level_wh)
        found = self._columns.solve()
        if found is None:
            raise RuntimeError("a cap made a plan impossible")  # limits are given up where they fail
        slope, excess_slope, short_slope = self._price, 0.0, 0.0
        values, breaches = found.column("cap_value"), found.column("cap_breach")
        for cap_wh, value, breach in zip(self._caps_wh, values, breaches, strict=True):
            if level_wh < cap_wh:
                slope -= value
                if breach > _CAP_BREACH_MIN:
                    excess_slope += breach
                else:
                    short_slope += breach / TARGET_BREACH
        cost = found.bound + self._price * (level_wh - self._free_wh)
        return _CapPlan(level_wh, found, cost, slope, excess_slope, short_slope)


def _get_cap_cost(level: _CapPlan) -> float:
    return level.cost
