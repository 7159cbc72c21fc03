"""Where a step's cost is not convex: its change of the stored energy is divided until the plan is proven
best.
"""

import heapq
from itertools import count
from typing import TYPE_CHECKING

from quartier.planning.columns import Columns, Found

if TYPE_CHECKING:
    from array import array

NODES_MAX = 400
"""Plans that are tried at most: some milliseconds on a small board."""
_EXACT = 1e-12

Bounds = dict[int, tuple[float, float]]


def proven(columns: Columns, first: Found, nodes_max: int = NODES_MAX) -> tuple[Found, float]:
    """The best plan within the columns, and a bound below which no plan's objective is.

    ``first`` is the plan on the convex hull.  The plan with the lowest bound comes first: the step with
    the largest gap is divided at a corner of its true cost, where both sides are exact.  The columns are
    left with the bounds of the best plan.  It ends when nothing below the best is left, or after
    ``nodes_max`` plans.
    """
    low_wh, high_wh = columns.column("low_wh"), columns.column("high_wh")
    order = count()
    best, best_bounds, exact = first, Bounds(), _EXACT * columns.scale
    waiting: list[tuple[float, int, Bounds, Found]] = [(first.bound, next(order), {}, first)]
    tried = 0
    while waiting and tried < nodes_max and waiting[0][0] + exact < best.objective:
        _, _, bounds, found = heapq.heappop(waiting)
        for child in _divided(found, bounds, low_wh, high_wh):
            made = _solved(columns, child, low_wh, high_wh)
            tried += 1
            if made is None or made.gives_up_more(first):
                continue
            if made.objective < best.objective:
                best, best_bounds = made, child
            heapq.heappush(waiting, (made.bound, next(order), child, made))
    _bound(columns, best_bounds, low_wh, high_wh)
    left = min(waiting, default=None)
    return best, best.objective if left is None else min(left[0], best.objective)


def _divided(found: Found, bounds: Bounds, low_wh: "array[float]", high_wh: "array[float]") -> list[Bounds]:
    gaps = found.column("gap")
    at = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[at] <= 0.0:
        return []
    kink_wh = found.column("kink_wh")[at]
    least_wh, most_wh = bounds.get(at, (low_wh[at], high_wh[at]))
    return [{**bounds, at: (least_wh, kink_wh)}, {**bounds, at: (kink_wh, most_wh)}]


def _solved(
    columns: Columns, bounds: Bounds, low_wh: "array[float]", high_wh: "array[float]"
) -> Found | None:
    _bound(columns, bounds, low_wh, high_wh)
    return columns.solve()


def _bound(columns: Columns, bounds: Bounds, low_wh: "array[float]", high_wh: "array[float]") -> None:
    least_wh, most_wh = low_wh[:], high_wh[:]
    for number, (low, high) in bounds.items():
        least_wh[number], most_wh[number] = low, high
    columns.put("low_wh", least_wh)
    columns.put("high_wh", most_wh)
