from array import array
from collections.abc import Mapping

class MetricWriter:
    def __init__(self) -> None: ...
    def name(self, point: int, prefix: bytes, form: int) -> None: ...
    def missing(self, points: array[int], start: int) -> int: ...
    def write(
        self,
        points: array[int],
        kinds: array[int],
        values: array[float],
        times_ms: array[int],
        texts: Mapping[int, str],
        start: int,
        historical: bool,
        count_max: int,
        bytes_max: int,
    ) -> tuple[bytes, int]: ...
