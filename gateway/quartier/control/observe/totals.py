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
"""How long after the start a device may not have answered yet, in s."""


def update_residual_window(
    inputs: CycleInputs, participants: Sequence[Participant]
) -> residual_load.ResidualWindow:
    """Update the window of the residual load.

    If the participants change while the meter is stale and not yet lost, its last reading serves for the new
    ones: so a lower limit need not wait for a fresh reading.
    """
    before, last_good = inputs.state.window, inputs.state.last_good
    grid = last_good.get(f"{inputs.site.grid.name}.power_w")
    if grid is None or inputs.is_meter_lost:
        return before
    if inputs.grid_w is not None:
        raised = find_unanswered_assets(inputs.state.book, last_good, inputs.now_ns)
        residual_load.attribute_rise(before, participants, inputs.grid_w, raised)
    elif before.base(participants) is not None:
        return before
    return residual_load.append_residual_sample(before, participants, grid, last_good)


def find_certain_load_w(inputs: CycleInputs) -> float:
    """Return what measured consumers surely take now, in W."""
    seen = (
        observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns)
        for asset in inputs.site.assets
        if isinstance(asset, Load | ChargePointAsset | OperationModeAsset)
        and asset.measured
        and inputs.state.switch_states.get(asset.name, SwitchState()).on
    )
    return sum(max(0.0, watts) for watts in seen if watts is not None)


def find_consumption_w(inputs: CycleInputs, participants: Sequence[Participant]) -> float:
    """Return the consumption of the building, whatever it generates, in W."""
    assert inputs.grid_w is not None
    used_w = inputs.grid_w + residual_load.find_generation_w(
        inputs.site, inputs.state.last_good, inputs.now_ns
    )
    return used_w - sum(min(0.0, p.present_w) for p in participants if isinstance(p.asset, Battery))


def find_other_consumption_w(
    inputs: CycleInputs, participants: Sequence[Participant], base: residual_load.ResidualLoad
) -> float:
    """Return the consumption beside the participants, in W; the worst case without a fresh grid reading."""
    if inputs.grid_w is not None:
        return find_consumption_w(inputs, participants) - sum(
            max(0.0, participant.present_w) for participant in participants
        )
    participating_w = -sum(
        participant.present_w for participant in participants if isinstance(participant.asset, Pv)
    )
    made_w = residual_load.find_generation_w(inputs.site, inputs.state.last_good, inputs.now_ns)
    return base.high_w + max(0.0, made_w - participating_w)


def find_unanswered_assets(book: OrderBook, last_good: LastGoodValues, now_ns: int) -> set[str]:
    """Return the assets whose order was raised and whose power was not read since it had time to act."""
    found = set()
    for point, order in book.orders.items():
        name = point.partition(".")[0]
        seen = last_good.get(f"{name}.power_w")
        if order.raised_ns is None or seen is None:
            continue
        young = now_ns - order.raised_ns < ANSWER_S * _S
        if young and seen.taken_ns < order.raised_ns + ACT_S * _S:
            found.add(name)
    return found
