"""Which assets have a device that does not forget orders by itself, and no word that accepts that."""

from collections.abc import Iterator, Mapping
from typing import Any

from quartier.config.faults import Flaw
from quartier.config.model import Battery, Ev, Load, Pv
from quartier.config.modes import MODED, ordered, quantity
from quartier.config.parts import points_of, switch
from quartier_drivers.profile import Profile
from quartier_drivers.schema import Quantity

KEY = "accept_no_fallback"


def warnings_about_fallbacks(assets: Mapping[str, Any], profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """One for each asset whose device has no fall-back where nothing accepts that: it is given no orders."""
    for name, asset in assets.items():
        found = steered(asset, profiles)
        if found is None or asset.accept_no_fallback is not None:
            continue
        device, quantity, point = found
        fallback = point.fallback
        used = "no order at all" if isinstance(asset, Battery) else "no cap and no shed"
        remedy = f"so it is used for {used}; expected another device, or a reason why it may be used"
        if fallback is None:
            what = f"is missing: {profiles[device].name} does not let go of {quantity} by itself, {remedy}"
            yield Flaw(("assets", name, KEY), what)
        elif isinstance(asset, Battery) and fallback.kept_by == "requests":
            what = f"is missing: reading keeps the order of {profiles[device].name} alive too, {remedy}"
            yield Flaw(("assets", name, KEY), what)


def steered(asset: Any, profiles: Mapping[str, Profile]) -> tuple[str, str, Quantity] | None:
    """Device, quantity and point by which the asset is given orders; None where it is given none."""
    if isinstance(asset, Battery):
        return _at(profiles, asset.device, asset.part, "setpoint_w")
    if isinstance(asset, MODED):
        return _moded(asset, profiles)
    if isinstance(asset, Ev):
        return None if asset.tier == "A" else _at(profiles, asset.device, asset.part, "current_max_a")
    if not isinstance(asset, Pv | Load) or (isinstance(asset, Load) and asset.tier == "A"):
        return None
    device, part = switch(asset) or (asset.device, asset.part)
    relay = _at(profiles, device, part, "relay_on")
    if isinstance(asset, Load) or asset.curtail == "none":
        return relay if isinstance(asset, Load) else None
    limit = _at(profiles, asset.device, asset.part, "generation_max_w")
    return relay if limit is None or asset.curtail == "relay" else limit


def _moded(asset: MODED, profiles: Mapping[str, Profile]) -> tuple[str, str, Quantity] | None:
    if not ordered(asset):
        return None
    device, part = switch(asset) or (asset.device, asset.part)
    chosen = quantity(asset.role, lambda one: _at(profiles, device, part, one) is not None)
    return _at(profiles, device, part, chosen)


def _at(
    profiles: Mapping[str, Profile], device: str, part: str, quantity: str
) -> tuple[str, str, Quantity] | None:
    found = (points_of(profiles, device, part) or {}).get(quantity)
    return (device, quantity, found) if found is not None and found.writable else None
