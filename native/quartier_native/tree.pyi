from collections.abc import Sequence

from quartier_native.reference.tree import TreeAllocation, TreeSteps

class Tree:
    asset_count: int
    node_count: int
    def __init__(
        self, under: Sequence[int], home: Sequence[int], share: Sequence[tuple[float, float, float]]
    ) -> None: ...

def allocate_tree(
    tree: Tree,
    high_w: Sequence[float],
    low_w: Sequence[float],
    want_w: Sequence[float],
    import_max_w: Sequence[float],
    export_max_w: Sequence[float],
    down: TreeSteps,
    up: TreeSteps,
) -> TreeAllocation: ...
