"""Respond to a breach that the sums do not explain (pure).

It takes the next step, or all of tiers C and D at once.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from quartier.control.allocate.tree import ConnectionTree
from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree
from quartier.control.limits.breach import Breach
from quartier.control.participants import Participant
from quartier.control.reason import Reason, make_reason
from quartier.control.records import AllocationStep
from quartier.site.asset_types import OperationModeAsset, Pv

BREACH_EXCESS_MARGIN = 1.1
"""PV is curtailed by this factor times the excess over the limit."""
_OVER, _MEAN_OVER, _KEPT_OVER = (
    make_reason("cap.over"),
    make_reason("cap.mean_over"),
    make_reason("cap.kept_over"),
)
_FURTHER, _STOPPED = make_reason("generation.further"), make_reason("generation.stopped")


@dataclass(frozen=True, slots=True)
class _BreachScope:
    """A breach, its limit, and the participants that can help: all of them, or those below a node."""

    breach: Breach
    cap: Reason
    inside: Collection[int]
    is_node: bool = True


def apply_breach_steps(
    inputs: CycleInputs,
    participants: list[Participant],
    desired_w: list[float],
    downs: list[AllocationStep],
    acted: dict[int, Reason],
    tree: ConnectionTree,
) -> None:
    """Take the next step for each breach although the sums look right; a fast breach takes all of C and D."""
    for trouble in _troubles(inputs, participants, tree, "import"):
        _import(trouble, desired_w, downs, acted)
    for trouble in _troubles(inputs, participants, tree, "export"):
        _export(trouble, participants, desired_w, acted)


def _troubles(
    inputs: CycleInputs, participants: list[Participant], tree: ConnectionTree, direction: str
) -> Iterator[_BreachScope]:
    """Find the breaches, nodes first: what they shed may be all that the connection needs."""
    for row, breach in inputs.state.overloads.items():
        if row.direction == direction and (breach.fast_over or breach.next_step):
            cap = connection_tree.make_row_reason(
                inputs.site, tree.topology, inputs.active_limits, row.number(tree.topology), direction
            )
            yield _BreachScope(breach, cap, _below(tree, tree.topology.number(row.node), row.k))
    state = inputs.state
    breach = state.import_breach if direction == "import" else state.export_breach
    if breach.fast_over or breach.next_step:
        yield _BreachScope(
            breach, inputs.active_limits.reason(direction), range(len(participants)), is_node=False
        )


def _below(tree: ConnectionTree, number: int, k: int) -> frozenset[int]:
    """Return the participants that count in row ``k`` of a node."""
    return frozenset(
        leaf.index
        for leaf in tree.find_inside(number)
        if leaf.index is not None and leaf.share.spread_power(1.0)[k] > 0
    )


def _import(
    trouble: _BreachScope, desired_w: list[float], downs: list[AllocationStep], acted: dict[int, Reason]
) -> None:
    for candidate in downs:
        if candidate.index not in trouble.inside:
            continue
        if candidate.target_w >= desired_w[candidate.index] or candidate.target_w < 0:
            continue
        if trouble.breach.fast_over and candidate.tier in {"C", "D"}:
            cause = _OVER
        elif not trouble.breach.fast_over:
            cause = _MEAN_OVER
        else:
            continue
        desired_w[candidate.index] = candidate.target_w
        acted[candidate.index] = trouble.cap.then(cause).then(candidate.reason)
        if not trouble.breach.fast_over:
            break


def _export(
    trouble: _BreachScope, participants: list[Participant], desired_w: list[float], acted: dict[int, Reason]
) -> None:
    """Do the same for export: stop discharging first, then generation; a fast breach stops both."""
    giving = [index for index in trouble.inside if desired_w[index] < 0 and _stops(participants[index])]
    giving.sort(key=lambda index: (isinstance(participants[index].asset, Pv), index))
    excess_w = trouble.breach.excess[-1][1]
    for index in giving if trouble.breach.fast_over else giving[:1]:
        target_w = _target_w(trouble, participants[index], excess_w)
        if target_w <= desired_w[index]:
            continue  # it was already ordered enough, and is on its way
        desired_w[index] = target_w
        done = _FURTHER if target_w < 0 else _STOPPED
        acted[index] = trouble.cap.then(_KEPT_OVER).then(done)


def _target_w(trouble: _BreachScope, participant: Participant, excess_w: float) -> float:
    """Return the target in W of a generating asset: PV that obeys is reduced by the excess, others stop.

    The power of PV and the excess are of the same instant, so that a slow device is not reduced further each
    cycle.
    """
    is_limited = isinstance(participant.asset, Pv) and participant.asset.curtail == "limit"
    if trouble.is_node or not is_limited or participant.is_unresponsive or not participant.is_measured:
        return 0.0
    return min(0.0, participant.present_w + BREACH_EXCESS_MARGIN * excess_w)


def _stops(participant: Participant) -> bool:
    """Return whether the asset can be stopped now.

    An asset inside its minimum time, or one that only stops by itself, cannot be stopped.
    """
    return participant.usable and (
        bool(participant.ups) or not isinstance(participant.asset, OperationModeAsset)
    )
