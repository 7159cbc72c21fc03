"""What the building consumes and generates as a whole, from what is measured and assumed (pure)."""

from collections.abc import Sequence

from quartier.control import balance, orders, sight
from quartier.control.players import Player
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.house.assets import Battery, Ev, Load, Moded, Pv

START_S = 15.0
"""So long after the start a device may not have answered yet."""


def window(scene: Scene, players: Sequence[Player]) -> balance.Window:
    """The rest's last seconds after this look.

    Where the players are others while the meter is stale and not lost yet, its last reading stands for them:
    so a cap that tightens waits for no fresh one.
    """
    before, memories = scene.state.window, scene.state.memories
    grid = memories.get(f"{scene.house.grid.name}.power_w")
    if grid is None or scene.lost:
        return before
    if scene.grid_w is not None:
        raised = orders.unanswered(scene.state.book, memories, scene.now_ns)
        balance.answering(before, players, scene.grid_w, raised)
    elif before.base(players) is not None:
        return before
    return balance.slid(before, players, grid, memories)


def certain_load_w(scene: Scene) -> float:
    """What measured consumers surely take now, in W."""
    seen = (
        sight.power_w(scene.state.memories, asset, scene.now_ns)
        for asset in scene.house.assets
        if isinstance(asset, Load | Ev | Moded)
        and asset.measured
        and scene.state.turns.get(asset.name, Turn()).on
    )
    return sum(max(0.0, watts) for watts in seen if watts is not None)


def consumed_w(scene: Scene, players: Sequence[Player]) -> float:
    """What the building consumes, whatever it generates, in W."""
    assert scene.grid_w is not None
    used_w = scene.grid_w + balance.generation_w(scene.house, scene.state.memories, scene.now_ns)
    return used_w - sum(min(0.0, p.present_w) for p in players if isinstance(p.asset, Battery))


def consumed_beside_w(scene: Scene, players: Sequence[Player], base: balance.Base) -> float:
    """What others than the players consume, in W; at worst where the grid meter says nothing fresh."""
    if scene.grid_w is not None:
        return consumed_w(scene, players) - sum(max(0.0, player.present_w) for player in players)
    steered_w = -sum(player.present_w for player in players if isinstance(player.asset, Pv))
    made_w = balance.generation_w(scene.house, scene.state.memories, scene.now_ns)
    return base.high_w + max(0.0, made_w - steered_w)
