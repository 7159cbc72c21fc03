"""Measure what silent devices cost the others of their bus."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from quartier.commissioning.bus_planning.simulated_bus import (
    AssumedAnswers,
    PlannedBus,
    SimulatedBus,
    find_loop_time_s,
    run_simulated,
)
from quartier_drivers.rehearsal import SimulatedExchange

# Length of a simulation: until a silent device is surely set aside, and then for some of its retries.
SILENCE_SETTLING_S, SILENCE_SETTLING_TIMEOUTS = 30.0, 12.0
STEADY_S, STEADY_MIN_S = 240.0, 30.0
EXCHANGES_MAX = 3_000
"""Exchanges of the steady part; a faster bus is observed for a shorter time."""
_SETTLING_S = 2.0
# On a slow bus a device may be silent for too long before it failed often enough.
_SET_ASIDE_EVENTS = ("device.aside", "device.silent")
RequestKey = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class BusObservation:
    """The performance of a bus.

    ``reads_per_s`` counts the devices that answer. ``lost_share`` is the share of the time lost on silent
    devices. ``late_s`` is the largest delay of a request beyond its period, by period. ``aside_s`` is the
    time until the last silent device was set aside; None: none was.
    """

    dead: tuple[str, ...]
    reads_per_s: float
    lost_share: float
    skipped_per_s: float
    late_s: Mapping[float, float]
    aside_s: float | None = None


def observe_bus(
    wire: PlannedBus, assumed: AssumedAnswers, dead: Sequence[str] = (), *, rate: float
) -> BusObservation:
    """Simulate a bus whose devices answer until those in ``dead`` stop.

    ``rate`` is its requests per second.
    """
    return run_simulated(_observe_bus(wire, assumed, dead, rate))


async def _observe_bus(
    wire: PlannedBus, assumed: AssumedAnswers, dead: Sequence[str], rate: float
) -> BusObservation:
    play = SimulatedBus(wire, assumed)
    falling_s = max(SILENCE_SETTLING_S, SILENCE_SETTLING_TIMEOUTS * wire.section.timeout_s) if dead else 0.0
    steady_s = min(STEADY_S, max(STEADY_MIN_S, EXCHANGES_MAX / rate if rate else 0.0))
    marks: list[tuple[float, int]] = []

    async def script() -> None:
        await play.wait_until_identified()
        await asyncio.sleep(_SETTLING_S)
        for duration_s in (falling_s, steady_s, 0.0):
            marks.append((find_loop_time_s(), play.skips_count))
            play.simulated_devices.dead |= play.units(dead)
            await asyncio.sleep(duration_s)

    await play.through(script)
    silent = play.units(dead)
    (began_s, _), (steady_from_s, skipped_before), (ended_s, skipped_after) = marks
    steady = [one for one in play.exchanges if steady_from_s <= one.ended_s < ended_s]
    lost_s = sum(one.ended_s - one.begun_s for one in steady if not one.is_answered)
    asides_s = [
        one.at_s - began_s for one in play.events if one.name in _SET_ASIDE_EVENTS and one.at_s >= began_s
    ]
    span_s = ended_s - steady_from_s
    return BusObservation(
        tuple(dead),
        sum(one.is_answered for one in steady) / span_s,
        lost_s / span_s,
        (skipped_after - skipped_before) / span_s,
        _find_lateness_s(play.exchanges, play.find_periods_s(), silent, (began_s, ended_s)),
        max(asides_s, default=None),
    )


def _find_lateness_s(
    exchanges: Iterable[SimulatedExchange],
    periods_s: Mapping[RequestKey, float],
    silent: Collection[int],
    span: tuple[float, float],
) -> dict[float, float]:
    """Return by period the largest delay beyond it between two answers to one request of a live device."""
    times_s: dict[RequestKey, list[float]] = defaultdict(list)
    for one in exchanges:
        if one.is_answered and span[0] <= one.ended_s < span[1] and one.unit not in silent:
            times_s[one.unit, one.key].append(one.ended_s)
    found: dict[float, float] = {}
    for key, moments_s in times_s.items():
        period_s = periods_s.get(key)
        if period_s is not None:
            late_s = max((after - before - period_s for before, after in pairwise(moments_s)), default=0.0)
            found[period_s] = max(found.get(period_s, 0.0), late_s)
    return found
