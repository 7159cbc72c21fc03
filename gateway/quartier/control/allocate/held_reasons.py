"""Explain why an asset is still held below its request, by the limits in force now (pure)."""

from collections.abc import Mapping

from quartier.control import switch_state
from quartier.control.events import effects
from quartier.control.inputs import CycleInputs
from quartier.control.limits import active
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.orders import local_plan
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.control.switch_state import FlexibleAsset, RestoreGate, SwitchState
from quartier.site.asset_types import OperationModeAsset, Pv

RESTORE = "restore"
"""The name of the rule of restoring, in reasons."""
RETURNS = make_rule_reason("restore.waits", RESTORE)
FOUND_SWITCHED_OFF = make_rule_reason("restore.found_off", RESTORE).then(RETURNS)
BELOW_LIMIT = make_rule_reason("restore.below_cap", RESTORE)
PV_FITS = make_rule_reason("restore.pv_fits", RESTORE)
_APART, _SPREAD, _OFTEN = (
    make_rule_reason(f"restore.{part}", RESTORE) for part in ("apart", "spread", "often")
)
RISES_SLOWLY = make_rule_reason("generation.rises", RESTORE)
_SUSPECT, _STALE = (
    make_rule_reason("meter.suspect", "suspect grid meter"),
    make_rule_reason("inputs.stale", "stale inputs"),
)
_FITS = make_reason("cap.fits")
_ENDED = frozenset({"hand.orders", "document.orders", "car.ready", "conflict.safe", "conflict.lowered"})
"""Reasons that have ended if their asset is still held: while one lasts, another rule gives the reason."""
_OF_NOW = frozenset(
    {"free", "restore.below_cap", "restore.waits", "restore.below", "restore.apart", "restore.spread"}
    | {"restore.minimum_off", "restore.often", "mode.stands"}
    | {"inputs.stale", "meter.suspect", "cap.fits", "generation.rises"}
    | {"grid.frequency_high", "grid.after_outage", "grid.rises_slowly"}
)
"""Reasons that do not say why it was lowered: why it is not raised is found anew in each cycle."""
_S = 1_000_000_000


def explain_held(inputs: CycleInputs, reason: Reason, waits: Reason) -> Reason:
    """Return why an asset is still held.

    A reason that is no longer in force is not named; ``waits``, what it waits for, is.
    """
    force = inputs.active_limits
    if reason.code in _OF_NOW or reason.last.code == "grid.nothing_raised":
        return waits
    if reason.code in effects.TIERS_OFF:
        done = reason.last  # the reading before it is that of the row that acted last
        return next((now for now in inputs.grid_effects.off.values() if now.last == done), waits)
    # No plan delays it any more, nobody orders it so, and no other controller moves it.
    if reason.who == local_plan.PLAN_LEADS or reason.code in _ENDED:
        return waits
    direction = active.LIMITED_DIRECTIONS.get(reason.code)
    return reason if direction is None else _under_cap(force, direction, reason, waits)


def _under_cap(force: ActiveLimits, direction: str, reason: Reason, waits: Reason) -> Reason:
    """Return why an asset is held that the limit of ``direction`` lowered."""
    if getattr(force, f"{direction}_w") is None:
        return waits
    cap = force.reason(direction)
    if reason.last.code not in _OF_NOW and reason._replace(more=None) == cap:
        return reason
    return waits if waits.code == _FITS.code else cap.then(waits)


def explain_no_raise(
    inputs: CycleInputs,
    gate: RestoreGate,
    spares_w: Mapping[str, float],
    step_w: float,
    *,
    own: Reason | None = None,
) -> Reason:
    """Return why a consumer that a limit lowered is not raised by its next step of ``step_w`` now.

    ``own`` is what the asset itself waits for once the staged restore would let it return.

    ``spares_w`` is the power that each limit leaves for a raise, by direction; empty if nothing is known of
    the grid.
    """
    if inputs.grid_effects.holds:
        return effects.explain_no_increase(inputs.state.events, generates=False)
    in_the_way = next((way for way, spare_w in spares_w.items() if spare_w < step_w), None)
    if in_the_way is not None:
        return make_limit_reason(inputs.active_limits, in_the_way)
    if inputs.stage is not ControlStage.NORMAL:
        return explain_stale_inputs(inputs)
    return _why_not_yet(inputs, gate, own or RETURNS) if spares_w else RETURNS


def explain_fit(inputs: CycleInputs) -> Reason:
    """Return why a car is lowered to the import that is left for it."""
    if inputs.grid_effects.holds:
        return effects.explain_no_increase(inputs.state.events, generates=False)
    ceiling_w = inputs.grid_effects.ceiling_w
    if ceiling_w is not None and ceiling_w < inputs.active_limits.import_w:
        return effects.RISES_SLOWLY
    return make_limit_reason(inputs.active_limits, "import")


def explain_off(asset: FlexibleAsset, switch: SwitchState, now_ns: int) -> Reason | None:
    """Return why a load, a car or a PV that is switched off may not return yet by itself; None if it may."""
    if switch.on or isinstance(asset, OperationModeAsset):
        return None
    if not switch_state.is_switch_allowed(asset, switch, now_ns):
        off_s = switch_state.PV_MIN_OFF_S if isinstance(asset, Pv) else asset.min_off_s
        return make_rule_reason("restore.minimum_off", RESTORE, off_s=off_s)
    return None if switch_state.is_return_allowed(asset, switch, now_ns) else _OFTEN


def _why_not_yet(inputs: CycleInputs, gate: RestoreGate, own: Reason) -> Reason:
    """Return the part of the staged restore for which an asset waits that already fits, else ``own``."""
    ceiling_w, now_ns = inputs.grid_effects.ceiling_w, inputs.now_ns
    if ceiling_w is not None and ceiling_w < inputs.active_limits.import_w * switch_state.RESTORE_BELOW_SHARE:
        return effects.RISES_SLOWLY
    if gate.below_since_ns is None or now_ns - gate.below_since_ns < switch_state.RESTORE_AFTER_S * _S:
        return make_rule_reason(
            "restore.below",
            RESTORE,
            limit_w=round(inputs.active_limits.import_w * switch_state.RESTORE_BELOW_SHARE),
        )
    if gate.last_ns is not None and now_ns - gate.last_ns < switch_state.RESTORE_EACH_S * _S:
        return _APART
    return own if gate.is_open(now_ns) else _SPREAD


def explain_no_pv_raise(inputs: CycleInputs, room_w: float | None, step_w: float, fitting: Reason) -> Reason:
    """Return why PV is not raised by ``step_w``; ``fitting`` is the reason if ``room_w`` allows it."""
    if inputs.grid_effects.pv_holds:
        return effects.explain_no_increase(inputs.state.events, generates=True)
    if inputs.active_limits.generation_w is not None:
        return make_limit_reason(inputs.active_limits, "generation")
    if room_w is None or room_w <= step_w:
        return make_limit_reason(inputs.active_limits, "export")
    if inputs.stage is not ControlStage.NORMAL:
        return explain_stale_inputs(inputs)
    return fitting if inputs.grid_effects.pv_ramp_per_min is None else effects.RISES_SLOWLY


def explain_stale_inputs(inputs: CycleInputs) -> Reason:
    """Return why nothing is raised while inputs are stale or the grid meter is suspect."""
    return _SUSPECT if inputs.meter.verdict is MeterVerdict.SUSPECT else _STALE


def make_limit_reason(force: ActiveLimits, direction: str) -> Reason:
    """Return the reason of an asset that is limited to what the limit of ``direction`` leaves."""
    return force.reason(direction).limit_until(_FITS)
