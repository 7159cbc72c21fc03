"""Caps on generation and consumption that nothing may keep: too much comes from what takes no order (pure).

Import and export are measured where their cap holds, and a breach of them is watched there.
"""

from collections.abc import Iterator, Sequence

from quartier.control import guards, measures, sight
from quartier.control.breach import LEAST_W
from quartier.control.players import Player
from quartier.control.scene import Scene
from quartier.house.alarm import Alarm
from quartier.house.assets import Pv
from quartier.house.modes import Chp


def alarms(scene: Scene, players: Sequence[Player]) -> Iterator[Alarm]:
    """One text for each such cap, with what stands against it in W."""
    force = scene.force
    if force.generation_w is not None:
        made_w = sum(_made_w(scene, pv) for pv in scene.house.assets if isinstance(pv, Pv | Chp))
        if _beyond(made_w, force.generation_w):
            words = f"{force.reason('generation')} cannot be met: {made_w:.0f} W of generation take no order"
            yield Alarm("cap.unmet", "generation", words)
    if force.consumption_w is not None and scene.grid_w is not None:
        rest_w = measures.consumed_w(scene, players) - sum(map(_sheddable_w, players))
        if _beyond(rest_w, force.consumption_w):
            words = f"{force.reason('consumption')} cannot be met: {rest_w:.0f} W take no order"
            yield Alarm("cap.unmet", "consumption", words)


def _made_w(scene: Scene, pv: Pv | Chp) -> float:
    """What one generates that cannot be limited now; nothing where it can.  A CHP is never stopped."""
    memories = scene.state.memories
    if isinstance(pv, Pv) and pv.curtail != "none" and not guards.why_not(pv, memories):
        return 0.0
    return -min(0.0, sight.power_w(memories, pv, scene.now_ns) or 0.0)


def _sheddable_w(player: Player) -> float:
    return max(0.0, player.present_w) if player.usable and player.asset.tier != "A" else 0.0


def _beyond(watts: float, cap_w: float) -> bool:
    return watts > cap_w + max(0.02 * cap_w, LEAST_W)
