"""Whether a command may be taken now, and the reason where not: rule 3, people, devices, the grid (pure)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from quartier.control import asked, battery, duties, guards, rivals, setpoint, shed, sight
from quartier.control.acks import Reason, Reception, Status
from quartier.control.commands import (
    CommandDocument,
    FailsafeTest,
    Ping,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.control.failsafe import Stage
from quartier.control.override import Overrides
from quartier.control.players import steering_point
from quartier.control.running import Commands
from quartier.control.shed import Turn
from quartier.control.state import State
from quartier.house.assets import Battery, Ev, Load, Moded, Steered
from quartier.house.now import Now

_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a command is judged against.

    ``people`` are the orders by hand, ``ordered`` the assets that a setpoint of the district is for.
    ``may_loosen``: spec/failsafe.md#rule-3; ``leads``: the link is in a state in which the
    district's wishes are followed.  ``regulatory`` are the programs of the grid operator.
    """

    state: State
    people: Overrides = field(default_factory=dict)
    ordered: Collection[str] = ()
    may_loosen: bool = True
    leads: bool = True
    regulatory: Collection[str] = ()
    now: Now


@dataclass(frozen=True, slots=True)
class Verdict:
    """ACCEPTED or REJECTED; ``reason`` also where a part of it has no effect."""

    status: Status = Status.ACCEPTED
    reason: str = ""
    reception: Reception = Reception.OK


def verdict(document: CommandDocument, commands: Commands, world: World, *, persisted: bool) -> Verdict:
    """Judge a command that came for the first time; ``persisted``: its number is on disk.

    What only takes (a shed that is no weaker than the one that runs, a test of the fail-safe state) is taken
    in every state, like a document that tightens.
    """
    wish = document.asked
    if isinstance(wish, Ping | Replay | ResetAlarm):
        return Verdict()
    refusal = _nonsense(document, world)
    if refusal is None and not _tightens(document, commands, world.now):
        refusal = _loosening(world, persisted=persisted)
    if refusal is not None:
        return refusal
    if isinstance(wish, Setpoint):
        return _setpoint(wish, commands, world)
    if isinstance(wish, SetMode) and wish.mode != "auto":
        return _mode(world)
    if isinstance(wish, Shed):
        return _shed(wish, world)
    out = isinstance(wish, FailsafeTest) and world.state.events.is_gone
    return _no(Reason.SAFETY) if out else Verdict()


def _nonsense(document: CommandDocument, world: World) -> Verdict | None:
    """What no state of the house makes possible: a setpoint of nothing, or that no device can follow."""
    wish = document.asked
    if not isinstance(wish, Setpoint):
        return None
    asset = asked.named(world.state.house, wish.asset)
    if asset is None:
        return _no(Reason.UNKNOWN_DEVICE, Reception.INVALID_CONTENT)
    bad = setpoint.fault(asset, wish.power_w)
    return _no(Reason.BOUNDS, Reception.INVALID_CONTENT) if bad else None


def _loosening(world: World, *, persisted: bool) -> Verdict | None:
    """Why what loosens is not taken now (spec/failsafe.md#rule-3); None where it may be."""
    if not persisted:
        return Verdict(Status.REJECTED, reception=Reception.TEMPORARY_ERROR)
    if not world.now.synced:
        return _no(Reason.CLOCK)
    return None if world.may_loosen else _no(Reason.SAFETY)


def _no(reason: Reason, reception: Reception = Reception.OK) -> Verdict:
    return Verdict(Status.REJECTED, reason.value, reception)


def _tightens(document: CommandDocument, commands: Commands, now: Now) -> bool:
    wish = document.asked
    ends_ns = now.ns + round(document.duration_s * _S)
    if isinstance(wish, FailsafeTest):
        test = commands.test_ns(now.ns)
        return test is None or test[1] <= ends_ns
    if not isinstance(wish, Shed) or not wish.level:
        return False
    running = [(one.document.asked, one.until_ns) for one in commands.now(now.ns)]
    return all(
        old.level <= wish.level and until_ns <= ends_ns for old, until_ns in running if isinstance(old, Shed)
    )


def _setpoint(wish: Setpoint, commands: Commands, world: World) -> Verdict:
    state = world.state
    asset = asked.named(state.house, wish.asset)
    assert asset is not None
    if asset.name in world.people:
        return _no(Reason.LOCAL_OVERRIDE)
    kept = isinstance(asset, Battery) and _is_maintained(commands, world.now)
    if kept or not world.leads or state.events.is_gone or state.judgement.stage is not Stage.WELL:
        return _no(Reason.SAFETY)
    if is_protected(asset, wish.power_w, world):
        return _no(Reason.SELF_PROTECTION)
    return _no(Reason.REGULATORY) if _is_forbidden(asset, wish.power_w, world) else Verdict()


def _is_maintained(commands: Commands, now: Now) -> bool:
    running = (one.document.asked for one in commands.now(now.ns))
    return any(isinstance(one, SetMode) and one.mode == "maintenance" for one in running)


def is_protected(asset: Steered, power_w: float, world: World) -> bool:
    """Whether the device, or what protects it, keeps the asset from that power now."""
    state, now_ns = world.state, world.now.ns
    if guards.why_not(asset, state.memories):
        return True
    if rivals.why_not(state.rivals, steering_point(asset)):
        return True
    if isinstance(asset, Battery):
        soc_pct = sight.fresh(state.memories, f"{asset.name}.soc_pct", asset.soc_period_s, now_ns)
        if soc_pct is None:
            return True
        room = battery.room(asset, soc_pct)
        return (power_w < 0 and room.low_w == 0) or (power_w > 0 and room.high_w == 0)
    turn = state.turns.get(asset.name, Turn())
    switches = isinstance(asset, Load) and turn.on is not (power_w > 0)
    return switches and not shed.may_switch(asset, turn, now_ns)


def _is_forbidden(asset: Steered, power_w: float, world: World) -> bool:
    """Whether an event of the grid stands against what takes more, or feeds in."""
    limits = world.state.house.limits
    grid = duties.of(world.state.events, limits.import_hard_w, world.now.ns)
    if isinstance(asset, Battery):
        return (power_w > 0 and grid.no_grid_charge) or (power_w < 0 and grid.no_feed_in)
    return power_w > 0 and (grid.holds or asset.tier in grid.off)


def _mode(world: World) -> Verdict:
    batteries = asked.batteries(world.state.house)
    if not world.leads or world.state.events.is_gone:
        return _no(Reason.SAFETY)
    by_hand = [one for one in batteries if one.name in world.people]
    if by_hand and len(by_hand) == len(batteries):
        return _no(Reason.LOCAL_OVERRIDE)
    return Verdict(reason=Reason.LOCAL_OVERRIDE.value if by_hand else "")


def _shed(wish: Shed, world: World) -> Verdict:
    """A person's order of an asset comes before a shed; of none, or all, of them that is said."""
    assets = [*sheddable(wish, world.state)]
    by_hand = [one for one in assets if one.name in world.people]
    if wish.level and by_hand and len(by_hand) == len(assets):
        return _no(Reason.LOCAL_OVERRIDE)
    orders = (world.people.get(one.name) for one in asked.batteries(world.state.house))
    charges = any(order is not None and (order.value or 0.0) > 0 for order in orders)
    return Verdict(reason=Reason.LOCAL_OVERRIDE.value if wish.level and (by_hand or charges) else "")


def sheddable(wish: Shed, state: State) -> Iterator[Load | Ev | Moded]:
    """The assets that a shed is for: those of its tiers that take orders; batteries and PV are none."""
    tiers = asked.TIERS[: wish.level]
    for asset in state.house.assets:
        if isinstance(asset, Load | Ev | Moded) and asset.tier in tiers and setpoint.takes_orders(asset):
            yield asset
