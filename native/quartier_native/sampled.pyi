from array import array

from quartier_native.reference.storage import Planned

def plan_sampled(
    steps: array[float],
    tiers: array[float],
    samples: array[float],
    store: array[float],
    plan: array[float],
) -> Planned: ...
