"""Finds the cheapest plan of one storage through a horizon.

This is the specification; the compiled kernel gives the same bits.
"""

import bisect
import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from quartier_native.reference.step_costs import Piece, Step, Wiring, flow, pieces

STEPS_MAX = 2016
"""A week of five minutes."""
STEP_COLUMNS = Step._fields
STORE_FIELDS = (*Wiring._fields, "energy_wh", "target_wh", "worth_price")
PLAN_COLUMNS = (
    "moved_wh",
    "energy_wh",
    "grid_wh",
    "curtailed_wh",
    "cost",
    "value",
    "value_breach",
    "cap_value",
    "cap_breach",
    "gap",
    "kink_wh",
)
NEAR_WH = 1e-6
"""Distance to a bound, in Wh, below which a plan counts as at the bound when slopes are computed."""
TARGET_BREACH = 2.0**-30
"""The missing target's place among the slopes: before all money, after the caps."""
NUMBER_MAX = 1e12
EFFICIENCY_MIN = 1e-3
"""A Wh beyond the caps in the rarest sample then still stands before the missing target, a stored Wh seen."""
REFUSALS = (
    "",
    "no plan keeps floor and ceiling",
    "a number of the store is out of its range",
    f"an efficiency is not {EFFICIENCY_MIN} to 1, or wear is below 0",
    "a number of a step is out of its range",
    "import and export both pay, and generation may be curtailed: no plan for such prices",
    f"a plan has 1 to {STEPS_MAX} steps",
)
"""Why there is no plan, by number; 0 where there is one."""

Slope = tuple[float, float]
LEAST: Slope = (-math.inf, 0.0)
MOST: Slope = (math.inf, 0.0)


class Bounds(Protocol):
    """The bounds of a step that a merge needs, in Wh; see ``step_costs.Step``."""

    @property
    def low_wh(self) -> float:
        """The least change of the stored energy."""

    @property
    def high_wh(self) -> float:
        """The most."""

    @property
    def floor_wh(self) -> float:
        """The least energy at the step's end."""

    @property
    def ceiling_wh(self) -> float:
        """The most."""


class Planned(NamedTuple):
    """The totals of a plan."""

    feasible: bool
    """Whether the storage can stay between floor and ceiling; if not, the other fields have no meaning."""
    cost: float
    """Cost in money, without the worth of the energy at the end."""
    excess_wh: float
    """Least possible Wh beyond the limits."""
    short_wh: float
    """Least possible shortfall from the target, in Wh, without more excess."""
    gap: float
    """Upper bound of the saving of the best plan over this one; 0 if the cost of every step is convex."""


def plan_storage(steps: "array[float]", store: "array[float]", plan: "array[float]") -> Planned:
    """Write the cheapest plan of one storage into ``plan``.

    ``steps`` has the columns STEP_COLUMNS one after the other, each with a number a step (``step_costs.Step``
    says what they are), ``store`` the numbers STORE_FIELDS:

    - ``charge_efficiency``, ``discharge_efficiency``, EFFICIENCY_MIN to 1, and ``wear_price``, 0 or more;
    - ``energy_wh`` in the store at the beginning;
    - ``target_wh`` at the end, and ``worth_price``, what each Wh that is left then is worth.

    ``plan`` has the columns PLAN_COLUMNS: change of the stored energy; energy at the step's end; energy
    at the meter, import plus; energy curtailed; cost; the value of a stored Wh and its part that is Wh
    beyond the caps; the value of one more Wh under the import cap, likewise; how far the step's cost lies
    above its convex hull, and where then the change of the stored energy should be divided.

    First the Wh beyond the caps are fewest, then the missing target, then the cost: money less worth.
    Slopes are compared in this order, and are never weighed against each other.

    The method: F(e) is the least cost to have e Wh in the store.  It is convex, a list of pieces by
    rising slope.  A step merges its own pieces into the list (infimal convolution), floor and ceiling cut
    it at its ends: what is cut from the left is filled for good, from the right never.  At the end the
    list is filled from the left until the target stands and a piece costs what a Wh is worth.  Each piece
    knows its step, so the plan needs no way back.  O(n log n) comparisons of slopes.

    Raises TypeError for other arrays than of doubles, and, before anything is written, ValueError for
    lengths that do not fit, no step or more than STEPS_MAX, and numbers out of their ranges.
    """
    rows, wiring = _check_input(steps, store, plan)
    energy_wh, target_wh, worth_price = store[3:]
    chains = [pieces(row, wiring) for row in rows]
    filled = fill(rows, chains, energy_wh, target_wh, worth_price)
    if filled is None:
        return Planned(False, 0.0, 0.0, 0.0, 0.0)
    return _summarise(rows, wiring, chains, filled, store, plan)


def fill(
    rows: Sequence[Bounds],
    chains: Sequence[list[Piece]],
    energy_wh: float,
    target_wh: float,
    worth_price: float,
) -> list[list[float]] | None:
    """Return how much of each piece is filled; None where floor and ceiling cannot be kept."""
    filled = [[0.0] * len(chain) for chain in chains]
    left = [[piece.length_wh for piece in chain] for chain in chains]
    alive: list[tuple[float, float, int, int]] = []
    low_wh = high_wh = energy_wh
    for number, (row, chain) in enumerate(zip(rows, chains, strict=True)):
        for place, piece in enumerate(chain):
            bisect.insort(alive, (piece.breach, piece.price, number, place))
        low_wh += row.low_wh
        high_wh += row.high_wh
        if row.floor_wh - high_wh > NEAR_WH or low_wh - row.ceiling_wh > NEAR_WH:
            return None
        _cut(alive, left, filled, row.floor_wh - low_wh)
        low_wh = max(low_wh, row.floor_wh)
        _cut(alive, left, None, high_wh - row.ceiling_wh)
        high_wh = min(high_wh, row.ceiling_wh)
    for breach, price, owner, place in alive:
        part_wh = left[owner][place]
        if breach > 0.0:
            break
        if breach == 0.0 and price >= worth_price:
            part_wh = min(part_wh, target_wh - low_wh)
            if part_wh <= 0.0:
                break
        filled[owner][place] += part_wh
        low_wh += part_wh
    return filled


def _cut(
    alive: list[tuple[float, float, int, int]],
    left: list[list[float]],
    filled: list[list[float]] | None,
    need_wh: float,
) -> None:
    """Take ``need_wh`` from the left, where it is filled, or from the right, where nothing is ``filled``."""
    end = -1 if filled is None else 0
    while need_wh > 0.0 and alive:
        _, _, owner, place = alive[end]
        part_wh = min(left[owner][place], need_wh)
        if filled is not None:
            filled[owner][place] += part_wh
        left[owner][place] -= part_wh
        need_wh -= part_wh
        if left[owner][place] <= 0.0:
            del alive[end]


def _summarise(
    rows: list[Step],
    wiring: Wiring,
    chains: list[list[Piece]],
    filled: list[list[float]],
    store: "array[float]",
    plan: "array[float]",
) -> Planned:
    count = len(rows)
    energy_wh, target_wh, worth_price = store[3:]
    cost = excess_wh = gap_sum = 0.0
    for number, row in enumerate(rows):
        moved_wh = row.low_wh
        for part_wh in filled[number]:
            moved_wh += part_wh
        energy_wh += moved_wh
        there = flow(row, wiring, moved_wh)
        gap, kink_wh = _gap(row, wiring, stand(row.low_wh, chains[number], filled[number]), there.cost)
        cost += there.cost
        excess_wh += there.excess_wh
        gap_sum += gap
        told = (moved_wh, energy_wh, there.grid_wh, there.curtailed_wh, there.cost)
        for column, number_told in enumerate(told):
            plan[column * count + number] = number_told
        plan[9 * count + number] = gap
        plan[10 * count + number] = kink_wh
    ends = at_end(target_wh - energy_wh, worth_price)
    for number, (value, _) in enumerate(values(rows, chains, filled, plan[count : 2 * count], *ends)):
        cap = _cap_value(rows[number], wiring, plan[number], plan[2 * count + number], value)
        plan[6 * count + number], plan[5 * count + number] = value
        plan[8 * count + number], plan[7 * count + number] = cap
    return Planned(True, cost, excess_wh, max(target_wh - energy_wh, 0.0), gap_sum)


def at_end(far_wh: float, worth_price: float) -> tuple[Slope, Slope]:
    """Return what one more Wh at the end is worth and what one less costs, ``far_wh`` below the target."""
    missing = TARGET_BREACH if far_wh > NEAR_WH else 0.0
    held = TARGET_BREACH if far_wh > 0.0 - NEAR_WH else 0.0
    return (missing, worth_price), (held, worth_price)


class Stand(NamedTuple):
    """The position of a plan on the pieces of a step."""

    before: Slope
    """The slope below what is filled; LEAST where nothing is."""
    after: Slope
    """The slope above it; MOST where all is."""
    inner: tuple[float, Piece, float] | None
    """The piece that is filled in part: where it begins, itself, and its part."""


def stand(low_wh: float, chain: Sequence[Piece], filled: Sequence[float]) -> Stand:
    """Return where the plan stands on the pieces that begin at ``low_wh``: a step's are filled from the left.

    A piece that is no longer than NEAR_WH is full and empty at once: nobody stands on it.
    """
    before, begin_wh = LEAST, low_wh
    for piece, part_wh in zip(chain, filled, strict=True):
        slope = (piece.breach, piece.price)
        if piece.length_wh - part_wh > NEAR_WH:
            if part_wh > NEAR_WH:
                return Stand(slope, slope, (begin_wh, piece, part_wh))
            return Stand(before, slope, None)
        if part_wh > NEAR_WH:
            before = slope
        begin_wh += piece.length_wh
    return Stand(before, MOST, None)


def _gap(row: Step, wiring: Wiring, there: Stand, cost: float) -> tuple[float, float]:
    """Return how far the cost lies above the hull, and where the step should be divided; 0, 0 on the hull."""
    if there.inner is None or there.inner[1].kink_wh == 0.0:
        return 0.0, 0.0
    begin_wh, piece, part_wh = there.inner
    hull = flow(row, wiring, begin_wh).cost + piece.price * part_wh
    return max(cost - hull, 0.0), begin_wh + piece.kink_wh


def values(
    rows: Sequence[Bounds],
    chains: Sequence[list[Piece]],
    filled: list[list[float]],
    energies_wh: Sequence[float],
    more: Slope,
    less: Slope,
) -> list[tuple[Slope, Slope]]:
    """The value of a stored Wh in each step, and the slope beside the plan that is below it.

    ``more`` is what one more Wh is worth, ``less`` what one less costs: backward both follow from the
    slopes beside the plan.  Forward the value is any number between them that changes only where the
    store is full or at its floor.
    """
    count = len(rows)
    least: list[Slope] = [LEAST] * count
    most: list[Slope] = [MOST] * count
    below: list[Slope] = [LEAST] * count
    for number in reversed(range(count)):
        if rows[number].ceiling_wh - energies_wh[number] <= NEAR_WH:
            more = LEAST
        if energies_wh[number] - rows[number].floor_wh <= NEAR_WH:
            less = MOST
        there = stand(rows[number].low_wh, chains[number], filled[number])
        below[number] = there.before
        more = least[number] = max(more, there.before)
        less = most[number] = min(less, there.after)
    value = least[0] if least[0] != LEAST else (0.0, 0.0) if most[0] == MOST else most[0]
    found = []
    for number in range(count):
        value = max(min(value, most[number]), least[number])
        if value in {LEAST, MOST}:
            value = (0.0, 0.0)
        found.append((value, below[number]))
    return found


def _cap_value(row: Step, wiring: Wiring, moved_wh: float, grid_wh: float, value: Slope) -> Slope:
    """Return what one more Wh under the import cap is worth."""
    if grid_wh - row.import_max_wh > NEAR_WH:
        return 1.0, 0.0
    if row.import_max_wh - grid_wh > NEAR_WH:
        return 0.0, 0.0
    price = row.import_price + row.over_price if row.import_max_wh >= row.contract_wh else row.import_price
    if moved_wh < 0.0 - NEAR_WH:
        per_wh = 1.0 / wiring.discharge_efficiency
        breach, spared = value[0] * per_wh, (value[1] + wiring.wear_price) * per_wh - price
    else:
        breach = value[0] * wiring.charge_efficiency
        spared = (value[1] - wiring.wear_price) * wiring.charge_efficiency - price
    return max((0.0, 0.0), (breach, spared))


def _check_input(
    steps: "array[float]", store: "array[float]", plan: "array[float]"
) -> tuple[list[Step], Wiring]:
    for numbers in (steps, store, plan):
        if not isinstance(numbers, array) or numbers.typecode != "d":
            raise TypeError("three arrays of doubles are needed")
    count = len(plan) // len(PLAN_COLUMNS)
    if not 0 < count <= STEPS_MAX:
        raise ValueError(REFUSALS[6])
    lengths = (len(STEP_COLUMNS) * count, len(STORE_FIELDS), len(PLAN_COLUMNS) * count)
    if (len(steps), len(store), len(plan)) != lengths:
        raise ValueError("the arrays do not fit each other")
    wiring = make_wiring(store)
    # No zero is below zero: of slopes that are equal the sign would tell which was taken.
    rows = [Step(*(each + 0.0 for each in steps[number::count])) for number in range(count)]
    for row in rows:
        _check(row)
    if any(_pays_twice(row) for row in rows):
        raise ValueError(REFUSALS[5])
    return rows, wiring


def make_wiring(store: "array[float]") -> Wiring:
    """Return what lies between meter and store.  ValueError for numbers out of their ranges."""
    for number in store:
        if not abs(number) <= NUMBER_MAX:
            raise ValueError(REFUSALS[2])
    if not (EFFICIENCY_MIN <= store[0] <= 1 and EFFICIENCY_MIN <= store[1] <= 1 and store[2] >= 0):
        raise ValueError(REFUSALS[3])
    return Wiring(*store[:3])


def _check(row: Step) -> None:
    plain = (
        row.net_wh,
        row.curtailable_wh,
        row.import_price,
        row.export_price,
        row.over_price,
        row.low_wh,
        row.high_wh,
        row.floor_wh,
        row.ceiling_wh,
    )
    sound = all(abs(number) <= NUMBER_MAX for number in plain)
    signed = min(row.curtailable_wh, row.over_price) >= 0 and row.low_wh <= row.high_wh
    capped = row.contract_wh >= 0 and row.import_max_wh >= 0 and row.export_max_wh >= 0
    if not (sound and signed and capped and row.floor_wh <= row.ceiling_wh):
        raise ValueError(REFUSALS[4])


def _pays_twice(row: Step) -> bool:
    exports = row.export_max_wh > 0 and row.curtailable_wh > 0
    return row.import_price < 0 < row.export_price and exports
