"""Keep requests inside every limit of the connection tree (pure).

A building without nodes is a tree of one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree, node_loads
from quartier.control.limits.connection_tree import NO_LIMIT_W, NODE_ROWS, RowLimits, Topology
from quartier.control.limits.node_loads import NodeLoad, PlacedAsset
from quartier.control.limits.node_meters import NodeWindow
from quartier.control.observe import residual_load
from quartier.control.observe.phases import PhaseValues, TotalAndPhases
from quartier.control.participants import Participant
from quartier.control.reason import Reason
from quartier.control.records import AllocationStep, Order
from quartier.control.switch_state import RESTORE_AFTER_S, RESTORE_BELOW_SHARE
from quartier.site.asset_types import Battery
from quartier.site.records import replace
from quartier_native import Tree, allocate_tree


@dataclass(frozen=True, slots=True)
class ConnectionTree:
    """The connection tree of this cycle: its topology, its assets, its other loads and its limits by row.

    ``branches`` are the loads beside the participants. Without nodes it is empty: there is only the
    connection, without phases.
    """

    topology: Topology
    caps: RowLimits
    leaves: Sequence[PlacedAsset] = ()
    branches: Sequence[NodeLoad] = ()
    looks: Mapping[str, NodeWindow] = field(default_factory=dict)

    def find_inside(self, number: int) -> list[PlacedAsset]:
        """Return the assets below a node."""
        return [leaf for leaf in self.leaves if number in self.topology.way(leaf.node_number)]

    def rest(
        self, participants: Sequence[Participant], desired_w: Sequence[float]
    ) -> tuple[list[float], list[float]]:
        """Return by row the most and the least that flows beside the participants, in W."""
        high: list[float] = []
        low: list[float] = []
        for number, branch in enumerate(self.branches):
            most, least = node_loads.bound_node_load(
                branch, self.find_inside(number), participants, desired_w
            )
            high += most
            low += least
        return high, low


def build_tree(
    inputs: CycleInputs, participants: Sequence[Participant], base: residual_load.ResidualLoad
) -> ConnectionTree:
    """Build the connection tree of this cycle."""
    topology = connection_tree.build_topology(inputs.site.nodes)
    caps = connection_tree.find_row_limits(inputs.site, topology, inputs.active_limits)
    if not inputs.site.has_connection_tree:
        return ConnectionTree(topology, caps)
    leaves = node_loads.place_assets(inputs, topology, participants)
    found = node_loads.find_node_loads(inputs, topology, participants, leaves, base)
    return ConnectionTree(topology, caps, leaves, found.branches, found.looks)


@dataclass(frozen=True, slots=True)
class TreeAllocation:
    """Setpoints in W by participant, the reasons of all movements, and the rows above their limit.

    ``held_w`` is what each moved charge point may take from now on, in W on all its phases.
    """

    setpoints_w: tuple[float, ...]
    acted: Mapping[int, Reason]
    broken: tuple[int, ...]
    held_w: Mapping[int, float] = field(default_factory=dict)


def allocate_in_tree(
    inputs: CycleInputs,
    one: ConnectionTree,
    participants: Sequence[Participant],
    desired_w: Sequence[float],
    rest_w: float,
    downs: Sequence[AllocationStep],
    ups: Sequence[AllocationStep],
) -> TreeAllocation:
    """Turn wanted powers into setpoints inside all limits.

    ``rest_w`` is what a connection without nodes takes beside the participants, in W.
    """
    counted = [
        _find_counted_w(participant, power_w)
        for participant, power_w in zip(participants, desired_w, strict=True)
    ]
    assets = _make_kernel_assets(one, participants, counted)
    if one.branches:
        high, low = one.rest(participants, counted)
    else:
        high = low = [rest_w, 0.0, 0.0, 0.0]
    lower, higher = list(assets.lower(downs)), list(assets.add_raising(ups))
    tree = Tree(one.topology.under, assets.node_numbers, assets.shares)
    found = allocate_tree(
        tree,
        high,
        low,
        assets.power_w,
        one.caps.import_w,
        one.caps.export_w,
        [step for _, step in lower],
        [step for _, step in higher],
    )
    moved = list(found.setpoint_w[: len(participants)])
    for index, asset_index in assets.halves.items():
        moved[index] += found.setpoint_w[asset_index]
    held_w = {}
    for index, participant in enumerate(participants):
        if participant.allowed_w is not None:
            if moved[index] < participant.allowed_w:
                held_w[index] = moved[index] / participant.scale
            moved[index] = min(moved[index], desired_w[index])
    origin = [step for step, _ in (*lower, *higher)]
    acted: dict[int, Reason] = {}
    for step, row in zip(found.step, found.cap_row, strict=True):
        index = origin[step].index if step >= 0 else -1
        if step >= 0 and (index in held_w or moved[index] != desired_w[index]):
            direction = "import" if step < len(lower) else "export"
            cap = connection_tree.make_row_reason(
                inputs.site, one.topology, inputs.active_limits, row, direction
            )
            acted[index] = cap.then(origin[step].reason)
    return TreeAllocation(tuple(moved), acted, found.broken, held_w)


def _find_counted_w(participant: Participant, desired_w: float) -> float:
    """Return the power with which a participant counts: a car with its allowed power unless lowered."""
    if participant.allowed_w is None:
        return desired_w
    return (
        participant.allowed_w if desired_w >= participant.desired_w else min(participant.allowed_w, desired_w)
    )


@dataclass(frozen=True, slots=True)
class _KernelAssets:
    """The participants in the form of the kernel.

    A battery of unknown phase is two assets: its charging may load any phase, but its discharging relieves
    none for certain.
    """

    node_numbers: list[int]
    shares: list[PhaseValues]
    power_w: list[float]
    halves: Mapping[int, int]
    scales: Sequence[float]

    def lower(
        self, steps: Sequence[AllocationStep]
    ) -> Iterator[tuple[AllocationStep, tuple[int, float, bool, int]]]:
        for step in steps:
            asset_index = self.halves.get(step.index, step.index) if step.target_w < 0 else step.index
            yield step, (asset_index, step.target_w * self.scales[step.index], step.divisible, step.pool)

    def add_raising(
        self, steps: Sequence[AllocationStep]
    ) -> Iterator[tuple[AllocationStep, tuple[int, float, bool, int]]]:
        for step in steps:
            if step.index in self.halves:
                yield step, (self.halves[step.index], 0.0, step.divisible, step.pool)
            yield step, (step.index, step.target_w * self.scales[step.index], step.divisible, step.pool)


def _make_kernel_assets(
    one: ConnectionTree, participants: Sequence[Participant], desired_w: Sequence[float]
) -> _KernelAssets:
    if not one.branches:
        count = len(participants)
        return _KernelAssets([0] * count, [(0.0, 0.0, 0.0)] * count, list(desired_w), {}, [1.0] * count)
    mine = one.leaves[: len(participants)]
    node_numbers, shares = [leaf.node_number for leaf in mine], [leaf.share.parts for leaf in mine]
    halves: dict[int, int] = {}
    power_by_row = list(desired_w)
    for index, leaf in enumerate(mine):
        if isinstance(leaf.asset, Battery) and not leaf.share.known:
            halves[index] = len(power_by_row)
            node_numbers.append(leaf.node_number)
            shares.append((0.0, 0.0, 0.0))
            power_by_row.append(min(0.0, desired_w[index]))
            power_by_row[index] = max(0.0, desired_w[index])
    return _KernelAssets(
        node_numbers, shares, power_by_row, halves, [participant.scale for participant in participants]
    )


def find_headrooms_w(
    inputs: CycleInputs,
    one: ConnectionTree | None,
    participants: Sequence[Participant],
    setpoints_w: Sequence[float],
) -> tuple[list[float], dict[str, NodeWindow]]:
    """Return for each participant the power in W that could be added, and the windows to keep.

    The power keeps every limit on the way at nine tenths. It is 0 if a node on the way was not calm for 120
    s, or its meter is not read well. The restore gate takes care of the connection's own limit.
    """
    if one is None or not inputs.site.has_connection_tree:
        return [float("inf")] * len(participants), dict(inputs.state.looks)
    free_w = _free_w(one, participants, setpoints_w)
    looks = {}
    for number, branch in enumerate(one.branches):
        name = one.topology.name(number)
        calm = (
            not branch.rests
            and min(free_w[NODE_ROWS * number : NODE_ROWS * number + NODE_ROWS][0 if number else 1 :]) > 0
        )
        look = one.looks[name]
        since_ns = inputs.now_ns if look.calm_ns is None else look.calm_ns
        looks[name] = replace(look, calm_ns=since_ns if calm else None)
    return [_room_w(inputs, one, leaf, free_w, looks) for leaf in one.leaves[: len(participants)]], looks


def find_headroom_w(
    one: ConnectionTree, participants: Sequence[Participant], setpoints_w: Sequence[float], index: int
) -> float:
    """Return how much more one participant could take below nine tenths of every node limit on its way, in W.

    The connection's own limit does not count.
    """
    if not one.branches:
        return float("inf")
    leaf, missing_w = one.leaves[index], _free_w(one, participants, setpoints_w)
    return min(
        (
            missing_w[NODE_ROWS * number + k] / part
            for number in one.topology.way(leaf.node_number)
            for k, part in enumerate((1.0 if number else 0.0, *leaf.share.parts))
            if part > 0
        ),
        default=float("inf"),
    )


def _free_w(
    one: ConnectionTree, participants: Sequence[Participant], setpoints_w: Sequence[float]
) -> list[float]:
    """Return by row the power left to nine tenths of its limit, in W; negative if it is above."""
    high, _ = one.rest(participants, setpoints_w)
    for leaf, setpoint_w in zip(one.leaves, setpoints_w, strict=False):
        for number in one.topology.way(leaf.node_number):
            for k, watts in enumerate(leaf.share.spread_power(setpoint_w)):
                high[NODE_ROWS * number + k] += watts
    loads = [watts for branch in one.branches for watts in branch.load_w]
    return [
        cap * RESTORE_BELOW_SHARE - max(most, load)
        for cap, most, load in zip(one.caps.import_w, high, loads, strict=True)
    ]


def _room_w(
    inputs: CycleInputs,
    one: ConnectionTree,
    leaf: PlacedAsset,
    free_w: Sequence[float],
    looks: Mapping[str, NodeWindow],
) -> float:
    room_w = float("inf")
    for number in one.topology.way(leaf.node_number):
        calm_ns = looks[one.topology.name(number)].calm_ns
        if calm_ns is None or inputs.now_ns - calm_ns < RESTORE_AFTER_S * 1e9:
            return 0.0
        for k, part in enumerate((1.0 if number else 0.0, *leaf.share.parts)):
            if part > 0:
                room_w = min(room_w, free_w[NODE_ROWS * number + k] / part)
    return room_w


def render_tree(
    inputs: CycleInputs, one: ConnectionTree, orders: Mapping[str, Order]
) -> list[dict[str, object]]:
    """Render each node for people: its load, limits and headroom by row in W, and the assets it limits."""
    nodes: list[dict[str, object]] = []
    for number, branch in enumerate(one.branches):
        rows = range(NODE_ROWS * number, NODE_ROWS * number + NODE_ROWS)
        caps = [one.caps.import_w[row] if one.caps.import_w[row] < NO_LIMIT_W else None for row in rows]
        nodes.append(
            {
                "name": one.topology.name(number),
                "under": None if number == 0 else one.topology.name(one.topology.under[number]),
                "basis": branch.basis,
                "fuse_a": _fuse_a(inputs, one, number),
                "load_w": _round(branch.load_w),
                "import_max_w": [None if cap is None else round(cap, 1) for cap in caps],
                "headroom_w": [
                    None if cap is None else round(cap - load, 1)
                    for cap, load in zip(caps, branch.load_w, strict=True)
                ],
                "holds": _find_held_assets(one.topology.rules(number), orders),
            }
        )
    return nodes


def _find_held_assets(rules: Collection[str], orders: Mapping[str, Order]) -> list[str]:
    """Return the assets whose present order has one of these rules as its reason."""
    return sorted(
        {point.partition(".")[0] for point, order in orders.items() if order.reason.who.name in rules}
    )


def _fuse_a(inputs: CycleInputs, one: ConnectionTree, number: int) -> float | None:
    fuse_a = one.topology.nodes[number - 1].fuse_a if number else inputs.site.main_fuse_a
    return fuse_a if fuse_a < NO_LIMIT_W else None


def _round(watts: TotalAndPhases) -> list[float]:
    return [round(one, 1) for one in watts]
