"""Orders for one asset for a while: a request, never above a limit, and never past a minimum time.

By a person's hand: priority 3 of spec/failsafe.md#priority; by a schedule of the district: 4; by the local
plan: 5.  ``off`` and a lower limit are kept as said; ``on`` and a higher one as far as the caps leave
room, for what a cap takes away comes back in its turn like anything else.  In maintenance an asset belongs to
its device: it is given no order, and counts with what it takes, or may take.
"""

from collections.abc import Mapping

from quartier.control import switch_state
from quartier.control.reason import Reason
from quartier.control.records import Override, Overrides, Preference, is_by_hand
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import replace
from quartier.site.site_layout import Site

OVERRIDE_MAX_S = 86_400.0


def find_override_fault(asset: ControllableAsset, value: float) -> str:
    """Return why an asset cannot be ordered so; empty when it can."""
    if isinstance(asset, Battery):
        low, high = -asset.discharge_max_w, asset.charge_max_w
        return "" if low <= value <= high else f"{value:g} W is outside {low:g}..{high:g} W"
    if isinstance(asset, OperationModeAsset):
        names = ", ".join(mode.name for mode in asset.modes)
        return "" if value in range(len(asset.modes)) else f"there is no such mode; expected one of {names}"
    if isinstance(asset, ChargePointAsset):
        whole = value == 0 or asset.current_min_a <= value <= asset.current_max_a
        return (
            ""
            if whole
            else f"{value:g} A is neither 0 nor {asset.current_min_a:g}..{asset.current_max_a:g} A"
        )
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return "" if 0 <= value <= asset.rated_w else f"{value:g} W is outside 0..{asset.rated_w:g} W"
    return "" if value in (0, 1) else "it can be on or off alone"


def apply_overrides(
    house: Site, switches: Mapping[str, SwitchState], overrides: Overrides, now_ns: int
) -> dict[str, SwitchState]:
    """The turns with what people switched off; not before a minimum time is over."""
    after = dict(switches)
    for asset in house.assets:
        switch = after.get(asset.name)
        if switch is None or isinstance(asset, Battery) or not is_kept_off(asset, overrides):
            continue
        if switch.on and switch_state.is_switch_allowed(asset, switch, now_ns):
            off = replace(switch, on=False, since_ns=now_ns, told_ns=now_ns)
            after[asset.name] = (
                off if is_by_hand(asset.name, overrides) else switch_state.count_shed(off, now_ns)
            )
    return after


def is_kept_off(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether a person keeps it off, so that it must not come back."""
    return asset.name in overrides and _is_off(asset, overrides[asset.name])


def is_raise_allowed(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether an export cap may have it take more: not what a person keeps off, or put into a mode."""
    if isinstance(asset, OperationModeAsset):
        return asset.name not in overrides
    return not is_kept_off(asset, overrides)


def _is_off(asset: object, override: Override) -> bool:
    switched = isinstance(asset, Load | ChargePointAsset) or (
        isinstance(asset, Pv) and asset.curtail == "relay"
    )
    return switched and override.value == 0


def is_in_maintenance(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether it belongs to its device now."""
    found = overrides.get(asset.name)
    return found is not None and found.value is None


def find_ceiling(asset: ControllableAsset, overrides: Overrides) -> float | None:
    """The most that a charging point's current or a PV's limit may be by a person's word; None: anything.

    A charging point that a person pauses goes no lower than its floor by this: it pauses in its own time.
    """
    found = overrides.get(asset.name)
    if found is None or isinstance(asset, Battery | Load | OperationModeAsset):
        return None
    return asset.current_min_a if isinstance(asset, ChargePointAsset) and found.value == 0 else found.value


def make_limit_reached_reason(name: str, overrides: Overrides, value: float) -> Reason | None:
    """The reason of an order whose limit is reached; None where there is none, or it leaves more."""
    found = overrides.get(name)
    return None if found is None or found.value is None or value < found.value else found.reason


def find_ordered_power_w(asset: Battery, overrides: Overrides) -> float | None:
    """Return what a person wants of a battery, in W; None where nobody said."""
    found = overrides.get(asset.name)
    return None if found is None else found.value


def apply_to_preference(asset: OperationModeAsset, overrides: Overrides, own: Preference) -> Preference:
    """What an asset in modes would like with a person's word: as far as its class lets anybody move it."""
    found = overrides.get(asset.name)
    if found is None or found.value is None or own.given_back:
        return own
    if found.who.kind == "rule" and own.claims:
        return own  # a deadline, or people's comfort: no plan of ours goes before it
    wanted = min(max(int(found.value), own.highest), own.lowest)
    return replace(own, wanted=wanted, reason=found.reason, after_s=0.0)
