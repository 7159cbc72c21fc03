"""Branch on steps with a non-convex cost until the plan is proven optimal (pure)."""

import heapq
from itertools import count
from typing import TYPE_CHECKING

from quartier.planning.storage.kernel_columns import KernelColumns, KernelPlan

if TYPE_CHECKING:
    from array import array

BRANCH_NODES_MAX = 400
"""Largest number of plans tried: some milliseconds on a small board."""
_ROUNDING_SHARE = 1e-12

StepBounds = dict[int, tuple[float, float]]


def prove_best_plan(
    columns: KernelColumns, first: KernelPlan, nodes_max: int = BRANCH_NODES_MAX
) -> tuple[KernelPlan, float]:
    """Return the best plan within the columns, and a lower bound of the objective of any plan.

    ``first`` is the plan on the convex hull. The plan with the lowest bound is branched first: its step with
    the largest gap is split at a corner of its true cost, where both sides are exact. The columns keep the
    bounds of the best plan. The search ends when no bound is below the best plan, or after ``nodes_max``
    plans.
    """
    low_wh, high_wh = columns.column("low_wh"), columns.column("high_wh")
    order = count()
    best, best_bounds, exact = first, StepBounds(), _ROUNDING_SHARE * columns.scale
    waiting: list[tuple[float, int, StepBounds, KernelPlan]] = [(first.bound, next(order), {}, first)]
    tried = 0
    while waiting and tried < nodes_max and waiting[0][0] + exact < best.objective:
        _, _, bounds, found = heapq.heappop(waiting)
        for child in _divide_bounds(found, bounds, low_wh, high_wh):
            made = _solve_within(columns, child, low_wh, high_wh)
            tried += 1
            if made is None or made.gives_up_more(first):
                continue
            if made.objective < best.objective:
                best, best_bounds = made, child
            heapq.heappush(waiting, (made.bound, next(order), child, made))
    _apply_bounds(columns, best_bounds, low_wh, high_wh)
    left = min(waiting, default=None)
    return best, best.objective if left is None else min(left[0], best.objective)


def _divide_bounds(
    found: KernelPlan, bounds: StepBounds, low_wh: "array[float]", high_wh: "array[float]"
) -> list[StepBounds]:
    gaps = found.column("gap")
    at = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[at] <= 0.0:
        return []
    kink_wh = found.column("kink_wh")[at]
    least_wh, most_wh = bounds.get(at, (low_wh[at], high_wh[at]))
    return [{**bounds, at: (least_wh, kink_wh)}, {**bounds, at: (kink_wh, most_wh)}]


def _solve_within(
    columns: KernelColumns, bounds: StepBounds, low_wh: "array[float]", high_wh: "array[float]"
) -> KernelPlan | None:
    _apply_bounds(columns, bounds, low_wh, high_wh)
    return columns.solve()


def _apply_bounds(
    columns: KernelColumns, bounds: StepBounds, low_wh: "array[float]", high_wh: "array[float]"
) -> None:
    least_wh, most_wh = low_wh[:], high_wh[:]
    for number, (low, high) in bounds.items():
        least_wh[number], most_wh[number] = low, high
    columns.put("low_wh", least_wh)
    columns.put("high_wh", most_wh)
