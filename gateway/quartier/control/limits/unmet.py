"""Limits on generation and consumption that cannot be kept: too much comes from assets without orders
(pure).

Import and export are measured where their cap holds, and a breach of them is watched there.
"""

from collections.abc import Iterator, Sequence

from quartier.control import participants
from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.breach import BREACH_MIN_W
from quartier.control.observe import observations, totals
from quartier.control.observe.observations import LastGoodValues
from quartier.control.participants import Participant
from quartier.control.reason import Reason, make_reason
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import ChpUnit, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site


def find_unkept_limit_alarms(scene: CycleInputs, players: Sequence[Participant]) -> Iterator[Alarm]:
    """One text for each such cap, with what stands against it in W."""
    force = scene.force
    if force.generation_w is not None:
        made_w = sum(_made_w(scene, pv) for pv in scene.house.assets if isinstance(pv, Pv | ChpUnit))
        if _beyond(made_w, force.generation_w):
            words = f"{force.reason('generation')} cannot be met: {made_w:.0f} W of generation take no order"
            yield Alarm("cap.unmet", "generation", words)
    if force.consumption_w is not None and scene.grid_w is not None:
        rest_w = totals.find_consumption_w(scene, players) - sum(map(_sheddable_w, players))
        if _beyond(rest_w, force.consumption_w):
            words = f"{force.reason('consumption')} cannot be met: {rest_w:.0f} W take no order"
            yield Alarm("cap.unmet", "consumption", words)


def _made_w(scene: CycleInputs, pv: Pv | ChpUnit) -> float:
    """Return what one generates that cannot be limited now; nothing where it can.  A CHP is never stopped."""
    memories = scene.state.memories
    if isinstance(pv, Pv) and pv.curtail != "none" and not participants.explain_no_order(pv, memories):
        return 0.0
    return -min(0.0, observations.find_power_w(memories, pv, scene.now_ns) or 0.0)


def _sheddable_w(player: Participant) -> float:
    return max(0.0, player.present_w) if player.usable and player.asset.tier != "A" else 0.0


def _beyond(watts: float, cap_w: float) -> bool:
    return watts > cap_w + max(0.02 * cap_w, BREACH_MIN_W)


_NO_EXPORT = make_reason("meter.no_export")
_BLIND = make_reason("generation.blind")


def is_meter_unsigned(house: Site, memories: LastGoodValues) -> bool:
    """Whether the grid meter would show export as import, for it says neither W nor, now, any export."""
    return house.grid.is_apparent and not observations.has_unsigned_export(house.grid, memories)


def limit_unseen_export(house: Site, memories: LastGoodValues, force: ActiveLimits) -> ActiveLimits:
    """The caps in force; what is generated must fit into that of export where export cannot be seen."""
    is_kept = force.generation_w is not None and force.generation_w <= force.export_w
    if is_kept or not is_meter_unsigned(house, memories):
        return force
    whose = {**force.whose, "generation": force.whose["export"].then(_NO_EXPORT)}
    return replace(force, generation_w=force.export_w, whose=whose)


def limit_blind_generation(
    scene: CycleInputs, players: list[Participant], setpoints: tuple[float, ...], acted: dict[int, Reason]
) -> tuple[float, ...]:
    """Setpoints without the grid meter: generation is limited to the export cap and what surely runs.

    Who was moved is told in ``acted``.
    """
    if not scene.lost:
        return setpoints
    allowed_w = scene.force.export_w + totals.find_certain_load_w(scene)
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
