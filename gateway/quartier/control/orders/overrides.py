"""Overrides: orders for one asset for a while, never above a limit, and never against a minimum time.

By a person: priority 3 of spec/failsafe.md#priority. By a schedule of the district: 4. By the local plan: 5.
``off`` and a lower limit are kept exactly. ``on`` and a higher limit hold as far as the limits leave room:
what a limit takes away is restored in stages as usual. In maintenance an asset is left to its device: it gets
no order, and counts with what it takes, or may take.
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
    """Return why an asset cannot take this order; empty if it can."""
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
    site: Site, switches: Mapping[str, SwitchState], overrides: Overrides, now_ns: int
) -> dict[str, SwitchState]:
    """Return the switch states with the assets that overrides switch off, after their minimum time."""
    after = dict(switches)
    for asset in site.assets:
        switch = after.get(asset.name)
        if switch is None or isinstance(asset, Battery) or not is_kept_off(asset, overrides):
            continue
        if switch.on and switch_state.is_switch_allowed(asset, switch, now_ns):
            off = replace(switch, on=False, since_ns=now_ns, order_ns=now_ns)
            after[asset.name] = (
                off if is_by_hand(asset.name, overrides) else switch_state.count_shed(off, now_ns)
            )
    return after


def is_kept_off(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether an override keeps it off, so that it must not come back."""
    return asset.name in overrides and _is_off(asset, overrides[asset.name])


def is_raise_allowed(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether an export limit may raise it: not if an override keeps it off, or sets its mode."""
    if isinstance(asset, OperationModeAsset):
        return asset.name not in overrides
    return not is_kept_off(asset, overrides)


def _is_off(asset: object, override: Override) -> bool:
    switched = isinstance(asset, Load | ChargePointAsset) or (
        isinstance(asset, Pv) and asset.curtail == "relay"
    )
    return switched and override.value == 0


def is_in_maintenance(asset: ControllableAsset, overrides: Overrides) -> bool:
    """Return whether it is in maintenance, left to its device."""
    found = overrides.get(asset.name)
    return found is not None and found.value is None


def find_ceiling(asset: ControllableAsset, overrides: Overrides) -> float | None:
    """Return the largest current of a charge point or limit of a PV by an override; None: any.

    A charge point that a person pauses goes no lower than its floor by this: it pauses after its minimum
    time.
    """
    found = overrides.get(asset.name)
    if found is None or isinstance(asset, Battery | Load | OperationModeAsset):
        return None
    return asset.current_min_a if isinstance(asset, ChargePointAsset) and found.value == 0 else found.value


def make_limit_reached_reason(name: str, overrides: Overrides, value: float) -> Reason | None:
    """Return the reason of an override whose limit is reached; None if there is none, or it allows more."""
    found = overrides.get(name)
    return None if found is None or found.value is None or value < found.value else found.reason


def find_ordered_power_w(asset: Battery, overrides: Overrides) -> float | None:
    """Return the power that is ordered for a battery, in W; None if none is."""
    found = overrides.get(asset.name)
    return None if found is None else found.value


def apply_to_preference(asset: OperationModeAsset, overrides: Overrides, own: Preference) -> Preference:
    """Return the preference with an override applied, as far as the asset's class allows a move."""
    found = overrides.get(asset.name)
    if found is None or found.value is None or own.given_back:
        return own
    if found.who.kind == "rule" and own.claims:
        return own  # a deadline, or people's comfort: no plan of ours ranks above it
    wanted = min(max(int(found.value), own.highest), own.lowest)
    return replace(own, preferred_mode=wanted, reason=found.reason, after_s=0.0)
