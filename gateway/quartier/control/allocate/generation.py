"""Calculate surplus, curtailed PV and the import without one asset; share the generation limit (pure).

The wanted power of a battery includes the power that operation-mode assets prefer. If a limit keeps one of
them from its mode, the rest would flow out of the building; while the link is lost no battery may feed the
grid (spec/failsafe.md#state-failsafe).

A PV of unknown power may not have received its order. Therefore the others are limited to what its rating
leaves. It is ordered its own share, and keeps to that order while its power is not known.
"""

from collections.abc import Iterator, Mapping, Sequence

from quartier.control import switch_state
from quartier.control.allocate.steps import CURTAILED
from quartier.control.allocate.tree import ConnectionTree, find_headroom_w
from quartier.control.inputs import CycleInputs
from quartier.control.observe import observations, residual_load, totals
from quartier.control.observe.health import ControlStage
from quartier.control.observe.observations import LastGood, LastGoodValues
from quartier.control.orders import overrides, unread_assets
from quartier.control.participants import Participant, explain_no_order
from quartier.control.reason import Reason, make_reason
from quartier.control.records import Order
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChpUnit, OperationModeAsset, Pv
from quartier.site.site_layout import Site


def find_ordered_mode(inputs: CycleInputs, asset: OperationModeAsset) -> int:
    """Return the mode that was last ordered, the normal one before the first order."""
    ordered = inputs.state.switch_states.get(asset.name, SwitchState()).mode
    return asset.normal if ordered is None else ordered


def find_import_without_w(inputs: CycleInputs, asset: OperationModeAsset) -> float | None:
    """Return the import in W (export is minus) without the asset and without battery charging.

    An asset without measurement counts with the power of its mode. None while the power is unknown.
    """
    if inputs.grid_w is None:
        return None
    own_w = observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns)
    if own_w is None:
        if asset.measured:
            return None
        own_w = asset.modes[find_ordered_mode(inputs, asset)].power_w
    return inputs.grid_w - own_w - sum(max(0.0, watts) for watts in _batteries_w(inputs))


def find_surplus_w(inputs: CycleInputs, asset: OperationModeAsset) -> float | None:
    """Return the surplus in W (minus: lacking) without the asset and all batteries; None as above.

    The discharge of a battery is no surplus: it discharges because the asset takes power. Power that an
    export limit curtails is surplus: PV generates it once the asset takes it.
    """
    rest_w = find_import_without_w(inputs, asset)
    if rest_w is None:
        return None
    return sum(min(0.0, watts) for watts in _batteries_w(inputs)) - rest_w + find_curtailed_power_w(inputs)


def _batteries_w(inputs: CycleInputs) -> list[float]:
    last_good, now_ns = inputs.state.last_good, inputs.now_ns
    batteries = (asset for asset in inputs.site.assets if isinstance(asset, Battery))
    return [observations.find_power_w(last_good, battery, now_ns) or 0.0 for battery in batteries]


def read_sensor(inputs: CycleInputs, asset: OperationModeAsset, quantity: str) -> float | None:
    """Return the value of the asset's own sensor for ``quantity``; None while it is silent."""
    point = f"{asset.name}.{quantity}"
    return observations.find_fresh_value(inputs.state.last_good, point, asset.sense_period_s, inputs.now_ns)


EXCESS_MIN_W = 1.0


def withhold_discharge(
    inputs: CycleInputs,
    tree: ConnectionTree,
    participants: Sequence[Participant],
    setpoints_w: tuple[float, ...],
    *,
    rest_w: float,
    target_w: float,
) -> tuple[float, ...]:
    """Return the setpoints in W with no more battery discharge than brings the grid to ``target_w``.

    Setpoints are raised at most by the power that limits kept from operation-mode assets (less what one still
    takes), no faster than a battery's ramp, and within the fuses on its way. ``rest_w`` is the power beside
    the participants. Nothing is raised in a grid event, nor for a battery with an override.
    """
    kept_w = sum(
        max(0.0, participant.desired_w - max(setpoint_w, participant.present_w, 0.0))
        for participant, setpoint_w in zip(participants, setpoints_w, strict=True)
        if isinstance(participant.asset, OperationModeAsset)
    )
    left_w = min(kept_w, target_w - rest_w - sum(setpoints_w))
    if (
        left_w < EXCESS_MIN_W
        or inputs.grid_effects.holds
        or inputs.grid_effects.discharges
        or inputs.stage is not ControlStage.NORMAL
    ):
        return setpoints_w
    found = list(setpoints_w)
    for index, participant in enumerate(participants):
        asset = participant.asset
        if (
            not isinstance(asset, Battery)
            or overrides.find_ordered_power_w(asset, inputs.requests.overrides) is not None
        ):
            continue
        ramped_w = participant.before_w + asset.ramp_max_w_per_s * inputs.dt_s
        room_w = min(
            -found[index], ramped_w - found[index], find_headroom_w(tree, participants, found, index)
        )
        more_w = max(0.0, min(left_w, room_w))
        found[index] += more_w
        left_w -= more_w
    return tuple(found)


_LEAST_W = 1e-6
_SHARE = make_reason("generation.share")
AT_LIMIT_SHARE = 0.9
"""PV that generates at least this share of its limit is at its limit."""


POTENTIAL_S, ON_ITS_WAY_S = 3600.0, 15.0


def limit_generation(
    inputs: CycleInputs, participants: Sequence[Participant], desired_w: list[float], acted: dict[int, Reason]
) -> None:
    """Lower ``desired_w`` (generation negative) to the limit, in proportion; ``acted`` gets the reasons."""
    cap_w = inputs.active_limits.generation_w
    if cap_w is None:
        return
    cap = inputs.active_limits.reason("generation")
    mine: list[int] = []
    for index, participant in enumerate(participants):
        asset = participant.asset
        if (
            not isinstance(asset, Pv)
            or not participant.usable
            or participant.is_unresponsive
            or desired_w[index] >= 0
        ):
            continue
        if participant.is_measured or asset.curtail == "relay":
            mine.append(index)
        elif -desired_w[index] > (held_w := find_generation_share_w(inputs, asset, cap_w)) + _LEAST_W:
            desired_w[index] = -held_w
            acted[index] = cap.then(_SHARE)
    made_w = sum(_most_w(inputs, pv, cap_w) for pv in _pvs(inputs)) + _chp_w(inputs)
    own_w = -sum(desired_w[index] for index in mine)
    if made_w <= cap_w or own_w <= 0:
        return
    part = max(0.0, own_w - (made_w - cap_w)) / own_w
    for index in mine:
        asset = participants[index].asset
        assert isinstance(asset, Pv)
        desired_w[index] *= part if asset.curtail == "limit" else 0.0
        acted[index] = cap.then(CURTAILED)


def find_generation_share_w(inputs: CycleInputs, asset: Pv, cap_w: float) -> float:
    """Return the share of the limit for a PV that can be limited, by its rating, in W.

    A silent PV shares what the PV without a limit leaves. The others share what the silent ones leave too,
    counted at their rating.
    """
    free = [pv for pv in _pvs(inputs) if _is_free(inputs, pv)]
    silent = [pv for pv in free if _is_silent(inputs, pv)]
    left_w = cap_w - sum(_most_w(inputs, pv, cap_w) for pv in _pvs(inputs) if pv not in free) - _chp_w(inputs)
    if asset not in silent:
        left_w -= sum(pv.rated_w for pv in silent)
        free = [pv for pv in free if pv not in silent]
    whole_w = sum(pv.rated_w for pv in free)
    return max(0.0, left_w) * (asset.rated_w / whole_w if whole_w > 0 else 1.0)


def restore_relay_pv(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    total_low_w: float | None,
    acted: Mapping[int, Reason],
) -> dict[int, SwitchState]:
    """Switch one PV behind a relay on again while a grid event keeps consumption down.

    An event holds consumption, not the sun: PV that was off for an export limit comes back once it fits.
    After an outage it must fit into the building's own consumption. ``total_low_w`` is the lowest grid power,
    in W. ``acted`` are the participants that were moved.
    """
    effects = inputs.grid_effects
    pv_waits = effects.pv_holds and not effects.pv_serves
    if total_low_w is None or not effects.holds or pv_waits or inputs.stage is not ControlStage.NORMAL:
        return {}
    spare_w = total_low_w
    if not effects.pv_holds:
        spare_w += inputs.active_limits.export_w * switch_state.RESTORE_BELOW_SHARE
    if inputs.active_limits.generation_w is not None:
        made_w = residual_load.find_generation_w(inputs.site, inputs.state.last_good, inputs.now_ns)
        spare_w = min(spare_w, inputs.active_limits.generation_w * switch_state.RESTORE_BELOW_SHARE - made_w)
    for index, participant in enumerate(participants):
        asset, switch = participant.asset, participant.switch_state
        if (
            not isinstance(asset, Pv)
            or index in acted
            or not unread_assets.is_possibly_off(inputs, participant)
        ):
            continue
        expected_w = -switch.before_w if switch.before_w < 0 else asset.rated_w
        is_barred = overrides.is_kept_off(asset, inputs.requests.overrides) or not participant.usable
        if (
            not is_barred
            and expected_w <= spare_w
            and switch_state.is_switch_allowed(asset, switch, inputs.now_ns)
        ):
            return {index: switch_state.switch_on(switch, inputs.now_ns)}
    return {}


def find_pv_potentials(
    before: Mapping[str, LastGood],
    site: Site,
    last_good: LastGoodValues,
    orders: Mapping[str, Order],
    now_ns: int,
) -> dict[str, LastGood]:
    """Return for each PV that can be limited its last known potential, in W (positive), and when.

    A PV at its limit could generate more: its earlier value is remembered.
    """
    found = {}
    for pv in site.assets:
        seen = last_good.get(f"{pv.name}.power_w")
        if not isinstance(pv, Pv) or pv.curtail != "limit" or seen is None:
            continue
        made, known = LastGood(-min(0.0, seen.value), seen.taken_ns), before.get(pv.name)
        order = orders.get(f"{pv.name}.generation_max_w")
        held = order is not None and (made.value >= AT_LIMIT_SHARE * order.value or _is_new(order, now_ns))
        found[pv.name] = known if held and known is not None and known.value > made.value else made
    return found


def _is_new(order: Order, now_ns: int) -> bool:
    """Return whether a device may still be moving to this value."""
    return order.since_ns is not None and now_ns - order.since_ns < ON_ITS_WAY_S * 1e9


def find_curtailed_power_w(inputs: CycleInputs) -> float:
    """Return the power in W that an export limit curtails now, which PV would make if the building took it.

    It is 0 if generation itself is limited by a limit, a person or a high frequency. A potential older than
    an hour does not count, because the sun moves.
    """
    if inputs.active_limits.generation_w is not None or inputs.grid_effects.pv_holds:
        return 0.0
    more_w = 0.0
    for pv in _pvs(inputs):
        order = inputs.state.book.orders.get(f"{pv.name}.generation_max_w")
        could = inputs.state.potentials.get(pv.name)
        made_w = observations.find_power_w(inputs.state.last_good, pv, inputs.now_ns)
        if order is None or could is None or made_w is None or pv.name in inputs.requests.overrides:
            continue
        is_held = order.value < pv.rated_w and -made_w >= AT_LIMIT_SHARE * order.value
        if is_held and inputs.now_ns - could.taken_ns <= POTENTIAL_S * 1e9:
            more_w += max(0.0, could.value + made_w)
    return more_w


def _pvs(inputs: CycleInputs) -> Iterator[Pv]:
    return (asset for asset in inputs.site.assets if isinstance(asset, Pv))


def _chp_w(inputs: CycleInputs) -> float:
    """Return the generation that no limit may stop, in W.

    A silent CHP counts at its rating if it ever reported its power.
    """
    last_good = inputs.state.last_good
    total_w = 0.0
    for asset in inputs.site.assets:
        if isinstance(asset, ChpUnit):
            seen_w = observations.find_power_w(last_good, asset, inputs.now_ns)
            ever = f"{asset.name}.power_w" in last_good
            total_w += -min(0.0, seen_w) if seen_w is not None else asset.rated_w * ever
    return total_w


def _is_free(inputs: CycleInputs, pv: Pv) -> bool:
    return pv.curtail == "limit" and not explain_no_order(pv, inputs.state.last_good)


def _is_silent(inputs: CycleInputs, pv: Pv) -> bool:
    """Return whether it should report its power and does not; one that never did gets time to begin."""
    last_good = inputs.state.last_good
    if not pv.measured or observations.find_power_w(last_good, pv, inputs.now_ns) is not None:
        return False
    return f"{pv.name}.power_w" in last_good or inputs.running_s > totals.START_WAIT_S


def _most_w(inputs: CycleInputs, pv: Pv, cap_w: float) -> float:
    """Return the most that it may generate now, in W.

    For a PV without measurement the order is all that is known, if it takes orders; else its rating.
    """
    last_good = inputs.state.last_good
    seen_w = observations.find_power_w(last_good, pv, inputs.now_ns)
    if seen_w is not None:
        return -min(0.0, seen_w)
    if _is_silent(inputs, pv):
        is_off = (
            f"{pv.name}.power_w" not in last_good
            and not inputs.state.switch_states.get(pv.name, SwitchState()).on
        )
        return 0.0 if is_off else pv.rated_w
    if pv.measured:
        return 0.0
    switch = inputs.state.switch_states.get(pv.name, SwitchState())
    if not switch.on:
        return 0.0
    return min(pv.rated_w, find_generation_share_w(inputs, pv, cap_w)) if _is_free(inputs, pv) else pv.rated_w
