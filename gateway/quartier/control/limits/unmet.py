"""Limits on generation and consumption that cannot be kept, because too many assets take no orders (pure).

Import and export are measured at the connection, and their breach is detected there.
"""

from collections.abc import Iterator, Sequence

from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.breach import BREACH_MIN_W
from quartier.control.observe import observations, totals
from quartier.control.observe.observations import LastGoodValues
from quartier.control.participants import Participant, explain_no_order
from quartier.control.reason import Reason, make_reason
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import ChpUnit, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site


def find_unkept_limit_alarms(inputs: CycleInputs, participants: Sequence[Participant]) -> Iterator[Alarm]:
    """Yield an alarm for each such limit, with the power in W that takes no order."""
    force = inputs.active_limits
    if force.generation_w is not None:
        made_w = sum(
            _find_generation_w(inputs, pv) for pv in inputs.site.assets if isinstance(pv, Pv | ChpUnit)
        )
        if _beyond(made_w, force.generation_w):
            words = f"{force.reason('generation')} cannot be kept: {made_w:.0f} W of generation take no order"
            yield Alarm("cap.unmet", "generation", words)
    if force.consumption_w is not None and inputs.grid_w is not None:
        rest_w = totals.find_consumption_w(inputs, participants) - sum(map(_sheddable_w, participants))
        if _beyond(rest_w, force.consumption_w):
            words = f"{force.reason('consumption')} cannot be kept: {rest_w:.0f} W take no order"
            yield Alarm("cap.unmet", "consumption", words)


def _find_generation_w(inputs: CycleInputs, pv: Pv | ChpUnit) -> float:
    """Return the generation in W that cannot be limited now; 0 if it can. A CHP is never stopped."""
    last_good = inputs.state.last_good
    if isinstance(pv, Pv) and pv.curtail != "none" and not explain_no_order(pv, last_good):
        return 0.0
    return -min(0.0, observations.find_power_w(last_good, pv, inputs.now_ns) or 0.0)


def _sheddable_w(participant: Participant) -> float:
    return max(0.0, participant.present_w) if participant.usable and participant.asset.tier != "A" else 0.0


def _beyond(watts: float, cap_w: float) -> bool:
    return watts > cap_w + max(0.02 * cap_w, BREACH_MIN_W)


_NO_EXPORT = make_reason("meter.no_export")
_BLIND = make_reason("generation.blind")


def is_meter_unsigned(site: Site, last_good: LastGoodValues) -> bool:
    """Return whether the grid meter would show export as import: it has neither W nor, now, any export."""
    return site.grid.is_apparent and not observations.has_unsigned_export(site.grid, last_good)


def limit_unseen_export(site: Site, last_good: LastGoodValues, force: ActiveLimits) -> ActiveLimits:
    """Return the limits in force; if export is not visible, generation must fit into the export limit."""
    is_kept = force.generation_w is not None and force.generation_w <= force.export_w
    if is_kept or not is_meter_unsigned(site, last_good):
        return force
    whose = {**force.sources, "generation": force.sources["export"].then(_NO_EXPORT)}
    return replace(force, generation_w=force.export_w, sources=whose)


def limit_blind_generation(
    inputs: CycleInputs,
    participants: list[Participant],
    setpoints: tuple[float, ...],
    acted: dict[int, Reason],
) -> tuple[float, ...]:
    """Return the setpoints without a grid meter: generation fits the export limit plus the certain load.

    ``acted`` gets the reason of each that was moved.
    """
    if not inputs.is_meter_lost:
        return setpoints
    allowed_w = inputs.active_limits.export_w + totals.find_certain_load_w(inputs)
    moved = list(setpoints)
    for index, participant in enumerate(participants):
        if isinstance(participant.asset, Pv) and participant.usable:
            is_off = index in acted and setpoints[index] >= 0
            moved[index] = max(-allowed_w, -participant.asset.rated_w)
            if participant.asset.curtail == "relay" and (is_off or allowed_w < participant.asset.rated_w):
                moved[index] = 0.0
            allowed_w += moved[index]
            if moved[index] > -participant.asset.rated_w and not is_off:
                acted[index] = inputs.active_limits.reason("export").then(_BLIND)
    return tuple(moved)
