"""Temperature bands: what stores heat or cold asks for, and when it may no longer be held back (pure)."""

from quartier.control import beside
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE, Reason, make
from quartier.control.scene import Scene
from quartier.house.assets import Tier
from quartier.house.modes import Comfort

STORES_AFTER_S = 60.0
BOOST_BAND_K = 2.0
"""A boost that ended at the edge of the band begins anew only so far inside it."""
_LAST = make("comfort.last")


def later(tier: Tier) -> Tier:
    """The turn of what should not be held back any more: after C and D."""
    return "B" if tier in {"C", "D"} else tier


def leaning(
    asset: Comfort, scene: Scene, spare_k: float | None, *, short: bool, stores: Reason, full: Reason
) -> Leaning:
    """What it would like.  ``spare_k``: how far the band still goes for storing, in K; None: not known.

    ``short``: it is beyond the other edge, where people feel it: then blocking comes last.  ``stores`` and
    ``full`` are the reasons why it stores, and why it stores no more.
    """
    here = beside.mode(scene, asset)
    lowest = len(asset.modes) - 1
    tier = later(asset.tier) if short else asset.tier
    reason = _LAST if short else FREE
    if spare_k is None or spare_k <= 0.0:
        if spare_k is not None:
            reason = full
        return Leaning(asset.normal, asset.normal, lowest, tier, reason, claims=short)
    boosting = here < asset.normal
    if asset.preheat and not short and (boosting or spare_k >= BOOST_BAND_K):
        asset_w = asset.modes[asset.boosts].power_w
        left_w = beside.surplus_w(scene, asset)
        if left_w is not None and left_w >= (0.5 if boosting else 1.0) * asset_w > 0.0:
            return Leaning(asset.boosts, 0, lowest, tier, stores, after_s=STORES_AFTER_S)
    return Leaning(asset.normal, 0, lowest, tier, reason, after_s=STORES_AFTER_S, claims=short)
