"""An export cap that nobody can see kept: without the grid meter, or with one that has no sign."""

from quartier.control import measures, sight
from quartier.control.limits import Force
from quartier.control.players import Player
from quartier.control.reason import Reason, make
from quartier.control.scene import Scene
from quartier.control.sight import Memories
from quartier.house.assets import House, Pv
from quartier.house.records import replace

_NO_EXPORT = make("meter.no_export")
_BLIND = make("generation.blind")


def is_unsigned(house: House, memories: Memories) -> bool:
    """Whether the grid meter would show export as import, for it says neither W nor, now, any export."""
    return house.grid.is_apparent and not sight.shows_export(house.grid, memories)


def capped(house: House, memories: Memories, force: Force) -> Force:
    """The caps in force; what is generated must fit into that of export where export cannot be seen."""
    is_kept = force.generation_w is not None and force.generation_w <= force.export_w
    if is_kept or not is_unsigned(house, memories):
        return force
    whose = {**force.whose, "generation": force.whose["export"].then(_NO_EXPORT)}
    return replace(force, generation_w=force.export_w, whose=whose)


def generation(
    scene: Scene, players: list[Player], setpoints: tuple[float, ...], acted: dict[int, Reason]
) -> tuple[float, ...]:
    """Setpoints without the grid meter: generation is limited to the export cap and what surely runs.

    Who was moved is told in ``acted``.
    """
    if not scene.lost:
        return setpoints
    allowed_w = scene.force.export_w + measures.certain_load_w(scene)
    moved = list(setpoints)
    for index, player in enumerate(players):
        if isinstance(player.asset, Pv) and player.usable:
            is_off = index in acted and setpoints[index] >= 0
            moved[index] = max(-allowed_w, -player.asset.rated_w)
            if player.asset.curtail == "relay" and (is_off or allowed_w < player.asset.rated_w):
                moved[index] = 0.0
            allowed_w += moved[index]
            if moved[index] > -player.asset.rated_w and not is_off:
                acted[index] = scene.force.reason("export").then(_BLIND)
    return tuple(moved)
