"""A battery's power at the instant that the grid meter shows, by the response a probe measured (pure).

The rest of the building is the grid's reading less the battery's own.  Where the two meters tell of different
instants, the battery's own movement looks like the house's, and is answered again: it hunts (battery.py).
With the lag of the grid meter and the battery's delay and ramp known, the battery's power is taken for the
instant that the grid's reading is of: from its own past readings, and beyond the last of them by as much as
the response to its orders moves meanwhile (the predictor of O. J. M. Smith, Chem. Eng. Prog. 53 (1957) 217).
Where it stands still nothing is added, also where it does not obey: the model's own movement counts, never
its level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from quartier.control.orders import Order
from quartier.control.sight import Memories, Memory
from quartier.house.assets import Battery, House

KEPT_S = 30.0
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Track:
    """The newest readings and orders of one battery as (monotonic ns, W), oldest first."""

    seen: tuple[tuple[int, float], ...] = ()
    told: tuple[tuple[int, float], ...] = ()


def tracked(
    house: House, before: Mapping[str, Track], memories: Memories, orders: Mapping[str, Order], now_ns: int
) -> dict[str, Track]:
    """The tracks of the batteries whose response is known, with what is new."""
    found = {}
    for asset in house.assets:
        if isinstance(asset, Battery) and asset.delay_s is not None:
            track = before.get(asset.name, Track())
            order = orders.get(f"{asset.name}.setpoint_w")
            found[asset.name] = Track(
                _grown(track.seen, memories.get(f"{asset.name}.power_w"), now_ns),
                _grown(track.told, None if order is None else Memory(order.value, order.written_ns), now_ns),
            )
    return found


def _grown(
    held: tuple[tuple[int, float], ...], newest: Memory | None, now_ns: int
) -> tuple[tuple[int, float], ...]:
    if newest is not None and (not held or newest.taken_ns > held[-1][0]):
        held = (*held, (newest.taken_ns, newest.value))
    oldest_ns = now_ns - round(KEPT_S * _S)
    first = next((at for at, (ns, _) in enumerate(held) if ns >= oldest_ns), len(held))
    return held[max(0, first - 1) :]  # the one before still tells where the rest began


def power_w(battery: Battery, track: Track | None, last: Memory, grid: Memory | None) -> float:
    """What of the battery is in the ``grid``'s last reading; ``last`` is its own last one.

    Its own last reading itself where its response, or the grid, is not known.
    """
    if track is None or grid is None:
        return last.value
    wanted_ns = grid.taken_ns - round(battery.lag_s * _S)
    if wanted_ns <= last.taken_ns:
        return _past_w((*track.seen, (last.taken_ns, last.value)), wanted_ns)
    return (
        last.value + _model_w(battery, track.told, wanted_ns) - _model_w(battery, track.told, last.taken_ns)
    )


def _past_w(seen: tuple[tuple[int, float], ...], wanted_ns: int) -> float:
    """Between two readings on a straight line; before the first one as it was.  The last is no older."""
    if wanted_ns <= seen[0][0]:
        return seen[0][1]
    (sooner_ns, sooner_w), (later_ns, later_w) = next(
        pair for pair in pairwise(seen) if wanted_ns <= pair[1][0]
    )
    share = (wanted_ns - sooner_ns) / (later_ns - sooner_ns)
    return sooner_w + share * (later_w - sooner_w)


def _model_w(battery: Battery, told: tuple[tuple[int, float], ...], at_ns: int) -> float:
    """Where its response to its orders would be: the delay, then a straight way to each newer one."""
    assert battery.delay_s is not None
    if not told:
        return 0.0
    delay_ns = round(battery.delay_s * _S)
    power_w = told[0][1]
    for (from_ns, target_w), (until_ns, _) in pairwise((*told, (at_ns - delay_ns, 0.0))):
        passed_s = (min(until_ns, at_ns - delay_ns) - from_ns) / _S
        if passed_s <= 0:
            break
        if not battery.response_w_per_s:
            power_w = target_w
            continue
        way_w = battery.response_w_per_s * passed_s
        power_w = min(max(target_w, power_w - way_w), power_w + way_w)
    return power_w
