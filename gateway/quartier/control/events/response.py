"""Apply a grid event or a shed command before any limit: tiers off, batteries discharge (pure).

Minimum times are kept: they protect the device itself, which comes first (spec/failsafe.md#priority-0). Tier
A is never taken, an operation-mode asset no further than its class allows.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from quartier.control import records, switch_state
from quartier.control.inputs import CycleInputs
from quartier.control.observe.residual_load import ResidualLoad
from quartier.control.orders import setpoints
from quartier.control.participants import Participant, find_floor_power_w
from quartier.control.reason import Reason
from quartier.control.records import AllocationStep, PowerRange
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationModeAsset, Pv

SURPLUS_MIN_W = 0.5
"""Power below this, in W, is ordered as 0 W."""


def apply_tier_shed(
    inputs: CycleInputs, participants: list[Participant], desired_w: list[float], acted: dict[int, Reason]
) -> dict[int, int]:
    """Lower ``desired_w`` of all assets whose tier is off.

    Returns by participant the mode it goes to, 0 for one that is switched. An asset that takes nothing now
    goes off too: it must not begin.
    """
    moved: dict[int, int] = {}
    for index, participant in enumerate(participants):
        by_hand = records.is_by_hand(participant.name, inputs.requests.overrides)
        off = inputs.grid_effects.find_shed_tiers(by_hand=by_hand)
        if not participant.usable or not off:
            continue
        asset = participant.asset
        if isinstance(asset, OperationModeAsset):
            _shed_modes(participant, index, off, desired_w, acted, moved)
        elif isinstance(asset, Load | ChargePointAsset) and participant.switch_state.on and asset.tier in off:
            if switch_state.is_switch_allowed(asset, participant.switch_state, inputs.now_ns):
                desired_w[index], moved[index], acted[index] = 0.0, 0, off[asset.tier]
            elif (
                isinstance(asset, ChargePointAsset)
                and desired_w[index] > find_floor_power_w(asset)
                and not _is_at_floor(participant, asset)
            ):
                desired_w[index], acted[index] = find_floor_power_w(asset), off[asset.tier]
    return moved


def _is_at_floor(participant: Participant, ev: ChargePointAsset) -> bool:
    """Return whether it was ordered to its floor and does not obey: it counts with its present power."""
    limit_w = participant.switch_state.limit_w
    return participant.is_unresponsive and limit_w is not None and limit_w <= find_floor_power_w(ev)


def _shed_modes(
    participant: Participant,
    index: int,
    off: Mapping[str, Reason],
    desired_w: list[float],
    acted: dict[int, Reason],
    moved: dict[int, int],
) -> None:
    due = [mode_step for mode_step in participant.downs if mode_step.tier in off and not mode_step.generates]
    if due:
        desired_w[index] = min(desired_w[index], due[-1].target_w)
        moved[index], acted[index] = due[-1].mode, off[due[-1].tier]


def protect_from_increase(
    ups: Sequence[AllocationStep], participants: Sequence[Participant]
) -> Iterator[AllocationStep]:
    """Yield the steps up for an export limit while nothing may take more: only batteries and PV.

    A low frequency is never answered by more load, even if an export limit is in the way. But a battery takes
    the power that PV would be curtailed by, because that changes nothing for the grid: its range holds no
    more than the surplus.
    """
    for one in ups:
        if isinstance(participants[one.index].asset, Pv | Battery):
            yield one


def find_charge_max_w(inputs: CycleInputs, base: ResidualLoad, others_w: float, most_w: float) -> float:
    """Return the largest charging power of all batteries, in W: the surplus, or what a slow rise allows."""
    surplus_w = max(0.0, -(base.high_w + others_w))
    if inputs.grid_effects.no_grid_charge:
        return surplus_w
    if inputs.grid_effects.ceiling_w is not None:
        return max(surplus_w, inputs.grid_effects.ceiling_w - base.high_w - others_w)
    return most_w


def keep_shed_from_grid(
    inputs: CycleInputs, units: Sequence[Participant], rooms: Sequence[PowerRange], surplus_w: float
) -> list[PowerRange]:
    """Limit the batteries that no person ordered to the surplus while a shed command runs.

    A battery that a person ordered to charge takes its part of the surplus first.
    """
    if not inputs.grid_effects.asked_no_grid_charge:
        return list(rooms)
    hands = inputs.requests.overrides
    kept = [index for index, unit in enumerate(units) if not records.is_by_hand(unit.name, hands)]
    taken_w = sum(max(0.0, unit.before_w) for index, unit in enumerate(units) if index not in kept)
    narrow = setpoints.narrow_ranges(
        [rooms[index] for index in kept], low_w=-inf, high_w=max(0.0, surplus_w - taken_w)
    )
    found = dict(zip(kept, narrow, strict=True))
    return [found.get(index, room) for index, room in enumerate(rooms)]


def discharge_batteries(inputs: CycleInputs, unit: Participant) -> None:
    """Make a battery discharge as far as its range and ramp allow; limits are applied after this."""
    asset = unit.asset
    if inputs.grid_effects.discharges and isinstance(asset, Battery):
        step_w = asset.ramp_max_w_per_s * inputs.dt_s
        unit.desired_w = min(unit.desired_w, max(unit.headroom.low_w, unit.before_w - step_w))
        if unit.desired_w < -SURPLUS_MIN_W:  # else it has nothing to give, and has its own reason
            unit.reason = inputs.grid_effects.discharges
