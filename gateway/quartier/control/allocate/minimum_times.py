"""Keep minimum on-times against limits and fuses: spec/failsafe.md#rule-12 (pure).

A machine that was just started stays on for its minimum time, even above a limit. Therefore machines are
released one minimum time apart, so that at most one is inside its minimum time when the next limit comes. A
fuse or breaker does not wait: a machine that overloads it is switched off at once. ``find_largest_excesses``
calculates by how much a site can exceed a limit because of this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quartier.control import switch_state
from quartier.control.allocate import operation_modes
from quartier.control.allocate.tree import ConnectionTree
from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree, supplies
from quartier.control.limits.connection_tree import NODE_ROWS
from quartier.control.observe.observations import NOMINAL_V
from quartier.control.participants import Participant, find_floor_power_w, is_controllable
from quartier.control.reason import Reason, make_reason
from quartier.control.records import AllocationStep, PowerLimits
from quartier.site.asset_types import ChargePointAsset, ChpUnit, Load, OperationModeAsset, Tier
from quartier.site.site_layout import Site

OFF_EARLY = make_reason("minimum_time.off_early")


@dataclass(frozen=True, slots=True)
class FuseTrip:
    """The mode that a machine goes to (0 for one that is switched) because a fuse is overloaded, and why."""

    mode: int
    reason: Reason


def find_machines_over_fuses(
    inputs: CycleInputs,
    tree: ConnectionTree,
    participants: Sequence[Participant],
    setpoints_w: Sequence[float],
    total_w: float,
) -> dict[int, FuseTrip]:
    """Return the machines that a fuse or breaker switches off now within their minimum time.

    The result is by participant. ``total_w`` is the power of the connection after all other steps.
    """
    over_w = _over_w(inputs, tree, participants, setpoints_w, total_w)
    found: dict[int, FuseTrip] = {}
    machines = [
        i
        for i, participant in enumerate(participants)
        if _is_held_on(inputs, participant) and setpoints_w[i] > 0.0
    ]
    machines.sort(
        key=lambda i: switch_state.rank_tier(
            participants[i].asset, _tier(participants[i]), participants[i].switch_state, inputs.now_ns
        )
    )
    for index in machines:
        loads_w = _loads_w(tree, index, setpoints_w[index])
        rows = [row for row, watts in loads_w.items() if over_w.get(row, 0.0) > 0.0 and watts > 0.0]
        if rows:
            asset = participants[index].asset
            mode = (
                operation_modes.find_preference(inputs, asset).lowest
                if isinstance(asset, OperationModeAsset)
                else 0
            )
            reason = _make_trip_reason(inputs, tree, max(rows, key=lambda row: over_w[row]))
            found[index] = FuseTrip(mode, reason)
            over_w = {row: watts - loads_w.get(row, 0.0) for row, watts in over_w.items()}
    return found


def _make_trip_reason(inputs: CycleInputs, tree: ConnectionTree, row: int) -> Reason:
    """Return why a machine is switched off: the fuse of ``row``, or the breaker whose meter warns."""
    if row:
        reason = connection_tree.make_row_reason(
            inputs.site, tree.topology, inputs.active_limits, row, "import"
        )
        return reason.then(OFF_EARLY)
    return min(_find_warned_limits(inputs), key=lambda one: one[1].import_w)[0].then(OFF_EARLY)


def _find_warned_limits(inputs: CycleInputs) -> list[tuple[Reason, PowerLimits]]:
    """Return the powers at which the breaker of the connection trips, of the meters that warn of it.

    Other limits of the import do not trip it: only the subscribed power, or the power it was cut to, does.
    """
    warning = {name: one for name, one in inputs.state.supplies.items() if one.warned}
    return list(supplies.find_supply_limits(warning))


def _is_held_on(inputs: CycleInputs, participant: Participant) -> bool:
    asset = participant.asset
    if not switch_state.is_machine(asset) or not participant.usable or _tier(participant) == "A":
        return False
    return switch_state.is_starting(asset, participant.switch_state, inputs.now_ns)


def _tier(participant: Participant) -> Tier:
    return participant.tier if isinstance(participant.asset, OperationModeAsset) else participant.asset.tier


def _over_w(
    inputs: CycleInputs,
    tree: ConnectionTree,
    participants: Sequence[Participant],
    setpoints_w: Sequence[float],
    total_w: float,
) -> dict[int, float]:
    """Return the excess in W by row, for each fuse or breaker that is overloaded now and after this cycle.

    The connection's own breaker counts if its meter warns of it. Behind a silent meter nobody sees an
    overload. The power there counts at its worst, and limits are kept against that, but it switches nothing
    off early.
    """
    found = {}
    carried_w = [powers.import_w for _, powers in _find_warned_limits(inputs)]
    if carried_w:
        found[0] = total_w - min(carried_w)
    if tree.branches:
        high, _ = tree.rest(participants, setpoints_w)
        for leaf, setpoint_w in zip(tree.leaves, setpoints_w, strict=False):
            for number in tree.topology.way(leaf.node_number):
                for k, watts in enumerate(leaf.share.spread_power(setpoint_w)):
                    high[NODE_ROWS * number + k] += watts
        loads = [watts for branch in tree.branches for watts in branch.load_w]
        found |= {
            row: min(high[row], loads[row]) - cap_w
            for row, cap_w in enumerate(tree.caps.import_w)
            if _is_fuse(tree, row) and tree.branches[row // NODE_ROWS].basis != "silent"
        }
    return {row: watts for row, watts in found.items() if watts > 0.0}


def _is_fuse(tree: ConnectionTree, row: int) -> bool:
    """Return whether a fuse bounds a row; a declared power of a node is a limit like others."""
    number, k = divmod(row, NODE_ROWS)
    if k or not number:
        return k > 0
    node = tree.topology.nodes[number - 1]
    return node.power_max_w >= node.phases_count * node.fuse_a * NOMINAL_V


def _loads_w(tree: ConnectionTree, index: int, setpoint_w: float) -> dict[int, float]:
    """Return the power of a participant in each row on its way, in W."""
    if not tree.branches:
        return {0: setpoint_w}
    leaf = tree.leaves[index]
    return {
        NODE_ROWS * number + k: watts
        for number in tree.topology.way(leaf.node_number)
        for k, watts in enumerate(leaf.share.spread_power(setpoint_w))
    }


def space_releases(
    inputs: CycleInputs, participants: Sequence[Participant], ups: Sequence[AllocationStep]
) -> list[AllocationStep]:
    """Return the steps up with at most one machine, and none while another is in its minimum time."""
    first = next((one.index for one in ups if switch_state.is_machine(participants[one.index].asset)), None)
    if first is None:
        return [*ups]
    starting = switch_state.find_starting_machines(
        inputs.site.assets, inputs.state.switch_states, inputs.now_ns
    )

    def may_start(step: AllocationStep) -> bool:
        participant = participants[step.index]
        if not switch_state.is_machine(participant.asset) or (
            isinstance(participant.asset, ChargePointAsset) and participant.switch_state.on
        ):
            return True
        return step.index == first and not starting - {participant.name}

    return [step for step in ups if may_start(step)]


# The largest excess over a limit


@dataclass(frozen=True, slots=True)
class MinimumTimeExcess:
    """The excess over a new limit that minimum times can cause, and its duration.

    ``way`` is the direction of the limit.
    """

    way: str
    power_w: float
    for_s: float
    machines: tuple[str, ...]


def find_largest_excesses(site: Site) -> list[MinimumTimeExcess]:
    """Return the largest possible excess of a site for import and for export; nothing if there is none."""
    machines = [one for one in site.assets if switch_state.is_machine(one) and _is_steered(one, site)]
    # Charge points of a tree share the current, and start together; all other machines are released alone.
    together = [one for one in machines if site.has_connection_tree and isinstance(one, ChargePointAsset)]
    alone = [one for one in machines if one not in together]
    largest = max(alone, key=lambda one: (_find_least_w(one), one.min_on_s), default=None)
    held = {
        one.name: (_find_least_w(one), one.min_on_s)
        for one in (*together, *([] if largest is None else [largest]))
    }
    plants = {
        one.name: (max(0.0, -min(mode.power_w for mode in one.modes)), one.min_off_s)
        for one in site.assets
        if isinstance(one, ChpUnit) and one.min_off_s > 0
    }
    return [found for way, by in (("import", held), ("export", plants)) if (found := _excess(way, by))]


def _excess(way: str, held: Mapping[str, tuple[float, float]]) -> MinimumTimeExcess | None:
    power_w = sum(watts for watts, _ in held.values())
    if power_w <= 0.0:
        return None
    return MinimumTimeExcess(way, power_w, max(seconds for _, seconds in held.values()), tuple(sorted(held)))


def _is_steered(asset: Load | ChargePointAsset | OperationModeAsset, site: Site) -> bool:
    return (
        asset in operation_modes.find_controllable(site)
        if isinstance(asset, OperationModeAsset)
        else is_controllable(asset)
    )


def _find_least_w(asset: Load | ChargePointAsset | OperationModeAsset) -> float:
    """Return the least that it takes in its minimum time, in W: a car can be slowed at once."""
    if isinstance(asset, OperationModeAsset):
        return asset.modes[0].power_w - asset.modes[-1].power_w
    return find_floor_power_w(asset) if isinstance(asset, ChargePointAsset) else asset.rated_w
