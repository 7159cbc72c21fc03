"""The assets that take part in a cycle, and whether an order to them is safe.

The site file declares the fallback of a device; ``<asset>.fallback_on`` shows whether it is still set in the
device. A point without a fallback serves no limit, no shed and no setpoint, unless the site file accepts
that. A limit that already holds it stays, and is restored in stages as usual.
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
    """Return whether the declaration of the asset allows orders at all."""
    return asset.falls_back or asset.accepts_no_fallback


def explain_no_order(asset: ControllableAsset, last_good: LastGoodValues) -> Reason | None:
    """Return why the asset may get no new order now; None if it may."""
    if asset.accepts_no_fallback:
        return None
    if not asset.falls_back:
        return NO_FALLBACK
    seen = last_good.get(f"{asset.name}.fallback_on")
    return FALLBACK_LOST if seen is not None and not seen.value else None


AT_ORDER_TOLERANCE_A = 1.5
"""A car that draws at least this much less than its limit is not at its limit, in A."""


OVER_A, OVER_W, OVER = 1.0, 200.0, 0.05
"""How much a car, a load or PV (also as a share of its rating) may exceed its order and still obey."""


LimitableAsset = Load | ChargePointAsset | Pv
"""An asset that can be switched or limited. Named once: building the union costs more than a check."""


_S = 1_000_000_000
CAR_ANSWERS_S, ANSWERS_S = 6.0, 10.0
"""Time to obey, in s: a car has 5 s after a change (IEC 61851-1); relays and inverters get 10 s."""


@dataclass(slots=True, eq=False)
class Participant:
    """An asset that takes part in an allocation, with its present and its desired power.

    ``present_w`` is contained in the present grid power; ``desired_w`` shall replace it. ``settled_w`` is
    lower for an asset that was lowered just now: the power that remains once it has obeyed.

    ``is_measured`` is False while ``present_w`` is only assumed. ``usable`` is False if no limit may be kept
    with it now. ``is_unresponsive``: it was ordered to take or make less, had its time, and is seen not to do
    so; it counts with its measured power.

    A car that shares load counts against limits with ``allowed_w``, which it may take at any time (None: the
    desired power). ``scale`` is the share that it takes of each W that its charge point would take on all
    phases. ``laxity_s`` is how long it can wait.

    An operation-mode asset offers ``downs`` and ``ups``, the nearest first, and ranks as ``tier``.
    """

    asset: ControllableAsset
    present_w: float
    desired_w: float
    switch_state: SwitchState
    headroom: PowerRange = field(default_factory=lambda: PowerRange(0.0, 0.0))
    before_w: float = 0.0
    reason: Reason | None = None
    is_measured: bool = True
    usable: bool = True
    is_unresponsive: bool = False
    downs: tuple[ModeStep, ...] = ()
    ups: tuple[ModeStep, ...] = ()
    mode: int = 0
    tier: Tier = "A"
    preferred_mode: int = 0
    allowed_w: float | None = None
    scale: float = 1.0
    laxity_s: float = 0.0
    settled_w: float | None = None

    @property
    def name(self) -> str:
        """The name of the asset."""
        return self.asset.name


def find_full_power_w(ev: ChargePointAsset) -> float:
    """Return the power of the charge point at its largest current, in W."""
    return ev.current_max_a * ev.voltage_v * ev.phases_count


def find_floor_power_w(ev: ChargePointAsset) -> float:
    """Return the power of the charge point at its smallest current, in W."""
    return ev.current_min_a * ev.voltage_v * ev.phases_count


def is_at_order(participant: Participant) -> bool:
    """Return whether a car is seen to take all that it may: only such a car would take more."""
    asset, limit_w = participant.asset, participant.switch_state.limit_w
    if (
        not isinstance(asset, ChargePointAsset)
        or not participant.is_measured
        or participant.is_unresponsive
        or limit_w is None
    ):
        return False
    return participant.desired_w >= limit_w - AT_ORDER_TOLERANCE_A * asset.voltage_v * asset.phases_count


def find_ordered_power_w(participant: Participant) -> float:
    """Return the most that it may take by its present order, in W, whatever it was last seen to take."""
    asset, switch = participant.asset, participant.switch_state
    if isinstance(asset, OperationModeAsset):
        return max(0.0, asset.modes[participant.mode].power_w)
    if isinstance(asset, Battery | Pv) or not switch.on:
        return max(0.0, participant.desired_w)
    return find_worst_power_w(asset) if switch.limit_w is None else switch.limit_w


def find_flexible_assets(site: Site) -> list[LimitableAsset]:
    """Return the assets that can be switched or limited: relays, charge points, curtailable PV."""
    return [a for a in site.assets if isinstance(a, LimitableAsset) and is_controllable(a)]


def find_control_point(asset: ControllableAsset) -> str:
    """Return the point by which an asset is controlled. This is the only place that names it."""
    if isinstance(asset, ChargePointAsset):
        return f"{asset.name}.current_max_a"
    if isinstance(asset, OperationModeAsset):
        return asset.point
    if isinstance(asset, Battery):
        return f"{asset.name}.setpoint_w"
    is_limited = isinstance(asset, Pv) and asset.curtail == "limit"
    return f"{asset.name}.generation_max_w" if is_limited else f"{asset.name}.relay_on"


def is_controllable(asset: Load | ChargePointAsset | Pv) -> bool:
    """Return whether the asset can be switched or limited, and whether its declaration allows orders."""
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
    """Make the participant of a load, charge point or PV from its readings and its switch state.

    ``then_w`` is the power of the asset that the grid meter still shows; ``late_s`` is the delay of that
    meter.

    A consumer that was lowered just now counts with its earlier power for a few seconds. Meters do not show
    the change at the same time: a meter that shows it early would make the residual load look larger and shed
    the next asset for nothing. This holds until the asset's own meter was read after the order, because the
    grid meter may show the change while the asset's reading is from before it.

    The effect of an order is assumed for the time that the device may take. After that the measured power
    counts.
    """
    seen_w = find_power_w(last_good, asset, now_ns)
    seen = None if seen_w is None else last_good[f"{asset.name}.power_w"]
    is_unresponsive = seen is not None and _is_unresponsive(asset, switch, seen)
    usable = not explain_no_order(asset, last_good)
    if isinstance(asset, Pv):
        most_w = -asset.rated_w if switch.limit_w is None else -switch.limit_w
        present_w = seen_w if seen_w is not None else (most_w if switch.on else 0.0)
        present_w = min(present_w, 0.0)
        desired_w = max(present_w, most_w) if switch.on else 0.0
        desired_w = present_w if is_unresponsive else desired_w
        present_w = present_w if then_w is None else min(then_w, 0.0)
        return Participant(
            asset,
            present_w,
            desired_w,
            switch,
            is_measured=seen_w is not None,
            usable=usable,
            is_unresponsive=is_unresponsive,
        )
    full = find_full_power_w(asset) if isinstance(asset, ChargePointAsset) else find_worst_power_w(asset)
    most_w = full if switch.limit_w is None else switch.limit_w
    present_w = seen_w if seen_w is not None else (most_w if switch.on else 0.0)
    desired_w = present_w if is_unresponsive else 0.0
    if switch.on and not is_unresponsive:
        # Only an asset that is limited on purpose is expected to come down by itself.
        desired_w = present_w if switch.limit_w is None else min(present_w, most_w)
    present_w = settled_w = present_w if then_w is None else then_w
    if switch.settling(now_ns, late_s) or (seen is not None and not _is_read_since(asset, switch, seen)):
        present_w, settled_w = max(present_w, switch.before_w), min(present_w, desired_w)
    participant = Participant(
        asset,
        present_w,
        desired_w,
        switch,
        is_measured=seen_w is not None,
        usable=usable,
        is_unresponsive=is_unresponsive,
    )
    participant.settled_w = settled_w
    return participant


def _is_unresponsive(asset: Load | ChargePointAsset | Pv, switch: SwitchState, seen: LastGood) -> bool:
    """Return whether it still takes, or makes, more than it may although it had the time to obey."""
    if switch.on and switch.limit_w is None:
        return False
    watts = -seen.value if isinstance(asset, Pv) else seen.value
    over_w, answers_s = _tolerance(asset)
    return watts > _most_w(switch) + over_w and switch.had_time(answers_s, seen.taken_ns)


def _is_read_since(asset: Load | ChargePointAsset, switch: SwitchState, seen: LastGood) -> bool:
    """Return whether its reading is from after its lowering.

    It is if it shows the lowering, or was taken after the time to obey.
    """
    if switch.lowered_ns is None or (switch.on and switch.limit_w is None):
        return True
    over_w, answers_s = _tolerance(asset)
    if seen.taken_ns >= switch.lowered_ns + answers_s * _S:
        return True
    return seen.taken_ns > switch.lowered_ns and seen.value <= _most_w(switch) + over_w


def _most_w(switch: SwitchState) -> float:
    """Return the most that an asset that is off or limited may take, or make, in W."""
    return (switch.limit_w or 0.0) if switch.on else 0.0


def _tolerance(asset: Load | ChargePointAsset | Pv) -> tuple[float, float]:
    """Return how much it may exceed its order and still obey, in W, and the time it has to obey, in s."""
    if isinstance(asset, ChargePointAsset):
        return OVER_A * asset.voltage_v * asset.phases_count, CAR_ANSWERS_S
    return max(OVER_W, OVER * asset.rated_w) if isinstance(asset, Pv) else OVER_W, ANSWERS_S


def has_writable_point(asset: ControllableAsset) -> bool:
    """Return whether the asset has a point that the gateway may write."""
    if isinstance(asset, Battery | OperationModeAsset):
        return asset.writable and is_order_allowed(asset)
    return is_controllable(asset)
