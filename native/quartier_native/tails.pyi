from array import array
from collections.abc import Sequence

from quartier_native.reference.tails import Part

def gather(
    parts: Sequence[Part],
) -> tuple[bytes, array[int], array[float], array[int], array[float]]: ...
