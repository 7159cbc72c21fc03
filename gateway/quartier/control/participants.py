"""The assets that take part in a cycle, and whether an order to them is safe.

What is declared stands in the house; whether it still stands in the device says ``<asset>.fallback_on``.
A point without a fall-back is used for no cap, no shed and no setpoint, unless the site file accepts that;
what it is held to already stays, and comes back in its turn.
"""

from dataclasses import dataclass, field

from quartier.control.observe.observations import LastGood, LastGoodValues, find_power_w, find_worst_power_w
from quartier.control.reason import Reason, make_reason
from quartier.control.records import ModeStep, PowerRange
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
    Tier,
)
from quartier.site.site_layout import Site

NO_FALLBACK = make_reason("output.no_fallback")
FALLBACK_LOST = make_reason("output.fallback_lost")


def is_order_allowed(asset: ControllableAsset) -> bool:
    """Return whether it may be given orders at all, by what is declared."""
    return asset.falls_back or asset.accepts_no_fallback


def explain_no_order(asset: ControllableAsset, last_good: LastGoodValues) -> Reason | None:
    """Return why no new order may be given to it now; None when it may."""
    if asset.accepts_no_fallback:
        return None
    if not asset.falls_back:
        return NO_FALLBACK
    seen = last_good.get(f"{asset.name}.fallback_on")
    return FALLBACK_LOST if seen is not None and not seen.value else None


AT_ORDER_TOLERANCE_A = 1.5
"""A car that draws so much less than it may does not stand at its limit."""


OVER_A, OVER_W, OVER = 1.0, 200.0, 0.05
"""What a car, a load, or as a part of its rating PV, may take or make above its order and still obey."""


LimitableAsset = Load | ChargePointAsset | Pv
"""What can be switched or limited.  Named once: to write a union at each question costs more than to ask."""


_S = 1_000_000_000
CAR_ANSWERS_S, ANSWERS_S = 6.0, 10.0
"""The time to obey: a car has 5 s after a change (IEC 61851-1); relays and inverters are given this."""


@dataclass(slots=True, eq=False)
class Participant:
    """``present_w`` is inside the grid's power now, ``want_w`` is what shall be there instead.

    ``settled_w`` is less where it was lowered just now: what is left of it once it has obeyed.
    ``seen`` is False while ``present_w`` is only assumed, ``usable`` where no cap may be taken with it now;
    ``deaf``: it was told to take or make less, had its time, and is seen not to, so that it counts as seen.
    A car that shares counts against caps with ``allowed_w``, which it may take at any time (None: as it
    wants); ``scale`` is what it takes of each W that its point would on all phases, ``laxity_s`` how long it
    can wait.
    An asset in modes offers ``downs`` and ``ups``, the nearest first, and stands in the order as ``tier``.
    """

    asset: ControllableAsset
    present_w: float
    want_w: float
    turn: SwitchState
    room: PowerRange = field(default_factory=lambda: PowerRange(0.0, 0.0))
    before_w: float = 0.0
    reason: Reason | None = None
    seen: bool = True
    usable: bool = True
    deaf: bool = False
    downs: tuple[ModeStep, ...] = ()
    ups: tuple[ModeStep, ...] = ()
    mode: int = 0
    tier: Tier = "A"
    wanted: int = 0
    allowed_w: float | None = None
    scale: float = 1.0
    laxity_s: float = 0.0
    settled_w: float | None = None

    @property
    def name(self) -> str:
        """The asset's."""
        return self.asset.name


def find_full_power_w(ev: ChargePointAsset) -> float:
    """Return what the point takes at its largest current, in W."""
    return ev.current_max_a * ev.voltage_v * ev.phases_count


def find_floor_power_w(ev: ChargePointAsset) -> float:
    """Return what it takes at its least current, in W."""
    return ev.current_min_a * ev.voltage_v * ev.phases_count


def is_at_order(participant: Participant) -> bool:
    """Return whether a car is seen to take what it may: only such a one takes more where it may more."""
    asset, limit_w = participant.asset, participant.turn.limit_w
    if not isinstance(asset, ChargePointAsset) or not participant.seen or participant.deaf or limit_w is None:
        return False
    return participant.want_w >= limit_w - AT_ORDER_TOLERANCE_A * asset.voltage_v * asset.phases_count


def find_ordered_power_w(participant: Participant) -> float:
    """The most that it may take by its present order, in W, whatever it was last seen to take."""
    asset, switch = participant.asset, participant.turn
    if isinstance(asset, OperationModeAsset):
        return max(0.0, asset.modes[participant.mode].power_w)
    if isinstance(asset, Battery | Pv) or not switch.on:
        return max(0.0, participant.want_w)
    return find_worst_power_w(asset) if switch.limit_w is None else switch.limit_w


def find_flexible_assets(house: Site) -> list[LimitableAsset]:
    """The assets that can be switched or limited: relays, charging points, curtailable PV."""
    return [a for a in house.assets if isinstance(a, LimitableAsset) and is_controllable(a)]


def find_control_point(asset: ControllableAsset) -> str:
    """The point that an asset is steered by: the one place that names it."""
    if isinstance(asset, ChargePointAsset):
        return f"{asset.name}.current_max_a"
    if isinstance(asset, OperationModeAsset):
        return asset.point
    if isinstance(asset, Battery):
        return f"{asset.name}.setpoint_w"
    is_limited = isinstance(asset, Pv) and asset.curtail == "limit"
    return f"{asset.name}.generation_max_w" if is_limited else f"{asset.name}.relay_on"


def is_controllable(asset: Load | ChargePointAsset | Pv) -> bool:
    """Return whether it can be switched or limited, and may be by what is declared."""
    if not is_order_allowed(asset):
        return False
    if isinstance(asset, Pv):
        return asset.curtail != "none"
    return asset.tier != "A" and (asset.writable if isinstance(asset, ChargePointAsset) else asset.switchable)


def make_flexible_participant(
    asset: Load | ChargePointAsset | Pv,
    switch: SwitchState,
    last_good: LastGoodValues,
    now_ns: int,
    then_w: float | None = None,
    late_s: float = 0.0,
) -> Participant:
    """A load, EV or PV as it stands; ``then_w`` is what the grid meter still shows of it, ``late_s`` late.

    A consumer just lowered counts as before for a few seconds: meters do not show it at the same time, and
    one that shows it early would make the rest look larger and shed the next for nothing.  So it does until
    its own meter was read after the order: the grid's may show the change while that reading is of before.
    What an order will bring is believed for the time that its device may take: then counts what is seen.
    """
    seen_w = find_power_w(last_good, asset, now_ns)
    seen = None if seen_w is None else last_good[f"{asset.name}.power_w"]
    deaf = seen is not None and _is_deaf(asset, switch, seen)
    usable = not explain_no_order(asset, last_good)
    if isinstance(asset, Pv):
        most_w = -asset.rated_w if switch.limit_w is None else -switch.limit_w
        present_w = seen_w if seen_w is not None else (most_w if switch.on else 0.0)
        present_w = min(present_w, 0.0)
        want_w = max(present_w, most_w) if switch.on else 0.0
        want_w = present_w if deaf else want_w
        present_w = present_w if then_w is None else min(then_w, 0.0)
        return Participant(
            asset, present_w, want_w, switch, seen=seen_w is not None, usable=usable, deaf=deaf
        )
    full = find_full_power_w(asset) if isinstance(asset, ChargePointAsset) else find_worst_power_w(asset)
    most_w = full if switch.limit_w is None else switch.limit_w
    present_w = seen_w if seen_w is not None else (most_w if switch.on else 0.0)
    want_w = present_w if deaf else 0.0
    if switch.on and not deaf:
        # Only what is limited on purpose is expected to come down by itself.
        want_w = present_w if switch.limit_w is None else min(present_w, most_w)
    present_w = settled_w = present_w if then_w is None else then_w
    if switch.settling(now_ns, late_s) or (seen is not None and not _is_read_since(asset, switch, seen)):
        present_w, settled_w = max(present_w, switch.before_w), min(present_w, want_w)
    participant = Participant(
        asset, present_w, want_w, switch, seen=seen_w is not None, usable=usable, deaf=deaf
    )
    participant.settled_w = settled_w
    return participant


def _is_deaf(asset: Load | ChargePointAsset | Pv, switch: SwitchState, seen: LastGood) -> bool:
    """Return whether it still takes, or makes, more than it may although it had the time to obey."""
    if switch.on and switch.limit_w is None:
        return False
    watts = -seen.value if isinstance(asset, Pv) else seen.value
    over_w, answers_s = _tolerance(asset)
    return watts > _most_w(switch) + over_w and switch.had_time(answers_s, seen.taken_ns)


def _is_read_since(asset: Load | ChargePointAsset, switch: SwitchState, seen: LastGood) -> bool:
    """Whether its reading is of after it was lowered: it shows that, or it is of after the time to obey."""
    if switch.lowered_ns is None or (switch.on and switch.limit_w is None):
        return True
    over_w, answers_s = _tolerance(asset)
    if seen.taken_ns >= switch.lowered_ns + answers_s * _S:
        return True
    return seen.taken_ns > switch.lowered_ns and seen.value <= _most_w(switch) + over_w


def _most_w(switch: SwitchState) -> float:
    """The most that one may take, or make, that is off or limited, in W."""
    return (switch.limit_w or 0.0) if switch.on else 0.0


def _tolerance(asset: Load | ChargePointAsset | Pv) -> tuple[float, float]:
    """What it may take, or make, above its order and still obey, in W, and the time it has to obey, in s."""
    if isinstance(asset, ChargePointAsset):
        return OVER_A * asset.voltage_v * asset.phases_count, CAR_ANSWERS_S
    return max(OVER_W, OVER * asset.rated_w) if isinstance(asset, Pv) else OVER_W, ANSWERS_S


def has_writable_point(asset: ControllableAsset) -> bool:
    """Return whether it has a point that we may write."""
    if isinstance(asset, Battery | OperationModeAsset):
        return asset.writable and is_order_allowed(asset)
    return is_controllable(asset)
