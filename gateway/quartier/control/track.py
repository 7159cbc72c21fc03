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

from quartier.control import lag
from quartier.control.orders import Order
from quartier.control.sight import Memories, Memory
from quartier.house.assets import Battery, Ev, House, Pv

_S = 1_000_000_000
_Moving = Battery | Ev | Pv


@dataclass(frozen=True, slots=True)
class Track:
    """The newest readings and orders of one asset as (monotonic ns, W), oldest first."""

    seen: tuple[tuple[int, float], ...] = ()
    told: tuple[tuple[int, float], ...] = ()


def tracked(
    house: House, before: Mapping[str, Track], memories: Memories, orders: Mapping[str, Order], now_ns: int
) -> dict[str, Track]:
    """The tracks of all that may move and says its power, with what is new; orders where one was probed."""
    found = {}
    for asset in house.assets:
        if isinstance(asset, _Moving) and f"{asset.name}.power_w" in memories:
            track = before.get(asset.name, Track())
            probed = isinstance(asset, Battery) and asset.delay_s is not None
            order = orders.get(f"{asset.name}.setpoint_w") if probed else None
            found[asset.name] = Track(
                lag.grown(track.seen, memories.get(f"{asset.name}.power_w"), now_ns),
                lag.grown(
                    track.told, None if order is None else Memory(order.value, order.written_ns), now_ns
                ),
            )
    return found


def then_w(track: Track | None, grid: Memory | None, late_s: float) -> float | None:
    """What an asset took at the instant that a late grid meter tells of, in W; None where none is late."""
    if late_s <= 0.0 or grid is None or track is None or not track.seen:
        return None
    return lag.at(track.seen, grid.taken_ns - round(late_s * _S))


def power_w(
    battery: Battery, track: Track | None, last: Memory, grid: Memory | None, found_s: float | None = None
) -> float:
    """What of the battery is in the ``grid``'s last reading; ``last`` is its own last one.

    ``found_s`` is the lag that was found since (``lag``), which is newer than the probe's.  Its own last
    reading itself where neither is known, nor the grid.
    """
    probed = battery.delay_s is not None
    if track is None or grid is None or not (probed or found_s):
        return last.value
    lag_s = battery.lag_s if found_s is None else found_s
    wanted_ns = grid.taken_ns - round(lag_s * _S)
    if wanted_ns <= last.taken_ns:
        return lag.at((*track.seen, (last.taken_ns, last.value)), wanted_ns)
    if not probed:
        return last.value
    return (
        last.value + _model_w(battery, track.told, wanted_ns) - _model_w(battery, track.told, last.taken_ns)
    )


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
