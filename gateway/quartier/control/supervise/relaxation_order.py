"""The relaxation order: which request, limit or tier gives way first; the last never do (pure).

The page gateway/docs/precedence.md has the same order; a test compares the two.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from quartier.control import switch_state
from quartier.control.allocate import held_reasons, results
from quartier.control.inputs import CycleInputs
from quartier.control.limits import connection_tree
from quartier.control.limits.connection_tree import NODE_ROWS
from quartier.control.limits.node_loads import PlacedAsset
from quartier.control.observe.health import ControlStage
from quartier.control.orders import setpoints
from quartier.control.participants import Participant
from quartier.control.supervise import override_report
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationModeAsset


@dataclass(frozen=True, slots=True)
class RelaxationRule:
    """One rule of the relaxation order; ``gives`` says how far it gives way."""

    name: str
    gives: str


RELAXATION_ORDER = (
    RelaxationRule("saving", "the battery's self-consumption and the target at the grid, wholly"),
    RelaxationRule(
        "fair share", "equal currents of cars, to the floor of each; an urgent car goes before the rest"
    ),
    RelaxationRule("departure", "what a car wants when it leaves, wholly; the least urgent pauses first"),
    RelaxationRule("comfort", "pre-heating, brightness and the like, to the edge that the class allows"),
    RelaxationRule("ramp", "a battery's ramp, wholly, where a cap demands it"),
    RelaxationRule("tier D", "loads of tier D, to off"),
    RelaxationRule("tier C", "loads of tier C, to off"),
    RelaxationRule("tier B", "loads of tier B, to off"),
    RelaxationRule(
        "export cap",
        "where it contradicts an import cap: import comes first, an export that held stays",
    ),
    RelaxationRule("import cap", "of the connection, where it contradicts a node's: the nodes come first"),
    RelaxationRule("least times", "only to a fuse or breaker, which switches off at once; to no limit"),
    RelaxationRule("no fallback", "never: what its device would not forget is not ordered"),
    RelaxationRule("band", "never: a battery keeps its band and its reserve, lights half of their light"),
    RelaxationRule("tier A", "never: life safety, lifts, the core of IT"),
)
"""A limit that cannot be kept raises an alarm with those of the last rules that prevent it."""
RELAXATION_NAMES = tuple(rule.name for rule in RELAXATION_ORDER)
_ROUNDING_W = 1.0
NO_ORDER, DEAF, MOVED = "takes no order", "does not follow its order", "another controller writes it"


def find_unmoved_power(
    inputs: CycleInputs, participants: Sequence[Participant], inside: Sequence[PlacedAsset], k: int
) -> Iterator[str]:
    """Yield the assets that still take power in row ``k`` of a node, each with the rule that protects it."""
    for leaf in inside:
        if leaf.share.spread_power(1.0)[k] <= 0:
            continue
        why = _of_others(leaf) if leaf.index is None else _of(inputs, participants[leaf.index])
        if why:
            yield f"{leaf.asset.name} ({why})"


def find_obstacles(inputs: CycleInputs, participants: Sequence[Participant]) -> str:
    """Return the assets that still take power, each with its protecting rule; for sites without nodes."""
    kept = ((participant.name, _of(inputs, participant)) for participant in participants)
    return ", ".join(f"{name} ({why})" for name, why in kept if why)


def explain_unmet(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    setpoints_w: Sequence[float],
    direction: str,
    indices: Collection[int] | None = None,
) -> str:
    """Return why no more is done to keep a limit of ``direction``: the batteries that are held back, if any.

    ``indices`` are the participants that count; None: all.
    """
    held = [
        _describe_held_battery(inputs, participant, setpoints_w[index], direction)
        for index, participant in enumerate(participants)
        if isinstance(participant.asset, Battery) and (indices is None or index in indices)
    ]
    return "; ".join(filter(None, held)) or "every asset that may change its power has done so"


def _describe_held_battery(
    inputs: CycleInputs, participant: Participant, setpoint_w: float, direction: str
) -> str:
    """Describe a battery that its own range would allow to do more for a limit; empty if it does all."""
    asset, exports = participant.asset, direction == "export"
    assert isinstance(asset, Battery)
    own = setpoints.find_power_range(asset, inputs.state.last_good[f"{asset.name}.soc_pct"].value)
    bound_w = own.high_w if exports else own.low_w
    if (bound_w - setpoint_w if exports else setpoint_w - bound_w) <= _ROUNDING_W:
        return ""
    is_stale = exports and inputs.stage is not ControlStage.NORMAL
    why = (
        held_reasons.explain_stale_inputs(inputs)
        if is_stale
        else override_report.explain_narrow_room(inputs, asset, bound_w, participant.headroom)
    )
    words = "it waits until other assets have followed their orders" if why is None else str(why)
    return f"{asset.name} stays at {setpoint_w:.0f} of {bound_w:.0f} W ({words})"


def _of_others(leaf: PlacedAsset) -> str:
    if isinstance(leaf.asset, Load | ChargePointAsset | OperationModeAsset):
        return "tier A" if leaf.asset.tier == "A" else NO_ORDER
    return ""


def _of(inputs: CycleInputs, participant: Participant) -> str:
    if max(participant.desired_w, participant.present_w) <= 0:
        return ""
    moved = not isinstance(participant.asset, Battery) and results.is_paused_by_conflict(
        inputs, participant.asset
    )
    if moved or not participant.usable:
        return MOVED if moved else "no fallback"
    if participant.is_unresponsive:
        return DEAF
    asset, switch = participant.asset, participant.switch_state
    if isinstance(asset, OperationModeAsset):
        return "" if switch_state.is_lowering_allowed(asset, switch, inputs.now_ns) else "least times"
    if isinstance(asset, Load | ChargePointAsset) and not switch_state.is_switch_allowed(
        asset, switch, inputs.now_ns
    ):
        return "least times"
    return ""


def find_unmet_limit_alarms(
    inputs: CycleInputs,
    participants: Sequence[Participant],
    result: results.AllocationResult,
) -> Iterator[Alarm]:
    """Yield an alarm for each node limit exceeded after all moves, and for each silent node meter."""
    one = result.tree
    if one is None:
        return
    for row in result.broken:
        if row:
            number, k = divmod(row, NODE_ROWS)
            cap = connection_tree.make_row_reason(
                inputs.site, one.topology, inputs.active_limits, row, "import"
            )
            inside = one.find_inside(number)
            text = ", ".join(find_unmoved_power(inputs, participants, inside, k))
            ours = {leaf.index for leaf in inside if leaf.index is not None}
            words = f"{cap} cannot be kept: "
            words += explain_unmet(inputs, participants, result.setpoints_w, "import", ours)
            place = one.topology.name(number) + f".l{k}" * bool(k)
            yield Alarm("node.unmet", place, words + f"; in the way: {text}" * bool(text))
    for number, branch in enumerate(one.branches):
        if number and branch.basis == "silent":
            name = one.topology.name(number)
            words = f"the meter of {name} is silent: all below it counts at its worst"
            yield Alarm("node.meter_silent", name, words)
