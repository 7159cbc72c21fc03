"""A battery's share: the interval it may move in, and a setpoint that follows without hunting.

The want comes from a balance that does not contain the battery (grid minus the battery's own
measured power), so the device's delay alone cannot make it swing: the loop is open.  What closes
it is a lag between the two meters.  With a lag of at most L cycles the error is
``p(t) - p(t-L)``; by the small-gain theorem a first-order filter with gain k is stable for any
device delay when k * min(2, wL) stays below |1 - (1-k)e^-jw| for every w; for L = 3 that is
k < 0.28.  Chosen: k = 0.25 per second.  Caps do not wait for the filter, they bind at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier.house.assets import Battery

GAIN_PER_S = 0.25
TAPER_PCT = 1.0
DEADBAND_W = 20.0
DEADBAND = 0.005


@dataclass(frozen=True, slots=True)
class Room:
    """The interval a battery's power may lie in, in W; ``low_w`` is never plus, ``high_w`` never minus."""

    low_w: float
    high_w: float


def room(battery: Battery, soc_pct: float) -> Room:
    """What SoC band and reserve allow; the last percent before an edge tapers the power off.

    The reserve is kept: discharging ends there, not at the lower edge of the band.
    """
    floor_pct = max(battery.soc_min_pct, battery.reserve_soc_pct)
    down = _taper(soc_pct - floor_pct)
    up = _taper(battery.soc_max_pct - soc_pct)
    return Room(-battery.discharge_max_w * down, battery.charge_max_w * up)


def _taper(left_pct: float) -> float:
    share = min(max(left_pct / TAPER_PCT, 0.0), 1.0)
    return share if share >= 0.05 else 0.0


def narrowed(rooms: Sequence[Room], *, low_w: float, high_w: float) -> list[Room]:
    """Rooms whose sum stays inside ``low_w`` (<= 0) .. ``high_w`` (>= 0), shared in proportion."""
    down = _share(-sum(r.low_w for r in rooms), -low_w)
    up = _share(sum(r.high_w for r in rooms), high_w)
    return [Room(r.low_w * down, r.high_w * up) for r in rooms]


def _share(whole_w: float, allowed_w: float) -> float:
    return 1.0 if whole_w <= allowed_w else max(0.0, allowed_w) / whole_w


def split(desired_w: float, rooms: Sequence[Room]) -> list[float]:
    """``desired_w`` over several batteries, in proportion to the room each has that way."""
    reach = [r.high_w if desired_w > 0 else -r.low_w for r in rooms]
    whole_w = sum(reach)
    if whole_w <= 0:
        return [0.0 for _ in rooms]
    part = min(abs(desired_w) / whole_w, 1.0)
    return [(part if desired_w > 0 else -part) * w for w in reach]


def followed(
    battery: Battery, before_w: float, desired_w: float, allowed: Room, dt_s: float, gain: float = 1.0
) -> float:
    """The next setpoint from the last: filtered, ramped, and inside ``allowed`` last of all.

    ``gain`` is the part of the filter's own that is used, 0..1.
    """
    want_w = before_w
    if abs(desired_w - before_w) > max(DEADBAND_W, DEADBAND * battery.rated_w):
        want_w = before_w + min(1.0, GAIN_PER_S * gain * dt_s) * (desired_w - before_w)
    return ramped(battery, before_w, want_w, allowed, dt_s)


def ramped(battery: Battery, before_w: float, want_w: float, allowed: Room, dt_s: float) -> float:
    """The next setpoint on the straight way to ``want_w``, inside ``allowed`` last of all."""
    step_w = battery.ramp_max_w_per_s * dt_s
    ramped_w = min(max(want_w, before_w - step_w), before_w + step_w)
    return min(max(ramped_w, allowed.low_w), allowed.high_w)
