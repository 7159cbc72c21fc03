"""Computes the mean cost of a step's stored energy over samples of the net load, as pieces of rising slope.

Part of the specification of ``sampled``.
"""

import bisect
from collections.abc import Sequence
from typing import NamedTuple

from quartier_native.reference.step_costs import Piece, Wiring, append


class SampledStep(NamedTuple):
    """One step of a horizon, without samples and tiers; ``step_costs.Step`` says what the numbers are."""

    samples_count: float
    """How many rows of the samples are this step's: 1 to SAMPLES_MAX."""
    import_price: float
    export_price: float
    import_max_wh: float
    export_max_wh: float
    low_wh: float
    high_wh: float
    floor_wh: float
    ceiling_wh: float


class Sample(NamedTuple):
    """One of the net loads that a step may have."""

    net_wh: float
    curtailable_wh: float
    weight: float
    """A whole number, 1 or more: how often it is counted.  So a share is the same double however it was
    summed up, and Wh beyond the caps that are equal compare as equal.
    """


class Tier(NamedTuple):
    """The extra cost of an imported Wh above ``above_wh``, on top of price and lower tiers; both >= 0."""

    above_wh: float
    over_price: float


class Region(NamedTuple):
    """A stretch of the meter's cost, up to ``upper_wh``."""

    upper_wh: float
    breach: float
    price: float


class Meter(NamedTuple):
    """A step's cost over the meter's energy."""

    regions: list[Region]
    falling: int
    """How many of them fall, from the left: curtailment goes as far as the last of them."""

    @property
    def best_wh(self) -> float:
        """The meter's energy that costs least."""
        return self.regions[self.falling - 1].upper_wh


class SampledFlow(NamedTuple):
    """The effect of a step at the meter: means over the samples, and the lowest and highest energy."""

    grid_wh: float
    curtailed_wh: float
    cost: float
    excess_wh: float
    grid_low_wh: float
    grid_high_wh: float


def meter(step: SampledStep, tiers: Sequence[Tier]) -> Meter:
    """Export beyond its cap, export, then import between its cap and the tiers, in their order."""
    regions = [
        Region(0.0 - step.export_max_wh, -1.0, step.export_price),
        Region(0.0, 0.0, step.export_price),
    ]
    breach, price = 0.0, step.import_price
    marks = [(step.import_max_wh, -1), *((tier.above_wh, place) for place, tier in enumerate(tiers))]
    for upper_wh, place in sorted(marks):
        regions.append(Region(upper_wh, breach, price))
        if place < 0:
            breach = 1.0
        else:
            price += tiers[place].over_price
    regions.append(Region(float("inf"), breach, price))
    if step.import_price >= 0.0:
        return Meter(regions, 2 if step.export_price < 0.0 else 1)
    falling = 3
    while regions[falling].breach == 0.0 and regions[falling].price < 0.0:
        falling += 1
    return Meter(regions, falling)


def make_mean_pieces(
    step: SampledStep, there: Meter, samples: Sequence[Sample], wiring: Wiring
) -> list[Piece]:
    """The convex hull of a step's mean cost over the change of the stored energy.

    Each corner of the meter's cost is a kink for each sample: there its weight goes over to the next
    region.  Between two kinks the slope is the mean of the regions' by the weights that are in them.
    """
    ranks = [
        *there.regions[: there.falling],
        Region(there.best_wh, 0.0, 0.0),
        *there.regions[there.falling :],
    ]
    held = [0.0] * len(ranks)
    kinks: list[tuple[float, int, int, float]] = []
    total = beyond = 0.0
    for number, sample in enumerate(samples):
        first = 0
        for rank in range(len(ranks) - 1):
            kink_wh = _kink_wh(ranks[rank].upper_wh, rank < there.falling, sample, wiring)
            if kink_wh <= step.low_wh:
                first = rank + 1
            elif kink_wh < step.high_wh:
                bisect.insort(kinks, (kink_wh, number, rank, sample.weight))
        held[first] += sample.weight
        beyond += ranks[first].breach * sample.weight
        total += sample.weight
    made: list[Piece] = []
    per_charge, per_discharge = 1.0 / wiring.charge_efficiency, wiring.discharge_efficiency
    at_wh = step.low_wh
    for end_wh, _, rank, weight in [*kinks, (step.high_wh, 0, 0, 0.0)]:
        if at_wh < end_wh:
            money = 0.0
            for count, region in zip(held, ranks, strict=True):
                money += count * region.price
            breach, price = beyond / total, money / total
            if at_wh < 0.0:
                part_wh = min(end_wh, 0.0)
                slope = breach * per_discharge, price * per_discharge - wiring.wear_price
                append(made, Piece(*slope, part_wh - at_wh, 0.0))
                at_wh = part_wh
            if at_wh < end_wh:
                slope = breach * per_charge, price * per_charge + wiring.wear_price
                append(made, Piece(*slope, end_wh - at_wh, 0.0))
                at_wh = end_wh
        held[rank] -= weight
        held[rank + 1] += weight
        beyond += (ranks[rank + 1].breach - ranks[rank].breach) * weight
    return made


def _kink_wh(upper_wh: float, falls: bool, sample: Sample, wiring: Wiring) -> float:  # noqa: FBT001 - of one caller
    difference_wh = (upper_wh - sample.curtailable_wh if falls else upper_wh) - sample.net_wh
    if difference_wh < 0.0:
        return difference_wh / wiring.discharge_efficiency
    return difference_wh * wiring.charge_efficiency


def find_mean_flow(
    step: SampledStep,
    tiers: Sequence[Tier],
    best_wh: float,
    samples: Sequence[Sample],
    wiring: Wiring,
    moved_wh: float,
) -> SampledFlow:
    """Return what a change of the stored energy does at the meter, each sample with its best curtailment."""
    if moved_wh < 0.0:
        bus_wh, wear = moved_wh * wiring.discharge_efficiency, 0.0 - moved_wh * wiring.wear_price
    else:
        bus_wh, wear = moved_wh / wiring.charge_efficiency, moved_wh * wiring.wear_price
    total = grid = curtailed = money = excess = 0.0
    low_wh, high_wh = float("inf"), -float("inf")
    for sample in samples:
        without_wh = sample.net_wh + bus_wh
        curtailed_wh = min(max(best_wh - without_wh, 0.0), sample.curtailable_wh)
        grid_wh = without_wh + curtailed_wh
        if grid_wh < 0.0:
            cost = grid_wh * step.export_price
            excess_wh = max(0.0 - step.export_max_wh - grid_wh, 0.0)
        else:
            cost = grid_wh * step.import_price
            for tier in tiers:
                cost += max(grid_wh - tier.above_wh, 0.0) * tier.over_price
            excess_wh = max(grid_wh - step.import_max_wh, 0.0)
        total += sample.weight
        grid += sample.weight * grid_wh
        curtailed += sample.weight * curtailed_wh
        money += sample.weight * cost
        excess += sample.weight * excess_wh
        low_wh, high_wh = min(low_wh, grid_wh), max(high_wh, grid_wh)
    return SampledFlow(grid / total, curtailed / total, money / total + wear, excess / total, low_wh, high_wh)
