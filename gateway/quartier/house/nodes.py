"""The points of the connection tree below the building's own: each with a fuse, some with a meter."""

from dataclasses import dataclass
from math import inf
from typing import Literal

Phase = Literal["l1", "l2", "l3"]
PHASES: tuple[Phase, ...] = ("l1", "l2", "l3")
ROOT = "grid"
"""The name of the connection itself in the tree, whatever its meter is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A sub-board or a socket; ``fuse_a`` holds on each phase, ``power_max_w`` for their sum, both ways.

    ``phase`` is that of a node of one phase (None: unknown).  ``measured``: a meter there says ``power_w``,
    ``power_l1_w`` … or ``current_l1_a`` … of all it feeds, every ``period_s``.  ``unmeasured_w`` is the rated
    power of what nothing measures there; None: nothing behind a meter, else all that the building has.
    """

    name: str
    under: str = ROOT
    fuse_a: float
    phases_count: Literal[1, 3] = 3
    phase: Phase | None = None
    power_max_w: float = inf
    measured: bool = False
    period_s: float = 1.0
    unmeasured_w: float | None = None
