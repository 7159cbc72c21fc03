from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from quartier_native.reference.allocation import Allocation, Steps

class Ladder(Sequence[tuple[int, float, bool]]):
    asset_count: int
    def __init__(self, steps: Steps) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[int, float, bool]]: ...
    @overload
    def __getitem__(self, place: int) -> tuple[int, float, bool]: ...
    @overload
    def __getitem__(self, place: slice) -> Steps: ...

def allocate(
    base_w: float,
    want_w: Sequence[float],
    import_max_w: float,
    export_max_w: float,
    down: Steps,
    up: Steps,
) -> Allocation: ...
def allocate_in_place(
    setpoint_w: array[float],
    base_w: float,
    import_max_w: float,
    export_max_w: float,
    down: Ladder,
    up: Ladder,
) -> tuple[float, int, int, bool]: ...
