"""Samples of the grid meter and the assets below it, one for each reading of the meter (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from quartier.control.observe import observations, phases
from quartier.control.observe.observations import POWER_QUANTITIES, LastGoodValues
from quartier.control.records import Order
from quartier.site.asset_types import Asset, ChpUnit, Pv
from quartier.site.site_layout import Site

SAMPLES_S, SAMPLES_MAX_COUNT = 120.0, 10
"""Samples are kept for this time, in s, and at least this many of them."""
FAST_S = 5.0
"""A meter read at least this often, in s, shows a step before other controllers react to it."""
SETTLED_COUNT = 3
"""How many readings make a level."""
NOISE_S = 60.0
LEVEL_S = 10.0
MOVED_SHARE = 0.1
"""An asset with more than this share of the largest movement takes part in a step."""
_S = 1_000_000_000

_Generator = Pv | ChpUnit
AssetPowers = tuple[float, ...]
"""W in total, then on L1, L2 and L3 if all three are known."""


@dataclass(frozen=True, slots=True)
class MeterSample:
    """One reading of the grid meter with the powers of the assets then; all in W, plus takes energy.

    ``controlled_w`` is the sum of the measured assets that are neither PV nor CHP, ``generated_w`` that of PV
    and CHP (never positive). ``assets_w`` is the last known power of each measured asset, in the order of the
    site, and ``assets_read_ns`` the time of that reading. ``silence_number`` changes with the set of silent
    assets, ``ordered`` with the orders of measured assets, ``unseen_orders`` with those of assets that
    nothing measures.
    """

    taken_ns: int
    meter_w: AssetPowers
    controlled_w: AssetPowers
    generated_w: float
    ordered: int
    unseen_orders: int
    assets_w: AssetPowers = ()
    silence_number: int = 0
    assets_read_ns: tuple[int, ...] = ()


def take_sample(
    site: Site, last_good: LastGoodValues, orders: Mapping[str, Order], now_ns: int
) -> MeterSample | None:
    """Return the newest reading of the grid meter with its assets; None if there is none."""
    grid = site.grid
    total = last_good.get(f"{grid.name}.power_w")
    if total is None:
        return None
    shown = [
        observations.find_fresh_value(last_good, f"{grid.name}.{name}", grid.period_s, now_ns)
        for name in POWER_QUANTITIES
    ]
    by_phase = [watts for watts in shown if watts is not None]
    # None: the phases are not known, so they are not needed.
    controlled_w: list[float] | None = [0.0, 0.0, 0.0] if len(by_phase) == len(POWER_QUANTITIES) else None
    sum_w = generated_w = 0.0
    assets = find_measured_assets(site)
    known = [last_good.get(f"{asset.name}.power_w") for asset in assets]
    assets_w = [0.0 if one is None else one.value for one in known]
    heard = tuple([observations.find_power_w(last_good, asset, now_ns) is not None for asset in assets])
    for asset, watts in zip(assets, assets_w, strict=True):
        if is_generator(asset):
            generated_w += watts
            continue
        sum_w += watts
        if controlled_w is None or watts == 0.0:
            continue
        share = phases.find_phase_share(asset, None, last_good, None, now_ns)
        controlled_w = (
            None
            if not share.known
            else [before + part * watts for before, part in zip(controlled_w, share.parts, strict=True)]
        )
    phased = controlled_w is not None
    measured = {asset.name for asset in assets}
    values: tuple[list[float], list[float]] = ([], [])
    for point, order in orders.items():
        values[point.partition(".")[0] not in measured].append(order.value)
    return MeterSample(
        total.taken_ns,
        (total.value, *by_phase) if phased else (total.value,),
        (sum_w, *(controlled_w or ())) if phased else (sum_w,),
        generated_w,
        hash(tuple(values[0])),
        hash(tuple(values[1])),
        tuple(assets_w),
        hash(heard),
        tuple([0 if one is None else one.taken_ns for one in known]),
    )


def is_generator(asset: Asset) -> bool:
    """Return whether sun or heat decides on its power, and not its order alone."""
    return isinstance(asset, _Generator)


def find_measured_assets(site: Site) -> list[Asset]:
    """Return the assets whose power is measured."""
    return [asset for asset in site.assets if asset.measured]


def find_move_start_ns(before: MeterSample, after: MeterSample) -> int | None:
    """Return the earliest time at which an asset may have moved whose power differs between the samples.

    An asset moved at some time after its reading of the first sample. None if no asset moved.
    """
    moved = zip(before.assets_w, after.assets_w, before.assets_read_ns, strict=False)
    return min((read_ns for was_w, is_w, read_ns in moved if was_w != is_w), default=None)


def find_slowest_period_s(periods_s: Sequence[float], first: MeterSample, last: MeterSample) -> float:
    """Return the period of the slowest asset that moved between two samples, in s; 0 if none did.

    ``periods_s`` are those of the measured assets.
    """
    moved_w = [abs(after - before) for before, after in zip(first.assets_w, last.assets_w, strict=True)]
    least_w = MOVED_SHARE * max(moved_w, default=0.0)
    return max(
        (period for period, watts in zip(periods_s, moved_w, strict=True) if watts > least_w), default=0.0
    )


def append_sample(
    samples: tuple[MeterSample, ...], newest: MeterSample, period_s: float
) -> tuple[MeterSample, ...]:
    """Append a sample and drop the oldest ones; the result holds some hundred at most."""
    oldest_ns = newest.taken_ns - round(max(SAMPLES_S, SAMPLES_MAX_COUNT * period_s) * _S)
    first = next((place for place, one in enumerate(samples) if one.taken_ns >= oldest_ns), len(samples))
    return (*samples[first:], newest)


def find_median_w(samples: Sequence[MeterSample], channel: int) -> float:
    """Return the median of the meter's readings, in W; ``samples`` must not be empty."""
    return median(one.meter_w[channel] for one in samples)


def find_noise_w(samples: Sequence[MeterSample], channel: int) -> float:
    """Return the standard deviation of the meter's readings, in W."""
    values = [one.meter_w[channel] for one in samples]
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))
