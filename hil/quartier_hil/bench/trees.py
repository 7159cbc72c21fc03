"""A figure of the tree kernel: a large building's caps, node by node and phase by phase, against the twin."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from quartier_native import tree as kernel
from quartier_native.reference import tree as twin

NODES, ASSETS = 64, 256
BOARDS = 7
"""Nodes that hang from the connection; the others hang from them."""
FAR_W = 1e11
_SHARES = ((1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

Steps = list[tuple[int, float, bool, int]]


@dataclass(frozen=True, slots=True)
class Building:
    """A tree with what it is to decide in one cycle; see ``allocate_tree``."""

    under: Sequence[int]
    home: Sequence[int]
    share: Sequence[tuple[float, float, float]]
    rest_w: Sequence[float]
    want_w: Sequence[float]
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    down: Steps
    up: Steps


def building() -> Building:
    """Four assets a node, cars and loads, every eighth node over its caps, the connection too."""
    source = random.Random("trees")  # noqa: S311 - a plant, no secret
    under = [-1, *([0] * BOARDS), *(1 + node % BOARDS for node in range(NODES - BOARDS - 1))]
    home = [1 + asset % (NODES - 1) for asset in range(ASSETS)]
    share = [source.choice(_SHARES) for _ in range(ASSETS)]
    want_w = [source.choice([3680.0, 11_040.0, source.uniform(500, 8000)]) for _ in range(ASSETS)]
    loads_w = [0.0] * (4 * NODES)
    for asset, want in enumerate(want_w):
        node = home[asset]
        while node >= 0:
            for row, part in enumerate((1.0, *share[asset])):
                loads_w[4 * node + row] += want * part
            node = under[node]
    import_w = [
        0.8 * load_w if row // 4 % 8 == 0 else 2 * load_w + 1000 for row, load_w in enumerate(loads_w)
    ]
    slow: Steps = [(asset, 1380.0, True, home[asset]) for asset in range(ASSETS)]
    off: Steps = [(asset, 0.0, False, -1) for asset in source.sample(range(ASSETS), ASSETS)]
    up: Steps = [(asset, 11_040.0, True, -1) for asset in range(ASSETS)]
    slow.sort(key=lambda step: step[3])
    rest_w = [0.0] * (4 * NODES)
    return Building(under, home, share, rest_w, want_w, import_w, [FAR_W] * (4 * NODES), [*slow, *off], up)


def call(module: ModuleType, one: Building) -> Callable[[], twin.TreeAllocation]:
    """One cycle by the kernel or its twin, the tree made anew as control does."""

    def decide() -> twin.TreeAllocation:
        tree = module.Tree(one.under, one.home, one.share)
        found: twin.TreeAllocation = module.allocate_tree(
            tree, one.rest_w, one.rest_w, one.want_w, one.import_max_w, one.export_max_w, one.down, one.up
        )
        return found

    return decide


def calls() -> tuple[Callable[[], object], Callable[[], object]]:
    """The kernel's and the twin's cycle.  ValueError where they do not decide the same."""
    one = building()
    ours, theirs = call(kernel, one), call(twin, one)
    if ours() != theirs():
        raise ValueError("the tree kernel and its twin do not decide the same")
    return ours, theirs
