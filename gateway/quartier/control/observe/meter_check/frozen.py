"""Detect quantities of the grid meter that are frozen while those measured below it move (pure).

A quantity counts once it was seen to vary. Power is frozen if it did not change by a bit while the sum of the
measured assets moved by a step that counts. Power that never varied, because the meter froze before the
gateway started, is frozen after a movement of kilowatts and a minute. Voltage, current and frequency do not
follow each step, and coarse meters repeat a value for long: they are frozen if they also stood still for ten
times their longest rest so far.

A meter may be read often and give a new value seldom: ``usual_s`` is how often it does. It is learnt from
changes alone, so that a meter that freezes still counts as fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier.control.observe.meter_check.samples import FAST_S, AssetPowers
from quartier.control.observe.meter_check.steps import RESOLUTIONS, STEP_MIN_W, MeterTiming
from quartier.control.observe.meter_delay import TOLERATED_DELAY_S
from quartier.control.observe.observations import CURRENT_QUANTITIES, POWER_QUANTITIES, LastGood
from quartier.site.records import replace

QUANTITIES = (
    "power_w",
    *POWER_QUANTITIES,
    *CURRENT_QUANTITIES,
    "voltage_l1_v",
    "voltage_l2_v",
    "voltage_l3_v",
    "frequency_hz",
)
LONGER_SHARE = 10.0
"""A quantity other than power is frozen after this many times its longest rest."""
REST_S, PERIODS = 60.0, 4.0
LARGE_CHANGE_W, SURE_S, SURE = 3_000.0, 30.0, 3.0
"""Power is surely frozen this long after such a movement, and after this many times its longest rest."""
LEARNS, SLOWLY = 0.3, 0.02
"""A quick change shows how fast the meter is; a long rest perhaps only that nothing happened."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class QuantityHistory:
    """One quantity: its ``value`` since ``since_ns``, the assets' powers then, how often it changed.

    ``longest_s`` is its longest rest before; for power, the longest although the assets had moved.
    ``change_ns`` is when the assets had moved by enough since (None: not yet), ``change_w`` by how much at
    most.
    """

    value: float
    since_ns: int
    assets_w: AssetPowers
    changes_count: int = 0
    longest_s: float = 0.0
    change_ns: int | None = None
    change_w: float = 0.0


@dataclass(frozen=True, slots=True)
class QuantityHistories:
    """All quantities that the meter ever showed.

    ``resolution_w`` is the smallest step of its power seen, ``usual_s`` the usual time between two of them.
    """

    histories: Mapping[str, QuantityHistory] = field(default_factory=dict)
    resolution_w: float = 0.0
    usual_s: float = 0.0

    def find_frozen(self, timing: MeterTiming, now_ns: int) -> tuple[str, ...]:
        """Return the quantities that are frozen now, by name, in the order of ``QUANTITIES``."""
        shown = self.histories
        return tuple(
            name for name in QUANTITIES if name in shown and _is_frozen(name, shown[name], timing, now_ns)
        )

    def is_surely_frozen(self, timing: MeterTiming, now_ns: int) -> bool:
        """Return whether a fast meter's power is frozen although the assets moved by kilowatts."""
        power = self.histories.get("power_w")
        return (
            power is not None
            and power.changes_count >= VARIES_COUNT
            and power.change_w >= LARGE_CHANGE_W
            and timing.period_s <= FAST_S
            and _is_frozen("power_w", power, timing, now_ns)
            and power.change_ns is not None
            and (now_ns - power.change_ns) / _S > max(SURE_S, SURE * power.longest_s)
        )

    def shift_assets(self, before_w: AssetPowers, now_w: AssetPowers) -> "QuantityHistories":
        """Take a jump of the assets' powers, in W, that says nothing about the meter."""
        jumps_w = tuple(now - before for before, now in zip(before_w, now_w, strict=False))
        shown = {
            name: replace(
                one, assets_w=tuple(w + jump_w for w, jump_w in zip(one.assets_w, jumps_w, strict=False))
            )
            for name, one in self.histories.items()
        }
        return replace(self, histories=shown)


VARIES_COUNT = 3


def update_quantities(
    before: QuantityHistories,
    seen: Mapping[str, LastGood],
    assets_w: AssetPowers,
    now_ns: int,
    *,
    answers_s: float = 0.0,
    move_start_ns: int | None = None,
) -> QuantityHistories:
    """Take the meter's readings (by quantity) and the powers of the measured assets, in total and by phase.

    ``answers_s``: the meter may show a movement this much earlier than the assets' own meters do. So a
    movement of the assets this soon after a change of a quantity belongs to that change. So does the first
    reading of an asset after that change, however late it comes: ``move_start_ns`` is the earliest time at
    which an asset that now shows another power may have moved (None: no asset shows another power).
    """
    # A quantity that is not read is not frozen: its rest begins anew.
    shown = {
        name: one
        if name in seen
        else replace(one, since_ns=now_ns, assets_w=assets_w, change_ns=None, change_w=0.0)
        for name, one in before.histories.items()
    }
    resolution_w, usual_s = before.resolution_w, before.usual_s
    for name, memory in seen.items():
        held = shown.get(name)
        if held is None:
            shown[name] = QuantityHistory(memory.value, memory.taken_ns, assets_w)
            continue
        if memory.value != held.value:
            if name == "power_w":
                step_w = abs(memory.value - held.value)
                resolution_w = step_w if resolution_w == 0.0 else min(resolution_w, step_w)
                span_s = (memory.taken_ns - held.since_ns) / _S
                learns = LEARNS if span_s < usual_s else SLOWLY
                usual_s = span_s if usual_s == 0.0 else usual_s + learns * (span_s - usual_s)
            rest_s = (memory.taken_ns - held.since_ns) / _S
            shown[name] = QuantityHistory(
                memory.value,
                memory.taken_ns,
                assets_w,
                min(held.changes_count + 1, VARIES_COUNT),
                _learn_rest(name, held, rest_s, memory.taken_ns),
            )
            continue
        is_late = move_start_ns is not None and move_start_ns <= held.since_ns
        if is_late or now_ns - held.since_ns <= answers_s * _S:
            shown[name] = replace(held, assets_w=assets_w)
            continue
        channel = _channel(name)
        if channel >= min(len(assets_w), len(held.assets_w)):
            continue  # the movement on this phase is not known
        moved_w = abs(assets_w[channel] - held.assets_w[channel])
        if moved_w > held.change_w:
            enough = moved_w >= max(STEP_MIN_W, RESOLUTIONS * resolution_w)
            moved_ns = now_ns if enough and held.change_ns is None else held.change_ns
            shown[name] = replace(held, change_ns=moved_ns, change_w=moved_w)
    return QuantityHistories(shown, resolution_w, usual_s)


def _channel(name: str) -> int:
    """Return whose movements a quantity must show: its phase's for power and current, else the total."""
    phase = name.partition("_l")[2][:1]
    return int(phase) if phase.isdigit() and not name.startswith("voltage") else 0


def _is_frozen(name: str, one: QuantityHistory, timing: MeterTiming, now_ns: int) -> bool:
    if one.change_ns is None:
        return False
    if name == "power_w" and one.changes_count == 0:
        rest_s = max(REST_S, PERIODS * timing.period_s)
        return one.change_w >= LARGE_CHANGE_W and now_ns - one.change_ns >= rest_s * _S
    if one.changes_count < VARIES_COUNT:
        return False
    settle_s = (
        timing.settle_s(max(timing.assets_s, default=0.0)) + TOLERATED_DELAY_S
    )  # how well a lag is known
    if now_ns - one.change_ns < settle_s * _S:
        return False
    if name == "power_w":
        return (now_ns - one.change_ns) / _S > one.longest_s
    return (now_ns - one.since_ns) / _S > max(REST_S, LONGER_SHARE * one.longest_s)


def _learn_rest(name: str, one: QuantityHistory, rest_s: float, now_ns: int) -> float:
    """Return the longest rest so far after this one; for power, the rest since the assets had moved."""
    if name != "power_w":
        return max(one.longest_s, rest_s) if one.change_ns is None else one.longest_s
    if one.change_ns is None:
        return one.longest_s
    moved_s = (now_ns - one.change_ns) / _S
    return max(one.longest_s, moved_s) if moved_s <= REST_S else one.longest_s
