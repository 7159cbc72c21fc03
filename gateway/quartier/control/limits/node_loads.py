"""The power at each node beside the controlled assets: measured, calculated, or the worst case (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quartier.control.inputs import CycleInputs
from quartier.control.limits import breach, node_meters
from quartier.control.limits.connection_tree import Topology
from quartier.control.limits.node_meters import NO_READING, NodeReading, NodeWindow, add_rows, subtract_rows
from quartier.control.observe import charging_sessions, health, observations, phases, residual_load
from quartier.control.observe.phases import PhaseShare, TotalAndPhases
from quartier.control.participants import Participant, find_ordered_power_w
from quartier.site.asset_types import Asset, Battery, ChargePointAsset, Pv


@dataclass(frozen=True, slots=True)
class PlacedAsset:
    """An asset at its node, with the share of its power on each phase; ``index`` is its participant, if any.

    ``drawn`` is how its present power is spread over the phases, if that differs from the power it may take.
    """

    asset: Asset
    node_number: int
    share: PhaseShare
    index: int | None
    drawn: PhaseShare | None = None


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """One node: the most and the least power beside the participants, in W, in total and by phase.

    ``basis`` is the source: ``measured``, ``reckoned`` (calculated from what is below), or ``silent`` (a
    meter that is not read). ``phased``: the phases are measured. ``load_w`` is the whole present power, with
    participants. ``over``: the power exceeds a limit although every order was given.
    """

    high_w: TotalAndPhases
    low_w: TotalAndPhases
    load_w: TotalAndPhases
    basis: str
    phased: bool = False
    stale: bool = False
    over: bool = False

    @property
    def rests(self) -> bool:
        """Return whether nothing below may take more now: it is not measured well, or overloaded."""
        return self.stale or self.over


@dataclass(frozen=True, slots=True)
class NodeLoads:
    """The loads of all nodes by number, and the windows of their meters to keep."""

    branches: tuple[NodeLoad, ...]
    looks: Mapping[str, NodeWindow]


def place_assets(
    inputs: CycleInputs, topology: Topology, participants: Sequence[Participant]
) -> list[PlacedAsset]:
    """Place every asset at its node: the participants first, in their order."""
    last_good, now_ns = inputs.state.last_good, inputs.now_ns
    mine = {participant.name for participant in participants}
    assets: list[Asset] = [participant.asset for participant in participants]
    assets += [asset for asset in inputs.site.assets if asset.name not in mine]
    switches = inputs.state.switch_states
    found = []
    for index, (asset, home) in enumerate(zip(assets, topology.find_node_numbers(assets), strict=True)):
        switch = switches.get(asset.name)
        via = topology.find_feeding_phase(home)
        drawn = phases.find_phase_share(
            asset, via, last_good, None if switch is None else switch.limit_w, now_ns
        )
        share = drawn
        if isinstance(asset, ChargePointAsset) and via is None:
            share = charging_sessions.find_session_share(
                asset, inputs.state.charging_sessions.get(asset.name), drawn
            )
        found.append(PlacedAsset(asset, home, share, index if index < len(participants) else None, drawn))
    return found


def find_node_loads(
    inputs: CycleInputs,
    topology: Topology,
    participants: Sequence[Participant],
    shown: Sequence[PlacedAsset],
    base: residual_load.ResidualLoad,
) -> NodeLoads:
    """Calculate the loads from the last node to the connection, by the node's meter or what is below."""
    count = len(topology.under)
    below: list[list[int]] = [
        [n for n in range(1, count) if topology.under[n] == number] for number in range(count)
    ]
    made: dict[int, NodeLoad] = {}
    looks: dict[str, NodeWindow] = {}
    spare_w = _spare_w(inputs, base, shown)
    for number in reversed(range(count)):
        inside = [leaf for leaf in shown if number in topology.way(leaf.node_number)]
        children = [_up(topology, child, made[child]) for child in below[number]]
        one = _Node(inputs, topology, number, participants, inside, children)
        looks[topology.name(number)] = one.look()
        made[number] = one.make_node_load(looks[topology.name(number)], base, spare_w)
    return NodeLoads(tuple(made[number] for number in range(count)), looks)


def _spare_w(inputs: CycleInputs, base: residual_load.ResidualLoad, shown: Sequence[PlacedAsset]) -> float:
    """Return the power in the building that nothing measures, in W: all of it may be at one node."""
    if inputs.grid_w is None:
        seen_w = inputs.state.remainder_w
        return inputs.site.limits.import_failsafe_w if seen_w is None else seen_w
    outside = (leaf.asset for leaf in shown if leaf.index is None)
    return max(0.0, base.high_w - sum(_find_measured_w(inputs, asset) or 0.0 for asset in outside))


def _find_measured_w(inputs: CycleInputs, asset: Asset) -> float | None:
    return observations.find_power_w(inputs.state.last_good, asset, inputs.now_ns) if asset.measured else None


def _up(topology: Topology, number: int, branch: NodeLoad) -> tuple[TotalAndPhases, TotalAndPhases]:
    """Return the most and the least of a node as the node above sees them."""
    node = topology.nodes[number - 1]
    if node.phases_count != 1:
        return branch.high_w, branch.low_w
    share = (
        phases.ANY_PHASE
        if topology.find_feeding_phase(number) is None
        else phases.make_single_phase(topology.find_feeding_phase(number) or "l1")
    )
    return share.find_upper_bound(branch.high_w[0]), share.find_lower_bound(branch.low_w[0])


@dataclass(frozen=True, slots=True)
class _Node:
    """A node with all assets below it; ``child_bounds`` are the most and the least of the nodes it feeds."""

    inputs: CycleInputs
    topology: Topology
    number: int
    participants: Sequence[Participant]
    inside: Sequence[PlacedAsset]
    child_bounds: Sequence[tuple[TotalAndPhases, TotalAndPhases]]

    @property
    def period_s(self) -> float:
        return (
            self.topology.nodes[self.number - 1].period_s if self.number else self.inputs.site.grid.period_s
        )

    @property
    def is_metered(self) -> bool:
        return not self.number or self.topology.nodes[self.number - 1].measured

    def reading(self) -> NodeReading | None:
        if not self.is_metered:
            return None
        owner = self.topology.name(self.number) if self.number else self.inputs.site.grid.name
        lost_s = health.find_lost_after_s(self.period_s)
        if self.number:  # a slow meter counts as silent before it would count as a lost grid meter
            lost_s = min(lost_s, observations.find_silent_after_s(self.period_s))
        return node_meters.read_node_meter(owner, self.inputs.state.last_good, lost_s, self.inputs.now_ns)

    def look(self) -> NodeWindow:
        before = self.inputs.state.looks.get(self.topology.name(self.number), NodeWindow())
        reading = self.reading()
        if reading is None:
            return before
        mine = [leaf for leaf in self.inside if leaf.index is not None]
        names = tuple(self._name(leaf) for leaf in mine)
        present_w, gone_w = (
            add_rows(NO_READING, *map(what, mine)) for what in (self._present, self._find_lowered_power)
        )
        look = node_meters.append_node_reading(before, names, reading, present_w, gone_w)
        return node_meters.decay_maximum(look, self._find_unmeasured_power(reading), self.inputs.dt_s)

    def _name(self, leaf: PlacedAsset) -> str:
        assert leaf.index is not None
        participant = self.participants[leaf.index]
        return participant.name if participant.is_measured else f"{participant.name}?"

    def _present(self, leaf: PlacedAsset) -> TotalAndPhases:
        assert leaf.index is not None
        return (leaf.drawn or leaf.share).spread_power(self.participants[leaf.index].present_w)

    def _find_lowered_power(self, leaf: PlacedAsset) -> TotalAndPhases:
        assert leaf.index is not None
        return (leaf.drawn or leaf.share).spread_power(
            residual_load.find_lowered_power_w(self.participants[leaf.index])
        )

    def _find_unmeasured_power(self, reading: NodeReading) -> TotalAndPhases | None:
        """Return the measured power that no asset explains; None while a measured asset is silent."""
        if any(
            leaf.asset.measured and _find_measured_w(self.inputs, leaf.asset) is None for leaf in self.inside
        ):
            return None
        return subtract_rows(
            reading.watts,
            add_rows(
                NO_READING,
                *(
                    leaf.share.find_lower_bound(_find_measured_w(self.inputs, leaf.asset) or 0.0)
                    for leaf in self.inside
                ),
            ),
        )

    def make_node_load(self, look: NodeWindow, base: residual_load.ResidualLoad, spare_w: float) -> NodeLoad:
        reading = self.reading()
        silent = self.is_metered and reading is None
        own_high, own_low = self._find_uncontrolled_power(silent=silent)
        high, low = (
            add_rows(own_high, *(child[0] for child in self.child_bounds)),
            add_rows(own_low, *(child[1] for child in self.child_bounds)),
        )
        if reading is None:
            gap = self._guess(look, spare_w)
            high = add_rows(high, gap)
            if self.number == 0:
                high, low = (base.high_w, *high[1:]), (base.low_w, *low[1:])
        else:
            high, low = self._find_measured_bounds(look, base, reading, high, low)
        load = add_rows(
            NO_READING, high, *(self._present(leaf) for leaf in self.inside if leaf.index is not None)
        )
        age_s = 0.0 if reading is None else (self.inputs.now_ns - reading.taken_ns) / 1e9
        return NodeLoad(
            high,
            low,
            self._load(reading, load),
            "silent" if silent else "reckoned" if reading is None else "measured",
            phased=reading is not None and reading.phased,
            stale=silent or (self.is_metered and age_s > health.find_stale_after_s(self.period_s)),
            over=breach.is_overloaded(
                self.inputs.state.overloads, self.inputs.state.import_breach, self.topology.name(self.number)
            ),
        )

    def _load(self, reading: NodeReading | None, reckoned: TotalAndPhases) -> TotalAndPhases:
        if reading is None:
            return reckoned
        return reading.watts if reading.phased else (reading.watts[0], *reckoned[1:])

    def _find_measured_bounds(
        self,
        look: NodeWindow,
        base: residual_load.ResidualLoad,
        reading: NodeReading,
        high: TotalAndPhases,
        low: TotalAndPhases,
    ) -> tuple[TotalAndPhases, TotalAndPhases]:
        """Return the measured bounds; without measured phases the unexplained power may be on each phase."""
        total_high_w = look.high_w(0) if self.number else base.high_w
        total_low_w = look.low_w(0) if self.number else base.low_w
        if reading.phased:
            return (
                (total_high_w, look.high_w(1), look.high_w(2), look.high_w(3)),
                (total_low_w, look.low_w(1), look.low_w(2), look.low_w(3)),
            )
        more_w, less_w = max(0.0, total_high_w - high[0]), min(0.0, total_low_w - low[0])
        return (
            (total_high_w, high[1] + more_w, high[2] + more_w, high[3] + more_w),
            (total_low_w, low[1] + less_w, low[2] + less_w, low[3] + less_w),
        )

    def _find_uncontrolled_power(self, *, silent: bool) -> tuple[TotalAndPhases, TotalAndPhases]:
        """Return the most and the least of the assets at this node itself that are not controlled."""
        high, low = NO_READING, NO_READING
        for leaf in self.inside:
            if leaf.node_number != self.number or leaf.index is not None:
                continue
            seen_w = None if silent else _find_measured_w(self.inputs, leaf.asset)
            most_w = observations.find_worst_power_w(leaf.asset) if seen_w is None else seen_w
            least_w = find_least_power_w(leaf.asset) if seen_w is None else seen_w
            high = add_rows(high, leaf.share.find_upper_bound(most_w))
            low = add_rows(low, leaf.share.find_lower_bound(least_w))
        return high, low

    def _guess(self, look: NodeWindow, spare_w: float) -> TotalAndPhases:
        """Return the unmeasured power at this node that no meter shows now; all of it on each phase."""
        if self.number == 0:
            return (0.0, spare_w, spare_w, spare_w)
        node = self.topology.nodes[self.number - 1]
        if node.measured:
            l0, l1, l2, l3 = (max(one, node.unmeasured_w or 0.0) for one in look.most_w)
            return l0, l1, l2, l3
        return (spare_w if node.unmeasured_w is None else node.unmeasured_w,) * 4


def bound_node_load(
    branch: NodeLoad,
    inside: Sequence[PlacedAsset],
    participants: Sequence[Participant],
    desired_w: Sequence[float],
) -> tuple[TotalAndPhases, TotalAndPhases]:
    """Return the most and the least of a node, so that adding the participants is never optimistic.

    Where no meter shows the phases, a generating participant of unknown phase relieves none, and a consuming
    one hides no export. Behind a silent meter each may take what its order allows.
    """
    high, low = branch.high_w, branch.low_w
    for leaf in inside:
        if leaf.index is None:
            continue
        if not branch.phased and not leaf.share.known:
            power_w = desired_w[leaf.index]
            counted = leaf.share.spread_power(power_w)
            high = add_rows(high, subtract_rows(leaf.share.find_upper_bound(power_w), counted))
            low = add_rows(low, subtract_rows(leaf.share.find_lower_bound(power_w), counted))
        if branch.basis == "silent" and participants[leaf.index].allowed_w is None:
            worse_w = max(0.0, find_ordered_power_w(participants[leaf.index]) - desired_w[leaf.index])
            high = add_rows(high, leaf.share.find_upper_bound(worse_w))
    return high, low


def find_least_power_w(asset: Asset) -> float:
    """Return the least that an asset may take when nothing is known of it, in W: generation is negative."""
    if isinstance(asset, Battery):
        return -asset.discharge_max_w
    if isinstance(asset, Pv):
        return -asset.rated_w
    return 0.0
