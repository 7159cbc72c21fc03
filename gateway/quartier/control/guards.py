"""Whether an order is safe: only where the device forgets it by itself once nobody stands behind it.

What is declared stands in the house; whether it still stands in the device says ``<asset>.fallback_on``.
A point without a fall-back is used for no cap, no shed and no setpoint, unless the site file accepts that;
what it is held to already stays, and comes back in its turn.
"""

from quartier.control.reason import Reason, make
from quartier.control.sight import Memories
from quartier.house.assets import Steered

NONE = make("output.no_fallback")
LOST = make("output.fallback_lost")


def may_order(asset: Steered) -> bool:
    """Whether it may be given orders at all, by what is declared."""
    return asset.falls_back or asset.accepts_no_fallback


def why_not(asset: Steered, memories: Memories) -> Reason | None:
    """Why no new order may be given to it now; None when it may."""
    if asset.accepts_no_fallback:
        return None
    if not asset.falls_back:
        return NONE
    seen = memories.get(f"{asset.name}.fallback_on")
    return LOST if seen is not None and not seen.value else None
