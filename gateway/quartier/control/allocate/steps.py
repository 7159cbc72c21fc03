"""The fixed order of the steps that keep a limit (spec/failsafe.md#section-3), for the kernel (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from quartier.control import switch_state
from quartier.control.orders.unread_assets import _PAUSED
from quartier.control.participants import Participant, find_floor_power_w, find_full_power_w, is_at_order
from quartier.control.reason import Reason, make_reason
from quartier.control.records import AllocationStep, ModeStep
from quartier.control.switch_state import (
    SwitchState,
    is_return_allowed,
    is_switch_allowed,
    sort_by_shed_order,
)
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationModeAsset, Pv, Tier
from quartier.site.records import replace

SLOWED, PAUSED = make_reason("charging.slowed"), make_reason("charging.paused")
RESUMES, FASTER, SWITCHED_ON = (
    make_reason("charging.resumes"),
    make_reason("charging.faster"),
    make_reason("load.on"),
)
SHED_CODES = {tier: make_reason("load.shed", tier=tier) for tier in ("A", "B", "C", "D")}
CURTAILED, SWITCHED_OFF = make_reason("generation.curtailed"), make_reason("generation.off")
STOPS_TAKING, GIVES = make_reason("battery.stops_charging"), make_reason("battery.discharges")
STOPS_GIVING, TAKES = make_reason("battery.stops_discharging"), make_reason("battery.charges")
TAKES_LESS, GIVES_LESS = make_reason("battery.charges_less"), make_reason("battery.discharges_less")
BATTERY_CODES = frozenset(one.code for one in (STOPS_TAKING, GIVES, STOPS_GIVING, TAKES))
"""The most that a step of a battery does; ``results.explain_movements`` says how far it went."""


_Switched = Load | ChargePointAsset


def list_import_steps(
    participants: Sequence[Participant], switches: Mapping[str, SwitchState], now_ns: int
) -> list[AllocationStep]:
    """List the steps for an import limit, in their order.

    The order is: battery stops charging, pre-heating stops, car to its floor, battery discharges, CHP runs,
    car pauses, tiers D, C and B. An asset that is not ``usable`` is left as it is; the next one in the order
    takes its place.
    """
    place = {participant.name: index for index, participant in enumerate(participants)}
    batteries = [
        index for index, participant in enumerate(participants) if isinstance(participant.asset, Battery)
    ]
    moded = [
        i
        for i, p in enumerate(participants)
        if isinstance(p.asset, OperationModeAsset) and p.usable and p.tier != "A"
    ]
    order = sort_by_shed_order(
        (p.asset for p in participants if p.usable and isinstance(p.asset, _Switched)), switches, now_ns
    )
    running = [asset for asset in order if switches[asset.name].on]
    first = [asset for asset in running if isinstance(asset, ChargePointAsset) and asset.tier == "D"]
    # Who can wait longest pauses first. Without load sharing all are equal, and keep their order.
    first.sort(key=lambda ev: -participants[place[ev.name]].laxity_s)
    steps = [AllocationStep(i, 0.0, True, STOPS_TAKING, "D") for i in batteries]
    steps += [_make_mode_step(i, mode_step) for i in moded for mode_step in _early(participants[i])]
    steps += _make_slow_steps(participants, place, first)
    steps += [AllocationStep(i, participants[i].headroom.low_w, True, GIVES) for i in batteries]
    steps += [_make_mode_step(i, mode_step) for i in moded for mode_step in _generating(participants[i])]
    steps += [_pause(place, ev) for ev in first if is_switch_allowed(ev, switches[ev.name], now_ns)]
    rest = [
        (
            switch_state.rank_tier(asset, asset.tier, switches[asset.name], now_ns),
            _make_shed_steps(participants, place, asset, switches, now_ns),
        )
        for asset in running
        if asset not in first and not _is_shared(participants[place[asset.name]])
    ]
    rest += _cars(participants, place, [asset for asset in running if asset not in first], switches, now_ns)
    rest += [
        (_place(participants[i], mode_step.tier, now_ns), [_make_mode_step(i, mode_step)])
        for i in moded
        for mode_step in _late(participants[i])
    ]
    rest.sort(key=lambda entry: entry[0])
    return [*steps, *chain.from_iterable(taken for _, taken in rest)]


def _place(participant: Participant, tier: Tier, now_ns: int) -> tuple[int, int, float, str]:
    return switch_state.rank_tier(participant.asset, tier, participant.switch_state, now_ns)


def _early(participant: Participant) -> list[ModeStep]:
    return [mode_step for mode_step in participant.downs if mode_step.early and not mode_step.generates]


def _generating(participant: Participant) -> list[ModeStep]:
    """Return the steps that generate by our request: after the battery, before a car has to wait."""
    return [mode_step for mode_step in participant.downs if mode_step.generates]


def _late(participant: Participant) -> list[ModeStep]:
    return [mode_step for mode_step in participant.downs if not (mode_step.early or mode_step.generates)]


def _make_mode_step(index: int, mode_step: ModeStep) -> AllocationStep:
    reason = make_reason("mode.to_of_tier", mode=mode_step.name, tier=mode_step.tier)
    if mode_step.generates:
        reason = make_reason("mode.to", mode=mode_step.name)
    return AllocationStep(index, mode_step.target_w, False, reason, mode_step.tier)


def _is_shared(participant: Participant) -> bool:
    return participant.allowed_w is not None


def _cars(
    participants: Sequence[Participant],
    place: Mapping[str, int],
    running: Sequence[Load | ChargePointAsset],
    switches: Mapping[str, SwitchState],
    now_ns: int,
) -> Iterator[tuple[tuple[int, int, float, str], list[AllocationStep]]]:
    """Yield the steps of cars in later tiers that share: each tier slows together, then pauses by turns."""
    cars = [
        ev for ev in running if isinstance(ev, ChargePointAsset) and _is_shared(participants[place[ev.name]])
    ]
    for tier in dict.fromkeys(ev.tier for ev in cars):
        mine = [ev for ev in cars if ev.tier == tier]
        switch = switch_state.TIER_RANK[tier]
        yield (switch, -1, 0.0, ""), _make_slow_steps(participants, place, mine)
        for ev in mine:
            if is_switch_allowed(ev, switches[ev.name], now_ns):
                laxity_s = participants[place[ev.name]].laxity_s
                yield (switch, 0, -laxity_s, ev.name), [_pause(place, ev)]


def _make_shed_steps(
    participants: Sequence[Participant],
    place: Mapping[str, int],
    asset: Load | ChargePointAsset,
    switches: Mapping[str, SwitchState],
    now_ns: int,
) -> list[AllocationStep]:
    switchable = is_switch_allowed(asset, switches[asset.name], now_ns)
    if isinstance(asset, ChargePointAsset):
        slower = _make_slow_steps(participants, place, [asset])
        return [*slower, _pause(place, asset)] if switchable else slower
    return (
        [AllocationStep(place[asset.name], 0.0, False, SHED_CODES[asset.tier], asset.tier)]
        if switchable
        else []
    )


def list_export_steps(
    participants: Sequence[Participant], switches: Mapping[str, SwitchState], now_ns: int, *, raising: bool
) -> list[AllocationStep]:
    """List the steps for an export limit: battery charges, flexible loads on, PV curtailed.

    Without ``raising`` a battery stops discharging, PV is curtailed, and nothing takes more. A car below its
    limit takes no more when it is allowed more, so it offers no step. PV that generates more than it may is
    ordered to generate nothing, once.
    """
    place = {participant.name: index for index, participant in enumerate(participants)}
    steps: list[AllocationStep] = []
    if raising:
        steps += [
            AllocationStep(i, p.headroom.high_w, True, TAKES)
            for i, p in enumerate(participants)
            if isinstance(p.asset, Battery)
        ]
        # Cars that share load get all that fits anyway.
        usable = (p.asset for p in participants if isinstance(p.asset, _Switched) and _may_rise(p))
        order = sort_by_shed_order(usable, switches, now_ns)
        for asset in reversed(order):
            steps += _make_raise_steps(
                participants[place[asset.name]], place[asset.name], switches[asset.name], now_ns
            )
        steps += _higher(participants)
    else:
        steps += [AllocationStep(i, 0.0, True, STOPS_GIVING) for i, p in enumerate(participants) if _gives(p)]
    for index, participant in enumerate(participants):
        if (
            isinstance(participant.asset, Pv)
            and participant.switch_state.on
            and participant.usable
            and not _is_spent(participant)
        ):
            limit = participant.asset.curtail == "limit"
            reason = CURTAILED if limit else SWITCHED_OFF
            steps.append(AllocationStep(index, 0.0, limit and not participant.is_unresponsive, reason))
    return steps


def _is_spent(participant: Participant) -> bool:
    """Return whether PV was ordered to generate nothing and does not obey."""
    return participant.is_unresponsive and participant.switch_state.limit_w == 0.0


def _gives(participant: Participant) -> bool:
    return isinstance(participant.asset, Battery) and participant.desired_w < 0


def _may_rise(participant: Participant) -> bool:
    return participant.usable and not (participant.is_unresponsive or _is_shared(participant))


def _higher(participants: Sequence[Participant]) -> Iterator[AllocationStep]:
    for index, participant in enumerate(participants):
        if participant.usable:
            for mode_step in participant.ups:
                yield AllocationStep(
                    index,
                    mode_step.target_w,
                    False,
                    make_reason("mode.to", mode=mode_step.name),
                    participant.tier,
                )


def _make_slow_steps(
    participants: Sequence[Participant], place: Mapping[str, int], cars: Sequence[ChargePointAsset]
) -> list[AllocationStep]:
    """Return the steps of cars to their floors; cars that share load go there together.

    A car above its limit is ordered to its floor, after the others and once. With load sharing the others
    make room for it.
    """
    unresponsive = [ev for ev in cars if participants[place[ev.name]].is_unresponsive]
    steps = [_slower(place, ev, _pool(participants[place[ev.name]])) for ev in cars if ev not in unresponsive]
    for ev in unresponsive:
        participant = participants[place[ev.name]]
        if not _is_shared(participant) and (participant.switch_state.limit_w or 0.0) > find_floor_power_w(ev):
            steps.append(replace(_slower(place, ev), divisible=False))
    return steps


def _slower(place: Mapping[str, int], ev: ChargePointAsset, pool: int = -1) -> AllocationStep:
    return AllocationStep(place[ev.name], find_floor_power_w(ev), True, SLOWED, ev.tier, pool)


def _pool(participant: Participant) -> int:
    return switch_state.TIER_RANK[participant.asset.tier] if _is_shared(participant) else -1


def _pause(place: Mapping[str, int], ev: ChargePointAsset) -> AllocationStep:
    return AllocationStep(place[ev.name], 0.0, False, PAUSED, ev.tier)


def _make_raise_steps(
    participant: Participant, index: int, switch: SwitchState, now_ns: int
) -> list[AllocationStep]:
    asset = participant.asset
    assert isinstance(asset, Load | ChargePointAsset)
    if not switch.on:
        if not is_return_allowed(asset, switch, now_ns):
            return []
        reason = RESUMES if isinstance(asset, ChargePointAsset) else SWITCHED_ON
        return [AllocationStep(index, estimate_return_power_w(asset, switch), False, reason, asset.tier)]
    if isinstance(asset, ChargePointAsset) and (is_at_order(participant) or switch.is_ramping(now_ns)):
        return [AllocationStep(index, find_full_power_w(asset), True, FASTER, asset.tier)]
    return []


def estimate_return_power_w(asset: Load | ChargePointAsset, switch: SwitchState) -> float:
    """Return the expected power after its return, in W."""
    if isinstance(asset, ChargePointAsset):
        return find_floor_power_w(asset)
    return switch.before_w if switch.before_w > 0 else asset.rated_w


def explain_first_order(participant: Participant, switch: SwitchState, reason: Reason) -> Reason:
    """Return the reason of a movement, corrected for a first order.

    ``limit_first_order`` pauses a car that was to be slowed.
    """
    cause = reason.drop_last()
    if (
        participant.switch_state.unread_ns is None
        or switch.on
        or reason.last.code != SLOWED.code
        or cause is None
    ):
        return reason
    return cause.then(_PAUSED)
