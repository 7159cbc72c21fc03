"""Run one control cycle: readings and requests in, orders with a reason out (pure).

Self-consumption is a request. The limits are hard intervals that the kernel keeps. They are taken in the one
order of spec/failsafe.md#section-3 and given back in stages. Each function narrows what the one before left;
nothing overwrites a limit.
"""

from collections.abc import Mapping, Sequence

from quartier.control.allocate import (
    breach_response,
    generation,
    held_reasons,
    load_sharing,
    minimum_times,
    operation_modes,
    pacing,
    restore,
    results,
    steps,
)
from quartier.control.allocate.tree import ConnectionTree, allocate_in_tree, build_tree
from quartier.control.events import detection, effects, outage, readings, response
from quartier.control.inputs import CycleInputs
from quartier.control.limits import active, breach, contacts, supplies, unmet
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.breach import update_breach
from quartier.control.observe import (
    charging_sessions,
    daily_runs,
    meter_clocks,
    meter_delay,
    observations,
    residual_load,
    totals,
)
from quartier.control.observe import (
    health as observe_health,
)
from quartier.control.observe.health import ControlStage, InputHealth
from quartier.control.observe.meter_check import judge
from quartier.control.observe.meter_check.frozen import QUANTITIES
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.observe.meter_check.steps import StepWatch
from quartier.control.orders import (
    book as orders_book,
)
from quartier.control.orders import (
    conflicts,
    hidden_conflicts,
    local_plan,
    overrides,
    releases,
    setpoints,
)
from quartier.control.participants import (
    Participant,
    find_control_point,
    find_flexible_assets,
    is_order_allowed,
    make_flexible_participant,
)
from quartier.control.reason import Reason, make_rule_reason
from quartier.control.records import AllocationStep, PowerRange
from quartier.control.requests import Requests
from quartier.control.state import ControlState, Decision
from quartier.control.supervise import conflict_response, hunting, override_report, status
from quartier.control.switch_state import SwitchState
from quartier.site import alarm_types
from quartier.site.asset_types import Battery
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now, replace
from quartier_native import allocate

__all__ = ["ControlState", "Decision", "run_cycle"]

UNLIMITED_W = 1e11  # a limit that the kernel cannot reach
_TRIAL = make_rule_reason("meter.trial", "grid meter trial")
_TRIAL_AGAIN = make_rule_reason("meter.trial_again", "grid meter trial")


def run_cycle(frozen: FrozenImage, requests: Requests, state: ControlState, now: Now) -> Decision:
    """Decide one cycle.

    ``frozen`` is the process image. ``requests`` also holds the limits of the link. Raises nothing
    for any reading: a missing reading leads to a more careful stage, which ``Decision.view`` names.
    """
    inputs = _make_cycle_inputs(frozen, requests, state, now)
    participants = _list_participants(inputs)
    window = totals.update_residual_window(inputs, participants)
    base = _base(inputs, window, participants)
    if base is not None:
        _want(inputs, participants, base)
    tree = None if base is None else build_tree(inputs, participants, base)
    inputs = load_sharing.share_load(inputs, participants, tree)
    result = _allocate_inside_limits(inputs, participants, base, tree)
    if result.broken and not inputs.is_meter_lost:
        past_high_w, past_low_w = window.find_past_w(participants)
        result = replace(result, past_high_w=past_high_w, past_low_w=past_low_w)
    result = restore.restore_next(inputs, participants, result)
    if not result.back:
        back = generation.restore_relay_pv(inputs, participants, result.total_low_w, result.acted)
        result = replace(result, back=back) if back else result
    desired_values, switches = results.apply_allocation(inputs, participants, result)
    tightened, switches = conflict_response.find_conflict_writes(inputs, result, switches)
    desired_values += tightened
    book, commands = orders_book.find_due_commands(
        state.book, desired_values, frozen, now.ns, state.site.steps
    )
    lost = _find_lost_setpoints(inputs)
    away = {**operation_modes.find_normal_points(state.site, switches, book), **lost}
    again = conflict_response.find_repeated_releases(inputs, result)
    book = replace(book, released=book.released - again) if again else book
    book, insisted, untaken = releases.repeat_releases(inputs, book, lost, frozen)
    site = state.site
    book, given, freed = orders_book.find_release_commands(
        book, away, site.release_values, now.ns, site.own_controls
    )
    given, freed, away = [*insisted, *given], (*untaken, *freed), {**untaken, **away}
    written = {one.point: one.value for one in (*commands, *given)} | dict.fromkeys(freed, 0.0)
    known = conflict_response.record_conflict_writes(inputs.state.conflicts, written, now.ns)
    if known != inputs.state.conflicts:
        inputs = replace(inputs, state=replace(inputs.state, conflicts=known))
    present = status.find_control_alarms(inputs, participants, result, book, lost)
    after = replace(
        inputs.state,
        window=window,
        switch_states=switches,
        gate=result.gate,
        book=book,
        looks=result.looks,
        alarms=alarm_types.update_standing_alarms(state.alarms, present, now),
    )
    shown = status.render_status(inputs, participants, result, after, lost)
    return Decision((*commands, *given), after, shown, freed, away)


def _make_cycle_inputs(frozen: FrozenImage, requests: Requests, state: ControlState, now: Now) -> CycleInputs:
    """Build the cycle inputs: observations, control stage and the limits in force."""
    site = state.site
    started_ns = now.ns if state.started_ns is None else state.started_ns
    dt_s = site.cycle_s if state.last_ns is None else max(0.0, (now.ns - state.last_ns) / 1e9)
    missed = observe_health.count_missed_cycles(dt_s, site.cycle_s)
    late_count = state.late_count + missed if missed else 0
    last_good = observations.update_last_good(frozen, site, state.last_good)
    grid = last_good.get(f"{site.grid.name}.power_w")
    age_s = min(
        observations.find_reading_age_s(grid, now.ns), float("inf") if grid else (now.ns - started_ns) / 1e9
    )
    period_s = site.grid.period_s
    meter = _judge_meter(frozen, state, last_good, now.ns)
    health = InputHealth(
        grid_age_s=age_s,
        grid_period_s=period_s,
        grid_ever=grid is not None,
        late_count=late_count,
        meter=meter.verdict,
    )
    judgement = observe_health.decide_stage(state.judgement, health, now.ns)
    holds = contacts.update_contacts(site.contacts, state.contacts, last_good, now.ns)
    implausible = meter.verdict is MeterVerdict.IMPLAUSIBLE
    current = grid is not None and age_s <= observe_health.find_stale_after_s(period_s) and not implausible
    grid_w = grid.value if grid is not None and current else None
    loads = supplies.update_supplies(site, state.supplies, last_good, grid if current else None, dt_s, now.ns)
    others = (*contacts.find_contact_limits(site.contacts, holds), *supplies.find_supply_limits(loads))
    blind = "grid-meter-implausible" in judgement.rules
    failsafe_of = active.METER_IMPLAUSIBLE if blind else active.METER_LOST
    force = active.find_active_limits(site, requests.caps, judgement.stage, others, failsafe_of)
    force = unmet.limit_unseen_export(site, last_good, force)
    remainder_w = state.remainder_w
    if grid_w is not None and meter.verdict is MeterVerdict.GOOD:  # an implausible meter teaches nothing
        remainder_w = residual_load.find_unmeasured_load_w(site, last_good, remainder_w, grid_w, dt_s, now.ns)
    export_w = None if grid_w is None else -grid_w
    import_w = None if grid_w is None else grid_w + judge.find_margins(meter, remainder_w)[0]
    contract_w = site.limits.import_hard_w
    events = detection.update_events(state.events, frozen, site, now.ns)
    events = events.with_outage(outage.note_rise(events.outage, grid_w, contract_w, now.ns))
    tracks = meter_delay.update_tracks(site, state.tracks, last_good, state.book.orders, now.ns)
    late = meter_delay.update_meter_delay(
        state.lag, site, last_good, {name: one.readings for name, one in tracks.items()}
    )
    if detection.is_dark(events, site, last_good, now.ns):
        tracks, late = {}, meter_delay.MeterDelay(found_s=state.lag.found_s)
        blank = replace(state.meter.quantities, histories={})
        meter = replace(
            state.meter, steered=StepWatch(), generation=StepWatch(), quantities=blank, below_ns=None
        )
    passes = hidden_conflicts.update_hidden_conflicts(
        state.hidden_conflicts, frozen, site, last_good, state.book.orders, now.ns
    )
    after = replace(
        state,
        started_ns=started_ns,
        last_ns=now.ns,
        late_count=late_count,
        last_good=last_good,
        judgement=judgement,
        meter=meter,
        remainder_w=remainder_w,
        switch_states=overrides.apply_overrides(
            site, operation_modes.adopt_assets(frozen, state, now.ns), requests.overrides, now.ns
        ),
        import_breach=update_breach(state.import_breach, import_w, force.import_w, now.ns),
        export_breach=update_breach(state.export_breach, export_w, force.export_w, now.ns),
        overloads=breach.update_overloads(state.overloads, site, last_good, force, now.ns),
        active_limits=force,
        mode=requests.caps.mode,
        contacts=holds,
        supplies=loads,
        potentials=generation.find_pv_potentials(
            state.potentials, site, last_good, state.book.orders, now.ns
        ),
        charging_sessions=charging_sessions.update_sessions(
            site,
            state.charging_sessions,
            state.switch_states,
            last_good,
            dt_s,
            now,
            orders=state.book.orders,
        ),
        runs=daily_runs.update_runs(site, state.runs, state.switch_states, last_good, dt_s, now),
        tracks=tracks,
        lag=late,
        events=events,
        conflicts=conflicts.update_conflicts(
            state.conflicts,
            frozen,
            state.book.orders,
            now.ns,
            device=conflicts.DeviceFacts(
                steps=site.steps, fallbacks=site.fallbacks, releases=site.release_values
            ),
            passed={name: one.excess for name, one in passes.items()},
            moved={name for name, one in passes.items() if one.moves_ns[-1:] == (now.ns,)},
        ),
        hidden_conflicts=passes,
        clocks=meter_clocks.compare_clocks(site, state.clocks, last_good, now),
        swings=hunting.update_hunting(state.swings, site, last_good, state.book.orders, now.ns),
    )
    return CycleInputs(
        state=after,
        requests=requests,
        active_limits=force,
        grid_w=grid_w,
        grid_age_s=age_s,
        is_meter_lost=implausible or age_s > observe_health.find_lost_after_s(period_s),
        dt_s=min(dt_s, 10.0),
        running_s=(now.ns - started_ns) / 1e9,
        now=now,
        common=_common(state, force, requests),
        grid_effects=effects.add_commanded_tiers(
            effects.find_grid_effects(events, contract_w, now.ns), requests.shed
        ),
    )


def _judge_meter(
    frozen: FrozenImage, state: ControlState, last_good: observations.LastGoodValues, now_ns: int
) -> judge.MeterCheck:
    """Advance the check of the grid meter by one cycle."""
    site = state.site
    seen = {}
    for quantity in QUANTITIES:
        point = f"{site.grid.name}.{quantity}"
        found = last_good.get(point) if quantity == "power_w" else observations.read_number(frozen, point)
        if found is None:
            continue
        # A value that no grid can have was not measured.
        if (
            quantity != "frequency_hz"
            or readings.FREQUENCY_FILTER.low <= found.value <= readings.FREQUENCY_FILTER.high
        ):
            seen[quantity] = found
    grid = last_good.get(f"{site.grid.name}.power_w")
    hard = site.limits
    over = grid is not None and (grid.value > hard.import_hard_w or -grid.value > hard.export_hard_w)
    context = judge.CheckContext(
        late_s=max(0.0, state.lag.find_delay_s(site)),
        signed=not unmet.is_meter_unsigned(site, last_good),
        over_limit=over,
        target_w=site.grid_target_w,
    )
    return judge.advance_check(state.meter, site, last_good, seen, state.book.orders, context, now_ns)


def _common(before: ControlState, force: ActiveLimits, requests: Requests) -> bool:
    """Return whether a common restriction has just eased: then the buildings must not all restore at once."""
    if before.active_limits is None:
        return True
    return force.import_w > before.active_limits.import_w or before.mode != requests.caps.mode


def _list_participants(inputs: CycleInputs) -> list[Participant]:
    """Return the participants: all flexible assets, and batteries while all their inputs are available."""
    last_good, tracks, late = inputs.state.last_good, inputs.state.tracks, inputs.state.lag
    grid = last_good.get(f"{inputs.site.grid.name}.power_w")
    participants = [
        make_flexible_participant(
            asset,
            inputs.state.switch_states[asset.name],
            last_good,
            inputs.now_ns,
            meter_delay.find_power_then_w(tracks.get(asset.name), grid, late.late_s),
            late.late_s,
        )
        for asset in find_flexible_assets(inputs.site)
        if not overrides.is_in_maintenance(asset, inputs.requests.overrides)
    ]
    left_alone = results.find_conflict_pauses(inputs)
    for participant in participants:
        participant.usable = participant.usable and participant.name not in left_alone
    participants += operation_modes.make_participants(inputs)
    for asset in inputs.site.assets:
        if not isinstance(asset, Battery) or results.explain_battery_not_controlled(inputs, asset):
            continue
        last = last_good[f"{asset.name}.power_w"]
        present_w = meter_delay.find_battery_power_w(asset, tracks.get(asset.name), last, grid, late.found_s)
        soc_pct = last_good[f"{asset.name}.soc_pct"].value
        order = inputs.state.book.orders.get(find_control_point(asset))
        participant = Participant(
            asset, present_w, 0.0, SwitchState(), setpoints.find_power_range(asset, soc_pct)
        )
        participant.before_w = present_w if order is None else order.value
        participants.append(participant)
    return participants


def _base(
    inputs: CycleInputs, window: residual_load.ResidualWindow, participants: list[Participant]
) -> residual_load.ResidualLoad | None:
    more_w, less_w = conflict_response.find_conflict_power_w(inputs.site, inputs.state, inputs.now_ns)
    if not inputs.is_meter_lost:
        base = window.base(participants)
        gone_w = residual_load.estimate_lost_discharge_w(
            inputs.site.assets, inputs.state.last_good, inputs.now_ns
        )
        import_w, export_w = judge.find_margins(inputs.meter, inputs.state.remainder_w)
        more_w += gone_w + import_w
        less_w += export_w
        return base and replace(base, high_w=base.high_w + more_w, low_w=base.low_w - less_w)
    rest_w = residual_load.estimate_residual_load_w(
        inputs.site, inputs.state.last_good, participants, inputs.state.remainder_w, inputs.now_ns
    )
    high_w, low_w = rest_w + residual_load.estimate_silent_rise_w(participants), rest_w
    grid = inputs.state.last_good.get(f"{inputs.site.grid.name}.power_w")
    if grid is not None and inputs.meter.verdict is MeterVerdict.IMPLAUSIBLE:
        # The worse of the shown and the estimated power counts, in either direction.
        shown_w = grid.value - sum(participant.present_w for participant in participants)
        high_w, low_w = max(high_w, shown_w), min(low_w, shown_w)
    return residual_load.ResidualLoad(rest_w, high_w + more_w, low_w - less_w)


def _want(inputs: CycleInputs, participants: list[Participant], base: residual_load.ResidualLoad) -> None:
    """Set the power range and the wanted power of each battery: grid at its target, filtered and ramped."""
    units = [participant for participant in participants if isinstance(participant.asset, Battery)]
    if not units:
        return
    others_w = sum(participant.desired_w for participant in participants if participant not in units)
    caps = inputs.requests.caps
    surplus_w = max(0.0, -(base.high_w + others_w))
    low_w, high_w = (
        _reach(inputs, base, others_w),
        response.find_charge_max_w(inputs, base, others_w, UNLIMITED_W),
    )
    rooms = setpoints.narrow_ranges(
        [participant.headroom for participant in units], low_w=low_w, high_w=high_w
    )
    rooms = response.keep_shed_from_grid(inputs, units, rooms, surplus_w)
    if caps.no_grid_charge_above_reserve:
        above = [unit for unit in units if _above_reserve(inputs, unit)]
        ranges = setpoints.narrow_ranges(
            [rooms[units.index(u)] for u in above], low_w=-UNLIMITED_W, high_w=surplus_w
        )
        for unit, narrow in zip(above, ranges, strict=True):
            rooms[units.index(unit)] = narrow
    target_w, net_w = _target_w(inputs), base.now_w + others_w
    alone = _find_room_alone(inputs, base, others_w, units)
    ruled = []
    for unit, allowed in zip(units, rooms, strict=True):
        if unit.name not in inputs.requests.aims:
            ruled.append((unit, allowed))
            continue
        wanted_w, unit.reason = local_plan.follow_aim(inputs, unit, net_w)
        net_w += min(max(wanted_w, allowed.low_w), allowed.high_w)  # what the next battery sees
        _move_battery(inputs, unit, allowed, wanted_w, alone)
    desired = setpoints.split_power(target_w - net_w, [allowed for _, allowed in ruled])
    for (unit, allowed), desired_w in zip(ruled, desired, strict=True):
        unit.reason = local_plan.explain_rule(inputs, unit, target_w, net_w)
        _move_battery(inputs, unit, allowed, desired_w, alone)


def _move_battery(
    inputs: CycleInputs, unit: Participant, allowed: PowerRange, wanted_w: float, alone: PowerRange
) -> None:
    """Set the next step of a battery.

    ``alone`` is the range that the limits leave to a battery that checks the meter.
    """
    assert isinstance(unit.asset, Battery)
    unit.headroom = allowed
    free = PowerRange(max(allowed.low_w, alone.low_w), min(allowed.high_w, alone.high_w))
    trial_w = results.find_check_step_w(inputs, unit.asset, free)
    if trial_w is None:
        _follow(inputs, unit, wanted_w)
    else:
        _try(inputs, unit, trial_w)
    response.discharge_batteries(inputs, unit)


def _find_room_alone(
    inputs: CycleInputs, base: residual_load.ResidualLoad, others_w: float, units: list[Participant]
) -> PowerRange:
    """Return the range that the limits leave to the checking battery while no other battery moves."""
    checking = judge.find_checking_battery(inputs.site)
    rest_w = others_w + sum(unit.before_w for unit in units if unit.asset is not checking)
    return PowerRange(
        -inputs.active_limits.export_w - base.low_w - rest_w,
        inputs.active_limits.import_w - base.high_w - rest_w,
    )


def _try(inputs: CycleInputs, unit: Participant, trial_w: float) -> None:
    """Make a small step that shows whether the meter is right."""
    unit.reason = _TRIAL
    if inputs.is_meter_lost:
        # Others keep the limits: the estimate must not make the battery do more than a small step.
        most_w = abs(trial_w)
        unit.reason = _TRIAL_AGAIN
        unit.headroom = PowerRange(max(-most_w, unit.headroom.low_w), min(most_w, unit.headroom.high_w))
    unit.desired_w = min(max(trial_w, unit.headroom.low_w), unit.headroom.high_w)


def _target_w(inputs: CycleInputs) -> float:
    """Return the grid power that batteries aim at, in W."""
    requested_w = inputs.requests.grid_target_w
    target_w = inputs.site.grid_target_w if requested_w is None else requested_w
    return max(0.0, target_w) if inputs.requests.caps.no_battery_export else target_w


def _follow(inputs: CycleInputs, unit: Participant, desired_w: float) -> None:
    """Set the battery's next step to the desired power, or to the power of an override."""
    asset, allowed = unit.asset, unit.headroom
    assert isinstance(asset, Battery)
    if inputs.stage is not ControlStage.NORMAL:
        unit.desired_w = min(max(unit.before_w, allowed.low_w), allowed.high_w)
        unit.reason = held_reasons.explain_stale_inputs(inputs)
        return
    by_hand_w = overrides.find_ordered_power_w(asset, inputs.requests.overrides)
    if by_hand_w is not None:  # it follows no meter, so it cannot hunt and needs no filter
        unit.reason = override_report.explain_battery_order(inputs, asset, allowed)
        unit.desired_w = setpoints.ramp_to(asset, unit.before_w, by_hand_w, allowed, inputs.dt_s)
        return
    held_w = inputs.state.swings.limit_step_w(asset.name)
    if held_w is not None:  # from the power to which a limit moved it
        unit.desired_w = setpoints.ramp_to(asset, unit.before_w, held_w, allowed, inputs.dt_s)
        return
    gain = inputs.state.swings.gain(asset.name)
    unit.desired_w = setpoints.follow_target(asset, unit.before_w, desired_w, allowed, inputs.dt_s, gain)


def _reach(inputs: CycleInputs, base: residual_load.ResidualLoad, others_w: float) -> float:
    """Return the lowest power that all batteries together may have, in W; never above 0."""
    low_w = -UNLIMITED_W
    if inputs.requests.caps.no_battery_export or inputs.grid_effects.no_feed_in:
        low_w = min(0.0, -(base.low_w + others_w))
    if inputs.active_limits.generation_w is not None:
        made_w = residual_load.find_generation_w(inputs.site, inputs.state.last_good, inputs.now_ns)
        low_w = max(low_w, min(0.0, made_w - inputs.active_limits.generation_w))
    more_w, _ = conflict_response.find_conflict_power_w(inputs.site, inputs.state, inputs.now_ns)
    if more_w > 0.0:  # another master's power is no reason to export
        low_w = max(low_w, min(0.0, -(base.now_w + others_w)))
    if inputs.meter.verdict is MeterVerdict.SUSPECT:  # nor is power that it may hide, beyond the export limit
        low_w = max(low_w, min(0.0, -(base.low_w + others_w) - inputs.active_limits.export_w))
    if unmet.is_meter_unsigned(inputs.site, inputs.state.last_good):
        low_w = max(low_w, 0.0)  # the meter would show feed-in as import, which asks for more feed-in
    return low_w


def _above_reserve(inputs: CycleInputs, unit: Participant) -> bool:
    soc = inputs.state.last_good.get(f"{unit.name}.soc_pct")
    assert isinstance(unit.asset, Battery)
    return soc is not None and soc.value >= unit.asset.reserve_soc_pct


def _allocate_inside_limits(
    inputs: CycleInputs,
    participants: list[Participant],
    base: residual_load.ResidualLoad | None,
    tree: ConnectionTree | None,
) -> results.AllocationResult:
    """Bring the wanted powers inside every limit.

    Without a residual load only the assets that a grid event switches off move: they need none.
    """
    desired_w = [participant.desired_w for participant in participants]
    acted: dict[int, Reason] = {}
    off = response.apply_tier_shed(inputs, participants, desired_w, acted)
    if base is None or tree is None:
        return results.AllocationResult(
            tuple(desired_w), None, None, acted, is_met=True, gate=inputs.state.gate, off=off
        )
    downs = steps.list_import_steps(participants, inputs.state.switch_states, inputs.now_ns)
    breach_response.apply_breach_steps(inputs, participants, desired_w, downs, acted, tree)
    generation.limit_generation(inputs, participants, desired_w, acted)
    _cap_consumption(inputs, participants, desired_w, downs, acted, base)
    raising = inputs.stage is ControlStage.NORMAL
    ups = steps.list_export_steps(participants, inputs.state.switch_states, inputs.now_ns, raising=raising)
    ups = [
        one
        for one in ups
        if overrides.is_raise_allowed(participants[one.index].asset, inputs.requests.overrides)
    ]
    ups = [one for one in ups if one.tier not in inputs.grid_effects.off]
    force = inputs.active_limits
    total_w = sum(desired_w)
    rest_w = base.now_w
    if base.high_w + total_w > force.import_w:
        rest_w = base.high_w
    elif base.low_w + total_w < -force.export_w:
        rest_w = base.low_w
    if inputs.grid_effects.holds:
        ups = [*response.protect_from_increase(ups, participants)]
    if inputs.is_meter_lost:  # no raise without a grid meter; PV is limited to the export limit by itself
        ups = []
    apart = minimum_times.space_releases(inputs, participants, ups)
    found = allocate_in_tree(inputs, tree, participants, desired_w, rest_w, downs, apart)
    if found.broken and len(apart) < len(ups):  # a limit that needs more machines at once comes first
        found = allocate_in_tree(inputs, tree, participants, desired_w, rest_w, downs, ups)
    acted |= found.acted
    setpoints = unmet.limit_blind_generation(inputs, participants, found.setpoints_w, acted)
    setpoints = generation.withhold_discharge(
        inputs, tree, participants, setpoints, rest_w=base.now_w, target_w=_target_w(inputs)
    )
    if found.broken:
        tripped = minimum_times.find_machines_over_fuses(
            inputs, tree, participants, setpoints, base.high_w + sum(setpoints)
        )
        off |= {index: trip.mode for index, trip in tripped.items()}
        acted |= {index: trip.reason for index, trip in tripped.items()}
        setpoints = tuple(0.0 if index in tripped else watts for index, watts in enumerate(setpoints))
    moved_w = sum(setpoints)
    totals = pacing.Totals(base.high_w + moved_w, base.low_w + moved_w)
    setpoints = pacing.wait_for_others(inputs, participants, setpoints, totals)
    moved_w = sum(setpoints)
    return results.AllocationResult(
        setpoints,
        base.high_w + moved_w,
        base.low_w + moved_w,
        results.explain_movements(participants, setpoints, acted),
        is_met=not found.broken,
        gate=inputs.state.gate,
        off=off,
        charge_headroom_w=_sun_room_w(inputs, participants, setpoints),
        tree=tree,
        broken=found.broken,
        held_w=found.held_w,
    )


def _sun_room_w(inputs: CycleInputs, participants: list[Participant], setpoints_w: Sequence[float]) -> float:
    """Return how much more the batteries could take from the sun, in W.

    This counts also where they may not charge from the grid.
    """
    room_w = 0.0
    for participant, setpoint_w in zip(participants, setpoints_w, strict=True):
        if isinstance(participant.asset, Battery):
            soc = inputs.state.last_good[f"{participant.name}.soc_pct"]
            room_w += setpoints.find_power_range(participant.asset, soc.value).high_w - setpoint_w
    return room_w


def _name(
    desired_w: list[float],
    setpoints: tuple[float, ...],
    taken: list[AllocationStep],
    cap: Reason,
    acted: dict[int, Reason],
) -> None:
    """Record the reason of each moved participant: the last step taken for it."""
    for taken_step in taken:
        if setpoints[taken_step.index] != desired_w[taken_step.index]:
            acted[taken_step.index] = cap.then(taken_step.reason)


def _cap_consumption(
    inputs: CycleInputs,
    participants: list[Participant],
    desired_w: list[float],
    downs: list[AllocationStep],
    acted: dict[int, Reason],
    base: residual_load.ResidualLoad,
) -> None:
    """Keep the consumption inside its limit, whatever is generated; discharging does not help."""
    cap_w = inputs.active_limits.consumption_w
    if cap_w is None:
        return
    positive = [max(0.0, power_w) for power_w in desired_w]
    rest_w = totals.find_other_consumption_w(inputs, participants, base)
    usable = [candidate for candidate in downs if candidate.target_w >= 0]
    found = allocate(rest_w, positive, cap_w, UNLIMITED_W, [s.plain for s in usable], [])
    _name(
        positive,
        found.setpoint_w,
        usable[: found.down_count],
        inputs.active_limits.reason("consumption"),
        acted,
    )
    for index, after_w in enumerate(found.setpoint_w):
        if after_w != positive[index]:
            desired_w[index] = after_w


def _find_lost_setpoints(inputs: CycleInputs) -> Mapping[str, Reason]:
    """Return the setpoints whose inputs are lost, with the reason."""
    batteries = {
        find_control_point(asset): why
        for asset in inputs.site.assets
        if isinstance(asset, Battery)
        and asset.writable
        and is_order_allowed(asset)
        and (why := results.explain_battery_not_controlled(inputs, asset)) is not None
        and why.code != results.WAITING_TO_RETURN.code
    }
    return (
        batteries | operation_modes.find_relinquished_points(inputs) | results.find_maintenance_points(inputs)
    )
