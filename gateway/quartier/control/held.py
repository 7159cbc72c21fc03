"""Why an asset is still held below what it likes, in words of what is in force now (pure)."""

from quartier.control import aims, duties
from quartier.control.limits import Force
from quartier.control.reason import Reason, further, rule, who
from quartier.control.scene import Scene

DIRECTIONS = ("import", "export", "generation", "consumption")
FITTED, RETURNS, RESTORE = "limited to fit", "comes back in its turn", "restore"


def still(scene: Scene, reason: str) -> str:
    """Why an asset is still held.  What is no longer in force is not named: what is waited for is."""
    force = scene.force
    if reason.startswith(duties.GRID_WORDS):
        done = reason.rpartition(": ")[2]  # the reading before it is that of the row that acted last
        return next((now for now in scene.duties.off.values() if now.endswith(done)), rule(RETURNS, RESTORE))
    if who(reason) == rule("", aims.PLAN).who:  # no plan has it wait any more
        return rule(RETURNS, RESTORE)
    if reason.startswith(FITTED):
        return fits(force, "export" if reason.startswith(f"{FITTED} export") else "import")
    direction, cap, _ = reason.partition(" cap ")
    if not cap or direction not in DIRECTIONS:
        return reason
    if getattr(force, f"{direction}_w") is None:
        return rule(RETURNS, RESTORE)
    words = force.words(direction)
    return reason if reason.startswith(words) else further(words, f": {RETURNS}")


def fits(force: Force, direction: str) -> Reason:
    """Return the words for one that is limited to what the cap of ``direction`` leaves."""
    cap = force.words(direction)
    return Reason(f"{FITTED} {cap}", cap.who, cap.until_utc_ms)
