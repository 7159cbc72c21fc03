"""Load sharing: divide the limits of the connection tree among the cars (pure).

All charging cars get the same current, as far as each can use it and every fuse on its way carries it. If
there are not even 6 A for each, the least urgent pause and come back in turns of a quarter of an hour. Shares
are calculated from the current that each car may take, not from what it takes, so that no fuse depends on
luck.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from quartier.control import switch_state
from quartier.control.allocate.equal_currents import (
    CurrentRequest,
    find_full_row,
    share_currents,
    subtract_current,
)
from quartier.control.allocate.results import find_limit_w
from quartier.control.allocate.tree import ConnectionTree
from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree
from quartier.control.limits.connection_tree import NO_LIMIT_W, NODE_ROWS
from quartier.control.observe import charging_sessions, totals
from quartier.control.observe.charging_sessions import ChargingSession, SharingState
from quartier.control.observe.health import ControlStage
from quartier.control.orders import conflicts, overrides
from quartier.control.participants import Participant, find_full_power_w
from quartier.control.reason import Reason, make_rule_reason
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset
from quartier.site.records import replace

PLANNED_SHARE = 0.97
"""The share of a fuse that is divided; the rest avoids new orders to the cars for each kettle."""
SHARING_INTERVAL_S = 10.0
"""Currents are shared anew this often, unless a fuse demands it at once."""
CHANGE_A, SETTLED_A = 0.5, 0.5
"""A car gets a new order for at least this change; one above its limit by more has not obeyed yet."""
TURN_LENGTH_S = 900.0
"""Who charges does so for a quarter of an hour before it is another's turn."""
FIT_WAIT_S = 60.0
"""A paused car comes back once there was room for it for a minute."""
URGENT_LAXITY_S = 1800.0
"""A car with less laxity comes first, and gets the current it needs before the rest is shared."""
PAUSES_MAX_PER_H = 3
"""No car is paused more often in an hour, so that it is switched six times at most."""
_UNRESPONSIVE, _NOT_READ = (
    make_rule_reason("car.unresponsive", "held"),
    make_rule_reason("car.not_read", "held"),
)
_NO_CAR, _WAITS = make_rule_reason("car.none", "no car"), make_rule_reason("car.waits", "turn")
_SHARES, _RISES = make_rule_reason("car.shares", "sharing"), make_rule_reason("car.rises", "sharing")
_DEMAND = make_rule_reason("car.demand", "demand", margin_a=charging_sessions.MARGIN_A)
_FREE = make_rule_reason("free", "free")
_S = 1_000_000_000


@dataclass(slots=True, eq=False)
class ChargePoint:
    """A charge point in this cycle; ``rows`` are the W per A by which it loads each limited row on its way.

    ``active``: a car is there that takes power, or would. ``fixed``: it cannot be ordered, or its power is
    not read.
    """

    participant: Participant
    ev: ChargePointAsset
    session: ChargingSession | None
    rows: list[tuple[int, float]]
    way: tuple[int, ...]
    order_a: float
    drawn_a: float
    most_a: float
    laxity_s: float
    needed_a: float
    active: bool
    fixed: bool
    is_unresponsive: bool
    movable: bool
    goal_a: float = 0.0
    bound: int | None = None

    @property
    def on(self) -> bool:
        """Return whether it may charge now."""
        return self.order_a > 0

    @property
    def budget_current_a(self) -> float:
        """The current it counts with: what it may take, or still takes; an idle one only what it takes."""
        return max(self.order_a, self.drawn_a) if self.active or self.fixed else self.drawn_a


def share_load(
    inputs: CycleInputs, participants: Sequence[Participant], tree: ConnectionTree | None
) -> CycleInputs:
    """Set the order of each charge point in its participant; return the inputs with the new switch states."""
    if tree is None or not inputs.site.has_connection_tree:
        return inputs
    bays = [
        _bay(inputs, tree, index, p)
        for index, p in enumerate(participants)
        if isinstance(p.asset, ChargePointAsset)
    ]
    for bay in bays:
        bay.participant.allowed_w = (
            bay.budget_current_a * bay.ev.voltage_v * charging_sessions.count_phases(bay.ev, bay.session)
        )
    plan = _Sharing(inputs, tree, participants, bays)
    park = plan.divide_current()
    switches = dict(inputs.state.switch_states)
    for bay in bays:
        switches[bay.ev.name] = _make_switch_state(inputs, tree, bay)
    gate = inputs.state.gate
    if plan.has_raised_level:
        gate = replace(gate, last_ns=inputs.now_ns)
    return replace(inputs, state=replace(inputs.state, switch_states=switches, load_sharing=park, gate=gate))


def _bay(inputs: CycleInputs, tree: ConnectionTree, index: int, participant: Participant) -> ChargePoint:
    ev, last_good, now = participant.asset, inputs.state.last_good, inputs.now
    assert isinstance(ev, ChargePointAsset)
    switch, here, leaf = (
        participant.switch_state,
        inputs.state.charging_sessions.get(ev.name),
        tree.leaves[index],
    )
    way = tree.topology.way(leaf.node_number)
    each_w = leaf.share.spread_power(ev.voltage_v * charging_sessions.count_phases(ev, here))
    rows = [
        (NODE_ROWS * number + k, watts)
        for number in way
        for k, watts in enumerate(each_w)
        if watts > 0 and tree.caps.import_w[NODE_ROWS * number + k] < NO_LIMIT_W
    ]
    order_a = takes_a = charging_sessions.find_ordered_current_a(ev, switch)
    if participant.is_measured:
        takes_a = charging_sessions.find_drawn_current_a(ev, here, last_good, now.ns)
    takes_a = max(takes_a, conflicts.find_foreign_value(inputs.state.conflicts, f"{ev.name}.current_max_a"))
    is_unresponsive = charging_sessions.is_order_ignored(
        switch, order_a, takes_a, charging_sessions.find_read_time_ns(ev, last_good, now.ns)
    )
    fixed = not participant.usable or not participant.is_measured or is_unresponsive
    off_lately = sum(1 for then in switch.sheds_ns if now.ns - then < 3600 * _S)
    movable = switch_state.is_switch_allowed(ev, switch, now.ns) and (
        switch.on or off_lately < PAUSES_MAX_PER_H
    )
    movable = movable and (switch.on or switch.unread_ns is None)  # it is first told that it is off
    movable = movable and not overrides.is_kept_off(ev, inputs.requests.overrides)
    most_a = overrides.find_ceiling(ev, inputs.requests.overrides) or ev.current_max_a
    return ChargePoint(
        participant=participant,
        ev=ev,
        session=here,
        rows=rows,
        way=way,
        order_a=order_a,
        drawn_a=takes_a,
        most_a=most_a
        if here is None
        else min(most_a, charging_sessions.find_usable_current_a(ev, here, last_good, now.ns)),
        laxity_s=charging_sessions.UNMET_ORDER_S
        if here is None
        else charging_sessions.find_laxity_s(ev, here, last_good, now, inputs.site.zone),
        needed_a=0.0
        if here is None
        else charging_sessions.find_needed_current_a(ev, here, last_good, now, inputs.site.zone),
        active=here is not None and not here.is_idle(now.ns),
        fixed=fixed,
        is_unresponsive=is_unresponsive,
        movable=movable and not fixed,
    )


@dataclass(slots=True)
class _Sharing:
    """One sharing: what is left in each row, who charges, and with how much."""

    inputs: CycleInputs
    tree: ConnectionTree
    participants: Sequence[Participant]
    charge_points: Sequence[ChargePoint]
    has_raised_level: bool = False
    bounds: dict[str, int | None] = field(default_factory=dict)

    def divide_current(self) -> SharingState:
        before, now_ns = self.inputs.state.load_sharing, self.inputs.now_ns
        hard, soft = self._find_left_currents()
        tight = self._tight(hard)
        level_w = self._level_w(before.level_w, hard[0], soft[0], tight=0 in tight)
        if level_w is not None:
            hard[0], soft[0] = min(hard[0], level_w), min(soft[0], level_w)
        for bay in self.charge_points:
            bay.goal_a = bay.order_a
        raising = self._may_raise
        ideal = self._choose_cars(
            dict(hard), dict(soft), {bay.ev.name for bay in self.charge_points} if raising else set()
        )
        fits_ns = {b.ev.name: before.fits_ns.get(b.ev.name, now_ns) for b in ideal if not b.on}
        ready = {name for name, since_ns in fits_ns.items() if now_ns - since_ns >= FIT_WAIT_S * _S}
        ready |= {
            bay.ev.name
            for bay in self.charge_points
            if bay.session is not None and bay.session.since_ns == now_ns
        }
        chosen = self._choose_cars(dict(hard), dict(soft), ready)
        starting = [bay for bay in chosen if not bay.on]
        for bay in self.charge_points:
            if bay.on and bay.active and bay.movable and bay not in chosen:
                bay.goal_a = 0.0
        due = before.shared_ns is None or now_ns - before.shared_ns >= SHARING_INTERVAL_S * _S
        if due or tight or starting:
            self._share(chosen, soft, due=due and raising, tight=tight)
        self._start(starting, dict(hard))
        self._rest()
        if due and 0 not in tight and not self.inputs.grid_effects.off and self._is_free():
            level_w = None
        return SharingState(now_ns if due else before.shared_ns, fits_ns, level_w, self._bounds(before))

    @property
    def _may_raise(self) -> bool:
        effects = self.inputs.grid_effects
        return self.inputs.stage is ControlStage.NORMAL and not (effects.holds or effects.off)

    def _level_w(self, before_w: float | None, hard_w: float, soft_w: float, *, tight: bool) -> float | None:
        """Return what the cars may take together, in W, after the limit of the connection lowered it.

        None: it lowers nothing. The value rises by one car each time the restore gate opens, which all loads
        pass.
        """
        if self.inputs.grid_effects.off:  # a grid event: what it takes also comes back by the gate
            now_w = sum(
                watts for bay in self.charge_points for row, watts in self._list_row_powers(bay) if row == 0
            )
            return min(now_w, soft_w) if before_w is None else min(before_w, now_w, soft_w)
        if tight:
            return max(0.0, soft_w if before_w is None else min(before_w, soft_w))
        if before_w is None:
            return None
        level_w = max(0.0, min(before_w, hard_w))
        is_open = self.inputs.state.gate.is_open(self.inputs.now_ns) and not self.inputs.common
        if is_open and self._may_raise and level_w < soft_w:
            self.has_raised_level = True
            level_w = min(
                soft_w, level_w + max((find_full_power_w(bay.ev) for bay in self.charge_points), default=0.0)
            )
        return level_w

    def _bounds(self, before: SharingState) -> dict[str, int]:
        """Return the row that bounds each charging car, as last shared."""
        known = {**before.bounds, **self.bounds}
        found = {
            bay.ev.name: known.get(bay.ev.name) for bay in self.charge_points if bay.active and bay.goal_a > 0
        }
        acting = {row for row in found.values() if row is not None}
        for bay in self.charge_points:
            if bay.goal_a > 0:
                bay.bound = found.get(bay.ev.name)
            elif bay.bound is None:
                bay.bound = next((row for row, _ in bay.rows if row in acting), None)
        return {name: row for name, row in found.items() if row is not None}

    def _find_left_currents(self) -> tuple[dict[int, float], dict[int, float]]:
        """Return what the cars may take by row, in W: the most, and the part of it that is shared."""
        high, _ = self.tree.rest(
            self.participants, [participant.desired_w for participant in self.participants]
        )
        hard = {row: cap - high[row] for row, cap in enumerate(self.tree.caps.import_w) if cap < NO_LIMIT_W}
        soft = {row: left - (1 - PLANNED_SHARE) * self.tree.caps.import_w[row] for row, left in hard.items()}
        ceiling_w = self.tree.caps.import_w[0] * switch_state.RESTORE_BELOW_SHARE
        if self.inputs.grid_effects.ceiling_w is not None:
            ceiling_w = min(ceiling_w, self.inputs.grid_effects.ceiling_w)
        soft[0] = ceiling_w - high[0]
        for leaf, participant in zip(self.tree.leaves, self.participants, strict=False):
            if isinstance(participant.asset, ChargePointAsset):
                continue
            desired_w = (
                min(0.0, participant.desired_w)
                if isinstance(participant.asset, Battery)
                else participant.desired_w
            )
            for number in self.tree.topology.way(leaf.node_number):
                for k, watts in enumerate(leaf.share.spread_power(desired_w)):
                    if (row := NODE_ROWS * number + k) in hard:
                        hard[row] -= watts
                        soft[row] -= watts
        now_w = sum(
            watts for bay in self.charge_points for row, watts in self._list_row_powers(bay) if row == 0
        )
        cap_w = self.inputs.active_limits.consumption_w
        if cap_w is not None and self.inputs.grid_w is not None:
            spare_w = cap_w * switch_state.RESTORE_BELOW_SHARE - totals.find_consumption_w(
                self.inputs, self.participants
            )
            soft[0] = min(soft[0], now_w + spare_w)
        return hard, soft

    def _list_row_powers(self, bay: ChargePoint) -> list[tuple[int, float]]:
        return [(row, bay.budget_current_a * watts) for row, watts in bay.rows]

    def _tight(self, hard: Mapping[int, float]) -> set[int]:
        """Return the rows whose limit would be exceeded if each car took all it may."""
        loads: dict[int, float] = {}
        for bay in self.charge_points:
            for row, watts in self._list_row_powers(bay):
                loads[row] = loads.get(row, 0.0) + watts
        return {row for row, watts in loads.items() if watts > hard[row] + 1.0}

    def _is_free(self) -> bool:
        """Return whether the connection bounds no car as it was just shared."""
        return all(bay.bound != 0 for bay in self.charge_points if bay.active)

    def _choose_cars(
        self, hard: MutableMapping[int, float], soft: MutableMapping[int, float], ready: set[str]
    ) -> list[ChargePoint]:
        """Return who charges, at least at its floor: who cannot be paused, then the urgent, then by turns."""
        for bay in self.charge_points:
            if bay.fixed or not bay.active:
                for left in (hard, soft):
                    subtract_current(bay.rows, bay.budget_current_a, left)
        self._reserve(soft)
        found = []
        for bay in sorted(
            (bay for bay in self.charge_points if bay.active and not bay.fixed), key=self._place
        ):
            floor_a = bay.ev.current_min_a
            bay.bound = find_full_row(bay.rows, floor_a, hard if bay.on else soft)
            if not bay.on and (not bay.movable or bay.ev.name not in ready):
                subtract_current(bay.rows, bay.drawn_a, hard)
                subtract_current(bay.rows, bay.drawn_a, soft)
                continue
            if bay.bound is not None and (bay.movable or not bay.on):
                continue
            found.append(bay)
            least_a = self._least_a(bay, soft)
            subtract_current(bay.rows, least_a, hard)
            subtract_current(bay.rows, least_a, soft)
        return found

    def _least_a(self, bay: ChargePoint, left: Mapping[int, float]) -> float:
        """Return the current before the rest is shared: the floor, or an urgent car's need if it fits."""
        floor_a = bay.ev.current_min_a
        if bay.laxity_s >= URGENT_LAXITY_S:
            return floor_a
        room_a = min((left[row] / watts for row, watts in bay.rows), default=bay.most_a)
        return max(floor_a, min(bay.needed_a, bay.most_a, room_a))

    def _reserve(self, soft: MutableMapping[int, float]) -> None:
        """Reserve room for one car that arrives or wakes at an open point without a charging car."""
        need: dict[int, float] = {}
        for bay in self.charge_points:
            if not bay.active and not bay.fixed and bay.on:
                for row, watts in bay.rows:
                    need[row] = max(need.get(row, 0.0), watts * bay.ev.current_min_a)
        for row, watts in need.items():
            soft[row] -= watts

    def _place(self, bay: ChargePoint) -> tuple[int, float, str]:
        switch, now_ns = bay.participant.switch_state, self.inputs.now_ns
        if bay.on and not bay.movable:
            return (0, 0.0, bay.ev.name)
        if bay.laxity_s < URGENT_LAXITY_S:
            return (1, bay.laxity_s, bay.ev.name)
        in_slot = bay.on and switch.since_ns is not None and now_ns - switch.since_ns < TURN_LENGTH_S * _S
        return (2 if in_slot else 3, bay.laxity_s, bay.ev.name)

    def _share(
        self, chosen: Sequence[ChargePoint], soft: MutableMapping[int, float], *, due: bool, tight: set[int]
    ) -> None:
        """Share what is left among those who charge; raise only at the interval and if each has obeyed."""
        left = dict(soft)
        for bay in self.charge_points:
            if bay.fixed or not bay.active:
                subtract_current(bay.rows, bay.budget_current_a, left)
        self._reserve(left)
        draws = {}
        for bay in chosen:  # in their order: the urgent before the rest
            draws[bay] = CurrentRequest(bay.rows, self._least_a(bay, left), bay.most_a)
            subtract_current(bay.rows, draws[bay].now_a, left)
        share_currents(list(draws.values()), left)
        answered = all(
            b.drawn_a <= b.order_a + SETTLED_A for b in self.charge_points if b.active and not b.fixed
        )
        for bay, draw in draws.items():
            if draw.bound is not None or due:
                bay.bound = draw.bound
                self.bounds[bay.ev.name] = draw.bound
            goal_a = int(draw.now_a * 10 + 1e-6) / 10
            if not bay.on or goal_a == bay.order_a:
                continue
            lower = goal_a < bay.order_a and (
                bay.order_a - goal_a >= CHANGE_A or tight & {row for row, _ in bay.rows}
            )
            higher = goal_a > bay.order_a and due and answered and not self._rests(bay)
            if lower or (higher and (goal_a - bay.order_a >= CHANGE_A or goal_a >= bay.most_a)):
                bay.goal_a = goal_a

    def _rests(self, bay: ChargePoint) -> bool:
        return any(self.tree.branches[number].rests for number in bay.way)

    def _start(self, starting: Sequence[ChargePoint], hard: MutableMapping[int, float]) -> None:
        """Start the cars for which there is room beside all current that is still drawn."""
        for bay in self.charge_points:
            subtract_current(
                bay.rows, max(bay.goal_a, bay.drawn_a) if bay.active or bay.fixed else bay.drawn_a, hard
            )
        for bay in starting:
            floor_a = bay.ev.current_min_a
            well = self._may_raise and not self._rests(bay)
            if well and find_full_row(bay.rows, floor_a, hard) is None:
                bay.goal_a = floor_a
                subtract_current(bay.rows, floor_a, hard)

    def _rest(self) -> None:
        """Keep a point without a charging car open at its floor, for a car that arrives or wakes."""
        for bay in self.charge_points:
            opens = bay.on or (bay.movable and self._may_raise)
            if opens and not bay.active and not bay.fixed:
                bay.goal_a = bay.ev.current_min_a


def _make_switch_state(inputs: CycleInputs, tree: ConnectionTree, bay: ChargePoint) -> SwitchState:
    """Return the switch state that the goal makes, and set the powers with which the participant counts."""
    participant, ev, now_ns = bay.participant, bay.ev, inputs.now_ns
    switch, goal_a, count = (
        participant.switch_state,
        bay.goal_a,
        charging_sessions.count_phases(bay.ev, bay.session),
    )
    limit_w = find_limit_w(goal_a * ev.voltage_v * ev.phases_count, find_full_power_w(ev))
    if goal_a <= 0 and switch.on:
        switch = switch_state.switch_off(switch, max(0.0, participant.present_w), now_ns)
    elif goal_a > 0 and not switch.on:
        switch = replace(switch_state.switch_on(switch, now_ns), limit_w=limit_w)
    elif goal_a < bay.order_a:
        switch = switch_state.lower_limit(
            switch, goal_a * ev.voltage_v * ev.phases_count, max(0.0, participant.present_w), now_ns
        )
    elif goal_a > bay.order_a:
        switch = replace(switch, limit_w=limit_w)
    each_w = ev.voltage_v * count
    participant.switch_state, participant.laxity_s, participant.scale = (
        switch,
        bay.laxity_s,
        count / ev.phases_count,
    )
    participant.is_unresponsive = bay.is_unresponsive
    if bay.is_unresponsive:
        participant.desired_w = bay.drawn_a * each_w
    else:
        participant.desired_w = min(participant.desired_w, goal_a * each_w) if switch.on else 0.0
    counted_a = goal_a if bay.active else bay.drawn_a
    if bay.fixed:
        counted_a = max(goal_a, bay.drawn_a)
    participant.allowed_w = counted_a * each_w if switch.on or bay.fixed else 0.0
    participant.reason = _reason(inputs, tree, bay)
    return switch


def _reason(inputs: CycleInputs, tree: ConnectionTree, bay: ChargePoint) -> Reason:
    cap = None
    if bay.bound is not None:
        cap = connection_tree.make_row_reason(
            inputs.site, tree.topology, inputs.active_limits, bay.bound, "import"
        )
    if bay.fixed:
        return _UNRESPONSIVE if bay.is_unresponsive else _NOT_READ
    if not bay.active and bay.goal_a > 0:
        return _NO_CAR
    if bay.goal_a <= 0:
        return _WAITS if cap is None else cap.then(_WAITS)
    if cap is not None:
        return cap.then(_SHARES)
    ordered = overrides.make_limit_reached_reason(bay.ev.name, inputs.requests.overrides, bay.goal_a)
    if ordered is None and bay.most_a < bay.ev.current_max_a:
        return _DEMAND
    full = bay.goal_a >= bay.ev.current_max_a
    return ordered or (_FREE if full else _RISES)
