"""Why an asset is still held below what it likes, by what is in force now (pure)."""

from quartier.control import aims, duties, limits
from quartier.control.limits import Force
from quartier.control.reason import Reason, make, rule
from quartier.control.scene import Scene

RESTORE = "restore"
"""The rule of what comes back, in reasons."""
RETURNS = rule("restore.waits", RESTORE)
FOUND_OFF = rule("restore.found_off", RESTORE).then(RETURNS)
BELOW_CAP = rule("restore.below_cap", RESTORE)
PV_FITS = rule("restore.pv_fits", RESTORE)
_FITS = make("cap.fits")
_ENDED = frozenset({"hand.orders", "document.orders", "car.ready", "conflict.safe", "conflict.lowered"})
"""What ended where its asset is still held: while it lasts, something else says why."""


def still(scene: Scene, reason: Reason) -> Reason:
    """Why an asset is still held.  What is no longer in force is not named: what is waited for is."""
    force = scene.force
    if reason.code in duties.TIERS_OFF:
        done = reason.last  # the reading before it is that of the row that acted last
        return next((now for now in scene.duties.off.values() if now.last == done), RETURNS)
    # No plan has it wait any more, nobody orders it so, no other controller moves it.
    if reason.who == aims.BY_PLAN or reason.code in _ENDED:
        return RETURNS
    if reason.code == _FITS.code:
        return fits(force, limits.WAYS[reason.last.code])
    direction = limits.WAYS.get(reason.code)
    if direction is None:
        return reason
    if getattr(force, f"{direction}_w") is None:
        return RETURNS
    cap = force.reason(direction)
    return reason if reason._replace(more=None) == cap else cap.then(RETURNS)


def fits(force: Force, direction: str) -> Reason:
    """Return the reason of one that is limited to what the cap of ``direction`` leaves."""
    return force.reason(direction).within(_FITS)
