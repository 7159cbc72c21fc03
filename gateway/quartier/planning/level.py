"""The largest import of a horizon whose steps have samples: what its mean costs at most, and the plan that is
cheapest with that.
"""

import math
from dataclasses import dataclass

from quartier.planning.columns import Found
from quartier.planning.sampled import Sampled
from quartier.planning.tangents import lowest

ROUNDS_MAX = 80
_ROUNDING = 1e-13
_LEVELS = 32


@dataclass(frozen=True, slots=True)
class _At:
    """The plan of a level, what it costs with the peak, and the slope of that over the level."""

    level_wh: float
    found: Found
    bound: float
    cost: float
    slope: float


class Level:
    """The search over one horizon, with ``price`` for each Wh of the largest import above ``free_wh``.

    How the samples of different steps go together is not known, so what counts is the largest mean of the
    peak that there can be: the least over all levels L of L + sum of the means of what is imported above L
    (Lai and Robbins, Maximally dependent random variables, PNAS 73, 1976).  With one sample a step that is
    the largest import itself.  It is convex in L and the plan together, and over L alone made of straight
    pieces: a surcharge above L in each step, and one number to be found.
    """

    def __init__(self, columns: Sampled, price: float, free_wh: float) -> None:
        self._columns = columns
        self._price = price
        self._free_wh = free_wh
        self.level_wh = free_wh
        """That of the plan."""
        self.rounds_count = 0
        """Plans that it took so far."""
        self.bound = -math.inf
        """No plan within the columns costs less, the peak's price in it."""

    @property
    def base_eur(self) -> float:
        """What the level itself costs; what is imported above it costs in each step."""
        return self._price * (self.level_wh - self._free_wh)

    def best(self, without: Found) -> Found:
        """The plan that is cheapest with the peak's price; its level is left in the columns.

        ``without`` is the plan without such a price.  After ROUNDS_MAX plans it ends with the best so far.
        """
        top_wh = max(without.column("grid_high_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        low, high = self._at(self._free_wh), self._at(top_wh)
        rounding, rounds = _ROUNDING * self._columns.scale, ROUNDS_MAX - self.rounds_count
        best, self.bound = lowest(self._at, low, high, rounding, rounds)
        return self._taken(best)

    def near(self, without: Found) -> Found:
        """A good plan where costs are not convex: then those over the level are not either.

        Of some levels the cheapest is taken.  Between two of them no plan is cheaper than the hull under
        the upper with the level of the lower: that is the bound.
        """
        top_wh = max(without.column("grid_high_wh"))
        if top_wh <= self._free_wh or self._price == 0.0:
            self.bound = without.bound
            return without
        width_wh = (top_wh - self._free_wh) / _LEVELS
        tried = [self._at(self._free_wh + width_wh * number) for number in range(_LEVELS)]
        tried.append(self._at(top_wh))
        self.bound = min(
            tried[0].bound,
            *(one.bound - self._price * width_wh for one in tried[1:]),
        )
        return self._taken(min(tried, key=_cost))

    def _taken(self, one: _At) -> Found:
        self.level_wh = one.level_wh
        self._columns.level(one.level_wh)
        return one.found

    def _at(self, level_wh: float) -> _At:
        self.rounds_count += 1
        self._columns.level(level_wh)
        found = self._columns.solve()
        if found is None:
            raise RuntimeError("a price made a plan impossible")
        base = self._price * (level_wh - self._free_wh)
        slope = self._price - sum(found.column("tier_value"))
        return _At(level_wh, found, found.bound + base, found.objective + base, slope)


def _cost(one: _At) -> float:
    return one.cost
