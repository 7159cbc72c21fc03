"""Decide whether a command is accepted, measure whether it is fulfilled, and explain failures (pure)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from quartier.control import participants, switch_state
from quartier.control.events import effects
from quartier.control.observe import observations
from quartier.control.observe.health import ControlStage
from quartier.control.orders import conflicts, running_commands, setpoints
from quartier.control.orders.commands import (
    CommandDocument,
    FailsafeTest,
    Ping,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.control.orders.running_commands import RunningCommand, RunningCommands
from quartier.control.participants import find_control_point
from quartier.control.records import Overrides
from quartier.control.requests import Ack, AckReason, InstructionStatus, ReceptionStatus
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, ControllableAsset, Load, OperationModeAsset
from quartier.site.records import Now

_CAREFUL = ("FAILSAFE", "INIT")
GRID_SHARE, GRID_LEAST_W = 0.02, 200.0
"""The band around a limit at the connection (spec/failsafe.md#breach)."""


def find_grid_band_w(cap_w: float) -> float:
    """Return how far above a limit at the connection still counts as kept, in W."""
    return max(GRID_SHARE * cap_w, GRID_LEAST_W)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """The facts by which a command is evaluated.

    ``overrides`` are the orders of people, ``ordered`` the assets with a setpoint of the district.
    ``may_loosen``: spec/failsafe.md#rule-3. ``follows_district``: the link state is one in which district
    requests are followed. ``regulatory`` are the programs of the grid operator.
    """

    state: ControlState
    overrides: Overrides = field(default_factory=dict)
    ordered: Collection[str] = ()
    may_loosen: bool = True
    follows_district: bool = True
    regulatory: Collection[str] = ()
    now: Now


def is_command_fulfilled(one: RunningCommand, context: CommandContext) -> bool:
    """Return whether readings taken since the command began show what it asked for."""
    request = one.document.asked
    if isinstance(request, Setpoint):
        asset = running_commands.find_controllable(context.state.site, request.asset)
        return asset is not None and _is_there(asset, request.power_w, one, context)
    if isinstance(request, Shed):
        return not any(asset.measured for asset in _still_on(request, one, context))
    if isinstance(request, FailsafeTest):
        return context.state.mode in _CAREFUL and _is_capped(one, context)
    assert isinstance(request, SetMode)
    units = [
        unit
        for unit in running_commands.find_batteries(context.state.site)
        if unit.name not in context.overrides
    ]
    if request.mode == "maintenance":
        return all(participants.find_control_point(unit) in context.state.book.released for unit in units)
    return all(_is_there(unit, 0.0, one, context) for unit in units if unit.name not in context.ordered)


def _find_measured_w(asset: ControllableAsset, one: RunningCommand, context: CommandContext) -> float | None:
    """Return the power measured since the command began, in W; None if there is none."""
    memory = context.state.last_good.get(f"{asset.name}.power_w")
    return memory.value if memory is not None and memory.taken_ns > one.since_ns else None


def _is_there(asset: ControllableAsset, power_w: float, one: RunningCommand, context: CommandContext) -> bool:
    seen_w = _find_measured_w(asset, one, context)
    return seen_w is not None and setpoints.is_setpoint_reached(asset, power_w, seen_w)


def _still_on(
    request: Shed, one: RunningCommand, context: CommandContext
) -> list[Load | ChargePointAsset | OperationModeAsset]:
    """Return the assets of a shed that are not seen to be off, except those that a person ordered."""
    ours = (
        asset for asset in find_shed_assets(request, context.state) if asset.name not in context.overrides
    )
    return [asset for asset in ours if not _is_off(asset, one, context)]


def _is_off(
    asset: Load | ChargePointAsset | OperationModeAsset, one: RunningCommand, context: CommandContext
) -> bool:
    seen_w = _find_measured_w(asset, one, context)
    mode = context.state.switch_states.get(asset.name, SwitchState()).mode
    left_w = max(0.0, asset.modes[mode or 0].power_w) if isinstance(asset, OperationModeAsset) else 0.0
    return seen_w is not None and (seen_w <= left_w or setpoints.is_setpoint_reached(asset, left_w, seen_w))


def _is_capped(one: RunningCommand, context: CommandContext) -> bool:
    grid = context.state.last_good.get(f"{context.state.site.grid.name}.power_w")
    force = context.state.active_limits
    if grid is None or force is None or grid.taken_ns <= one.since_ns:
        return False
    low_w = -force.export_w - find_grid_band_w(force.export_w)
    return low_w <= grid.value <= force.import_w + find_grid_band_w(force.import_w)


def explain_failure(one: RunningCommand, context: CommandContext) -> AckReason:
    """Return what kept the command from success until its time was over."""
    request = one.document.asked
    if isinstance(request, Setpoint):
        asset = running_commands.find_controllable(context.state.site, request.asset)
        return (
            AckReason.UNKNOWN_DEVICE if asset is None else _of_setpoint(asset, request.power_w, one, context)
        )
    if isinstance(request, Shed):
        kept = any(_runs_its_least(asset, context) for asset in _still_on(request, one, context))
        return AckReason.SELF_PROTECTION if kept else AckReason.UNCONTROLLED_LOADS
    return AckReason.SELF_PROTECTION if isinstance(request, SetMode) else AckReason.UNCONTROLLED_LOADS


def _runs_its_least(asset: Load | ChargePointAsset | OperationModeAsset, context: CommandContext) -> bool:
    switch = context.state.switch_states.get(asset.name, SwitchState())
    return switch.on and not switch_state.is_switch_allowed(asset, switch, context.now.ns)


def _of_setpoint(
    asset: ControllableAsset, power_w: float, one: RunningCommand, context: CommandContext
) -> AckReason:
    """Explain by the source of the order that is in force at its point instead."""
    order = context.state.book.orders.get(participants.find_control_point(asset))
    if is_protected(asset, power_w, context):
        return AckReason.SELF_PROTECTION
    behind = None if order is None else order.reason.who
    if behind is None or behind.kind not in {"grid", "document"}:
        return AckReason.SAFETY
    if behind == running_commands.find_requester(one):
        return AckReason.SELF_PROTECTION
    is_regulatory = behind.kind == "grid" or behind.name in context.regulatory
    return AckReason.REGULATORY if is_regulatory else AckReason.BOUNDS


def evaluate_running_commands(
    before: RunningCommands, context: CommandContext
) -> tuple[RunningCommands, list[Ack]]:
    """Advance each running command after a cycle; return the new state and the acks to send.

    STARTED after the first cycle, SUCCEEDED once measured, ABORTED if it ends before its time, or ends
    without having been seen to be done.
    """
    after, acks = before, []
    for one in before.running:
        for status, reason in _steps(one, context):
            after, ack = running_commands.set_command_status(after, one.document, status, reason)
            acks.append(ack)
        if context.now.ns >= one.until_ns:
            after = running_commands.end_command(after, one.document)
    return after, acks


def _steps(one: RunningCommand, context: CommandContext) -> Iterator[tuple[InstructionStatus, str]]:
    reason = _cut(one, context)
    is_over = context.now.ns >= one.until_ns
    if is_over and not reason and one.status is not InstructionStatus.SUCCEEDED:
        reason = explain_failure(one, context)
    if reason:
        yield InstructionStatus.ABORTED, reason
    if reason or is_over:
        return
    if one.status is InstructionStatus.ACCEPTED:
        yield InstructionStatus.STARTED, ""
    if one.status is not InstructionStatus.SUCCEEDED and is_command_fulfilled(one, context):
        yield InstructionStatus.SUCCEEDED, ""


def _cut(one: RunningCommand, context: CommandContext) -> str:
    """Return why it must end now: a setpoint or mode ends without the district in control; a shed goes on."""
    request = one.document.asked
    if not isinstance(request, Setpoint | SetMode):
        return ""
    if isinstance(request, Setpoint) and request.asset in context.overrides:
        return AckReason.LOCAL_OVERRIDE
    return "" if context.follows_district and not context.state.events.is_grid_lost else AckReason.SAFETY


_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CommandDecision:
    """ACCEPTED or REJECTED; ``reason`` is also set if a part of the command has no effect."""

    status: InstructionStatus = InstructionStatus.ACCEPTED
    reason: str = ""
    reception: ReceptionStatus = ReceptionStatus.OK


def decide_command(
    document: CommandDocument, commands: RunningCommands, context: CommandContext, *, persisted: bool
) -> CommandDecision:
    """Decide on a command that came for the first time; ``persisted``: its number is on disk.

    A command that only reduces (a shed no weaker than the running one, a test of the fail-safe state) is
    accepted in every state, like a document that tightens.
    """
    request = document.asked
    if isinstance(request, Ping | Replay | ResetAlarm):
        return CommandDecision()
    refusal = _refuse_impossible(document, context)
    if refusal is None and not _tightens(document, commands, context.now):
        refusal = _loosening(context, persisted=persisted)
    if refusal is not None:
        return refusal
    if isinstance(request, Setpoint):
        return _setpoint(request, commands, context)
    if isinstance(request, SetMode) and request.mode != "auto":
        return _mode(context)
    if isinstance(request, Shed):
        return _shed(request, context)
    out = isinstance(request, FailsafeTest) and context.state.events.is_grid_lost
    return _no(AckReason.SAFETY) if out else CommandDecision()


def _refuse_impossible(document: CommandDocument, context: CommandContext) -> CommandDecision | None:
    """Refuse a setpoint that no state of the site allows: no such asset, or a power it cannot follow."""
    request = document.asked
    if not isinstance(request, Setpoint):
        return None
    asset = running_commands.find_controllable(context.state.site, request.asset)
    if asset is None:
        return _no(AckReason.UNKNOWN_DEVICE, ReceptionStatus.INVALID_CONTENT)
    bad = setpoints.find_power_fault(asset, request.power_w)
    return _no(AckReason.BOUNDS, ReceptionStatus.INVALID_CONTENT) if bad else None


def _loosening(context: CommandContext, *, persisted: bool) -> CommandDecision | None:
    """Return why a command that loosens is not accepted now (spec/failsafe.md#rule-3); None if it may be."""
    if not persisted:
        return CommandDecision(InstructionStatus.REJECTED, reception=ReceptionStatus.TEMPORARY_ERROR)
    if not context.now.synced:
        return _no(AckReason.CLOCK)
    return None if context.may_loosen else _no(AckReason.SAFETY)


def _no(reason: AckReason, reception: ReceptionStatus = ReceptionStatus.OK) -> CommandDecision:
    return CommandDecision(InstructionStatus.REJECTED, reason.value, reception)


def _tightens(document: CommandDocument, commands: RunningCommands, now: Now) -> bool:
    request = document.asked
    ends_ns = now.ns + round(document.duration_s * _S)
    if isinstance(request, FailsafeTest):
        test = commands.test_ns(now.ns)
        return test is None or test[1] <= ends_ns
    if not isinstance(request, Shed) or not request.level:
        return False
    running = [(one.document.asked, one.until_ns) for one in commands.now(now.ns)]
    return all(
        old.level <= request.level and until_ns <= ends_ns
        for old, until_ns in running
        if isinstance(old, Shed)
    )


def _setpoint(request: Setpoint, commands: RunningCommands, context: CommandContext) -> CommandDecision:
    state = context.state
    asset = running_commands.find_controllable(state.site, request.asset)
    assert asset is not None
    if asset.name in context.overrides:
        return _no(AckReason.LOCAL_OVERRIDE)
    kept = isinstance(asset, Battery) and _is_maintained(commands, context.now)
    if (
        kept
        or not context.follows_district
        or state.events.is_grid_lost
        or state.judgement.stage is not ControlStage.NORMAL
    ):
        return _no(AckReason.SAFETY)
    if is_protected(asset, request.power_w, context):
        return _no(AckReason.SELF_PROTECTION)
    return _no(AckReason.REGULATORY) if _is_forbidden(asset, request.power_w, context) else CommandDecision()


def _is_maintained(commands: RunningCommands, now: Now) -> bool:
    running = (one.document.asked for one in commands.now(now.ns))
    return any(isinstance(one, SetMode) and one.mode == "maintenance" for one in running)


def is_protected(asset: ControllableAsset, power_w: float, context: CommandContext) -> bool:
    """Return whether the device, or its protection, keeps the asset from that power now."""
    state, now_ns = context.state, context.now.ns
    if participants.explain_no_order(asset, state.last_good):
        return True
    if conflicts.explain_no_raise(state.conflicts, find_control_point(asset)):
        return True
    if isinstance(asset, Battery):
        soc_pct = observations.find_fresh_value(
            state.last_good, f"{asset.name}.soc_pct", asset.soc_period_s, now_ns
        )
        if soc_pct is None:
            return True
        room = setpoints.find_power_range(asset, soc_pct)
        return (power_w < 0 and room.low_w == 0) or (power_w > 0 and room.high_w == 0)
    switch = state.switch_states.get(asset.name, SwitchState())
    switches = isinstance(asset, Load) and switch.on is not (power_w > 0)
    return switches and not switch_state.is_switch_allowed(asset, switch, now_ns)


def _is_forbidden(asset: ControllableAsset, power_w: float, context: CommandContext) -> bool:
    """Return whether a grid event forbids it to take more, or to feed in."""
    limits = context.state.site.limits
    grid = effects.find_grid_effects(context.state.events, limits.import_hard_w, context.now.ns)
    if isinstance(asset, Battery):
        return (power_w > 0 and grid.no_grid_charge) or (power_w < 0 and grid.no_feed_in)
    return power_w > 0 and (grid.holds or asset.tier in grid.off)


def _mode(context: CommandContext) -> CommandDecision:
    batteries = running_commands.find_batteries(context.state.site)
    if not context.follows_district or context.state.events.is_grid_lost:
        return _no(AckReason.SAFETY)
    by_hand = [one for one in batteries if one.name in context.overrides]
    if by_hand and len(by_hand) == len(batteries):
        return _no(AckReason.LOCAL_OVERRIDE)
    return CommandDecision(reason=AckReason.LOCAL_OVERRIDE.value if by_hand else "")


def _shed(request: Shed, context: CommandContext) -> CommandDecision:
    """Decide on a shed: a person's order of an asset ranks above it.

    The answer says so if a person ordered some of its assets, or all of them.
    """
    assets = [*find_shed_assets(request, context.state)]
    by_hand = [one for one in assets if one.name in context.overrides]
    if request.level and by_hand and len(by_hand) == len(assets):
        return _no(AckReason.LOCAL_OVERRIDE)
    orders = (context.overrides.get(one.name) for one in running_commands.find_batteries(context.state.site))
    charges = any(order is not None and (order.value or 0.0) > 0 for order in orders)
    is_local = bool(request.level) and (bool(by_hand) or charges)
    return CommandDecision(reason=AckReason.LOCAL_OVERRIDE.value if is_local else "")


def find_shed_assets(
    request: Shed, state: ControlState
) -> Iterator[Load | ChargePointAsset | OperationModeAsset]:
    """Yield the assets of a shed: those of its tiers that take orders, without batteries and PV."""
    tiers = running_commands.SHED_TIERS[: request.level]
    for asset in state.site.assets:
        if (
            isinstance(asset, Load | ChargePointAsset | OperationModeAsset)
            and asset.tier in tiers
            and participants.has_writable_point(asset)
        ):
            yield asset
