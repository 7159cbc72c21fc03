from array import array

from quartier_native.reference.levels import Levelled

def plan_levels(
    steps: array[float], amounts_wh: array[float], units: array[int], need: array[float], plan: array[int]
) -> Levelled: ...
def tell_flows(steps: array[float], moved_wh: array[float], flows: array[float]) -> None: ...
