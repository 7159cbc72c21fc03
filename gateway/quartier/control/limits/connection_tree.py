"""The connection tree as rows: the assets below each node, its limits and its name (pure).

A node has four rows: its total, l1, l2 and l3. Row ``4 * n + k`` is row ``k`` of node ``n``; node 0 is the
connection itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from quartier.control.limits.active import SLOW_METER_MARGIN, ActiveLimits
from quartier.control.observe.observations import NOMINAL_V
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.site.asset_types import ROOT_NODE, Asset, Phase
from quartier.site.site_layout import Node, Site

NODE_ROWS = 4
NO_LIMIT_W = 1e11
"""A limit that nothing reaches, in W."""
MAIN_FUSE = "main fuse"
"""The name of the rule of the connection's own fuse, in reasons."""
_SLOW_S = 2.0
_FEEDS_BACK = make_reason("fuse.feeds_back")


@dataclass(frozen=True, slots=True)
class Topology:
    """The nodes below the connection, each after the one that feeds it.

    ``nodes[n - 1]`` is node ``n``. ``under[n]`` is the number of the node that feeds it, -1 for the
    connection.
    """

    nodes: tuple[Node, ...]
    under: tuple[int, ...]

    def number(self, name: str) -> int:
        """Return the number of a node; 0 (the connection) for an unknown name."""
        return next((n for n, node in enumerate(self.nodes, 1) if node.name == name), 0)

    def name(self, number: int) -> str:
        """Return the name of a node."""
        return self.nodes[number - 1].name if number else ROOT_NODE

    def way(self, number: int) -> tuple[int, ...]:
        """Return the nodes from this one to the connection."""
        return (number, *self.way(self.under[number])) if number else (0,)

    def find_feeding_phase(self, number: int) -> Phase | None:
        """Return the phase that this node feeds, if the node or one above it is single-phase; else None."""
        return next(
            (self.nodes[n - 1].phase for n in self.way(number) if n and self.nodes[n - 1].phase), None
        )

    def rules(self, number: int) -> tuple[str, ...]:
        """Return the rule names that reasons use for its limits; the connection has its main fuse."""
        name = self.name(number)
        return (f"fuse of {name}", f"power of {name}") if number else (MAIN_FUSE,)

    def find_node_numbers(self, assets: Sequence[Asset]) -> list[int]:
        """Return the number of the node that feeds each asset."""
        numbers = {node.name: n for n, node in enumerate(self.nodes, 1)}
        return [numbers.get(asset.node, 0) for asset in assets]


@lru_cache(maxsize=8)
def build_topology(nodes: tuple[Node, ...]) -> Topology:
    """Build the topology of a site; a node that no path leads from is placed at the connection."""
    names = {node.name for node in nodes}
    placed = {ROOT_NODE: 0}
    under = [-1]
    order: list[Node] = []
    left = list(nodes)
    while left:
        ready = [node for node in left if node.under in placed or node.under not in names]
        for node in ready or left[:1]:
            order.append(node)
            under.append(placed.get(node.under, 0))
            placed[node.name] = len(order)
            left.remove(node)
    return Topology(tuple(order), tuple(under))


@dataclass(frozen=True, slots=True)
class RowLimits:
    """The largest power of each row, in W: import and export, four numbers per node."""

    import_w: tuple[float, ...]
    export_w: tuple[float, ...]


def find_row_limits(site: Site, topology: Topology, force: ActiveLimits) -> RowLimits:
    """Return the fuses and powers of all nodes, and the limits in force at the connection.

    A meter slower than 2 s costs a margin of 10 %, as for the grid meter.
    """
    main_w = min(site.main_fuse_a * NOMINAL_V, NO_LIMIT_W)
    import_w, export_w = [force.import_w, *(main_w,) * 3], [force.export_w, *(main_w,) * 3]
    for node in topology.nodes:
        part = SLOW_METER_MARGIN if node.measured and node.period_s > _SLOW_S else 1.0
        phase_w = node.fuse_a * NOMINAL_V * part
        total_w = min(node.phases_count * phase_w, node.power_max_w * part)
        phases_w = (phase_w if node.phases_count == NODE_ROWS - 1 else NO_LIMIT_W,) * 3
        import_w += [total_w, *phases_w]
        export_w += [total_w, *phases_w]
    return RowLimits(tuple(import_w), tuple(export_w))


def make_row_reason(site: Site, topology: Topology, force: ActiveLimits, row: int, direction: str) -> Reason:
    """Name the limit of a row, as in ``board_park, fuse 63 A, L2``; ``direction`` is import or export."""
    if row == 0:
        return force.reason(direction)
    number, k = divmod(row, NODE_ROWS)
    found = _main_fuse(site, k) if number == 0 else _node(topology.nodes[number - 1], k)
    return found.then(_FEEDS_BACK) if direction == "export" else found


def _main_fuse(site: Site, k: int) -> Reason:
    return make_rule_reason("fuse.main_phase", MAIN_FUSE, fuse_a=site.main_fuse_a, phase=f"L{k}")


def _node(node: Node, k: int) -> Reason:
    if k == 0 and node.power_max_w < node.phases_count * node.fuse_a * NOMINAL_V:
        return make_rule_reason(
            "node.power", f"power of {node.name}", node=node.name, limit_w=round(node.power_max_w)
        )
    phase, name = f"L{k}" if k else "", f"fuse of {node.name}"
    if node.phases_count == 1 and node.phase:
        phase = node.phase.upper()
    if not phase:
        return make_rule_reason("fuse.node", name, node=node.name, fuse_a=node.fuse_a)
    return make_rule_reason("fuse.node_phase", name, node=node.name, fuse_a=node.fuse_a, phase=phase)
