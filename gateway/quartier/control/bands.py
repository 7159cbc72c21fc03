"""Whether what a command asked is *measured*, and what keeps it from that where it is not (pure)."""

from quartier.control import asked, players, setpoint, shed
from quartier.control.acks import Reason
from quartier.control.commands import FailsafeTest, SetMode, Setpoint, Shed
from quartier.control.running import Running
from quartier.control.shed import Turn
from quartier.control.verdict import World, is_protected, sheddable
from quartier.house.assets import Ev, Load, Moded, Steered

_CAREFUL = ("FAILSAFE", "INIT")
GRID_SHARE, GRID_LEAST_W = 0.02, 200.0
"""The band around a cap at the connection (spec/failsafe.md#breach)."""


def grid_band_w(cap_w: float) -> float:
    """How far over a cap at the connection still counts as kept."""
    return max(GRID_SHARE * cap_w, GRID_LEAST_W)


def is_inside(one: Running, world: World) -> bool:
    """Whether readings taken since the command began show what it asked."""
    wish = one.document.asked
    if isinstance(wish, Setpoint):
        asset = asked.named(world.state.house, wish.asset)
        return asset is not None and _is_there(asset, wish.power_w, one, world)
    if isinstance(wish, Shed):
        return not any(asset.measured for asset in _still_on(wish, one, world))
    if isinstance(wish, FailsafeTest):
        return world.state.mode in _CAREFUL and _is_capped(one, world)
    assert isinstance(wish, SetMode)
    units = [unit for unit in asked.batteries(world.state.house) if unit.name not in world.people]
    if wish.mode == "maintenance":
        return all(players.steering_point(unit) in world.state.book.released for unit in units)
    return all(_is_there(unit, 0.0, one, world) for unit in units if unit.name not in world.ordered)


def _seen_w(asset: Steered, one: Running, world: World) -> float | None:
    """What it was measured to take since the command began."""
    memory = world.state.memories.get(f"{asset.name}.power_w")
    return memory.value if memory is not None and memory.taken_ns > one.since_ns else None


def _is_there(asset: Steered, power_w: float, one: Running, world: World) -> bool:
    seen_w = _seen_w(asset, one, world)
    return seen_w is not None and setpoint.is_met(asset, power_w, seen_w)


def _still_on(wish: Shed, one: Running, world: World) -> list[Load | Ev | Moded]:
    """The assets of a shed that are not seen to be off; a person's order of one excuses it."""
    ours = (asset for asset in sheddable(wish, world.state) if asset.name not in world.people)
    return [asset for asset in ours if not _is_off(asset, one, world)]


def _is_off(asset: Load | Ev | Moded, one: Running, world: World) -> bool:
    seen_w = _seen_w(asset, one, world)
    mode = world.state.turns.get(asset.name, Turn()).mode
    left_w = max(0.0, asset.modes[mode or 0].power_w) if isinstance(asset, Moded) else 0.0
    return seen_w is not None and (seen_w <= left_w or setpoint.is_met(asset, left_w, seen_w))


def _is_capped(one: Running, world: World) -> bool:
    grid = world.state.memories.get(f"{world.state.house.grid.name}.power_w")
    force = world.state.force
    if grid is None or force is None or grid.taken_ns <= one.since_ns:
        return False
    low_w = -force.export_w - grid_band_w(force.export_w)
    return low_w <= grid.value <= force.import_w + grid_band_w(force.import_w)


def why_not(one: Running, world: World) -> Reason:
    """What kept it from success until its time was over."""
    wish = one.document.asked
    if isinstance(wish, Setpoint):
        asset = asked.named(world.state.house, wish.asset)
        return Reason.UNKNOWN_DEVICE if asset is None else _of_setpoint(asset, wish.power_w, one, world)
    if isinstance(wish, Shed):
        kept = any(_runs_its_least(asset, world) for asset in _still_on(wish, one, world))
        return Reason.SELF_PROTECTION if kept else Reason.UNCONTROLLED_LOADS
    return Reason.SELF_PROTECTION if isinstance(wish, SetMode) else Reason.UNCONTROLLED_LOADS


def _runs_its_least(asset: Load | Ev | Moded, world: World) -> bool:
    turn = world.state.turns.get(asset.name, Turn())
    return turn.on and not shed.may_switch(asset, turn, world.now.ns)


def _of_setpoint(asset: Steered, power_w: float, one: Running, world: World) -> Reason:
    """By who is behind the order that stands at its point instead."""
    order = world.state.book.orders.get(players.steering_point(asset))
    if is_protected(asset, power_w, world):
        return Reason.SELF_PROTECTION
    behind = None if order is None else order.reason.who
    if behind is None or behind.kind not in {"grid", "document"}:
        return Reason.SAFETY
    if behind == asked.who(one):
        return Reason.SELF_PROTECTION
    word = behind.kind == "grid" or behind.name in world.regulatory
    return Reason.REGULATORY if word else Reason.BOUNDS
