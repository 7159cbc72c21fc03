"""Plans a load that takes one of several powers in each step, such as a car at a charge point.

This is the specification; the compiled kernel gives the same bits.
"""

from array import array
from typing import NamedTuple

from quartier_native.reference.step_costs import Step, Wiring, flow
from quartier_native.reference.storage import NUMBER_MAX, STEP_COLUMNS, STEPS_MAX

LEVELS_MAX = 255
UNITS_MAX = 4096
NEED_FIELDS = ("need_units", "most_units", "short_price", "excess_price")
FLOW_COLUMNS = ("grid_wh", "curtailed_wh", "cost", "excess_wh")
_STRAIGHT = Wiring(1.0, 1.0, 0.0)


class Levelled(NamedTuple):
    """The totals of a plan of levels."""

    cost: float
    """Cost of all steps at the meter, including excess and missing units."""
    units: int
    """Number of units that it takes."""


def plan_levels(
    steps: "array[float]",
    amounts_wh: "array[float]",
    units: "array[int]",
    need: "array[float]",
    plan: "array[int]",
) -> Levelled:
    """Write the cheapest way of a load with levels into ``plan``: for each step its level.

    ``steps`` has the columns of ``step_costs.Step`` (the bounds of a store are not read), ``net_wh`` without
    this load.  Level k takes ``amounts_wh[k]`` on the bus in a step and counts ``units[k]``; level 0 counts
    none.  ``need`` has NEED_FIELDS: units that are wanted, units that are taken at most, what a missing unit
    costs, and what a Wh beyond the caps costs.

    Dynamic programming over the units so far, exact: for each step and level the costs shifted by its
    units.  steps·levels·units additions and comparisons; of equal ways the one with the lower last level.

    Raises TypeError for other arrays than of doubles and of ints, ValueError for what does not fit.
    """
    rows = _check_rows(steps, amounts_wh, units, need, plan)
    most_units, excess_price = int(need[1]), need[3]
    costs = [0.0, *([float("inf")] * most_units)]
    choices = []
    for row in rows:
        after = [float("inf")] * (most_units + 1)
        choice = [0] * (most_units + 1)
        for level, (amount_wh, count) in enumerate(zip(amounts_wh, units, strict=True)):
            there = flow(row, _STRAIGHT, amount_wh)
            cost = there.cost + excess_price * there.excess_wh
            for taken in range(count, most_units + 1):
                whole = costs[taken - count] + cost
                if whole < after[taken]:
                    after[taken], choice[taken] = whole, level
        costs = after
        choices.append(choice)
    best, best_cost = 0, float("inf")
    for taken in range(most_units + 1):
        cost = costs[taken]
        if taken < need[0]:
            cost += (need[0] - taken) * need[2]
        if cost < best_cost:
            best, best_cost = taken, cost
    left = best
    for number in range(len(rows) - 1, -1, -1):
        plan[number] = choices[number][left]
        left -= units[plan[number]]
    return Levelled(best_cost, best)


def tell_flows(steps: "array[float]", moved_wh: "array[float]", flows: "array[float]") -> None:
    """Write what the meter does when ``moved_wh`` is taken on the bus in each step: FLOW_COLUMNS one after
    the other.

    Raises TypeError for other arrays than of doubles, ValueError for what does not fit.
    """
    for numbers in (steps, moved_wh, flows):
        if not isinstance(numbers, array) or numbers.typecode != "d":
            raise TypeError("three arrays of doubles are needed")
    count = len(moved_wh)
    if (len(steps), len(flows)) != (len(STEP_COLUMNS) * count, len(FLOW_COLUMNS) * count):
        raise ValueError("the arrays do not fit each other")
    for number in range(count):
        there = flow(Step(*steps[number::count]), _STRAIGHT, moved_wh[number])
        for column, value in enumerate(there):
            flows[column * count + number] = value


def _check_rows(
    steps: "array[float]",
    amounts_wh: "array[float]",
    units: "array[int]",
    need: "array[float]",
    plan: "array[int]",
) -> list[Step]:
    for numbers, code in ((steps, "d"), (amounts_wh, "d"), (units, "i"), (need, "d"), (plan, "i")):
        if not isinstance(numbers, array) or numbers.typecode != code:
            raise TypeError("arrays of doubles and of ints are needed")
    count = len(plan)
    if not 0 < count <= STEPS_MAX:
        raise ValueError(f"a plan has 1 to {STEPS_MAX} steps")
    if (len(steps), len(need), len(units)) != (len(STEP_COLUMNS) * count, len(NEED_FIELDS), len(amounts_wh)):
        raise ValueError("the arrays do not fit each other")
    _check_levels(amounts_wh, units, need)
    rows = [Step(*steps[number::count]) for number in range(count)]
    for row in rows:
        plain = (row.net_wh, row.import_price, row.export_price, row.over_price)
        if not (all(abs(number) <= NUMBER_MAX for number in plain) and row.over_price >= 0.0):
            raise ValueError("a number of a step is out of its range")
    return rows


def _check_levels(amounts_wh: "array[float]", units: "array[int]", need: "array[float]") -> None:
    if not 0 < len(units) <= LEVELS_MAX or units[0] != 0:
        raise ValueError(f"there are 1 to {LEVELS_MAX} levels, and the first counts nothing")
    if not all(0 <= count <= UNITS_MAX for count in units):
        raise ValueError("the units of a level are out of their range")
    if not all(abs(amount_wh) <= NUMBER_MAX for amount_wh in amounts_wh):
        raise ValueError("what a level takes is out of its range")
    wanted, most, *prices = need
    if not (0.0 <= wanted <= most <= UNITS_MAX and all(0.0 <= price <= NUMBER_MAX for price in prices)):
        raise ValueError("what is needed is out of its range")
