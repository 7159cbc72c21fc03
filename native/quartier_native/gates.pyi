from array import array
from collections.abc import Mapping, Sequence

from quartier_native.reference.gates import Passed

class Route:
    gate_max: int
    group_count: int
    def __init__(
        self, gates: Sequence[int], points: Sequence[int], kinds: bytes, groups: Sequence[int]
    ) -> None: ...
    def __len__(self) -> int: ...

class Gates:
    def __len__(self) -> int: ...
    def add(self, width: float, share: float, period_ns: int) -> int: ...
    def sift(
        self, route: Route, values: array[float], qualities: bytes, taken_ns: int, texts: Mapping[int, str]
    ) -> Passed | None: ...
