"""The largest import of the horizon: how high it should be, to the corner of the cost itself."""

import math
from array import array
from dataclasses import dataclass

from quartier.planning.columns import NEAR_WH, Columns, Found
from quartier.planning.tangents import lowest
from quartier_native.storages import TARGET_BREACH

ROUNDS_MAX = 80
_STEP_WH = 1e-3
"""How far right of a level that only just can be kept its slope is asked for."""
_ROUNDING = 1e-13
_CAPS = 1e-3
"""A breach above it is of the caps, one below of the target."""
_LEVELS = 32


@dataclass(frozen=True, slots=True)
class _Level:
    """A cap of all steps: the plan under it, its cost with the peak's, and the slope of that over the
    level.
    """

    level_wh: float
    found: Found
    cost: float
    slope: float
    excess_slope: float
    """By how many Wh a Wh more of the level lessens what is beyond the caps,"""
    short_slope: float
    """and the missing target."""

    @property
    def bound(self) -> float:
        """No plan under it costs less."""
        return self.cost


class Peak:
    """The search over one horizon, with ``price`` for each Wh of the largest import above ``free_wh``."""

    def __init__(self, columns: Columns, price: float, free_wh: float) -> None:
        self._columns = columns
        self._price = price
        self._free_wh = free_wh
        self._caps_wh = columns.column("import_max_wh")
        self.rounds_count = 0
        """Plans that it took so far."""
        self.bound = -math.inf
        """No plan within the columns costs less, the peak's price in it."""

    def cost(self, found: Found) -> float:
        """A plan's objective with what its largest import costs."""
        return found.objective + self._price * max(0.0, max(found.column("grid_wh")) - self._free_wh)

    def best(self, without: Found) -> Found:
        """The plan that is cheapest with the peak's price; its caps are left in the columns.

        ``without`` is the plan without such a price.  Over the level of a cap for all steps the cost is
        convex and made of straight pieces. No more is given up than without.  After ROUNDS_MAX plans it ends
        with the best level so far.
        """
        top_wh = max(without.column("grid_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        price = self._price
        high = _Level(top_wh, without, without.bound + price * (top_wh - self._free_wh), price, 0.0, 0.0)
        best = self._lowest(self._at(self._free_wh), high, without)
        low = best
        if low.excess_slope + low.short_slope > 0.0 and low.level_wh + _STEP_WH < top_wh:
            low = self._at(low.level_wh + _STEP_WH)  # left of it nothing can be kept: there is no slope
        rounding, rounds = _ROUNDING * self._columns.scale, ROUNDS_MAX - self.rounds_count
        found, self.bound = lowest(self._at, low, high, rounding, rounds)
        best = min(best, found, key=_cost)
        self.bound = min(self.bound, best.cost)
        self._put(best.level_wh)
        return best.found

    def near(self, without: Found) -> Found:
        """A good plan where costs are not convex: then those over the level are not either.

        Of some levels the cheapest is taken.  Between two of them no plan is cheaper than the hull under
        the upper with the peak of the lower: that is the bound.
        """
        price, top_wh = self._price, max(without.column("grid_wh"))
        high = _Level(top_wh, without, without.bound + price * (top_wh - self._free_wh), price, 0.0, 0.0)
        if top_wh <= self._free_wh or price == 0.0:
            self.bound = without.bound
            return without
        low = self._lowest(self._at(self._free_wh), high, without)
        bottom_wh = min(low.level_wh, top_wh)
        best, best_wh, below_wh, self.bound = without, top_wh, bottom_wh, math.inf
        for number in range(_LEVELS + 1):
            level = self._at(bottom_wh + (top_wh - bottom_wh) * number / _LEVELS)
            self.bound = min(self.bound, level.cost - price * (level.level_wh - below_wh))
            below_wh = level.level_wh
            if not level.found.gives_up_more(without) and self.cost(level.found) < self.cost(best):
                best, best_wh = level.found, level.level_wh
        self._put(best_wh)
        return best

    def release(self) -> None:
        """Put the caps back that the columns had."""
        self._put(math.inf)

    def _lowest(self, low: _Level, high: _Level, without: Found) -> _Level:
        """The lowest level at which no more is given up than without, from ``low`` on.

        What is given up is convex over the level, made of straight pieces, and falls: Newton's steps from
        below end on the corner itself.
        """
        if not low.found.gives_up_more(without):
            return low
        while self.rounds_count < ROUNDS_MAX and high.level_wh - low.level_wh > _ROUNDING * high.level_wh:
            more_wh, slope = low.found.told.excess_wh - without.told.excess_wh, low.excess_slope
            if more_wh <= NEAR_WH:
                more_wh, slope = low.found.told.short_wh - without.told.short_wh, low.short_slope
            level_wh = low.level_wh + more_wh / slope if slope > 0.0 else math.inf
            if slope > 0.0 and level_wh >= high.level_wh * (1.0 - _ROUNDING):
                return high  # the corner is not left of the step, and not right of what is kept
            straight = low.level_wh < level_wh < high.level_wh
            middle = self._at(level_wh if straight else 0.5 * (low.level_wh + high.level_wh))
            if middle.found.gives_up_more(without):
                low = middle
            elif straight:
                return middle
            else:
                high = middle
        return high

    def _put(self, level_wh: float) -> None:
        self._columns.put("import_max_wh", array("d", [min(cap_wh, level_wh) for cap_wh in self._caps_wh]))

    def _at(self, level_wh: float) -> _Level:
        self.rounds_count += 1
        self._put(level_wh)
        found = self._columns.solve()
        if found is None:
            raise RuntimeError("a cap made a plan impossible")  # caps are given up where they cannot be kept
        slope, excess_slope, short_slope = self._price, 0.0, 0.0
        values, breaches = found.column("cap_value"), found.column("cap_breach")
        for cap_wh, value, breach in zip(self._caps_wh, values, breaches, strict=True):
            if level_wh < cap_wh:
                slope -= value
                if breach > _CAPS:
                    excess_slope += breach
                else:
                    short_slope += breach / TARGET_BREACH
        cost = found.bound + self._price * (level_wh - self._free_wh)
        return _Level(level_wh, found, cost, slope, excess_slope, short_slope)


def _cost(level: _Level) -> float:
    return level.cost
