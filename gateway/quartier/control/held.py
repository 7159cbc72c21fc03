"""Why an asset is still held below what it likes, by what is in force now (pure)."""

from collections.abc import Mapping

from quartier.control import aims, duties, limits, shed
from quartier.control.failsafe import Stage
from quartier.control.limits import Force
from quartier.control.plausibility.judge import Verdict
from quartier.control.reason import Reason, make, rule
from quartier.control.scene import Scene
from quartier.control.shed import Gate

RESTORE = "restore"
"""The rule of what comes back, in reasons."""
RETURNS = rule("restore.waits", RESTORE)
FOUND_OFF = rule("restore.found_off", RESTORE).then(RETURNS)
BELOW_CAP = rule("restore.below_cap", RESTORE)
PV_FITS = rule("restore.pv_fits", RESTORE)
_APART, _SPREAD = rule("restore.apart", RESTORE), rule("restore.spread", RESTORE)
RISES = rule("generation.rises", RESTORE)
_SUSPECT, _STALE = rule("meter.suspect", "suspect grid meter"), rule("inputs.stale", "stale inputs")
_FITS = make("cap.fits")
_ENDED = frozenset({"hand.orders", "document.orders", "car.ready", "conflict.safe", "conflict.lowered"})
"""What ended where its asset is still held: while it lasts, something else says why."""
_OF_NOW = frozenset(
    {"free", "restore.below_cap", "restore.waits", "restore.below", "restore.apart", "restore.spread"}
    | {"inputs.stale", "meter.suspect", "cap.fits", "generation.rises"}
    | {"grid.frequency_high", "grid.after_outage", "grid.rises_slowly"}
)
"""What says nothing of why it was lowered: why it is not raised is found anew in each cycle."""
_S = 1_000_000_000


def still(scene: Scene, reason: Reason, waits: Reason) -> Reason:
    """Why an asset is still held.  What is no longer in force is not named: what it ``waits`` for is."""
    force = scene.force
    if reason.code in _OF_NOW or reason.last.code == "grid.nothing_raised":
        return waits
    if reason.code in duties.TIERS_OFF:
        done = reason.last  # the reading before it is that of the row that acted last
        return next((now for now in scene.duties.off.values() if now.last == done), waits)
    # No plan has it wait any more, nobody orders it so, no other controller moves it.
    if reason.who == aims.BY_PLAN or reason.code in _ENDED:
        return waits
    direction = limits.WAYS.get(reason.code)
    return reason if direction is None else _under_cap(force, direction, reason, waits)


def _under_cap(force: Force, direction: str, reason: Reason, waits: Reason) -> Reason:
    """Why one is held that the cap of ``direction`` lowered."""
    if getattr(force, f"{direction}_w") is None:
        return waits
    cap = force.reason(direction)
    if reason.last.code not in _OF_NOW and reason._replace(more=None) == cap:
        return reason
    return waits if waits.code == _FITS.code else cap.then(waits)


def why_not_raised(scene: Scene, gate: Gate, spares_w: Mapping[str, float], step_w: float) -> Reason:
    """Why a consumer that a limit lowered is not raised by its next step of ``step_w`` now.

    ``spares_w`` is what each limit leaves to be raised, by its direction; empty where nothing is known of the
    grid.
    """
    if scene.duties.holds:
        return duties.why_nothing_rises(scene.state.events, generates=False)
    in_the_way = next((way for way, spare_w in spares_w.items() if spare_w < step_w), None)
    if in_the_way is not None:
        return fits(scene.force, in_the_way)
    if scene.stage is not Stage.WELL:
        return stale(scene)
    return _why_not_yet(scene, gate) if spares_w else RETURNS


def _why_not_yet(scene: Scene, gate: Gate) -> Reason:
    """Why one that fits does not come back now: which part of the staged restore it waits for."""
    ceiling_w, now_ns = scene.duties.ceiling_w, scene.now_ns
    if ceiling_w is not None and ceiling_w < scene.force.import_w * shed.RESTORE_BELOW:
        return duties.RISES_SLOWLY
    if gate.below_since_ns is None or now_ns - gate.below_since_ns < shed.RESTORE_AFTER_S * _S:
        return rule("restore.below", RESTORE, limit_w=round(scene.force.import_w * shed.RESTORE_BELOW))
    if gate.last_ns is not None and now_ns - gate.last_ns < shed.RESTORE_EACH_S * _S:
        return _APART
    return RETURNS if gate.is_open(now_ns) else _SPREAD


def why_pv_not_raised(scene: Scene, room_w: float | None, step_w: float, fitting: Reason) -> Reason:
    """Why PV that a limit lowered is not raised by ``step_w``; ``fitting``: where ``room_w`` allows it."""
    if scene.duties.pv_holds:
        return duties.why_nothing_rises(scene.state.events, generates=True)
    if scene.force.generation_w is not None:
        return fits(scene.force, "generation")
    if room_w is None or room_w <= step_w:
        return fits(scene.force, "export")
    if scene.stage is not Stage.WELL:
        return stale(scene)
    return fitting if scene.duties.pv_ramp_per_min is None else duties.RISES_SLOWLY


def stale(scene: Scene) -> Reason:
    """Why nothing is raised nor lowered while inputs are not well."""
    return _SUSPECT if scene.meter.verdict is Verdict.SUSPECT else _STALE


def fits(force: Force, direction: str) -> Reason:
    """Return the reason of one that is limited to what the cap of ``direction`` leaves."""
    return force.reason(direction).within(_FITS)
