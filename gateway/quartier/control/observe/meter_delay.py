"""Estimate the delay of the grid meter: compare movements of assets with the time they show in it (pure).

A meter behind a radio, a cloud or a slow gateway answers in time with old values, and does not report their
age. The movements of a battery, a car or the sun show that much later in the grid power. For each lag an
error is kept: how badly the grid's steps agree with the assets' steps that long before. What the rest of the
building does adds to all of them alike. The shortest lag that explains the steps far better than the present
one replaces it. A movement that does not show yet then counts as not in the reading yet, from its first
seconds on, and is not answered again.

The residual load is the grid's reading less the battery's own. If the two meters are of different instants,
the battery's own movement looks like one of the building, and is answered again: it hunts
(``orders/setpoints``). With the lag of the grid meter and the battery's delay and ramp known, the battery's
power is taken for the instant of the grid's reading. It comes from the battery's own past readings; after the
last of them it moves as the response to its orders does (the predictor of O. J. M. Smith, Chem. Eng. Prog. 53
(1957) 217). While it stands still nothing is added, also if it does not obey: only the movement of the model
counts, never its level.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from quartier.control.observe.observations import LastGood, LastGoodValues
from quartier.control.records import Order
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Asset, Battery, ChargePointAsset, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site

EARLIEST_S, LATEST_S = -5, 20
DELAYS_S = tuple(range(EARLIEST_S, LATEST_S + 1))
"""Negative: the grid meter shows a movement before the asset's own reading does."""


NEAREST_SHARE = tuple(sorted(range(len(DELAYS_S)), key=lambda place: abs(DELAYS_S[place])))
FORGETTING_FACTOR = 0.95
"""The share of the errors that is kept after a reading with movement; calm readings change nothing."""


MOVEMENT_MIN_W, LEAST_SHARE = 30.0, 0.03
"""A step that counts, in W, and the share of the rating that movements must reach before any conclusion."""


BETTER_SHARE = 0.2
"""A lag replaces another one if its error is no more than this share."""


EXPLAINED_SHARE = 0.5
"""A lag must explain this share of the grid's own steps; while the assets stood still it explains none."""


TOGETHER, SCALED = 0.5, 1.6
"""Steps of the same shape (squared correlation) but of sizes this factor apart: the meter shows wrong sizes,
and nothing about the delay. A lag alone makes no such shape that small, as 0.5 ** 0.5 > 1 / 1.6.
"""


TOLERATED_DELAY_S = 3.0
"""The delay that the filter tolerates, in s: a probe's finer value is kept within this."""


PLAUSIBLE_DELAYS = 1.5
"""A step larger than this factor of what the assets can do is not believed."""


SAMPLE_INTERVAL_S = 2.0
"""A reading less frequent than this, in s, that may step in between says nothing about the time."""


SEEN_S, HISTORY_S = 1.5, 30.0
"""The largest age of an asset's reading beside the grid's, and how long readings are kept, in s."""


ALARM_FROM_S = 3.0
_S = 1_000_000_000
PowerHistory = tuple[tuple[int, float], ...]
"""Power as (monotonic ns, W), oldest first."""


@dataclass(frozen=True, slots=True)
class MeterDelay:
    """The state of the estimate; ``found_s`` is the lag in use, in s (None: none found; the probe's holds).

    For each of ``DELAYS_S``: ``errors`` is the disagreement in W², ``made_sums`` the assets' own squared
    steps that long before, ``together`` the product of those steps and the grid's. ``moved_sum`` sums the
    largest squared steps. ``grid`` are the meter's readings; up to ``looked_ns`` steps were compared.
    """

    found_s: float | None = None
    errors: tuple[float, ...] = (0.0,) * len(DELAYS_S)
    made_sums: tuple[float, ...] = (0.0,) * len(DELAYS_S)
    together: tuple[float, ...] = (0.0,) * len(DELAYS_S)
    moved_sum: float = 0.0
    grid: PowerHistory = ()
    looked_ns: int | None = None

    @property
    def late_s(self) -> float:
        """The known delay of the grid meter, in s; 0 if it is not late."""
        return max(self.found_s or 0.0, 0.0)

    def find_delay_s(self, site: Site) -> float:
        """Return the delay of the grid meter, in s: as estimated, else as a probe measured it."""
        if self.found_s is not None:
            return self.late_s
        probed = (one.lag_s for one in site.assets if isinstance(one, Battery) and one.delay_s is not None)
        return max(probed, default=0.0)


def update_meter_delay(
    before: MeterDelay, site: Site, last_good: LastGoodValues, pasts: Mapping[str, PowerHistory]
) -> MeterDelay:
    """Update the estimate; ``pasts`` are the past powers of each asset that may move and is measured."""
    newest = last_good.get(f"{site.grid.name}.power_w")
    grid = append_grid_reading(before.grid, newest, 0 if newest is None else newest.taken_ns)
    if grid == before.grid:
        return before
    now = replace(before, grid=grid)
    movers = [asset for asset in site.assets if _shows_movement(asset) and _moves(pasts.get(asset.name, ()))]
    until_ns, from_ns = grid[-1][0], before.looked_ns
    if from_ns is None or not movers or until_ns - from_ns > LATEST_S * _S:
        return replace(now, looked_ns=until_ns)
    if any(until_ns - pasts[asset.name][-1][0] > SEEN_S * _S for asset in movers):
        return now  # wait for an asset that is read less often
    pairs = [_steps_w(grid, [pasts[a.name] for a in movers], from_ns, until_ns, lag_s) for lag_s in DELAYS_S]
    misfits_w = [abs(seen_w - made_w) for seen_w, made_w in pairs]
    most_w = max(abs(made_w) for _, made_w in pairs)
    now = replace(now, looked_ns=until_ns)
    # The building itself moved by more, or no asset can have moved that far: a wrong reading.
    moved_by_others = min(misfits_w[-EARLIEST_S:]) > most_w or most_w > PLAUSIBLE_DELAYS * sum(
        map(_span_w, movers)
    )
    if most_w < MOVEMENT_MIN_W or moved_by_others:
        return now
    now = replace(
        now,
        errors=_add_forgetting(before.errors, [step**2 for step in misfits_w]),
        made_sums=_add_forgetting(before.made_sums, [made_w**2 for _, made_w in pairs]),
        together=_add_forgetting(before.together, [seen_w * made_w for seen_w, made_w in pairs]),
        moved_sum=FORGETTING_FACTOR * before.moved_sum + most_w**2,
    )
    if now.moved_sum < (LEAST_SHARE * sum(asset.rated_w for asset in movers)) ** 2:
        return now
    return replace(now, found_s=_find_lag(now, movers))


def _add_forgetting(before: Sequence[float], more: Sequence[float]) -> tuple[float, ...]:
    return tuple(FORGETTING_FACTOR * was + step for was, step in zip(before, more, strict=True))


def _steps_w(
    grid: PowerHistory, pasts: Sequence[PowerHistory], from_ns: int, until_ns: int, lag_s: int
) -> tuple[float, float]:
    """Return the grid's step over a period, and the assets' step that much earlier, or later."""
    shown_ns, made_ns = min(lag_s, 0) * _S, max(lag_s, 0) * _S
    seen_w = interpolate_power_w(grid, until_ns + shown_ns) - interpolate_power_w(grid, from_ns + shown_ns)
    return seen_w, sum(
        interpolate_power_w(past, until_ns - made_ns) - interpolate_power_w(past, from_ns - made_ns)
        for past in pasts
    )


def _find_lag(lag: MeterDelay, movers: Sequence[Asset]) -> float | None:
    """Return the lag by the errors; a probe's own lag is finer, and stays unless it is far off."""
    found_s = lag.found_s
    probed = [one.lag_s for one in movers if isinstance(one, Battery) and one.delay_s is not None]
    here_s = found_s if found_s is not None else max(probed, default=0.0)
    place = min(max(round(here_s), EARLIEST_S), LATEST_S) - EARLIEST_S
    if _is_scaled(lag, place):
        return found_s
    best_s = _best(lag, place, found_s)
    if probed and best_s is not None and abs(best_s - max(probed)) <= TOLERATED_DELAY_S:
        return found_s
    return best_s


def _is_scaled(lag: MeterDelay, place: int) -> bool:
    """Return whether grid and assets move together at this lag, but by far more, or less, than each other."""
    made, together, seen = lag.made_sums[place], lag.together[place], _find_grid_steps(lag, place)
    if together <= 0.0 or together**2 < TOGETHER * seen * made:
        return False
    return not made / SCALED <= together <= made * SCALED


def _find_grid_steps(lag: MeterDelay, place: int) -> float:
    """Return the grid's own steps, squared."""
    return lag.errors[place] + 2.0 * lag.together[place] - lag.made_sums[place]


def _best(lag: MeterDelay, place: int, found_s: float | None) -> float | None:
    """Return the shortest lag that is far better than the present one and about as good as the best.

    Without one, the result is ``found_s``.
    """
    errors = lag.errors
    here = errors[place]
    if here == 0.0:
        return found_s
    enough = min(BETTER_SHARE * here, 2.0 * min(errors) + BETTER_SHARE * BETTER_SHARE * here)
    fit = (
        at
        for at in NEAREST_SHARE
        if errors[at] <= enough and errors[at] <= EXPLAINED_SHARE * _find_grid_steps(lag, at)
    )
    return next((float(DELAYS_S[at]) for at in fit), found_s)


def _span_w(asset: Asset) -> float:
    return 2.0 * asset.rated_w if isinstance(asset, Battery) else asset.rated_w


def _shows_movement(asset: Asset) -> bool:
    """Return whether its readings show when it moved: a battery ramps between two; others are read often."""
    return isinstance(asset, Battery) or asset.period_s <= SAMPLE_INTERVAL_S


def _moves(past: PowerHistory) -> bool:
    """Return whether it moved lately: the others need no comparison."""
    watts = [w for _, w in past]
    return bool(watts) and max(watts) - min(watts) >= MOVEMENT_MIN_W


def append_grid_reading(held: PowerHistory, newest: LastGood | None, now_ns: int) -> PowerHistory:
    """Return the readings of the last 30 s with the newest, and one before them as a start."""
    if newest is not None and (not held or newest.taken_ns > held[-1][0]):
        held = (*held, (newest.taken_ns, newest.value))
    oldest_ns = now_ns - round(HISTORY_S * _S)
    first = next((at for at, (ns, _) in enumerate(held) if ns >= oldest_ns), len(held))
    return held[max(0, first - 1) :]


def interpolate_power_w(past: PowerHistory, wanted_ns: int) -> float:
    """Return the power at an instant, in W: interpolated between readings, constant outside of them."""
    place = bisect_left(past, wanted_ns, key=_instant)
    if place in {0, len(past)}:
        return past[min(place, len(past) - 1)][1]
    (sooner_ns, sooner_w), (later_ns, later_w) = past[place - 1], past[place]
    return sooner_w + (wanted_ns - sooner_ns) / (later_ns - sooner_ns) * (later_w - sooner_w)


_instant = itemgetter(0)


def find_delay_alarms(lag: MeterDelay, site: Site) -> Iterator[Alarm]:
    """Yield the alarm of a late meter."""
    if lag.late_s >= ALARM_FROM_S:
        words = f"{site.grid.name}: its meter tells what was {lag.late_s:.0f} s ago"
        yield Alarm("meter.late", site.grid.name, f"{words}; what else is measured is compared with it so")


_Moving = Battery | ChargePointAsset | Pv


@dataclass(frozen=True, slots=True)
class PowerTrack:
    """The newest readings and orders of one asset as (monotonic ns, W), oldest first."""

    readings: tuple[tuple[int, float], ...] = ()
    orders: tuple[tuple[int, float], ...] = ()


def update_tracks(
    site: Site,
    before: Mapping[str, PowerTrack],
    last_good: LastGoodValues,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, PowerTrack]:
    """Update the tracks of all measured assets that may move; orders only of probed batteries."""
    found = {}
    for asset in site.assets:
        if isinstance(asset, _Moving) and f"{asset.name}.power_w" in last_good:
            track = before.get(asset.name, PowerTrack())
            probed = isinstance(asset, Battery) and asset.delay_s is not None
            order = orders.get(f"{asset.name}.setpoint_w") if probed else None
            found[asset.name] = PowerTrack(
                append_grid_reading(track.readings, last_good.get(f"{asset.name}.power_w"), now_ns),
                append_grid_reading(
                    track.orders, None if order is None else LastGood(order.value, order.written_ns), now_ns
                ),
            )
    return found


def find_power_then_w(track: PowerTrack | None, grid: LastGood | None, late_s: float) -> float | None:
    """Return the power of an asset at the instant of a late grid meter's reading, in W; None if not late."""
    if late_s <= 0.0 or grid is None or track is None or not track.readings:
        return None
    return interpolate_power_w(track.readings, grid.taken_ns - round(late_s * _S))


def find_battery_power_w(
    battery: Battery,
    track: PowerTrack | None,
    last: LastGood,
    grid: LastGood | None,
    found_s: float | None = None,
) -> float:
    """Return the battery power contained in the ``grid``'s last reading; ``last`` is its own last reading.

    ``found_s`` is the estimated lag, which is newer than the probe's. If neither is known, or there is no
    grid reading, the result is the battery's own last reading.
    """
    probed = battery.delay_s is not None
    if track is None or grid is None or not (probed or found_s):
        return last.value
    lag_s = battery.lag_s if found_s is None else found_s
    wanted_ns = grid.taken_ns - round(lag_s * _S)
    if wanted_ns <= last.taken_ns:
        return interpolate_power_w((*track.readings, (last.taken_ns, last.value)), wanted_ns)
    if not probed:
        return last.value
    return (
        last.value
        + _model_w(battery, track.orders, wanted_ns)
        - _model_w(battery, track.orders, last.taken_ns)
    )


def _model_w(battery: Battery, orders: tuple[tuple[int, float], ...], at_ns: int) -> float:
    """Return the modelled response to its orders: the delay, then a ramp to each newer order."""
    assert battery.delay_s is not None
    if not orders:
        return 0.0
    delay_ns = round(battery.delay_s * _S)
    power_w = orders[0][1]
    for (from_ns, target_w), (until_ns, _) in pairwise((*orders, (at_ns - delay_ns, 0.0))):
        passed_s = (min(until_ns, at_ns - delay_ns) - from_ns) / _S
        if passed_s <= 0:
            break
        if not battery.response_w_per_s:
            power_w = target_w
            continue
        way_w = battery.response_w_per_s * passed_s
        power_w = min(max(target_w, power_w - way_w), power_w + way_w)
    return power_w
