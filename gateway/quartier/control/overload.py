"""Whether a node carries more than its fuse or power although all was commanded: a breach of each row (pure).

A fuse is a hard limit like the contract (spec/failsafe.md#priority-1), so it is watched like the connection:
the 60 s mean over it takes the next step each 10 s, a tenth over it for 5 s all of C and D, but only of what
hangs below that node and loads that phase.  Only what a meter says is watched: what is reckoned is what the
allocation kept its caps by.  The sum at the connection itself is watched by ``cycle``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier.control import failsafe, meters, nodes
from quartier.control.breach import Breach, watched
from quartier.control.limits import Force
from quartier.control.nodes import ROWS, Stem
from quartier.control.sight import Memories
from quartier.house.alarm import Alarm
from quartier.house.assets import House
from quartier.house.nodes import ROOT

NEAR = 0.5
"""Below this part of its cap a row is not remembered: no mean of 60 s is over soon after."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a node by name, as numbers change with the site file; ``k``: 0 the total, else the phase."""

    node: str
    k: int
    direction: str

    def number(self, stem: Stem) -> int:
        """Its number among the rows of the tree."""
        return ROWS * stem.number(self.node) + self.k


Overloads = Mapping[Row, Breach]


def rows(before: Overloads, house: House, memories: Memories, force: Force, now_ns: int) -> Overloads:
    """Every measured row that is near its cap, after this look; a meter not heard breaks the observation."""
    if not house.is_branched:
        return {}
    stem = nodes.grown(house.nodes)
    caps = nodes.caps(house, stem, force)
    found = {}
    for name, watts in _read(house, stem, memories, now_ns):
        number = stem.number(name)
        for k, power_w in watts:
            for direction, cap_w, sign in (("import", caps.import_w, 1.0), ("export", caps.export_w, -1.0)):
                row, most_w = Row(name, k, direction), cap_w[ROWS * number + k]
                if most_w < nodes.FAR_W and sign * power_w > NEAR * most_w:
                    found[row] = watched(before.get(row, Breach()), sign * power_w, most_w, now_ns)
    return found


def _read(
    house: House, stem: Stem, memories: Memories, now_ns: int
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """What each meter says of its rows now; the connection's own sum is not among them."""
    metered = [(ROOT, house.grid.name, house.grid.period_s)]
    metered += [(node.name, node.name, node.period_s) for node in stem.nodes if node.measured]
    for name, owner, period_s in metered:
        reading = meters.read(owner, memories, failsafe.stale_after_s(period_s), now_ns)
        if reading is not None:
            last = ROWS if reading.phased else 1
            yield name, [(k, reading.watts[k]) for k in range(1 if name == ROOT else 0, last)]


def is_over(breaches: Mapping[Row, Breach], connection: Breach, node: str) -> bool:
    """Whether a node carries too much now, in any row; ``connection`` is the building's own."""
    found = [breach for row, breach in breaches.items() if row.node == node and row.direction == "import"]
    found += [connection] if node == ROOT else []
    return any(one.mean_over or one.fast_over for one in found)


def alarms(overloads: Overloads, house: House, force: Force) -> Iterator[Alarm]:
    """One for each row that carries too much."""
    stem = nodes.grown(house.nodes)
    for row, breach in overloads.items():
        words = nodes.reason(house, stem, force, row.number(stem), row.direction)
        place = row.node + f".l{row.k}" * bool(row.k)
        if breach.fast_over:
            yield Alarm("node.exceeded", place, f"over {words} by 10 % for 5 s")
        elif breach.mean_over:
            yield Alarm("node.exceeded", place, f"60 s mean over {words}")
