from array import array
from collections.abc import Sequence

from quartier_native.reference.strands import Strand

def part_strands(
    points: array[int], times: array[int], values: array[float]
) -> tuple[array[int], bytes, list[Strand]]: ...
def join_strands(steps: bytes, strands: Sequence[Strand]) -> tuple[array[int], array[int], array[float]]: ...
