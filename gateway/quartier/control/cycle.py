"""Run one control cycle: readings and requests in, orders with a reason out (pure).

Self-consumption is a wish; the caps are hard intervals that the kernel keeps, taken in the one
order of spec/failsafe.md#section-3 and given back staged.  Each function narrows what the one before
left; nothing overwrites a cap.
"""

from collections.abc import Mapping, Sequence

from quartier.control import participants
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
    tree,
)
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
from quartier.control.observe.meter_check.judge import Verdict
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
    make_flexible_participant,
)
from quartier.control.reason import Reason, make_rule_reason
from quartier.control.records import AllocationStep, PowerRange
from quartier.control.requests import Requests
from quartier.control.state import ControlState, Decision
from quartier.control.supervise import conflict_response, hunting, status
from quartier.control.switch_state import SwitchState
from quartier.site import alarm_types
from quartier.site.asset_types import Battery
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now, replace
from quartier_native import allocate

__all__ = ["ControlState", "Decision", "run_cycle"]

UNLIMITED_W = 1e11  # a cap the kernel cannot reach
_TRIAL = make_rule_reason("meter.trial", "grid meter trial")
_TRIAL_AGAIN = make_rule_reason("meter.trial_again", "grid meter trial")


def run_cycle(frozen: FrozenImage, wishes: Requests, state: ControlState, now: Now) -> Decision:
    """Decide one cycle.

    ``frozen`` is the image, ``wishes`` the caps of the link and what is aimed at.  Raises nothing
    for any reading; what a reading lacks becomes a stage, named in ``Decision.view``.
    """
    scene = _scene(frozen, wishes, state, now)
    players = _players(scene)
    window = totals.update_residual_window(scene, players)
    base = _base(scene, window, players)
    if base is not None:
        _want(scene, players, base)
    grove = None if base is None else tree.build_tree(scene, players, base)
    scene = load_sharing.share_load(scene, players, grove)
    result = _allocated(scene, players, base, grove)
    result = restore.restore_next(scene, players, result)
    if not result.back:
        back = generation.restore_relay_pv(scene, players, result.total_low_w, result.acted)
        result = replace(result, back=back) if back else result
    wants, turns = results.apply_allocation(scene, players, result)
    tightened, turns = conflict_response.find_conflict_writes(scene, result, turns)
    wants += tightened
    book, commands = orders_book.find_due_commands(state.book, wants, frozen, now.ns, state.house.steps)
    lost = _lost(scene)
    away = {**operation_modes.find_normal_points(state.house, turns, book), **lost}
    again = conflict_response.find_repeated_releases(scene, result)
    book = replace(book, released=book.released - again) if again else book
    book, insisted, untaken = releases.repeat_releases(scene, book, lost, frozen)
    house = state.house
    book, given, freed = orders_book.find_release_commands(
        book, away, house.release_values, now.ns, house.own_controls
    )
    given, freed, away = [*insisted, *given], (*untaken, *freed), {**untaken, **away}
    told = {one.point: one.value for one in (*commands, *given)} | dict.fromkeys(freed, 0.0)
    known = conflict_response.record_conflict_writes(scene.state.rivals, told, now.ns)
    if known != scene.state.rivals:
        scene = replace(scene, state=replace(scene.state, rivals=known))
    present = status.find_control_alarms(scene, players, result, lost)
    after = replace(
        scene.state,
        window=window,
        turns=turns,
        gate=result.gate,
        book=book,
        looks=result.looks,
        alarms=alarm_types.update_standing_alarms(state.alarms, present, now),
    )
    shown = status.render_status(scene, players, result, after, lost)
    return Decision((*commands, *given), after, shown, freed, away)


def _scene(frozen: FrozenImage, wishes: Requests, state: ControlState, now: Now) -> CycleInputs:
    """Look, judge, and find the caps in force."""
    house = state.house
    started_ns = now.ns if state.started_ns is None else state.started_ns
    dt_s = house.cycle_s if state.last_ns is None else max(0.0, (now.ns - state.last_ns) / 1e9)
    missed = observe_health.count_missed_cycles(dt_s, house.cycle_s)
    late_count = state.late_count + missed if missed else 0
    memories = observations.update_last_good(frozen, house, state.memories)
    grid = memories.get(f"{house.grid.name}.power_w")
    age_s = min(
        observations.find_reading_age_s(grid, now.ns), float("inf") if grid else (now.ns - started_ns) / 1e9
    )
    period_s = house.grid.period_s
    meter = _judge_meter(frozen, state, memories, now.ns)
    health = InputHealth(
        grid_age_s=age_s,
        grid_period_s=period_s,
        grid_ever=grid is not None,
        late_count=late_count,
        meter=meter.verdict,
    )
    judgement = observe_health.decide_stage(state.judgement, health, now.ns)
    holds = contacts.update_contacts(house.contacts, state.contacts, memories, now.ns)
    implausible = meter.verdict is Verdict.IMPLAUSIBLE
    current = grid is not None and age_s <= observe_health.find_stale_after_s(period_s) and not implausible
    grid_w = grid.value if grid is not None and current else None
    loads = supplies.update_supplies(house, state.supplies, memories, grid if current else None, dt_s, now.ns)
    others = (*contacts.find_contact_limits(house.contacts, holds), *supplies.find_supply_limits(loads))
    blind = "grid-meter-implausible" in judgement.rules
    failsafe_of = active.METER_IMPLAUSIBLE if blind else active.METER_LOST
    force = active.find_active_limits(house, wishes.caps, judgement.stage, others, failsafe_of)
    force = unmet.limit_unseen_export(house, memories, force)
    remainder_w = state.remainder_w
    if grid_w is not None and meter.verdict is Verdict.GOOD:  # another one teaches nothing
        remainder_w = residual_load.find_unmeasured_load_w(house, memories, remainder_w, grid_w, dt_s, now.ns)
    export_w = None if grid_w is None else -grid_w
    import_w = None if grid_w is None else grid_w + judge.find_margins(meter, remainder_w)[0]
    contract_w = house.limits.import_hard_w
    seen = detection.update_events(state.events, frozen, house, now.ns)
    seen = seen.with_outage(outage.note_rise(seen.outage, grid_w, contract_w, now.ns))
    tracks = meter_delay.update_tracks(house, state.tracks, memories, state.book.orders, now.ns)
    late = meter_delay.update_meter_delay(
        state.lag, house, memories, {name: one.seen for name, one in tracks.items()}
    )
    if detection.is_dark(seen, house, memories, now.ns):
        tracks, late = {}, meter_delay.MeterDelay(found_s=state.lag.found_s)
        blank = replace(state.meter.quantities, shown={})
        meter = replace(
            state.meter, steered=StepWatch(), generation=StepWatch(), quantities=blank, below_ns=None
        )
    passes = hidden_conflicts.update_hidden_conflicts(
        state.trespasses, frozen, house, memories, state.book.orders, now.ns
    )
    after = replace(
        state,
        started_ns=started_ns,
        last_ns=now.ns,
        late_count=late_count,
        memories=memories,
        judgement=judgement,
        meter=meter,
        remainder_w=remainder_w,
        turns=overrides.apply_overrides(
            house, operation_modes.adopt_assets(frozen, state, now.ns), wishes.overrides, now.ns
        ),
        import_breach=update_breach(state.import_breach, import_w, force.import_w, now.ns),
        export_breach=update_breach(state.export_breach, export_w, force.export_w, now.ns),
        overloads=breach.update_overloads(state.overloads, house, memories, force, now.ns),
        force=force,
        mode=wishes.caps.mode,
        contacts=holds,
        supplies=loads,
        potentials=generation.find_pv_potentials(
            state.potentials, house, memories, state.book.orders, now.ns
        ),
        stays=charging_sessions.update_sessions(
            house, state.stays, state.turns, memories, dt_s, now, state.book.orders
        ),
        runs=daily_runs.update_runs(house, state.runs, state.turns, memories, dt_s, now),
        tracks=tracks,
        lag=late,
        events=seen,
        rivals=conflicts.update_conflicts(
            state.rivals,
            frozen,
            state.book.orders,
            now.ns,
            conflicts.DeviceFacts(
                steps=house.steps, fallbacks=house.fallbacks, releases=house.release_values
            ),
            {name: one.passes for name, one in passes.items()},
            {name for name, one in passes.items() if one.moves_ns[-1:] == (now.ns,)},
        ),
        trespasses=passes,
        clocks=meter_clocks.compare_clocks(house, state.clocks, memories, now),
        swings=hunting.update_hunting(state.swings, house, memories, state.book.orders, now.ns),
    )
    return CycleInputs(
        state=after,
        wishes=wishes,
        force=force,
        grid_w=grid_w,
        grid_age_s=age_s,
        lost=implausible or age_s > observe_health.find_lost_after_s(period_s),
        dt_s=min(dt_s, 10.0),
        running_s=(now.ns - started_ns) / 1e9,
        now=now,
        common=_common(state, force, wishes),
        duties=effects.add_commanded_tiers(effects.find_grid_effects(seen, contract_w, now.ns), wishes.shed),
    )


def _judge_meter(
    frozen: FrozenImage, state: ControlState, memories: observations.LastGoodValues, now_ns: int
) -> judge.MeterCheck:
    """Advance the judge of the connection meter."""
    house = state.house
    seen = {}
    for quantity in QUANTITIES:
        point = f"{house.grid.name}.{quantity}"
        found = memories.get(point) if quantity == "power_w" else observations.read_number(frozen, point)
        if found is None:
            continue
        # What no grid shows was not measured.
        if (
            quantity != "frequency_hz"
            or readings.FREQUENCY_FILTER.low <= found.value <= readings.FREQUENCY_FILTER.high
        ):
            seen[quantity] = found
    grid = memories.get(f"{house.grid.name}.power_w")
    hard = house.limits
    over = grid is not None and (grid.value > hard.import_hard_w or -grid.value > hard.export_hard_w)
    told = judge.CheckContext(
        late_s=max(0.0, state.lag.find_delay_s(house)),
        signed=not unmet.is_meter_unsigned(house, memories),
        over_limit=over,
        target_w=house.grid_target_w,
    )
    return judge.advance_check(state.meter, house, memories, seen, state.book.orders, told, now_ns)


def _common(before: ControlState, force: ActiveLimits, wishes: Requests) -> bool:
    """Return whether something that all buildings saw has just eased: they must not all come back at once."""
    if before.force is None:
        return True
    return force.import_w > before.force.import_w or before.mode != wishes.caps.mode


def _players(scene: CycleInputs) -> list[Participant]:
    """Return who takes part: flexible assets always, batteries only while all their inputs are there."""
    memories, tracks, late = scene.state.memories, scene.state.tracks, scene.state.lag
    grid = memories.get(f"{scene.house.grid.name}.power_w")
    players = [
        make_flexible_participant(
            asset,
            scene.state.turns[asset.name],
            memories,
            scene.now_ns,
            meter_delay.find_power_then_w(tracks.get(asset.name), grid, late.late_s),
            late.late_s,
        )
        for asset in find_flexible_assets(scene.house)
        if not overrides.is_in_maintenance(asset, scene.wishes.overrides)
    ]
    left_alone = results.find_conflict_pauses(scene)
    for player in players:
        player.usable = player.usable and player.name not in left_alone
    players += operation_modes.make_participants(scene)
    for asset in scene.house.assets:
        if not isinstance(asset, Battery) or results.explain_battery_not_controlled(scene, asset):
            continue
        last = memories[f"{asset.name}.power_w"]
        present_w = meter_delay.find_battery_power_w(asset, tracks.get(asset.name), last, grid, late.found_s)
        soc_pct = memories[f"{asset.name}.soc_pct"].value
        order = scene.state.book.orders.get(find_control_point(asset))
        player = Participant(asset, present_w, 0.0, SwitchState(), setpoints.find_power_range(asset, soc_pct))
        player.before_w = present_w if order is None else order.value
        players.append(player)
    return players


def _base(
    scene: CycleInputs, window: residual_load.ResidualWindow, players: list[Participant]
) -> residual_load.ResidualLoad | None:
    more_w, less_w = conflict_response.find_conflict_power_w(scene.house, scene.state, scene.now_ns)
    if not scene.lost:
        base = window.base(players)
        gone_w = residual_load.estimate_lost_discharge_w(
            scene.house.assets, scene.state.memories, scene.now_ns
        )
        import_w, export_w = judge.find_margins(scene.meter, scene.state.remainder_w)
        more_w += gone_w + import_w
        less_w += export_w
        return base and replace(base, high_w=base.high_w + more_w, low_w=base.low_w - less_w)
    rest_w = residual_load.estimate_residual_load_w(
        scene.house, scene.state.memories, players, scene.state.remainder_w, scene.now_ns
    )
    high_w, low_w = rest_w + residual_load.estimate_silent_rise_w(players), rest_w
    grid = scene.state.memories.get(f"{scene.house.grid.name}.power_w")
    if grid is not None and scene.meter.verdict is Verdict.IMPLAUSIBLE:
        # Of what it shows and what is reckoned the worse counts, in either direction.
        shown_w = grid.value - sum(player.present_w for player in players)
        high_w, low_w = max(high_w, shown_w), min(low_w, shown_w)
    return residual_load.ResidualLoad(rest_w, high_w + more_w, low_w - less_w)


def _want(scene: CycleInputs, players: list[Participant], base: residual_load.ResidualLoad) -> None:
    """Give each battery its room and its want: the grid at its target, filtered and ramped."""
    units = [player for player in players if isinstance(player.asset, Battery)]
    if not units:
        return
    others_w = sum(player.want_w for player in players if player not in units)
    caps = scene.wishes.caps
    surplus_w = max(0.0, -(base.high_w + others_w))
    low_w, high_w = (
        _reach(scene, base, others_w),
        response.find_charge_max_w(scene, base, others_w, UNLIMITED_W),
    )
    rooms = setpoints.narrow_ranges([player.room for player in units], low_w=low_w, high_w=high_w)
    rooms = response.keep_shed_from_grid(scene, units, rooms, surplus_w)
    if caps.no_grid_charge_above_reserve:
        above = [unit for unit in units if _above_reserve(scene, unit)]
        kept = setpoints.narrow_ranges(
            [rooms[units.index(u)] for u in above], low_w=-UNLIMITED_W, high_w=surplus_w
        )
        for unit, narrow in zip(above, kept, strict=True):
            rooms[units.index(unit)] = narrow
    target_w, net_w = _target_w(scene), base.now_w + others_w
    alone = _find_room_alone(scene, base, others_w, units)
    ruled = []
    for unit, allowed in zip(units, rooms, strict=True):
        if unit.name not in scene.wishes.aims:
            ruled.append((unit, allowed))
            continue
        wanted_w, unit.reason = local_plan.follow_aim(scene, unit, net_w)
        net_w += min(max(wanted_w, allowed.low_w), allowed.high_w)  # what the next one sees
        _moved(scene, unit, allowed, wanted_w, alone)
    desired = setpoints.split_power(target_w - net_w, [allowed for _, allowed in ruled])
    for (unit, allowed), desired_w in zip(ruled, desired, strict=True):
        unit.reason = local_plan.explain_rule(scene, unit, target_w, net_w)
        _moved(scene, unit, allowed, desired_w, alone)


def _moved(
    scene: CycleInputs, unit: Participant, allowed: PowerRange, wanted_w: float, alone: PowerRange
) -> None:
    """Give a battery its next step; ``alone`` is what the limits leave to one that checks the meter."""
    assert isinstance(unit.asset, Battery)
    unit.room = allowed
    free = PowerRange(max(allowed.low_w, alone.low_w), min(allowed.high_w, alone.high_w))
    trial_w = results.find_check_step_w(scene, unit.asset, free)
    if trial_w is None:
        _follow(scene, unit, wanted_w)
    else:
        _try(scene, unit, trial_w)
    response.discharge_batteries(scene, unit)


def _find_room_alone(
    scene: CycleInputs, base: residual_load.ResidualLoad, others_w: float, units: list[Participant]
) -> PowerRange:
    """Return what the limits leave to the battery that checks the meter, while nobody else moves."""
    checking = judge.find_checking_battery(scene.house)
    rest_w = others_w + sum(unit.before_w for unit in units if unit.asset is not checking)
    return PowerRange(
        -scene.force.export_w - base.low_w - rest_w, scene.force.import_w - base.high_w - rest_w
    )


def _try(scene: CycleInputs, unit: Participant, trial_w: float) -> None:
    """A small step that shows whether the meter is right."""
    unit.reason = _TRIAL
    if scene.lost:
        # Limits are kept by others: the estimate must not have the battery do more than a small step.
        most_w = abs(trial_w)
        unit.reason = _TRIAL_AGAIN
        unit.room = PowerRange(max(-most_w, unit.room.low_w), min(most_w, unit.room.high_w))
    unit.want_w = min(max(trial_w, unit.room.low_w), unit.room.high_w)


def _target_w(scene: CycleInputs) -> float:
    """Return what batteries bring the grid to, in W."""
    wished_w = scene.wishes.grid_target_w
    target_w = scene.house.grid_target_w if wished_w is None else wished_w
    return max(0.0, target_w) if scene.wishes.caps.no_battery_export else target_w


def _follow(scene: CycleInputs, unit: Participant, desired_w: float) -> None:
    """The battery's next step to what is desired, or to what a person said."""
    asset, allowed = unit.asset, unit.room
    assert isinstance(asset, Battery)
    if scene.stage is not ControlStage.WELL:
        unit.want_w = min(max(unit.before_w, allowed.low_w), allowed.high_w)
        unit.reason = held_reasons.explain_stale_inputs(scene)
        return
    by_hand_w = overrides.find_ordered_power_w(asset, scene.wishes.overrides)
    if by_hand_w is not None:  # it follows no meter, so nothing can swing: it needs no filter
        unit.reason = scene.wishes.overrides[asset.name].reason
        unit.want_w = setpoints.ramp_to(asset, unit.before_w, by_hand_w, allowed, scene.dt_s)
        return
    held_w = scene.state.swings.limit_step_w(asset.name)
    if held_w is not None:  # from wherever a limit moved it
        unit.want_w = setpoints.ramp_to(asset, unit.before_w, held_w, allowed, scene.dt_s)
        return
    gain = scene.state.swings.gain(asset.name)
    unit.want_w = setpoints.follow_target(asset, unit.before_w, desired_w, allowed, scene.dt_s, gain)


def _reach(scene: CycleInputs, base: residual_load.ResidualLoad, others_w: float) -> float:
    """Return how far below 0 all batteries together may go, in W."""
    low_w = -UNLIMITED_W
    if scene.wishes.caps.no_battery_export or scene.duties.no_feed_in:
        low_w = min(0.0, -(base.low_w + others_w))
    if scene.force.generation_w is not None:
        made_w = residual_load.find_generation_w(scene.house, scene.state.memories, scene.now_ns)
        low_w = max(low_w, min(0.0, made_w - scene.force.generation_w))
    more_w, _ = conflict_response.find_conflict_power_w(scene.house, scene.state, scene.now_ns)
    if more_w > 0.0:  # what another master may have taken is no reason to export
        low_w = max(low_w, min(0.0, -(base.now_w + others_w)))
    if scene.meter.verdict is Verdict.SUSPECT:  # nor what it may hide, beyond the export cap
        low_w = max(low_w, min(0.0, -(base.low_w + others_w) - scene.force.export_w))
    if unmet.is_meter_unsigned(scene.house, scene.state.memories):
        low_w = max(low_w, 0.0)  # what a battery fed in would be seen as import, and be answered by more
    return low_w


def _above_reserve(scene: CycleInputs, unit: Participant) -> bool:
    soc = scene.state.memories.get(f"{unit.name}.soc_pct")
    assert isinstance(unit.asset, Battery)
    return soc is not None and soc.value >= unit.asset.reserve_soc_pct


def _allocated(
    scene: CycleInputs,
    players: list[Participant],
    base: residual_load.ResidualLoad | None,
    grove: tree.ConnectionTree | None,
) -> results.AllocationResult:
    """Bring the wants inside every cap; without any base only what an event has off moves: it needs none."""
    wants = [player.want_w for player in players]
    acted: dict[int, Reason] = {}
    off = response.apply_tier_shed(scene, players, wants, acted)
    if base is None or grove is None:
        return results.AllocationResult(
            tuple(wants), None, None, acted, met=True, gate=scene.state.gate, off=off
        )
    downs = steps.list_import_steps(players, scene.state.turns, scene.now_ns)
    breach_response.apply_breach_steps(scene, players, wants, downs, acted, grove)
    generation.limit_generation(scene, players, wants, acted)
    _capped_consumption(scene, players, wants, downs, acted, base)
    raising = scene.stage is ControlStage.WELL
    ups = steps.list_export_steps(players, scene.state.turns, scene.now_ns, raising=raising)
    ups = [one for one in ups if overrides.is_raise_allowed(players[one.index].asset, scene.wishes.overrides)]
    ups = [one for one in ups if one.tier not in scene.duties.off]
    force = scene.force
    total_w = sum(wants)
    rest_w = base.now_w
    if base.high_w + total_w > force.import_w:
        rest_w = base.high_w
    elif base.low_w + total_w < -force.export_w:
        rest_w = base.low_w
    if scene.duties.holds:
        ups = [*response.protect_from_increase(ups, players)]
    if scene.lost:  # what cannot be seen cannot be raised; PV is limited to the export cap by itself
        ups = []
    apart = minimum_times.space_releases(scene, players, ups)
    found = tree.allocate_in_tree(scene, grove, players, wants, rest_w, downs, apart)
    if found.broken and len(apart) < len(ups):  # a limit that needs more machines at once comes first
        found = tree.allocate_in_tree(scene, grove, players, wants, rest_w, downs, ups)
    acted |= found.acted
    setpoints = unmet.limit_blind_generation(scene, players, found.setpoints_w, acted)
    setpoints = generation.withhold_discharge(
        scene, grove, players, setpoints, rest_w=base.now_w, target_w=_target_w(scene)
    )
    if found.broken:
        tripped = minimum_times.find_machines_over_fuses(
            scene, grove, players, setpoints, base.high_w + sum(setpoints)
        )
        off |= tripped
        acted |= {index: minimum_times.make_fuse_reason(scene, grove, index) for index in tripped}
        setpoints = tuple(0.0 if index in tripped else watts for index, watts in enumerate(setpoints))
    moved_w = sum(setpoints)
    totals = pacing.Totals(base.high_w + moved_w, base.low_w + moved_w)
    setpoints = pacing.wait_for_others(scene, players, setpoints, totals)
    moved_w = sum(setpoints)
    return results.AllocationResult(
        setpoints,
        base.high_w + moved_w,
        base.low_w + moved_w,
        results.explain_movements(players, setpoints, acted),
        met=not found.broken,
        gate=scene.state.gate,
        off=off,
        charge_room_w=_sun_room_w(scene, players, setpoints),
        grove=grove,
        broken=found.broken,
        held_w=found.held_w,
    )


def _sun_room_w(scene: CycleInputs, players: list[Participant], setpoints_w: Sequence[float]) -> float:
    """How much more batteries could take from the sun, in W, also where they may not charge from the grid."""
    room_w = 0.0
    for player, setpoint_w in zip(players, setpoints_w, strict=True):
        if isinstance(player.asset, Battery):
            soc = scene.state.memories[f"{player.name}.soc_pct"]
            room_w += setpoints.find_power_range(player.asset, soc.value).high_w - setpoint_w
    return room_w


def _name(
    wants: list[float],
    setpoints: tuple[float, ...],
    taken: list[AllocationStep],
    cap: Reason,
    acted: dict[int, Reason],
) -> None:
    """Say which step moved whom: the last one taken for each."""
    for taken_step in taken:
        if setpoints[taken_step.index] != wants[taken_step.index]:
            acted[taken_step.index] = cap.then(taken_step.reason)


def _capped_consumption(
    scene: CycleInputs,
    players: list[Participant],
    wants: list[float],
    downs: list[AllocationStep],
    acted: dict[int, Reason],
    base: residual_load.ResidualLoad,
) -> None:
    """Hold what is consumed, whatever is generated, inside its cap; discharging does not help it."""
    cap_w = scene.force.consumption_w
    if cap_w is None:
        return
    positive = [max(0.0, want) for want in wants]
    rest_w = totals.find_other_consumption_w(scene, players, base)
    usable = [candidate for candidate in downs if candidate.target_w >= 0]
    found = allocate(rest_w, positive, cap_w, UNLIMITED_W, [s.plain for s in usable], [])
    _name(
        positive,
        found.setpoint_w,
        usable[: found.down_count],
        scene.force.reason("consumption"),
        acted,
    )
    for index, after_w in enumerate(found.setpoint_w):
        if after_w != positive[index]:
            wants[index] = after_w


def _lost(scene: CycleInputs) -> Mapping[str, Reason]:
    """Setpoints whose inputs are lost, with the reason."""
    batteries = {
        find_control_point(asset): why
        for asset in scene.house.assets
        if isinstance(asset, Battery)
        and asset.writable
        and participants.is_order_allowed(asset)
        and (why := results.explain_battery_not_controlled(scene, asset)) is not None
        and why.code != results.WAITING_TO_RETURN.code
    }
    return (
        batteries | operation_modes.find_relinquished_points(scene) | results.find_maintenance_points(scene)
    )
