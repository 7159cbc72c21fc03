"""Consumption and generation of the whole building, from measured and assumed values (pure)."""

from collections.abc import Sequence

from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations, residual_load
from quartier.control.observe.observations import LastGoodValues
from quartier.control.participants import Participant
from quartier.control.records import _S, ACT_S, ANSWER_S, OrderBook
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationModeAsset, Pv

START_WAIT_S = 15.0
"""So long after the start a device may not have answered yet."""


def update_residual_window(
    scene: CycleInputs, players: Sequence[Participant]
) -> residual_load.ResidualWindow:
    """The rest's last seconds after this look.

    Where the players are others while the meter is stale and not lost yet, its last reading stands for them:
    so a cap that tightens waits for no fresh one.
    """
    before, memories = scene.state.window, scene.state.memories
    grid = memories.get(f"{scene.house.grid.name}.power_w")
    if grid is None or scene.lost:
        return before
    if scene.grid_w is not None:
        raised = find_unanswered_assets(scene.state.book, memories, scene.now_ns)
        residual_load.attribute_rise(before, players, scene.grid_w, raised)
    elif before.base(players) is not None:
        return before
    return residual_load.append_residual_sample(before, players, grid, memories)


def find_certain_load_w(scene: CycleInputs) -> float:
    """Return what measured consumers surely take now, in W."""
    seen = (
        observations.find_power_w(scene.state.memories, asset, scene.now_ns)
        for asset in scene.house.assets
        if isinstance(asset, Load | ChargePointAsset | OperationModeAsset)
        and asset.measured
        and scene.state.turns.get(asset.name, SwitchState()).on
    )
    return sum(max(0.0, watts) for watts in seen if watts is not None)


def find_consumption_w(scene: CycleInputs, players: Sequence[Participant]) -> float:
    """Return what the building consumes, whatever it generates, in W."""
    assert scene.grid_w is not None
    used_w = scene.grid_w + residual_load.find_generation_w(scene.house, scene.state.memories, scene.now_ns)
    return used_w - sum(min(0.0, p.present_w) for p in players if isinstance(p.asset, Battery))


def find_other_consumption_w(
    scene: CycleInputs, players: Sequence[Participant], base: residual_load.ResidualLoad
) -> float:
    """Return what others than the players consume, in W; at worst where the grid meter says nothing fresh."""
    if scene.grid_w is not None:
        return find_consumption_w(scene, players) - sum(max(0.0, player.present_w) for player in players)
    steered_w = -sum(player.present_w for player in players if isinstance(player.asset, Pv))
    made_w = residual_load.find_generation_w(scene.house, scene.state.memories, scene.now_ns)
    return base.high_w + max(0.0, made_w - steered_w)


def find_unanswered_assets(book: OrderBook, memories: LastGoodValues, now_ns: int) -> set[str]:
    """The assets whose order became more and whose power was not read since it had time to act."""
    found = set()
    for point, order in book.orders.items():
        name = point.partition(".")[0]
        seen = memories.get(f"{name}.power_w")
        if order.raised_ns is None or seen is None:
            continue
        young = now_ns - order.raised_ns < ANSWER_S * _S
        if young and seen.taken_ns < order.raised_ns + ACT_S * _S:
            found.add(name)
    return found
