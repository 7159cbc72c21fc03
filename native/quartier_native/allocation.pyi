from collections.abc import Sequence

from quartier_native.reference.allocation import Allocation, Steps

def allocate(
    base_w: float,
    want_w: Sequence[float],
    import_max_w: float,
    export_max_w: float,
    down: Steps,
    up: Steps,
) -> Allocation: ...
