from array import array

from quartier_native.reference.interior import Solved

def solve_interior(
    starts: array[int],
    rows: array[int],
    numbers: array[float],
    right: array[float],
    bounds: array[float],
    found: array[float],
    prices: array[float],
) -> Solved: ...
