"""The least of a cost that is convex over one level and made of straight pieces: where two tangents meet is
the next level to try, and where they meet on the cost itself, that is the least, not one within a tolerance.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar


class Tangent(Protocol):
    """The cost of a level, and what is below it everywhere."""

    @property
    def level_wh(self) -> float:
        """Where it touches."""

    @property
    def bound(self) -> float:
        """No plan of the level costs less."""

    @property
    def cost(self) -> float:
        """What its plan costs; the bound where costs are convex."""

    @property
    def slope(self) -> float:
        """Of the bound over the level."""


T = TypeVar("T", bound=Tangent)


def lowest(at: Callable[[float], T], low: T, high: T, rounding: float, rounds_max: int) -> tuple[T, float]:
    """The level that costs least between two, of equals the lower, and what none can cost less than.

    ``at`` plans a level.  After ``rounds_max`` of them it ends with the best so far; then the bound is where
    the last two tangents meet.
    """
    best = low
    for _ in range(rounds_max):
        if not low.slope < 0.0 < high.slope:
            break
        level_wh, below = _meeting(low, high)
        if not low.level_wh < level_wh < high.level_wh:
            break
        middle = at(level_wh)
        best = min(best, middle, key=_cost)
        if middle.cost <= below + rounding:
            break
        if middle.slope < 0.0:
            low = middle
        else:
            high = middle
    else:
        best = min(best, high, key=_cost)
        is_open = low.slope < 0.0 < high.slope
        return best, min(best.cost, _meeting(low, high)[1]) if is_open else best.cost
    best = min(best, high, key=_cost)
    return best, best.cost


def _meeting(low: Tangent, high: Tangent) -> tuple[float, float]:
    """The level at which two tangents meet, and how high."""
    level_wh = (high.bound - low.bound + low.slope * low.level_wh - high.slope * high.level_wh) / (
        low.slope - high.slope
    )
    return level_wh, low.bound + low.slope * (level_wh - low.level_wh)


def _cost(one: Tangent) -> float:
    return one.cost
