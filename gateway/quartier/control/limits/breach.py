"""Detect a breach: a limit is exceeded although every order was given (spec/failsafe.md#breach).

A fuse is a hard limit like the contract (spec/failsafe.md#priority-1), so it is watched like the connection.
The 60 s mean above it takes the next step each 10 s; 10 % above it for 5 s takes all of C and D. Only assets
below that node that load that phase are taken. Only measured rows are watched: the allocation kept its limits
by the calculated values anyway. ``cycle`` watches the sum at the connection itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from quartier.control.limits import connection_tree, node_meters
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.connection_tree import NODE_ROWS, Topology
from quartier.control.observe import health
from quartier.control.observe.observations import LastGoodValues
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import ROOT_NODE
from quartier.site.records import replace
from quartier.site.site_layout import Node, Site

BREACH_MEAN_S = 60.0
NEXT_STEP_S = 10.0
FAST_BREACH_S = 5.0
BREACH_MIN_W = 200.0
BREACH_GRACE_S = 30.0  # a new, lower limit must be kept, as measured, 30 s later
_S = 1_000_000_000
_WATTS = itemgetter(1)


@dataclass(frozen=True, slots=True)
class Breach:
    """The breach of one direction; ``caps`` are the limits of the last 30 s, ``excess`` the last 60 s."""

    caps: tuple[tuple[int, float], ...] = ()
    excess: tuple[tuple[int, float], ...] = ()
    fast_since_ns: int | None = None
    stepped_ns: int | None = None
    mean_over: bool = False
    fast_over: bool = False
    next_step: bool = False


def update_breach(before: Breach, power_w: float | None, cap_w: float, now_ns: int) -> Breach:
    """Evaluate one sample of ``power_w`` in the direction of ``cap_w``; None interrupts the observation.

    ``mean_over``: the mean of 60 s is above the limit by more than max(2 %, 200 W). ``next_step``: mean_over
    holds, the power is above the limit now, and 10 s passed since the last step. ``fast_over``: above the
    limit by 10 % for 5 s; for a limit near 0, by 200 W.
    """
    if power_w is None:
        return Breach(caps=before.caps)
    caps = _caps(before.caps, cap_w, now_ns)
    allowed_w = max(watts for _, watts in caps)
    oldest_ns = now_ns - round(BREACH_MEAN_S * _S)
    # Samples are in order: those that are too old come first.
    old_count = 0
    while old_count < len(before.excess) and before.excess[old_count][0] < oldest_ns:
        old_count += 1
    excess = (*before.excess[old_count:], (now_ns, power_w - allowed_w))
    whole = excess[0][0] <= oldest_ns + 2 * _S
    mean_w = sum(map(_WATTS, excess)) / len(excess)
    mean_over = whole and mean_w > max(0.02 * allowed_w, BREACH_MIN_W)
    over = power_w - allowed_w > max(0.1 * allowed_w, BREACH_MIN_W)
    since_ns = now_ns if before.fast_since_ns is None else before.fast_since_ns
    fast_since_ns = since_ns if over else None
    rested = before.stepped_ns is None or now_ns - before.stepped_ns >= NEXT_STEP_S * _S
    next_step = mean_over and rested and power_w > allowed_w
    return replace(
        before,
        caps=caps,
        excess=excess,
        fast_since_ns=fast_since_ns,
        stepped_ns=now_ns if next_step else before.stepped_ns,
        mean_over=mean_over,
        fast_over=fast_since_ns is not None and now_ns - fast_since_ns >= FAST_BREACH_S * _S,
        next_step=next_step,
    )


def _caps(before: tuple[tuple[int, float], ...], cap_w: float, now_ns: int) -> tuple[tuple[int, float], ...]:
    """Return each limit with the last instant it was in force, without those that ended 30 s ago."""
    kept = tuple(c for c in before if c[1] != cap_w and now_ns - c[0] < BREACH_GRACE_S * _S)
    return (*kept, (now_ns, cap_w))


NEAR_SHARE = 0.5
"""A row below this share of its limit is not kept: its mean of 60 s cannot be over soon after."""


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """A row by its node's name, as numbers change with the site file; ``k``: 0 the total, else the phase."""

    node: str
    k: int
    direction: str

    def number(self, topology: Topology) -> int:
        """Return its number among the rows of the tree."""
        return NODE_ROWS * topology.number(self.node) + self.k


Overloads = Mapping[WatchedRow, Breach]


def update_overloads(
    before: Overloads, site: Site, last_good: LastGoodValues, force: ActiveLimits, now_ns: int
) -> Overloads:
    """Return every measured row that is near its limit; a missing reading interrupts the observation."""
    if not site.has_connection_tree:
        return {}
    topology = connection_tree.build_topology(site.nodes)
    caps = connection_tree.find_row_limits(site, topology, force)
    found = {}
    for name, watts in _read(site, topology, last_good, now_ns):
        number = topology.number(name)
        for k, power_w in watts:
            for direction, cap_w, sign in (("import", caps.import_w, 1.0), ("export", caps.export_w, -1.0)):
                row, most_w = WatchedRow(name, k, direction), cap_w[NODE_ROWS * number + k]
                if most_w < connection_tree.NO_LIMIT_W and sign * power_w > NEAR_SHARE * most_w:
                    found[row] = update_breach(before.get(row, Breach()), sign * power_w, most_w, now_ns)
    return found


def _read(
    site: Site, topology: Topology, last_good: LastGoodValues, now_ns: int
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield the present readings of each meter by row, without the connection's own sum."""
    metered = [(ROOT_NODE, site.grid.name, site.grid.period_s)]
    metered += [(node.name, node.name, node.period_s) for node in topology.nodes if node.measured]
    for name, owner, period_s in metered:
        reading = node_meters.read_node_meter(owner, last_good, health.find_stale_after_s(period_s), now_ns)
        if reading is not None:
            last = NODE_ROWS if reading.phased else 1
            yield name, [(k, reading.watts[k]) for k in range(1 if name == ROOT_NODE else 0, last)]


def is_overloaded(breaches: Mapping[WatchedRow, Breach], connection: Breach, node: str) -> bool:
    """Return whether a node is overloaded now, in any row; ``connection`` is the breach of the building."""
    found = [breach for row, breach in breaches.items() if row.node == node and row.direction == "import"]
    found += [connection] if node == ROOT_NODE else []
    return any(one.mean_over or one.fast_over for one in found)


def is_feeding_back(breaches: Overloads, nodes: tuple[Node, ...], node: str) -> bool:
    """Return whether a node, or one on its way to the connection, exports more than it may, in any row."""
    over = {
        row.node
        for row, one in breaches.items()
        if row.direction == "export" and (one.mean_over or one.fast_over)
    }
    if not over:
        return False
    topology = connection_tree.build_topology(nodes)
    return any(topology.name(number) in over for number in topology.way(topology.number(node)))


def find_overload_alarms(overloads: Overloads, site: Site, force: ActiveLimits) -> Iterator[Alarm]:
    """Yield an alarm for each overloaded row."""
    topology = connection_tree.build_topology(site.nodes)
    for row, breach in overloads.items():
        words = connection_tree.make_row_reason(site, topology, force, row.number(topology), row.direction)
        place = row.node + f".l{row.k}" * bool(row.k)
        if breach.fast_over:
            yield Alarm("node.exceeded", place, f"over {words} by 10 % for 5 s")
        elif breach.mean_over:
            yield Alarm("node.exceeded", place, f"60 s mean over {words}")
