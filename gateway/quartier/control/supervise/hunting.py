"""Detect hunting: an output and the grid swing together because of a delay (pure).

A loop with a delay and too high a gain swings with a period of two to some delays (K. J. Astrom, T. Hagglund,
Automatica 20 (1984) 645: the relay experiment). Hunting is found if an output turns six times in a row at an
even pace, with the grid's power turning as often. Then the gain is halved, and finally the output is held;
after a quarter of an hour of calm it is doubled again.

A load that pulses by itself (an oven, a compressor) looks similar, but it moves the grid twice: by its own
step, and back by our answer. So the grid's swings are compared with those of our outputs, by their own
meters. In a limit cycle of ours both are equally large, whatever lag is between them. With a pulsing load the
grid's are at least twice ours, because no answer is larger than the step that it answers.

Only the way to a target is slowed. The allocation takes what a limit needs of an output, unfiltered. A held
output goes back to its held power as soon as no limit needs it elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from quartier.control.observe.observations import LastGood, LastGoodValues
from quartier.control.records import Order
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Battery, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site

REVERSALS_MIN_COUNT = 6
REVERSAL_TOLERANCE = 1.6
"""No half period is longer, or shorter, than their median by more than this factor."""
HALF_S = (1.5, 45.0)
"""Half periods that may be a limit cycle if the delay was not measured; else multiples of it:"""
HALF_DELAYS = (0.8, 8.0)
OWN_SHARE = 0.65
"""In a limit cycle of our own, at least this share of the grid's swing is ours; a pulsing load leaves 0.5."""
LEAST_W, LEAST_SHARE = 200.0, 0.03
GAINS = (1.0, 0.5, 0.25, 0.0)
CALM_AFTER_S = 900.0
_S = 1_000_000_000
_Follower = Battery | Pv


@dataclass(frozen=True, slots=True)
class SignalReversals:
    """The turns of a signal: its last direction (+1, -1; 0 at first), the furthest value, the times of turns.

    ``ends`` are the furthest values before each turn.
    """

    way: int = 0
    furthest: float = 0.0
    turned_ns: tuple[int, ...] = ()
    ends: tuple[float, ...] = ()

    @property
    def amplitude(self) -> float:
        """The median distance from turn to turn."""
        return median([abs(later - sooner) for sooner, later in pairwise(self.ends)] or [0.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSwing:
    """One output: its turns, and its reduced gain: ``step`` of ``GAINS``, and when that was found.

    ``power`` are the turns of its own meter; ``middle_w`` is the middle of the swing found last.
    """

    order: SignalReversals = field(default_factory=SignalReversals)
    power: SignalReversals = field(default_factory=SignalReversals)
    step: int = 0
    found_ns: int = 0
    half_s: float = 0.0
    middle_w: float = 0.0

    @property
    def gain(self) -> float:
        """The gain with which it is answered, 0..1."""
        return GAINS[self.step]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSwings:
    """The turns of the grid power, and of each output."""

    grid: SignalReversals = field(default_factory=SignalReversals)
    of: Mapping[str, OutputSwing] = field(default_factory=dict)

    def gain(self, name: str) -> float:
        """Return the gain of an asset's output, 0..1."""
        one = self.of.get(name)
        return 1.0 if one is None else one.gain

    def limit_step_w(self, name: str) -> float | None:
        """Return the power in W of a held output that no limit needs elsewhere; None if it is not held."""
        one = self.of.get(name)
        return None if one is None or one.gain > 0.0 else one.middle_w


def update_hunting(
    before: OutputSwings, site: Site, last_good: LastGoodValues, orders: Mapping[str, Order], now_ns: int
) -> OutputSwings:
    """Update the swings of the grid and of each output."""
    least_w = max(LEAST_W, LEAST_SHARE * site.limits.import_hard_w)
    grid = _add_value(before.grid, last_good.get(f"{site.grid.name}.power_w"), least_w)
    seen = {}
    for asset in site.assets:
        if isinstance(asset, _Follower):
            point = f"{asset.name}.{'setpoint_w' if isinstance(asset, Battery) else 'generation_max_w'}"
            order = orders.get(point)
            if order is not None or asset.name in before.of:
                ordered = None if order is None else LastGood(order.value, order.written_ns)
                own_w = max(LEAST_W, LEAST_SHARE * asset.rated_w)
                swing = before.of.get(asset.name, OutputSwing())
                power = _add_value(swing.power, last_good.get(f"{asset.name}.power_w"), own_w)
                moved = _add_value(swing.order, ordered, own_w)
                same = moved is swing.order and power is swing.power
                seen[asset.name] = swing if same else replace(swing, order=moved, power=power)
    grid_s = _half_s(grid, now_ns)
    mine = [a for a in site.assets if a.name in seen and isinstance(a, _Follower)]
    suspects = [asset for asset in mine if _swings(seen[asset.name], asset, grid_s, now_ns)]
    own_w = sum(_find_movement_w(seen[asset.name], asset, last_good, now_ns) for asset in suspects)
    names = {asset.name for asset in suspects} if own_w >= OWN_SHARE * grid.amplitude else set()
    found = {name: _update_gain(one, now_ns, is_found=name in names) for name, one in seen.items()}
    return OutputSwings(grid=grid, of=found)


def _find_movement_w(
    swing: OutputSwing, asset: Battery | Pv, last_good: LastGoodValues, now_ns: int
) -> float:
    """Return how far an output moves the grid in a swing: by its own meter, or by its orders without one."""
    if f"{asset.name}.power_w" not in last_good:
        return swing.order.amplitude
    half_s, power_s = _half_s(swing.order, now_ns), _half_s(swing.power, now_ns)
    return swing.power.amplitude if half_s and power_s and _alike(half_s, power_s) else 0.0


def _add_value(before: SignalReversals, newest: LastGood | None, least: float) -> SignalReversals:
    """Add one value; the signal turns when it comes back by more than ``least`` from the furthest value."""
    if newest is None:
        return before
    value, way = newest.value, before.way
    if way == 0:
        moved = abs(value - before.furthest) > least
        return SignalReversals(1 if value > before.furthest else -1, value) if moved else before
    if (value - before.furthest) * way >= 0:
        return before if value == before.furthest else replace(before, furthest=value)
    if abs(value - before.furthest) <= least:
        return before
    turned_ns = (*before.turned_ns, newest.taken_ns)[-REVERSALS_MIN_COUNT:]
    return SignalReversals(-way, value, turned_ns, (*before.ends, before.furthest)[-REVERSALS_MIN_COUNT:])


def _swings(swing: OutputSwing, asset: Battery | Pv, grid_s: float | None, now_ns: int) -> bool:
    """Return whether it swings at the grid's pace, and at a pace that its delay can cause."""
    half_s = _half_s(swing.order, now_ns)
    if half_s is None or grid_s is None:
        return False
    return _is_own(asset, half_s) and _alike(half_s, grid_s)


def _update_gain(swing: OutputSwing, now_ns: int, *, is_found: bool) -> OutputSwing:
    """Return the swing after one more evaluation: the gain falls when it was found, and rises after calm."""
    if is_found:
        half_s = _half_s(swing.order, now_ns)
        return OutputSwing(
            order=SignalReversals(swing.order.way, swing.order.furthest),
            power=swing.power,
            step=min(swing.step + 1, len(GAINS) - 1),
            found_ns=now_ns,
            half_s=half_s or 0.0,
            middle_w=sum(swing.order.ends[-2:]) / 2.0,
        )
    if swing.step and now_ns - swing.found_ns >= CALM_AFTER_S * _S:
        return replace(swing, step=swing.step - 1, found_ns=now_ns)
    return swing


def _half_s(zigzag: SignalReversals, now_ns: int) -> float | None:
    """Return the half period of a signal that swings now at an even pace, in s; else None."""
    if len(zigzag.turned_ns) < REVERSALS_MIN_COUNT:
        return None
    halves_s = [(later - sooner) / _S for sooner, later in pairwise(zigzag.turned_ns)]
    middle_s = median(halves_s)
    if middle_s <= 0 or (now_ns - zigzag.turned_ns[-1]) / _S > 2 * middle_s:
        return None
    return middle_s if all(_alike(one_s, middle_s) for one_s in halves_s) else None


def _alike(one_s: float, other_s: float) -> bool:
    return other_s / REVERSAL_TOLERANCE <= one_s <= other_s * REVERSAL_TOLERANCE


def _is_own(asset: Battery | Pv, half_s: float) -> bool:
    """Return whether a delay of ours can cause this pace: by the probe's measurement, if there is one."""
    low_s, high_s = HALF_S
    if isinstance(asset, Battery) and asset.delay_s is not None:
        delay_s = max(asset.delay_s + abs(asset.lag_s), 1.0)
        low_s, high_s = HALF_DELAYS[0] * delay_s, HALF_DELAYS[1] * delay_s
    return low_s <= half_s <= high_s


def find_hunting_alarms(swings: OutputSwings) -> list[Alarm]:
    """Return the alarms with advice; one stays until the full gain is back."""
    return [Alarm("control.hunting", name, _words(name, one)) for name, one in swings.of.items() if one.step]


def _words(name: str, one: OutputSwing) -> str:
    return (
        f"{name} and the grid swing against each other every {2 * one.half_s:.0f} s:"
        f" {'it is held' if one.gain == 0 else f'it is answered by {100 * one.gain:.0f} %'};"
        " measure its response (quartier probe), look for a second controller or a load that swings"
    )
