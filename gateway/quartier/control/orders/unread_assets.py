"""Assets whose order point was not read yet: their state is not known (pure).

Such an asset counts as on, so that no limit depends on it being off. It is not ordered on, and may not take
more, before it was read or its device had its time to report. An asset that shows no order by then, is not
seen running and has no remembered state is restored in stages, like one that was found off.
"""

from quartier.control import switch_state
from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations, totals
from quartier.control.observe.health import ControlStage
from quartier.control.participants import OVER_W, Participant
from quartier.control.reason import make_reason
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, ControllableAsset, Load, OperationModeAsset, Pv
from quartier.site.records import replace

_PAUSED = make_reason("charging.paused_unread")
_S = 1_000_000_000


def note_unread_point(switch: SwitchState, now_ns: int, *, read: bool) -> SwitchState:
    """Record since when the point of an asset without an order is unread; None once it is read."""
    if read:
        return switch if switch.unread_ns is None else replace(switch, unread_ns=None)
    return switch if switch.unread_ns is not None else replace(switch, unread_ns=now_ns)


def is_wait_over(inputs: CycleInputs, asset: ControllableAsset, switch: SwitchState) -> bool:
    """Return whether its point was unread for as long as its device may be silent, and all else is well."""
    if switch.unread_ns is None or inputs.is_meter_lost or inputs.stage is not ControlStage.NORMAL:
        return False
    waits_s = max(totals.START_WAIT_S, observations.find_silent_after_s(asset.period_s))
    return inputs.now_ns - switch.unread_ns > waits_s * _S


def returns_staged(inputs: CycleInputs, participant: Participant) -> bool:
    """Return whether it must be restored in stages: it may be off as well as idle."""
    asset, switch = participant.asset, participant.switch_state
    switched = isinstance(asset, Load | ChargePointAsset) or (
        isinstance(asset, Pv) and asset.curtail == "relay"
    )
    known = switch.since_ns is not None or participant.allowed_w is not None or is_seen_running(participant)
    return switched and participant.usable and not known and is_wait_over(inputs, asset, switch)


def is_possibly_off(inputs: CycleInputs, participant: Participant) -> bool:
    """Return whether it is off, or may be; one remembered as off and not read is first ordered off."""
    return (
        not participant.switch_state.on
        if participant.switch_state.unread_ns is None
        else returns_staged(inputs, participant)
    )


def is_unread(inputs: CycleInputs, participant: Participant) -> bool:
    """Return whether it gets no more than it has, because its present state is not known."""
    if participant.switch_state.unread_ns is None:
        return False
    return not is_wait_over(inputs, participant.asset, participant.switch_state) or returns_staged(
        inputs, participant
    )


def is_first_order_due(inputs: CycleInputs, participant: Participant, switch: SwitchState) -> bool:
    """Return whether an unread asset is written now: a reduction at once, everything else when due.

    The share of a car that is seen charging protects a fuse, and does not wait.
    """
    if is_wait_over(inputs, participant.asset, participant.switch_state):
        return not returns_staged(inputs, participant)
    if isinstance(participant.asset, OperationModeAsset):
        return switch.mode is not None and switch.mode > participant.asset.normal
    shares = participant.allowed_w is not None and is_seen_running(participant)
    return shares or not switch.on or _is_lower(participant.switch_state, switch)


def is_seen_running(participant: Participant) -> bool:
    """Return whether it is seen to take, or make, more than it can while it is off."""
    return participant.is_measured and abs(participant.present_w) > OVER_W


def limit_first_order(inputs: CycleInputs, participant: Participant, switch: SwitchState) -> SwitchState:
    """Return the part of ``switch`` that an unread asset may be ordered: reductions; the rest waits.

    A lower current would wake a paused car: one that is not seen charging is paused instead.
    """
    asset, before = participant.asset, participant.switch_state
    if is_wait_over(inputs, asset, before):
        return _make_first_order(inputs, participant, switch)
    if isinstance(asset, OperationModeAsset):
        return switch if switch.mode is not None and switch.mode > asset.normal else before
    if (
        isinstance(asset, ChargePointAsset)
        and switch.on
        and not is_seen_running(participant)
        and _is_lower(before, switch)
    ):
        return switch_state.switch_off(replace(switch, limit_w=before.limit_w), 0.0, inputs.now_ns)
    return switch if not switch.on or _is_lower(before, switch) else before


def _make_first_order(inputs: CycleInputs, participant: Participant, switch: SwitchState) -> SwitchState:
    """Return the first order after the wait; PV begins at its present power, and rises as there is room."""
    asset = participant.asset
    if isinstance(asset, Pv) and asset.curtail == "limit" and participant.is_measured and participant.usable:
        switch = switch_state.hold_limit(switch, max(0.0, -participant.present_w), inputs.now_ns)
    return switch


def _is_lower(before: SwitchState, switch: SwitchState) -> bool:
    return switch.limit_w is not None and (before.limit_w is None or switch.limit_w < before.limit_w)
