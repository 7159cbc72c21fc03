"""The way of one storage that is cheapest on average over samples of each step's net load: the specification
that the compiled kernel equals to the last bit.
"""

from array import array
from collections.abc import Sequence

from quartier_native.reference.mean_step_costs import (
    Meter,
    Sample,
    SampledStep,
    Tier,
    find_mean_flow,
    make_mean_pieces,
    meter,
)
from quartier_native.reference.step_costs import Piece, Wiring
from quartier_native.reference.storage import (
    NEAR_WH,
    NUMBER_MAX,
    PLAN_COLUMNS,
    STEPS_MAX,
    STORE_FIELDS,
    Planned,
    Slope,
    at_end,
    fill,
    make_wiring,
    stand,
    values,
)

SAMPLES_MAX = 64
"""Of a step."""
ROWS_MAX = 16 * STEPS_MAX
"""Samples of a plan, all steps together."""
WEIGHT_MAX = 2.0**20
"""Of all samples of a step together: the least share then still stands before the missing target."""
TIERS_MAX = 8
SAMPLED_COLUMNS = SampledStep._fields
SAMPLE_COLUMNS = Sample._fields
MEAN_COLUMNS = (*PLAN_COLUMNS, "grid_low_wh", "grid_high_wh", "excess_wh", "tier_value")


def plan_sampled(
    steps: "array[float]",
    tiers: "array[float]",
    samples: "array[float]",
    store: "array[float]",
    plan: "array[float]",
) -> Planned:
    """Write the plan of one storage that is cheapest on average into ``plan``.

    What the storage does in a step is the same for all samples of it; what is curtailed is each sample's
    own best.  A step's cost is the mean over its samples by their weights.  It is as ``plan_storage``
    has it in all else, and with one sample a step and one tier it is ``plan_storage``, to the last bit.

    ``steps`` has the columns SAMPLED_COLUMNS, ``samples`` the columns SAMPLE_COLUMNS, each with a number a
    row, the rows of the first step first; ``tiers`` has for each of at most TIERS_MAX tiers two columns
    with a number a step, ``above_wh`` and ``over_price``; ``store`` is that of ``plan_storage``.
    ``plan`` has the columns MEAN_COLUMNS.  Those of PLAN_COLUMNS are means over the samples; then come the
    least and most of the meter's energy, the mean Wh beyond the caps, and what the first tier's beginning
    a Wh later would save.

    Wh beyond the caps are means too, and are fewest before the target and money are looked at: a cap
    counts in every sample, however small its weight.  Where costs are convex the gap is 0 but for rounding.

    Raises TypeError for other arrays than of doubles, and, before anything is written, ValueError for
    lengths that do not fit, no step or more than STEPS_MAX, and numbers out of their ranges.
    """
    for numbers in (steps, tiers, samples, store, plan):
        if not isinstance(numbers, array) or numbers.typecode != "d":
            raise TypeError("five arrays of doubles are needed")
    count = len(plan) // len(MEAN_COLUMNS)
    if not 0 < count <= STEPS_MAX:
        raise ValueError(f"a plan has 1 to {STEPS_MAX} steps")
    tiers_count, rows_count = len(tiers) // (2 * count), len(samples) // len(SAMPLE_COLUMNS)
    lengths = (
        len(SAMPLED_COLUMNS) * count,
        2 * tiers_count * count,
        len(SAMPLE_COLUMNS) * rows_count,
        len(STORE_FIELDS),
        len(MEAN_COLUMNS) * count,
    )
    if (len(steps), len(tiers), len(samples), len(store), len(plan)) != lengths or tiers_count > TIERS_MAX:
        raise ValueError("the arrays do not fit each other")
    wiring = make_wiring(store)
    # No zero is below zero: of slopes that are equal the sign would tell which was taken.
    rows = [SampledStep(*(each + 0.0 for each in steps[number::count])) for number in range(count)]
    over = [
        [
            Tier(tiers[2 * tier * count + number] + 0.0, tiers[(2 * tier + 1) * count + number] + 0.0)
            for tier in range(tiers_count)
        ]
        for number in range(count)
    ]
    parts = _split_samples(rows, samples, rows_count)
    for row, owned, part in zip(rows, over, parts, strict=True):
        _check(row, owned, part)
    meters = [meter(row, owned) for row, owned in zip(rows, over, strict=True)]
    chains = [
        make_mean_pieces(row, there, part, wiring)
        for row, there, part in zip(rows, meters, parts, strict=True)
    ]
    filled = fill(rows, chains, *store[3:])
    if filled is None:
        return Planned(False, 0.0, 0.0, 0.0, 0.0)
    return _summarise(rows, over, parts, meters, wiring, chains, filled, store, plan)


def _split_samples(rows: list[SampledStep], samples: "array[float]", rows_count: int) -> list[list[Sample]]:
    if not 0 < rows_count <= ROWS_MAX:
        raise ValueError(f"a plan has 1 to {ROWS_MAX} samples")
    parts, begin = [], 0
    for row in rows:
        if not 1.0 <= row.samples_count <= SAMPLES_MAX or row.samples_count != int(row.samples_count):
            raise ValueError(f"a step has 1 to {SAMPLES_MAX} samples")
        end = begin + int(row.samples_count)
        if end > rows_count:
            raise ValueError("the steps have more samples than there are")
        parts.append([Sample(*(each + 0.0 for each in samples[at::rows_count])) for at in range(begin, end)])
        begin = end
    if begin != rows_count:
        raise ValueError("the steps have fewer samples than there are")
    return parts


def _check(row: SampledStep, tiers: Sequence[Tier], samples: Sequence[Sample]) -> None:
    plain = (row.import_price, row.export_price, row.low_wh, row.high_wh, row.floor_wh, row.ceiling_wh)
    sound = all(abs(number) <= NUMBER_MAX for number in plain)
    capped = row.import_max_wh >= 0 and row.export_max_wh >= 0
    tiered = all(tier.above_wh >= 0 and 0 <= tier.over_price <= NUMBER_MAX for tier in tiers)
    ordered = row.low_wh <= row.high_wh and row.floor_wh <= row.ceiling_wh
    if not (sound and capped and tiered and ordered):
        raise ValueError("a number of a step is out of its range")
    total, curtailable = 0.0, False
    for sample in samples:
        if not (
            abs(sample.net_wh) <= NUMBER_MAX
            and 0 <= sample.curtailable_wh <= NUMBER_MAX
            and 1 <= sample.weight <= WEIGHT_MAX
            and sample.weight == int(sample.weight)
        ):
            raise ValueError("a number of a sample is out of its range")
        total += sample.weight
        curtailable = curtailable or sample.curtailable_wh > 0
    if total > WEIGHT_MAX:
        raise ValueError("the weights of a step's samples are too large")
    if row.import_price < 0 < row.export_price and row.export_max_wh > 0 and curtailable:
        raise ValueError(
            "import and export both pay, and generation may be curtailed: no plan for such prices"
        )


def _summarise(
    rows: list[SampledStep],
    over: list[list[Tier]],
    parts: list[list[Sample]],
    meters: list[Meter],
    wiring: Wiring,
    chains: list[list[Piece]],
    filled: list[list[float]],
    store: "array[float]",
    plan: "array[float]",
) -> Planned:
    count = len(rows)
    energy_wh, target_wh, worth_price = store[3:]
    cost = excess_wh = gap_sum = 0.0
    for number, (row, tiers, samples, there) in enumerate(zip(rows, over, parts, meters, strict=True)):
        moved_wh = row.low_wh
        for part_wh in filled[number]:
            moved_wh += part_wh
        energy_wh += moved_wh
        flow = find_mean_flow(row, tiers, there.best_wh, samples, wiring, moved_wh)
        gap, kink_wh = 0.0, 0.0
        inner = stand(row.low_wh, chains[number], filled[number]).inner
        if inner is not None and inner[1].kink_wh > 0.0:
            begin_wh, piece, part_wh = inner
            begin = find_mean_flow(row, tiers, there.best_wh, samples, wiring, begin_wh)
            gap, kink_wh = (
                max(flow.cost - (begin.cost + piece.price * part_wh), 0.0),
                begin_wh + piece.kink_wh,
            )
        cost += flow.cost
        excess_wh += flow.excess_wh
        gap_sum += gap
        for column, told in enumerate((moved_wh, energy_wh, *flow[:3])):
            plan[column * count + number] = told
        for column, told in enumerate((gap, kink_wh, flow.grid_low_wh, flow.grid_high_wh, flow.excess_wh), 9):
            plan[column * count + number] = told
    far_wh = target_wh - energy_wh
    ends = at_end(far_wh, worth_price)
    for number, (value, below) in enumerate(values(rows, chains, filled, plan[count : 2 * count], *ends)):
        held = rows[number], over[number], parts[number], meters[number].best_wh, wiring
        cap, tier_value = _find_cap_worth(*held, plan[number], value, below)
        plan[6 * count + number], plan[5 * count + number] = value
        plan[8 * count + number], plan[7 * count + number] = cap
        plan[14 * count + number] = tier_value
    return Planned(True, cost, excess_wh, max(far_wh, 0.0), gap_sum)


def _find_cap_worth(
    row: SampledStep,
    tiers: Sequence[Tier],
    samples: Sequence[Sample],
    best_wh: float,
    wiring: Wiring,
    moved_wh: float,
    value: Slope,
    below: Slope,
) -> tuple[Slope, float]:
    """Return what one more Wh under the import cap is worth, and what the first tier's beginning a Wh later.

    Above the beginning of a tier a sample pays its price; on it, what the value of a stored Wh is above the
    slope before the kink, which is the tier's first and then the cap's.
    """
    grids = _meters(samples, best_wh, wiring, moved_wh)
    total = sum(sample.weight for sample in samples)
    beyond, capped = _standing(grids, samples, row.import_max_wh)
    above, at = _standing(grids, samples, tiers[0].above_wh) if tiers else (0.0, 0.0)
    tier_value = above / total * tiers[0].over_price if tiers else 0.0
    cap: Slope = (beyond / total, 0.0)
    if capped + at == 0.0:
        return cap, tier_value
    wanted = _convert_to_meter(value, wiring, discharges=moved_wh < 0.0 - NEAR_WH)
    held = _convert_to_meter(below, wiring, discharges=moved_wh <= NEAR_WH)
    # Wh beyond the caps count before money: more of them than before the kink makes room for all of it.
    breach, spared = wanted[0] - held[0], wanted[1] - held[1]
    if at > 0.0:
        most = at / total * tiers[0].over_price
        part = most if breach > 0.0 else min(max(spared, 0.0), most) if breach == 0.0 else 0.0
        tier_value += part
        spared -= part
    if capped > 0.0 and beyond == 0.0:
        cap = max((0.0, 0.0), (breach, spared))
    return cap, tier_value


def _meters(samples: Sequence[Sample], best_wh: float, wiring: Wiring, moved_wh: float) -> list[float]:
    into, out = wiring.charge_efficiency, wiring.discharge_efficiency
    bus_wh = moved_wh * out if moved_wh < 0.0 else moved_wh / into
    without = [sample.net_wh + bus_wh for sample in samples]
    return [
        there_wh + min(max(best_wh - there_wh, 0.0), sample.curtailable_wh)
        for there_wh, sample in zip(without, samples, strict=True)
    ]


def _standing(grids_wh: Sequence[float], samples: Sequence[Sample], bound_wh: float) -> tuple[float, float]:
    """The weights of the samples above a bound, and of those on it."""
    above = at = 0.0
    for grid_wh, sample in zip(grids_wh, samples, strict=True):
        if grid_wh - bound_wh > NEAR_WH:
            above += sample.weight
        elif bound_wh - grid_wh <= NEAR_WH:
            at += sample.weight
    return above, at


def _convert_to_meter(slope: Slope, wiring: Wiring, *, discharges: bool) -> Slope:
    """A slope over the stored energy as one over the meter's."""
    if discharges:
        per_wh = 1.0 / wiring.discharge_efficiency
        return slope[0] * per_wh, (slope[1] + wiring.wear_price) * per_wh
    return slope[0] * wiring.charge_efficiency, (slope[1] - wiring.wear_price) * wiring.charge_efficiency
