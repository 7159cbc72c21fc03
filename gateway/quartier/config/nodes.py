"""The connection tree in the site file: its keys, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from quartier.config.words import Section, Watts

ROOT = "grid"
"""The root of the connection tree."""


class Node(Section):
    """A point of the connection tree; what its fuse and its power allow is kept, on each phase."""

    under: str = "grid"
    """The node that feeds it; the tree's root is called grid."""
    fuse_a: Annotated[float, Field(gt=0, le=10_000)]
    """Rated current of its fuse, per phase."""
    phases: Literal[1, 3] = 3
    """How many phases it has."""
    phase: Literal["l1", "l2", "l3"] | None = None
    """The phase of a node of one phase, as the grid meter names it; absent: it counts wholly on each."""
    power_max_w: Watts | None = None
    """Most power over all phases, in either direction, by a cable or a contract; absent: as the fuse."""
    device: str | None = None
    """The meter that measures all that the node feeds; absent: it is reckoned from what is known below it."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    unmeasured_w: Watts | None = None
    """Rated power of what nothing measures there; absent: none behind a meter, else all the building has."""


def contradictions(nodes: Mapping[str, Node]) -> Iterator[tuple[str, str, str]]:
    """Name, key and what is wrong within one node, or with it and what feeds it."""
    for name, node in nodes.items():
        if node.phase is not None and node.phases != 1:
            yield name, "phase", "stands at a node of three phases; expected phases = 1, or no phase"
        if node.part and node.device is None:
            yield name, "part", "stands without device; expected both"
        above = nodes.get(node.under)
        if above is not None and above.phases == 1 and node.phases != 1:
            yield name, "phases", f"{node.under!r} feeds it with one phase; expected phases = 1"


def guesses(nodes: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """Nodes that must count at their worst, and what would spare them that."""
    for name, node in nodes.items():
        if node.device is None and node.unmeasured_w is None:
            yield (
                name,
                "has neither device nor unmeasured_w: all that nothing measures in the building counts there",
            )
